#!/usr/bin/env bash
# When the source has gone, get waits and goes on when it, or another one, is back.
. "${0%/*}/lib.sh" "$@" || exit
make_credentials
start_server
mkdir src down
# Long enough that nobody is through before the source has gone: see `partial`.
head -c 300000000 /dev/urandom >src/file

serve() { # NAME PASSWORD
    background "$1" env PEERSYNC_PASSWORD="$2" "$PEER" "$PORT" --user "$1" \
        --state "$WORK/state-$1" share src/file
    await 60 "sharing" has "$1.err" "serving until"
}
vanish() { # NAME
    kill -KILL "${PID_OF[$1]}"
    wait "${PID_OF[$1]}" 2>/dev/null || true
}
partial() { [[ -n $(find down -name '.peersync-*.state' -size +1000c) ]]; }

# get_file OPTION...: begins, and loses its source.
begin() {
    background carol env PEERSYNC_PASSWORD=password789 "$PEER" "$PORT" --user carol \
        --state "$WORK/state-carol" --download-dir down get file "$@"
    await 30 "the download begun" partial
}

# Alice goes; bob has the same file and comes.
serve alice password123
begin
vanish alice
await 30 "waiting" has carol.err "alice is gone; waiting for a source of file"
[[ ! -e down/file ]] || fail "a part has the final name"
serve bob password456
await 60 "going on" has carol.err "going on from bob"
await_exit "${PID_OF[carol]}" 60
((EXIT_CODE == 0)) || fail "ended with $EXIT_CODE"
cmp src/file down/file
(($(grep -c "is gone; waiting" carol.err) == 1)) || fail "said more than once"
rm down/file

# --no-wait ends; what is here is kept, and the next one goes on from there.
begin --no-wait
vanish bob
await_exit "${PID_OF[carol]}" 60
((EXIT_CODE == 7 || EXIT_CODE == 8)) || fail "--no-wait ended with $EXIT_CODE"
want carol.err "get file goes on from there"
serve bob password456
begin
await_exit "${PID_OF[carol]}" 60
((EXIT_CODE == 0)) || fail "ended with $EXIT_CODE"
want carol.err "going on with file at "
cmp src/file down/file
rm down/file

# An interrupt saves and leaves; a second get ends it.
begin
kill -INT "${PID_OF[carol]}"
await_exit "${PID_OF[carol]}" 20
((EXIT_CODE == 18)) || fail "the interrupt ended with $EXIT_CODE"
want carol.err "stopping; what was fetched is kept"
want carol.err "get file goes on from there"
[[ ! -e down/file ]] || fail "a part has the final name"
run_peer carol password789 --download-dir down get file || fail "the rest ended with $?"
want last.err "going on with file at "
cmp src/file down/file
[[ -z $(find down -name '.peersync-*') ]] || fail "left behind: $(ls -A down)"
