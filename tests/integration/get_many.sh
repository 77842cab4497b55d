#!/usr/bin/env bash
# Many files in one command: into one folder, with one summary, and each failure with its cause.
. "${0%/*}/lib.sh" "$@" || exit
FILES=3000
make_credentials
start_server
mkdir src down
for ((i = 0; i < FILES; i++)); do
    echo "file $i" >"src/f$i"
done
names=()
for ((i = 0; i < FILES; i++)); do
    names+=("f$i")
done
background alice env PEERSYNC_PASSWORD=password123 "$PEER" "$PORT" --user alice \
    --state "$WORK/state-alice" share src/f*
await 30 "sharing" has alice.err "serving until"

run_peer bob password456 get -o down "${names[@]}" || fail "get ended with $?"
diff -r src down || fail "the files differ"
want last.err "fetched 3,000 files ("
want_not last.err "fetched down"
[[ ! -s last.out ]] || fail "get prints data"

# Again: all are here.
run_peer bob password456 --json --download-dir down get "${names[@]}" || fail "again: $?"
want last.err "; 3,000 were here already"
(($(grep -c '"already":true' last.out) == FILES)) || fail "not an object a file"

# The rest is fetched when some fail; the code is that of the first one.
mkdir some
code=0
run_peer bob password456 get -o some f1 nothing f2 -- f3 || code=$?
((code == 6)) || fail "ended with $code"
want last.err "nobody publishes nothing"
want last.err "fetched 3 files ("
want last.err "; 1 failed"
cmp src/f3 some/f3

# Several files go into a folder.
code=0
run_peer bob password456 get -o nowhere f1 f2 || code=$?
((code == 2)) || fail "ended with $code"
want last.err "-o needs a directory"
