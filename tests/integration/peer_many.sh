#!/usr/bin/env bash
# Thousands of files in one command: published, listed, announced again, taken back.
. "${0%/*}/lib.sh" "$@" || exit
FILES=3000
make_credentials
start_server
mkdir src
for ((i = 0; i < FILES; i++)); do
    echo "file $((i / 2))" >"src/f$i" # Each content has two names.
done
paths=(src/f*)
names=("${paths[@]#src/}")

# lists COUNT STATE: what bob sees of alice.
lists() {
    PEERSYNC_PASSWORD=password456 "$PEER" "$PORT" --user bob --state "$WORK/state-bob" lpf \
        >list.out 2>list.err
    (($(grep -c "$(printf '\talice\t%s\t' "$2")" list.out || true) == $1))
}

# One summary, no line for each; all are listed.
run_peer alice password123 pub "${paths[@]}" || fail "pub ended with $?"
want last.err "published 3,000 files ("
want_not last.err "published f"
[[ ! -s last.out ]] || fail "pub prints data"
lists $FILES away || fail "not all are listed"

# The next session announces them again, whoever runs it; each content is found under both names.
background alice env PEERSYNC_PASSWORD=password123 "$PEER" "$PORT" --user alice \
    --state "$WORK/state-alice"
await 20 "announced" lists $FILES active
tell alice status
await 20 "status" has alice.out "$(printf 'published\t%s' $FILES)"
run_peer bob password456 get f2998 -o one
run_peer bob password456 get f2999 -o other
cmp one src/f2998
cmp other src/f2999

# From a script, a long line at a time: the same are published and taken back.
printf '%s\n' "${names[@]}" | xargs -n 1000 echo unp >lines
printf '%s\n' "${paths[@]}" | xargs -n 1000 echo pub >>lines
while read -r line; do
    tell alice "$line"
done <lines
tell alice "unp f0 f1"
await 30 "published by lines" has alice.err "unpublished f1"
(($(grep -c "^unpublished 1,000 files$" alice.err) == 3)) || fail "unp's summaries"
(($(grep -c "^published 1,000 files (" alice.err) == 3)) || fail "pub's summaries"
tell alice xit
await_exit "${PID_OF[alice]}" 20
((EXIT_CODE == 0)) || fail "the prompt ended with $EXIT_CODE"
lists $((FILES - 2)) away || fail "two too many are listed"

# --json keeps an object a file; share a line a file.
run_peer alice password123 --json pub "${paths[@]}"
(($(grep -c '^{"name":"f[0-9]*","path":"' last.out) == FILES)) || fail "not an object a file"
PEERSYNC_PASSWORD=password123 background share "$PEER" "$PORT" --user alice \
    --state "$WORK/state-alice" share "${paths[@]}"
await 30 "shared" has share.err "serving until Ctrl-C"
(($(grep -c "^peersync $PORT get f[0-9]*$" share.out) == FILES)) || fail "not a line a file"
want share.err "published 3,000 files ("
kill -INT "${PID_OF[share]}"
await_exit "${PID_OF[share]}" 20
((EXIT_CODE == 0)) || fail "share ended with $EXIT_CODE"

# Failures are told of twenty times, then counted; the rest is done.
code=0
run_peer alice password123 unp "${names[@]}" x{1..30} || code=$?
((code == 6)) || fail "unp of unknown names ended with $code"
(($(grep -c "you do not publish x" last.err) == 20)) || fail "not twenty failures"
want last.err "10 more are not taken back"
want last.err "unpublished 3,000 files; 30 failed"
lists 0 away || fail "something is listed still"
want list.err "No published files"
code=0
run_peer alice password123 pub x{1..22} src/f1 || code=$?
((code != 0)) || fail "missing files were published"
(($(grep -c "^peersync: x[0-9]* is not published: " last.err) == 20)) || fail "not twenty failures"
want last.err "2 more are not published"
want last.err "published 1 file (7 B); 22 failed"

# On a terminal one line says how far it is.
printf 'expect publishing 3,000 of 3,000  100 %%\nexpect published 3,000 files\nexit 0\n' >script
PEERSYNC_PASSWORD=password123 "$PTY_RUN" script "$PEER" "$PORT" --user alice \
    --state "$WORK/state-alice" pub "${paths[@]}" >pty.out || fail "the terminal's story"

# A server that takes only a thousand: status says how many it knows.
stop_server
start_server --max-publications 1000
background alice env PEERSYNC_PASSWORD=password123 "$PEER" "$PORT" --user alice \
    --state "$WORK/state-alice"
await 20 "refused" has alice.err "1,980 more are not listed"
(($(grep -c "f[0-9]*, published before, is not listed: your quota" alice.err) == 20)) || fail "not twenty lines"
tell alice status
await 20 "the count" has alice.out "1,000 of 3,000 published names are acknowledged by the server"
tell alice xit
await_exit "${PID_OF[alice]}" 20
stop_server
