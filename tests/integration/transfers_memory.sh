#!/usr/bin/env bash
# A peer with ten uploads and ten downloads at once stays under 64 MiB resident. Each file has
# TRANSFER_MIB / 8 (128).
. "${0%/*}/lib.sh" "$@" || exit
size=$((${TRANSFER_MIB:-1024} << 17))
users=(bob password456)
for i in {0..9}; do
    users+=("user$i" "password$i")
done
make_credentials "${users[@]}"
start_server
mkdir src down
for i in {0..9}; do
    head -c "$size" /dev/urandom >"src/theirs$i"
    head -c "$size" /dev/urandom >"src/his$i"
done
background bob env PEERSYNC_PASSWORD=password456 "$PEER" "$PORT" --user bob --state state-bob \
    --download-dir down --json
tell bob "pub src/his0 src/his1 src/his2 src/his3 src/his4 src/his5 src/his6 src/his7 src/his8 src/his9"
for i in {0..9}; do
    background "user$i" env PEERSYNC_PASSWORD="password$i" "$PEER" "$PORT" --user "user$i" \
        --state "state-$i" --download-dir down
    tell "user$i" "pub src/theirs$i"
done
for i in {0..9}; do
    await 60 "publishing" has "user$i.err" "published theirs$i"
done
# The last answer to `status` has the text.
counts() {
    tell bob status
    grep '"uploads":' bob.out | tail -n 1 >counts
    has counts "$1"
}
await 60 "published" counts '"acknowledged":10,'

for i in {0..9}; do
    tell "user$i" "get his$i"
done
tell bob "get theirs0 theirs1 theirs2 theirs3 theirs4 theirs5 theirs6 theirs7 theirs8 theirs9"
await 60 "ten and ten" counts '"uploads":10,"downloads":10,'
all_here() { [[ $(find down -name 'his?' -o -name 'theirs?' | wc -l) == 20 ]]; }
await 120 "fetched" all_here
for file in src/*; do
    cmp "$file" "down/${file#src/}"
done
most=$(sed -n 's/^VmHWM:[^0-9]*\([0-9]*\) kB$/\1/p' "/proc/${PID_OF[bob]}/status")
echo "resident at most: $most KiB"
((most > 0 && most < 65536)) || fail "$most KiB were resident"
stop_server
