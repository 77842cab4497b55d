#!/usr/bin/env bash
# Files of random length and content: another implementation makes the same roots and piece layers.
# Skipped where python3-libtorrent is missing.
SUPPORT=$(cd "${0%/*}/../support" && pwd)
. "${0%/*}/lib.sh" "$@" || exit
"$SUPPORT/libtorrent_root.py" </dev/null 2>/dev/null || exit 77
mkdir files
for number in {1..24}; do
    # Of all sizes: 2^0 to 2^26.
    size=$((((RANDOM << 15 | RANDOM) % (1 << (number + 2))) + 1))
    head -c "$size" /dev/urandom >"files/f$number"
done
for size in 16384 16385 1048576 1048577 8388608 8388609 33554431; do
    head -c "$size" /dev/urandom >"files/f$size"
done
"$HELPERS/file_root" files/* >ours.out
"$SUPPORT/libtorrent_root.py" files/* | cut -d ' ' -f 1-3 >theirs.out
diff ours.out theirs.out >differ.out || fail "the hashes differ"
(($(wc -l <ours.out) == 31)) || fail "$(wc -l <ours.out) files were hashed"
