#!/usr/bin/env bash
# What goes wrong under a transfer: the file at its source, the folder it should go to, a source
# that stops or lies. Each ends with a message, its exit code and no false file; what was verified is
# kept. Each file has TRANSFER_MIB / 4 (256).
. "${0%/*}/lib.sh" "$@" || exit
size=$((${TRANSFER_MIB:-1024} << 18))
make_credentials alice password123 bob password456 carol password789 dave password000 \
    mallory password666
start_server
mkdir src down down-dave
# Different contents: an uploader serves a content from any file of its that has it.
troubles=(deleted truncated grown replaced touched)
for trouble in "${troubles[@]}" awaited exchanged stopped; do
    head -c "$size" /dev/urandom >"src/$trouble"
done
head -c 5000000 /dev/urandom >honest

patience=--no-wait
# held WHOM NAME USER PASSWORD: begins a download and stops its WHOM (a background's name), with
# some pieces recorded and the most of the file still to come.
held() {
    local whom=$1 name=$2 user=$3 down=down
    [[ $user == bob ]] || down=down-$user
    for ((try = 0; try < 60; try++)); do
        background "get-$name" env PEERSYNC_PASSWORD="$4" "$PEER" "$PORT" --user "$user" \
            --state "state-$user" --download-dir "$down" get ${patience:+"$patience"} "$name"
        until (($(recorded "$down") > 0)) || gone "${PID_OF[get-$name]}"; do :; done
        kill -STOP "${PID_OF[$whom]}" 2>/dev/null || true
        (($(recorded "$down") > (size >> 21) || $(recorded "$down") == 0)) || return 0
        kill -CONT "${PID_OF[$whom]}" 2>/dev/null || true
        kill -KILL "${PID_OF[get-$name]}" 2>/dev/null || true
        wait "${PID_OF[get-$name]}" 2>/dev/null || true
        hang_up "get-$name"
        rm -f "$down/$name" "$down"/.peersync-*
    done
    fail "$name was always fetched before it could be stopped"
}
# Pieces that the state in a folder has recorded: 40 bytes each, after a header.
recorded() {
    local state bytes=0
    for state in "$1"/.peersync-*.state; do
        [[ ! -e $state ]] || bytes=$(stat -c %s "$state" 2>/dev/null || echo 0)
    done
    echo $((bytes < 100 ? 0 : (bytes - 58) / 40))
}
# failed NAME CODE TEXT: the download of it has ended so, without a file, and can go on later.
failed() {
    await_exit "${PID_OF[get-$1]}" 60
    ((EXIT_CODE == $2)) || fail "$1: ended with $EXIT_CODE, not $2"
    want "get-$1.err" "$1 was not fetched: "
    want "get-$1.err" "$3"
    [[ -z $(find down down-dave -name "$1") ]] || fail "$1: a file"
    hang_up "get-$1"
}

background alice env PEERSYNC_PASSWORD=password123 "$PEER" "$PORT" --user alice --state state-alice
tell alice "pub src/deleted src/truncated src/grown src/touched src/replaced src/awaited src/exchanged"
background carol env PEERSYNC_PASSWORD=password789 "$PEER" "$PORT" --user carol \
    --state state-carol share src/stopped
for trouble in "${troubles[@]}" awaited exchanged; do
    await 120 "published" has alice.err "published $trouble"
done
await 120 "sharing" has carol.err "serving until"

# A source that stops: told after half a minute without progress, while the rest goes on here.
held carol stopped dave password000

# The file at its source.
trouble() {
    local path=src/$1
    case $1 in
    deleted) rm "$path" ;;
    truncated) truncate -s $((size / 2)) "$path" ;;
    grown) echo more >>"$path" ;;
    touched) touch "$path" ;;
    replaced)
        head -c "$size" /dev/urandom >src/other
        touch -r "$path" src/other
        mv src/other "$path"
        ;;
    esac
}
for trouble in "${troubles[@]}"; do
    held "get-$trouble" "$trouble" bob password456
    trouble "$trouble"
    kill -CONT "${PID_OF[get-$trouble]}"
    failed "$trouble" 8 "the file changed at its source"
    want "get-$trouble.err" "goes on from there"
    [[ $trouble == touched ]] || rm down/.peersync-*
done
# One that was only touched is soon the same content again, and the download goes on.
tell alice "pub src/touched"
again() { run_peer bob password456 --download-dir down get touched; }
await 60 "the touched file" again
cmp src/touched down/touched
want last.err "going on with touched at"
# Who waits need not ask for that, and learns when it is another content.
patience=
held get-awaited awaited bob password456
touch src/awaited
kill -CONT "${PID_OF[get-awaited]}"
await_exit "${PID_OF[get-awaited]}" 120
((EXIT_CODE == 0)) || fail "awaited: ended with $EXIT_CODE"
cmp src/awaited down/awaited
hang_up get-awaited
held get-exchanged exchanged bob password456
head -c "$size" /dev/urandom >src/exchanged
kill -CONT "${PID_OF[get-exchanged]}"
failed exchanged 8 "" # The source says so, or the server, whichever is asked first.
[[ -z $(find down -name ".peersync-*") ]] || fail "the replaced content is kept"
want get-exchanged.err "is of no use any more"
patience=--no-wait

# A folder that takes nothing.
mkdir locked
chmod 555 locked
if [[ -w locked ]]; then
    export WORK
    in_locked=(unshare --mount bash -c 'mount -t tmpfs -o ro none "$WORK/locked" && exec "$@"' -)
    "${in_locked[@]}" true 2>/dev/null || in_locked=()
else
    in_locked=(env)
fi
if ((${#in_locked[@]} > 0)); then
    run_locked() {
        PEERSYNC_PASSWORD=password456 "${in_locked[@]}" "$PEER" "$PORT" --user bob \
            --state state-bob --download-dir locked get touched
    }
    want_code 9 run_locked
    want last.err "touched was not fetched: "
    [[ -z $(ls -A locked) ]] || fail "something in a locked folder"
fi

# A source that lies is told from one that does not: what came before the lie is kept.
background liar env PEERSYNC_PASSWORD=password666 "$HELPERS/liar" "$PORT" mallory honest honest 3
await 30 "lying" has liar.out serving
get_honest() {
    PEERSYNC_PASSWORD=password456 "$PEER" "$PORT" --user bob --state state-bob \
        --download-dir down "$@" get --no-wait honest
}
want_code 8 get_honest
want last.err "honest was not fetched: the received bytes are not the file's"
want last.err "goes on from there"
[[ ! -e down/honest ]] || fail "a false file"
tell alice "pub honest"
await 30 "published" has alice.err "published honest"
want_code 0 get_honest --json
cmp honest down/honest
fetched=$(sed -n 's/.*"fetched":\([0-9]*\).*/\1/p' last.out)
((fetched < 5000000)) || fail "$fetched bytes, though 3 MiB were here"

# Plain streams are for who serves them.
want_code 8 env PEERSYNC_PASSWORD=password456 "$PEER" "$PORT" --user bob --state state-bob \
    --download-dir down --plain-transfers get --no-wait touched -o down/plain
want last.err "the other peer takes sealed transfers only"
[[ ! -e down/plain ]] || fail "a file over a plain stream"

failed stopped 8 "the transfer made no progress"
want get-stopped.err "goes on from there"
stop_server
