#!/usr/bin/env bash
# The scenarios that are shipped: each runs to its end, and twice to the same end, whatever the
# batch. ctest starts it as `scenarios.sh DIRECTORY [EMULATOR...] PROGRAM`.
set -euo pipefail
export LC_ALL=C
SIM=("${@:2}")
WORK=$(mktemp -d "${TMPDIR:-/tmp}/peersync-scenarios.XXXXXX")
trap 'rm -rf "$WORK"' EXIT

# play FILE BATCH: its summary, without what the batch shows in, is in $WORK/BATCH.
play() {
    "${SIM[@]}" --scenario "$1" --batch "$2" >"$WORK/out" 2>"$WORK/err" || {
        cat "$WORK/out" "$WORK/err" >&2
        echo "repeat with: ${SIM[*]} --scenario '$1' --batch $2" >&2
        exit 1
    }
    grep -vE 'batch|  checked ' "$WORK/out" >"$WORK/$2"
}

count=0
for file in "$1"/*.scenario; do
    play "$file" 64
    play "$file" 5
    diff "$WORK/64" "$WORK/5" || {
        echo "$file: another trace with another batch" >&2
        exit 1
    }
    events=$(grep -c '^at ' "$file")
    grep -q "^  scenario     $events of $events events happened\$" "$WORK/64" || {
        echo "$file: not all of its $events events happened" >&2
        exit 1
    }
    grep -qE '^  healings     [1-9]' "$WORK/64" || {
        echo "$file: nothing was healed" >&2
        exit 1
    }
    printf '%s: %s\n' "$(basename "$file")" "$(grep -E '^  hash ' "$WORK/64")"
    count=$((count + 1))
done
((count >= 3)) || {
    echo "only $count scenarios in $1" >&2
    exit 1
}
