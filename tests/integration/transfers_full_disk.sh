#!/usr/bin/env bash
# A disk without room: said with what is missing, nothing is left behind. Needs to mount a small
# one, in a namespace of its own.
. "${0%/*}/lib.sh" "$@" || exit
mkdir src full
# shellcheck disable=SC2016  # expands inside
on_small_disk=(unshare --mount bash -c 'mount -t tmpfs -o size=1m none "$WORK/full" && "$@" || exit
    [[ -z $(ls -A "$WORK/full") ]] || echo "something is left behind" >&2' -)
export WORK
"${on_small_disk[@]}" true 2>/dev/null || exit 77
make_credentials
start_server
head -c 3000000 /dev/urandom >src/large
background alice env PEERSYNC_PASSWORD=password123 "$PEER" "$PORT" --user alice share src/large
await 60 "sharing" has alice.err "serving until"
code=0
PEERSYNC_PASSWORD=password456 "${on_small_disk[@]}" bash -c '"$@" || echo "ended with $?"' - \
    "$PEER" "$PORT" --user bob --download-dir full get large >last.out 2>last.err || code=$?
((code == 0)) || fail "the namespace ended with $code"
want last.out "ended with"
want last.err "the disk is full"
want last.err "1951424 more bytes needed"
want_not last.err "left behind"
stop_server
