#!/usr/bin/env bash
# A peer with ten uploads and ten downloads at once stays under 64 MiB resident. Each file has
# TRANSFER_MIB / 16 (64).
. "${0%/*}/lib.sh" "$@" || exit
size=$((${TRANSFER_MIB:-1024} << 16))
users=(bob password456)
for i in {0..9}; do
    users+=("user$i" "password$i")
done
make_credentials "${users[@]}"
start_server
# What is bob's, he gives; what is theirs, he takes.
mkdir src his theirs
for i in {0..9}; do
    head -c "$size" /dev/urandom >"src/theirs$i"
    head -c "$size" /dev/urandom >"src/his$i"
done
background bob env PEERSYNC_PASSWORD=password456 "$PEER" "$PORT" --user bob --state state-bob \
    --download-dir theirs --json
tell bob "pub src/his0 src/his1 src/his2 src/his3 src/his4 src/his5 src/his6 src/his7 src/his8 src/his9"
for i in {0..9}; do
    background "user$i" env PEERSYNC_PASSWORD="password$i" "$PEER" "$PORT" --user "user$i" \
        --state "state-$i" --download-dir his
    tell "user$i" "pub src/theirs$i"
    await 60 "publishing" has "user$i.err" "published theirs$i"
done
# The last answer to `status` has the text.
counts() {
    tell bob status
    grep '"uploads":' bob.out | tail -n 1 >counts
    has counts "$1"
}
await 60 "published" counts '"acknowledged":10,'

# The state of each download lies beside it while it is under way.
under_way() { find "$1" -name '.peersync-*.state' | wc -l; }
both() { (($(under_way theirs) == 10 && $(under_way his) == 10)); }
for i in {0..9}; do
    tell "user$i" "get his$i"
done
tell bob "get theirs0 theirs1 theirs2 theirs3 theirs4 theirs5 theirs6 theirs7 theirs8 theirs9"
await 60 "ten and ten" both
all_here() { (($(find his theirs -name '[ht]*?' -type f ! -name '.*' | wc -l) == 20)); }
await 120 "fetched" all_here
for i in {0..9}; do
    cmp "src/theirs$i" "theirs/theirs$i"
    cmp "src/his$i" "his/his$i"
done
most=$(sed -n 's/^VmHWM:[^0-9]*\([0-9]*\) kB$/\1/p' "/proc/${PID_OF[bob]}/status")
echo "resident at most: $most KiB"
((most > 0 && most < 65536)) || fail "$most KiB were resident"
stop_server
