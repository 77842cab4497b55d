#!/usr/bin/env bash
# The scenarios that are shipped: each runs to its end, and twice to the same end, whatever the
# batch; and the manual names what the program prints. ctest starts it as
# `scenarios.sh FOLDER-OF-THE-PROGRAM [EMULATOR...] PROGRAM`.
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
for file in "$1"/scenarios/*.scenario; do
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

# The manual knows every key of the summary (all faults' words are among them), and its example is a
# scenario.
manual=$(sed 's/\\-/-/g' "$1/peersync-sim.1.in")
"${SIM[@]}" --json --peers 2 --seconds 5 --seeds 1 >"$WORK/json" 2>"$WORK/err"
keys=$(grep -oE '"[a-z_-]+":' "$WORK/json" | tr -d '":' | sort -u)
for key in $keys; do
    grep -qwE -- "$key" <<<"$manual" || {
        echo "the manual does not name $key" >&2
        exit 1
    }
done
(($(wc -w <<<"$keys") > 60)) || {
    echo "the summary has lost keys: $keys" >&2
    exit 1
}
sed -n '/^\.EX/,/^\.EE/p' <<<"$manual" | sed -n '/^swarm/,/^\.EE/{/^\./d;p;}' >"$WORK/manual.scenario"
grep -q '^at ' "$WORK/manual.scenario" || {
    echo "the manual has no example" >&2
    exit 1
}
play "$WORK/manual.scenario" 64
