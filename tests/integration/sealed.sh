#!/usr/bin/env bash
# Whoever reads the path between peers and server learns no name, no password, no file and no word
# that is looked for.
. "${0%/*}/lib.sh" "$@" || exit
make_credentials alicia-the-first quite-a-password-1 bertrand quite-a-password-2
start_server
background tap "$HELPERS/udp_tap" "$PORT" capture
await 20 "relaying" test -s tap.out
PORT=$(cat tap.out)
echo content >a-telling-file-name.txt
echo content >another-plain-name.txt

background alice env PEERSYNC_PASSWORD=quite-a-password-1 "$PEER" "$PORT" \
    --user alicia-the-first --state state-alice
tell alice "pub a-telling-file-name.txt another-plain-name.txt"
tell alice status
await 30 "published" has alice.out "$(printf 'published\t2')"
run_peer bertrand quite-a-password-2 lap
want last.out alicia-the-first
run_peer bertrand quite-a-password-2 lpf
want last.out a-telling-file-name.txt
run_peer bertrand quite-a-password-2 sch LAIN-NAM
want last.out another-plain-name.txt
run_peer bertrand quite-a-password-2 get a-telling-file-name.txt -o fetched
cmp fetched a-telling-file-name.txt
tell alice "unp a-telling-file-name.txt"
tell alice xit
await_exit "${PID_OF[alice]}" 20
run_peer bertrand wrong-password-of-his lap && fail "a wrong password was taken"

# All of that went through the tap: handshakes, and thousands of bytes of which none speaks.
(($(wc -c <capture) > 5000)) || fail "only $(wc -c <capture) bytes were captured"
for secret in alicia-the-first bertrand quite-a-password wrong-password a-telling-file-name \
    another-plain-name LAIN-NAM lain-nam .txt; do
    grep -qaF -- "$secret" capture && fail "the capture says: $secret"
done
# The net itself can catch something: what is sent in clear is in the capture.
printf 'alicia-the-first' >"/dev/udp/127.0.0.1/$PORT"
await 20 "captured" grep -qaF alicia-the-first capture
stop_server
