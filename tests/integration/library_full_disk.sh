#!/usr/bin/env bash
# A full disk under a peer's state: it is told once, publishing and serving go on, and what could
# not be saved is saved with the next change. Needs to mount a small one, in a namespace of its own.
. "${0%/*}/lib.sh" "$@" || exit
mkdir small src
export WORK
cat >on_small_disk <<'END'
#!/usr/bin/env bash
exec unshare --mount bash -c 'mount -t tmpfs -o size=512k none "$WORK/small" && exec "$@"' - "$@"
END
chmod +x on_small_disk
./on_small_disk true 2>/dev/null || exit 77
make_credentials
start_server
for number in {1..9}; do
    echo "content of $number" >"src/f$number"
done

# One that stays on the disk, whatever becomes of the peers there.
./on_small_disk sleep 1000 &
holder=$!
PIDS+=("$holder")
small=/proc/$holder/root$WORK/small
mounted() { [[ $(stat -f -c %T "$small") == tmpfs && $(stat -f -c %b "$small") == 128 ]]; }
await 10 "a small disk" mounted
alice() {
    background alice nsenter --mount --root --target "$holder" --wd="$WORK" env \
        PEERSYNC_PASSWORD=password123 "$PEER" "$PORT" --user alice --state "$WORK/small/state"
}

alice
tell alice "pub src/f1"
await 20 "published" has alice.err "published f1"
head -c 1000000 /dev/zero >"$small/filler" 2>/dev/null && fail "the disk is not full"
# What room the log has still is used up.
for number in {2..8}; do
    tell alice "pub src/f$number"
    await 20 "published" has alice.err "published f$number ("
done
await 20 "the full disk told" has alice.err "cannot save what is published"
want alice.err "library.db: database or disk is full"
(($(grep -c "cannot save what is published" alice.err) == 1)) || fail "told more than once"
run_peer bob password456 get f8 -o got
cmp src/f8 got

rm "$small/filler"
tell alice "pub src/f9"
await 20 "published" has alice.err "published f9"
kill -KILL "${PID_OF[alice]}"
wait "${PID_OF[alice]}" 2>/dev/null || true
hang_up alice

alice
tell alice status
await 20 "all there again" has alice.out "$(printf 'published\t9')"

# One that begins on a full disk has what it published, and saves when there is room.
hang_up alice
await_exit "${PID_OF[alice]}" 20
head -c 1000000 /dev/zero >"$small/filler" 2>/dev/null && fail "the disk is not full"
alice
await 20 "the full disk told" has alice.err "cannot save what is published"
tell alice "unp f1"
tell alice status
await 20 "all but one there" has alice.out "$(printf 'published\t8')"
run_peer bob password456 get f9 -o also
cmp src/f9 also
rm "$small/filler"
tell alice "unp f2"
await 20 "saved again" has alice.err "what is published is saved"
kill -KILL "${PID_OF[alice]}"
wait "${PID_OF[alice]}" 2>/dev/null || true
hang_up alice
alice
tell alice status
await 20 "what was left" has alice.out "$(printf 'published\t7')"
