#!/usr/bin/env bash
# A user's second device: refused while the first answers; it takes over when the first does not,
# which is told so when it comes back, and gets its place again when the other leaves.
. "${0%/*}/lib.sh" "$@" || exit
make_credentials
start_server
background first env PEERSYNC_PASSWORD=password123 "$PEER" "$PORT" --user alice --state state-first
echo content >file
tell first "pub file"
await 10 "published" has first.err "published file"

second() {
    PEERSYNC_PASSWORD=password123 "$PEER" "$PORT" --user alice --state state-second "$@" \
        >second.out 2>second.err
}
code=0
second lap || code=$?
((code == 5)) || fail "ended with $code"
want second.err "active on another device"

kill -STOP "${PID_OF[first]}"
background other env PEERSYNC_PASSWORD=password123 "$PEER" "$PORT" --user alice --state state-second
await 10 "taken over" has server.err 'reason="taken over"'
kill -CONT "${PID_OF[first]}"
await 10 "the loss told" has first.err "active on another device now"
hang_up other
await_exit "${PID_OF[other]}" 10
await 10 "the return told" has first.err "answers again"
listed() { run_peer bob password456 lpf && has last.out $'file\t8\talice\tactive'; }
await 10 "listed as before" listed
hang_up first
