#!/usr/bin/env bash
# ci/campaign: parts are its own scripts, here short ones that end well or not.
REAL_CI=$(cd "${0%/*}/../../ci" && pwd)
. "${0%/*}/lib.sh" "$@" || exit

mkdir ci
cp "$REAL_CI/campaign" "$REAL_CI/lib.sh" ci/
# part NAME CODE TEXT: one that says TEXT, with its arguments, and ends with CODE.
part() {
    printf '#!/bin/sh\necho "%s $*"\nexit %d\n' "$3" "$2" >"ci/$1"
    chmod +x "ci/$1"
}
for name in gates analyse coverage fuzz-coverage faults everywhere crowd swarm exhaustive fuzz; do
    part "$name" 0 "well, $name"
done

want_code 0 ci/campaign
for name in gates analyse coverage fuzz-coverage faults everywhere crowd swarm exhaustive fuzz; do
    want last.out "well, $name"
done

# Searches have shares of the hours, or minutes.
want_code 0 ci/campaign 1 exhaustive afl
want last.out "well, exhaustive 450"
want last.out "well, fuzz --afl 450"
want_not last.out "well, gates"
want_code 0 ci/campaign 16m exhaustive fuzz
want last.out "well, exhaustive 120"
want last.out "well, fuzz 360"
# So little time is a seed at least.
want_code 0 ci/campaign 1m swarm
want_not last.out "well, swarm 0 "

# One that fails stops no other, and fails the whole.
part analyse 3 "error: found,"
want_code 1 ci/campaign 1m gates analyse coverage
grep -q '^gates  *ok .*well, gates' last.out || fail "gates is not in the table"
grep -q '^analyse  *FAILED .*error: found,' last.out || fail "analyse is not in the table"
grep -q '^coverage  *ok .*well, coverage' last.out || fail "coverage is not in the table"
[[ -s build/campaign/analyse.log ]] || fail "what it printed is not kept"

# What there is not is said before hours have passed.
want_code 1 ci/campaign gates nonsense
want last.err "no such part: nonsense"
want_not last.out "well, gates"
want_code 1 ci/campaign 0 gates
