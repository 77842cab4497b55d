#!/usr/bin/env bash
# Hashes one file with all cores, as publishing does, and the same file with libtorrent (v2-only,
# 1 MiB pieces), turn by turn; the best of each is taken. The file is in memory (tmpfs), so that no
# disk is measured, and both must come to the same root.
# Usage: tests/bench/hash_publish.sh BIN_DIR [MIB [ROUNDS]]
set -euo pipefail
bin=$1 mib=${2:-2048} rounds=${3:-5}
here=$(cd "${BASH_SOURCE[0]%/*}" && pwd)
scratch=$(mktemp -d -p /dev/shm)
trap 'rm -rf "$scratch"' EXIT
head -c "${mib}M" /dev/urandom >"$scratch/file"
for ((i = 0; i < rounds; i++)); do
    "$bin/bench_library" --hash="$scratch/file"
    # shellcheck disable=SC2016  # not for this shell
    bash -c 'TIMEFORMAT="cpu_s %U %S"; time "$@"' - "$here/../support/libtorrent_root.py" \
        "$scratch/file" 2>&1
done >"$scratch/log"
awk -v mib="$mib" '
    $1 == "hash" {
        split($2, rate, "="); split($4, cpu, "="); split($5, root, "=")
        roots[root[2]]
        if (rate[2] + 0 > ours) { ours = rate[2] + 0; ours_cpu = cpu[2] }
    }
    $1 ~ /^[0-9]+$/ { roots[$2]; rate_theirs = mib * 1.048576 / $4 }
    $1 == "cpu_s" && rate_theirs > theirs { theirs = rate_theirs; theirs_cpu = $2 + $3 }
    END {
        gb = mib * 1.048576 / 1000
        printf "hash_publish mib=%d ours_MB_per_s=%.0f libtorrent_MB_per_s=%.0f ratio=%.2f", \
            mib, ours, theirs, ours / theirs
        printf " ours_cpu_s_per_GB=%.2f libtorrent_cpu_s_per_GB=%.2f\n", ours_cpu / gb, theirs_cpu / gb
        for (each in roots) n++
        if (n != 1) { print "the roots differ" > "/dev/stderr"; exit 1 }
    }' "$scratch/log"
