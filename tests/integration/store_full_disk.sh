#!/usr/bin/env bash
# A full disk under the server: publishing waits, all else goes on, and what waited goes through
# when there is room. Needs to mount a small one, in a namespace of its own.
. "${0%/*}/lib.sh" "$@" || exit
mkdir small src
export WORK REAL=$DAEMON
cat >on_small_disk <<'END'
#!/usr/bin/env bash
exec unshare --mount bash -c 'mount -t tmpfs -o size=64k none "$WORK/small" && exec "$@"' - "$@"
END
cat >daemon <<'END'
#!/usr/bin/env bash
exec "$WORK/on_small_disk" "$REAL" "$@"
END
chmod +x on_small_disk daemon
./on_small_disk true 2>/dev/null || exit 77
make_credentials
DAEMON=$WORK/daemon
start_server --state small --credentials credentials.txt
small=/proc/$SERVER_PID/root$WORK/small
[[ -e $small/publications.log ]] || exit 77

background alice env PEERSYNC_PASSWORD=password123 "$PEER" "$PORT" --user alice \
    --state state-alice
echo first >src/first
tell alice "pub src/first"
await 10 "published" has alice.err "published first"

# The log's last block has room still: long names use it up.
head -c 100000 /dev/zero >"$small/filler" 2>/dev/null && fail "the disk is not full"
long=()
for number in {1..40}; do
    long+=("$(printf '%0150d' "$number")")
    echo "$number" >"src/${long[-1]}"
done
tell alice "pub ${long[*]/#/src/}"
await 10 "the full disk told" has server.err "No space left on device"
want server.err "make room on the disk"
[[ $(grep -c "the store cannot be written" server.err) == 1 ]] || fail "told more than once"

# Longer than a peer may be silent: it is active, and lists are answered.
until=$((SECONDS + 5))
while ((SECONDS < until)); do
    run_peer bob password456 lap
    want last.out alice
done
want_not server.err "reason=silence"
want_not alice.err "does not answer"
want_not alice.err "published 40 files"
[[ $(grep -c "the store cannot be written" server.err) == 1 ]] || fail "told more than once"

want alice.err "cannot take changes now"
rm "$small/filler"
await 10 "written again" has server.err "the store is written again"
await 10 "published" has alice.err "published 40 files"
run_peer bob password456 pub src/first # A new one goes through too.
kill_server
hang_up alice

# All of it was on that disk; the server's end has taken the mount with it.
