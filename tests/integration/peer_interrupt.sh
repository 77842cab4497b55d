#!/usr/bin/env bash
# A download that is interrupted ends with its exit code and leaves nothing behind.
. "${0%/*}/lib.sh" "$@" || exit
make_credentials
start_server
head -c 3000000 /dev/urandom >file
background alice env PEERSYNC_PASSWORD=password123 "$PEER" "$PORT" --user alice share file
await 20 "sharing" has alice.err "serving until"
# A stopped uploader: the system accepts for it, and nothing comes.
kill -STOP "${PID_OF[alice]}"
mkdir down
background bob env PEERSYNC_PASSWORD=password456 "$PEER" "$PORT" --user bob --download-dir down \
    get file
partial() { [[ -n $(find down -name '.peersync-*') ]]; }
await 3 "the download begun" partial
kill -INT "${PID_OF[bob]}"
await_exit "${PID_OF[bob]}" 10
((EXIT_CODE == 18)) || fail "ended with $EXIT_CODE"
[[ -z $(ls -A down) ]] || fail "left behind: $(ls -A down)"
grep -q 'session closed user=bob .*reason=logout' server.err || fail "no logout"
