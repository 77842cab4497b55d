#!/usr/bin/env bash
# A download that is killed, interrupted, or loses its source or the server goes on from what it
# has: the right file in the end, and at most 16 MiB fetched again. The file has TRANSFER_MIB (1024).
. "${0%/*}/lib.sh" "$@" || exit
mib=${TRANSFER_MIB:-1024}
slack=$((16 << 20))
size=$((mib << 20))
RANDOM=20
make_credentials
start_server
mkdir src down
head -c "$size" /dev/urandom >src/large

share_large() {
    background alice env PEERSYNC_PASSWORD=password123 "$PEER" "$PORT" --user alice \
        --state state-alice --json
    tell alice "pub src/large"
    await 120 "sharing" has alice.err "published large"
}
# What the uploader has sent so far, by its own account.
sent() {
    local answers
    answers=$(grep -c '"uploaded_bytes":' alice.out || true)
    tell alice status
    await 20 "an answer" more_answers "$answers"
    sed -n 's/.*"uploaded_bytes":\([0-9]*\).*/\1/p' alice.out | tail -n 1
}
more_answers() { (($(grep -c '"uploaded_bytes":' alice.out) > $1)); }
# Pieces that the download's state has recorded: 40 bytes each after the header.
recorded() {
    local state bytes=0
    for state in down/.peersync-*.state; do
        [[ ! -e $state ]] || bytes=$(stat -c %s "$state" 2>/dev/null || echo 0)
    done
    echo $((bytes > 63 ? (bytes - 63) / 40 : 0))
}
here() { (($(recorded) >= $1)) || gone "${PID_OF[bob]}"; }
# begin PIECES [OPTION...]: a download in the background until that much is recorded. @return 1 when
# it was done before.
begin() {
    local at=$1
    shift
    rm -f down/large
    [[ -z $(ls -A down) ]] || fail "left behind: $(ls -A down)"
    background bob env PEERSYNC_PASSWORD=password456 "$PEER" "$PORT" --user bob \
        --state state-bob --download-dir down --json get large "$@"
    await 120 "$at pieces" here "$at"
    [[ ! -e down/large ]]
}
# begin_long: the same, until it was not.
begin_long() {
    until begin "$@"; do
        await_exit "${PID_OF[bob]}" 20
        hang_up bob
    done
}
# fetched FILE: what a `get` says that came over the network.
fetched() { sed -n 's/.*"fetched":\([0-9]*\).*/\1/p' "$1"; }
right() {
    cmp src/large down/large || fail "$1: another file"
    [[ $(ls -A down) == large ]] || fail "$1: something is left: $(ls -A down)"
}
bounded() { (($2 <= size + slack)) || fail "$1: $2 bytes for $size"; }

share_large
blows=0
for ((try = 0; blows < 20; try++)); do
    ((try < 60)) || fail "only $blows downloads could be killed under way"
    before=$(sent)
    begin $((RANDOM * mib * 9 / 10 / 32768)) || {
        await_exit "${PID_OF[bob]}" 20
        hang_up bob
        continue
    }
    kill -KILL "${PID_OF[bob]}"
    wait "${PID_OF[bob]}" 2>/dev/null || true
    hang_up bob
    had=$(recorded)
    [[ ! -e down/large ]] || continue
    blows=$((blows + 1))
    run_peer bob password456 --download-dir down --json get large || fail "after blow $blows: $?"
    right "blow $blows at $had pieces"
    bounded "blow $blows at $had pieces, sent" $(($(sent) - before))
    bounded "blow $blows at $had pieces" $((had * 1048576 + $(fetched last.out)))
done

# Ctrl-C saves and says so.
begin_long $((mib / 8))
before=$(recorded)
kill -INT "${PID_OF[bob]}"
await_exit "${PID_OF[bob]}" 20
hang_up bob
((EXIT_CODE == 18)) || fail "Ctrl-C: ended with $EXIT_CODE"
[[ ! -e down/large ]] || fail "Ctrl-C: a file"
want bob.err "goes on from there"
run_peer bob password456 --download-dir down --json get large || fail "after Ctrl-C: $?"
right "Ctrl-C"
want last.err "going on with large at"
(($(fetched last.out) <= size - (before << 20))) || fail "Ctrl-C: fetched again"

# The source dies: the download waits, says so, and goes on when it is back.
begin_long $((mib / 8))
kill -KILL "${PID_OF[alice]}"
hang_up alice
await 60 "waiting" has bob.err "waiting for a"
share_large
await_exit "${PID_OF[bob]}" 120
hang_up bob
((EXIT_CODE == 0)) || fail "the source came back: ended with $EXIT_CODE"
right "the source came back"
bounded "the source came back" "$(fetched bob.out)"
want bob.err "going on from"

# --no-wait ends instead, and keeps what it has.
begin_long $((mib / 8)) --no-wait
kill -KILL "${PID_OF[alice]}"
hang_up alice
await_exit "${PID_OF[bob]}" 60
hang_up bob
((EXIT_CODE == 8)) || fail "--no-wait: ended with $EXIT_CODE"
[[ ! -e down/large ]] || fail "--no-wait: a file"
want bob.err "goes on from there"
had=$(recorded)
share_large
run_peer bob password456 --download-dir down --json get large || fail "after --no-wait: $?"
right "--no-wait"
bounded "--no-wait" $((had * 1048576 + $(fetched last.out)))

# The server's death does not touch a transfer.
begin_long $((mib / 8))
kill_server
restart_server
await_exit "${PID_OF[bob]}" 120
hang_up bob
((EXIT_CODE == 0)) || fail "the server's death: ended with $EXIT_CODE"
right "the server's death"
bounded "the server's death" "$(fetched bob.out)"
stop_server
