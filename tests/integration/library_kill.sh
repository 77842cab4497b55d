#!/usr/bin/env bash
# What a peer was told to be published is published in its next life, whatever ended this one; a
# database that cannot be read is kept aside, told of, and begun anew.
. "${0%/*}/lib.sh" "$@" || exit
make_credentials
start_server
mkdir src
for number in {1..20}; do
    echo "content of $number" >"src/f$number"
done
head -c 5000000 /dev/urandom >src/large

alice() {
    background alice env PEERSYNC_PASSWORD=password123 "$PEER" "$PORT" --user alice \
        --state state-alice
}
kill_alice() {
    kill -KILL "${PID_OF[alice]}"
    wait "${PID_OF[alice]}" 2>/dev/null || true
    hang_up alice
}

alice
tell alice "pub src/large src/f1"
await 20 "published" has alice.err "published large ("
await 20 "published" has alice.err "published f1 ("
for number in {2..20}; do
    tell alice "pub src/f$number"
    await 20 "published" has alice.err "published f$number ("
done
kill_alice
[[ $(stat -c %a state-alice/library.db) == 600 ]] || fail "others may read the library"
[[ $(stat -c %a state-alice/library.db-wal) == 600 ]] || fail "others may read the library's log"

alice
tell alice status
await 20 "all published again" has alice.out "$(printf 'published\t21')"
listed() { run_peer bob password456 lpf && (($(grep -c "alice.active" last.out) == 21)); }
await 20 "all listed" listed
run_peer bob password456 get large -o large
cmp src/large large
hang_up alice # A good end: all is in the one file.
await_exit "${PID_OF[alice]}" 20

head -c 9000 /dev/urandom >state-alice/library.db
alice
await 20 "the damage told" has alice.err "library.db.broken-1"
want alice.err "publish your files again"
[[ $(stat -c %s state-alice/library.db.broken-1) == 9000 ]] || fail "it was not kept"
tell alice "pub src/large"
await 20 "published" has alice.err "published large ("
kill_alice
alice
tell alice status
await 20 "published in the next life" has alice.out "$(printf 'published\t1')"
