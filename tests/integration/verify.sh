#!/usr/bin/env bash
# verify tells whether a local file is a published one, or has a given root.
. "${0%/*}/lib.sh" "$@" || exit

# With --root, no server is needed, and nobody logs in. (16 KiB of zeros: the root is SHA-256's.)
head -c 16384 /dev/zero >zeros
root=$(sha256sum <zeros | cut -d ' ' -f 1)
want_code 0 "$PEER" 1 verify zeros --root "${root:0:12}"
[[ $(<last.out) == "$(printf '16384\t%s' "$root")" ]] || fail "prints $(<last.out)"
want last.err "right: "
want_code 21 "$PEER" 1 verify zeros --root 0123
want last.err "wrong: "
want_code 0 "$PEER" --json verify zeros --root "$root"
want last.out "\"path\":\"zeros\",\"length\":16384,\"root\":\"$root\",\"verdict\":\"equal\""
want_code 9 "$PEER" verify missing --root 0123
want last.err "missing cannot be verified: "
want_code 2 "$PEER" verify zeros --root nothex
want_code 0 "$PEER" 1 help verify # Nor for help.
want last.out "usage: verify FILE"
[[ ! -e $HOME/.local ]] || fail "a state was made"

# Else the server is asked who publishes it.
make_credentials
start_server
mkdir src other
head -c 3000000 /dev/urandom >src/file
echo different >other/file
background alice env PEERSYNC_PASSWORD=password123 "$PEER" "$PORT" --user alice share src/file
await 20 "sharing" has alice.err "serving until"
run_peer bob password456 verify src/file || fail "ended with $?"
want last.err "src/file is the file of alice"
grep -q "$(printf '^3000000\t[0-9a-f]\{64\}$')" last.out || fail "prints $(<last.out)"
code=0
run_peer bob password456 verify other/file || code=$?
((code == 21)) || fail "ended with $code"
want last.err "other/file (10 B) differs from what is published as file:"
want last.err "2.9 MiB, of alice"
code=0
run_peer bob password456 verify src/file unheard-of || code=$?
((code == 6)) || fail "ended with $code"
cp src/file renamed
run_peer bob password456 --json verify renamed file || fail "ended with $?"
want last.out '"verdict":"equal","owners":"alice"'
