#!/usr/bin/env bash
# `get -o -` gives a file's bytes to standard output, in their order, and nothing else.
. "${0%/*}/lib.sh" "$@" || exit
make_credentials
start_server
mkdir src here
for size in 0 1 16384 5000001 40000000; do
    head -c "$size" /dev/urandom >"src/f$size"
done
background alice env PEERSYNC_PASSWORD=password123 "$PEER" "$PORT" --user alice share src/*
await 30 "sharing" has alice.err "serving until"
for file in src/*; do
    run_peer bob password456 --download-dir here get -o - "${file#src/}" || fail "ended with $?"
    cmp "$file" last.out
    want last.err "fetched ${file#src/} ("
done
[[ -z $(ls -A here) ]] || fail "left behind: $(ls -A here)"

# Through a pipe that is slow to read.
export PEERSYNC_PASSWORD=password456
get=("$PEER" "$PORT" --user bob --state "$WORK/state-bob" --download-dir here get -o -)
"${get[@]}" f40000000 2>pipe.err | dd bs=4096 iflag=fullblock 2>/dev/null | cmp - src/f40000000 ||
    fail "the bytes differ"

# A reader who has had enough is no error.
code=0
{ "${get[@]}" f40000000 2>closed.err || code=$?; echo "$code" >code; } | head -c 1000 >/dev/null
(($(<code) == 0)) || fail "a closed pipe ended with $(<code)"
[[ -z $(ls -A here) ]] || fail "left behind: $(ls -A here)"

# A full disk behind it is one.
code=0
"${get[@]}" f5000001 >/dev/full 2>last.err || code=$?
((code == 9)) || fail "a full disk ended with $code"

# What it cannot be together with.
want_code 2 "${get[@]}" f0 f1
want last.err "-o - gives the bytes of one file"
want_code 2 "$PEER" "$PORT" --json --user bob --state "$WORK/state-bob" get f0 -o -
want last.err "leave out --json"
echo 'get f0 -o -' >line
"$PEER" "$PORT" --user bob --state "$WORK/state-bob" <line >last.out 2>last.err && fail "no failure"
want last.err "-o - is for the command line"
