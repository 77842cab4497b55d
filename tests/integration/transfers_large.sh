#!/usr/bin/env bash
# A large file between two peers while both go on answering at their prompts.
. "${0%/*}/lib.sh" "$@" || exit
make_credentials
start_server
mkdir src down
head -c 268435456 /dev/urandom >src/large
echo small >src/small
background alice env PEERSYNC_PASSWORD=password123 "$PEER" "$PORT" --user alice
tell alice "pub src/large src/small"
await 60 "publishing" has alice.err "published large"
await 60 "publishing" has alice.err "published small"
background bob env PEERSYNC_PASSWORD=password456 "$PEER" "$PORT" --user bob --download-dir down
bob_is_there() { run_peer carol password789 lap && has last.out bob; }
await 20 "seeing bob" bob_is_there
tell bob "get large"
tell bob "get small"
tell bob "lap"
tell alice "lap"
await 20 "an answer to bob" has bob.out alice
await 20 "an answer to alice" has alice.out bob
await 90 "the large file" test -e down/large
await 20 "the small file" test -e down/small
cmp src/large down/large
cmp src/small down/small
for peer in alice bob; do
    tell "$peer" xit
    await_exit "${PID_OF[$peer]}" 20
    ((EXIT_CODE == 0)) || fail "$peer ended with $EXIT_CODE"
done
[[ $(find down -mindepth 1 | wc -l) == 2 ]] || fail "something is left behind"

# A second fetch finds the file there; a different file of the name stays as it is.
background alice env PEERSYNC_PASSWORD=password123 "$PEER" "$PORT" --user alice share src/large
await 60 "sharing" has alice.err "serving until"
run_peer bob password456 --download-dir down get large || fail "the second fetch"
echo mine >down/large
run_peer bob password456 --download-dir down get large && fail "it overwrote a file"
[[ $(cat down/large) == mine ]] || fail "the file was touched"

# From a peer that has died comes an error and no file.
rm down/large
kill -KILL "${PID_OF[alice]}"
run_peer bob password456 --download-dir down get --no-wait large && fail "nobody could serve it"
[[ ! -e down/large ]] || fail "a file without content"
stop_server
