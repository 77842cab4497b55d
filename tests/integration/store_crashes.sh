#!/usr/bin/env bash
# The server dies again and again while one publishes: whatever a peer was told is published stays.
. "${0%/*}/lib.sh" "$@" || exit
make_credentials
mkdir state
start_server --state state --credentials credentials.txt
for name in alice bob; do
    echo "of $name" >"file-$name"
    password=password123
    [[ $name == alice ]] || password=password456
    background "$name" env PEERSYNC_PASSWORD="$password" "$PEER" "$PORT" --user "$name" \
        --state "state-$name"
    tell "$name" "pub file-$name"
    await 10 "published" has "$name.err" "published file-$name"
done

# Carol publishes one after another; done.txt names those of which she was told.
: >done.txt
for number in {1..400}; do
    echo "$number" >"c$number"
done
(
    for input in "${INPUT_OF[@]}"; do
        exec {input}>&-
    done
    number=1
    while ((number <= 400)) && [[ ! -e enough ]]; do
        if PEERSYNC_PASSWORD=password789 "$PEER" "$PORT" --user carol --state state-carol \
            pub "c$number" >carol.out 2>carol.err; then
            echo "c$number" >>done.txt
        fi
        number=$((number + 1))
    done
) &
LOOP=$!
PIDS+=("$LOOP")

told() { (($(wc -l <done.txt) >= $1)); }
for _ in 1 2 3; do
    await 30 "published more" told $(($(wc -l <done.txt) + 10))
    kill_server
    restart_server --state state --credentials credentials.txt
done
await 30 "published more" told $(($(wc -l <done.txt) + 10))
touch enough
await_exit "$LOOP" 30

check() {
    run_peer alice2 pw lpf
    local name
    while read -r name; do
        grep -q "^$name"$'\t' last.out || fail "$1: $name is not listed"
    done <done.txt
    want last.out $'file-alice\t9\talice\t'
    want last.out $'file-bob\t7\tbob\t'
}
echo pw | "$DAEMON" user add alice2 --credentials credentials.txt 2>/dev/null
kill -HUP "$SERVER_PID"
await 10 "reading again" has server.err "the credentials were read again"
check "before"
kill_server
restart_server --state state --credentials credentials.txt
check "after"

# The peers that stayed are back by themselves.
back() { run_peer alice2 pw lap && has last.out alice && has last.out bob; }
await 20 "back" back
for name in alice bob; do
    hang_up "$name"
    await_exit "${PID_OF[$name]}" 10
done
stop_server
