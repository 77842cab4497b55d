#!/usr/bin/env bash
# The server's key: first contact, a known one, a changed one, and one that was named.
. "${0%/*}/lib.sh" "$@" || exit
umask 022 # The story writes known servers, which nobody else may.
make_credentials
KNOWN=$HOME/.local/state/peersync/alice/known_servers
NOTICE="is new here: its key, SHA256:"
OTHER=SHA256:AgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgI

lap() {
    PEERSYNC_PASSWORD=password123 "$PEER" "$@" --user alice lap
}
fingerprint_of() {
    "$DAEMON" key show --state "$1" 2>/dev/null | grep -o 'SHA256:[A-Za-z0-9+/]*'
}

start_server --state one --credentials credentials.txt
FIRST=$(fingerprint_of one)

# First contact on this machine: a notice that shows the key, and in.
printf 'alice\npassword123\nlap\nxit\n' | "$PEER" "$PORT" >last.out 2>last.err ||
    fail "ended with $?"
want last.err "the server at 127.0.0.1:$PORT is new here: its key, $FIRST, is trusted from now on"
want last.err "No active peers"
want "$KNOWN" "127.0.0.1:$PORT "
want "$KNOWN" " $FIRST"
[[ $(stat -c %a "$KNOWN") == 600 ]] || fail "others may read $KNOWN"

# The second one is silent, in whatever way the address is written. A ticket was kept.
want_code 0 lap "$PORT"
want_not last.err "$NOTICE"
want_code 0 lap --server "127.0.0.1:0$PORT"
want_not last.err "$NOTICE"
(($(find "$HOME/.local/state/peersync/alice/tickets" -type f -perm 600 | wc -l) == 1)) ||
    fail "no ticket was kept"

# A wrong password at first contact leaves the key that was accepted, and nothing else.
PEERSYNC_PASSWORD=wrong want_code 4 "$PEER" "$PORT" --user carol --state refused lap
want last.err "$NOTICE"
[[ $(ls -A refused) == known_servers ]] || fail "a refused login leaves more than the key"
PEERSYNC_PASSWORD=password789 want_code 0 "$PEER" "$PORT" --user carol --state refused lap
want_not last.err "$NOTICE"

# The key is judged once a run.
printf 'bob\nwrong\nbob\npassword456\nxit\n' | "$PEER" "$PORT" >last.out 2>last.err ||
    fail "ended with $?"
(($(grep -cF "$NOTICE" last.err) == 1)) || fail "the notice stands there more than once"
want "$HOME/.local/state/peersync/bob/known_servers" " $FIRST"

# A key that was named, in either form; another one is refused and nothing is remembered.
want_code 0 lap "$PORT" --state named --server-key "$FIRST"
want_not last.err "$NOTICE"
want named/known_servers " $FIRST"
want_code 0 lap "$PORT" --state bare --server-key "${FIRST#SHA256:}"
want_code 20 lap "$PORT" --state wrong --server-key "$OTHER"
want last.err "has the key $FIRST, not the one of --server-key"
want last.err "\`peersyncd key show\` (with the server's --state, if it has one)"
[[ ! -e wrong ]] || fail "a refused server leaves a directory"
want_code 20 lap "$PORT" --server-key "$OTHER"
want "$KNOWN" " $FIRST"
want_code 2 lap "$PORT" --server-key nonsense
want_code 2 lap "$PORT" --server-key "$FIRST" --accept-new-key

# Another server at the same address: refused, whatever is accepted, and what to check is said.
cp "$KNOWN" known_before
stop_server
restart_server --state two --credentials credentials.txt --log-level debug
SECOND=$(fingerprint_of two)
[[ $FIRST != "$SECOND" ]] || fail "two servers have one key"
printf '# a comment\n%s\n' "$(cat "$KNOWN")" >"$KNOWN.new"
mv "$KNOWN.new" "$KNOWN"
for option in --quiet --accept-new-key; do
    want_code 20 lap "$PORT" "$option"
    want last.err "the server at 127.0.0.1:$PORT does not have the key that is known for it, $FIRST"
    want last.err "your password was not sent"
    want last.err "\`peersyncd key show\` (with the server's --state, if it has one)"
    want last.err "remove line 2 of $KNOWN"
done
want_code 20 lap "$PORT" --server-key "$FIRST"
want_not server.err "session opened"
# At the prompt, too: it ends, and asks for nothing more.
code=0
printf 'alice\npassword123\nalice\npassword123\n' | "$PEER" "$PORT" >last.out 2>last.err || code=$?
((code == 20)) || fail "ended with $code"
(($(grep -c 'Enter username: ' last.err) == 1)) || fail "asked again"

# Whoever knows the new key names it: it takes the place of the old one, with a notice, and the
# comment stays.
want_code 0 lap "$PORT" --server-key "$SECOND"
want last.err "the key known before was $FIRST"
want_code 0 lap "$PORT" --server-key "$SECOND"
want_not last.err "known before"
want_code 0 lap "$PORT"
want "$KNOWN" "# a comment"
want "$KNOWN" " $SECOND"
want_not "$KNOWN" "$FIRST"
# So does the line's removal.
cp known_before "$KNOWN"
sed -i "\\|$FIRST|d" "$KNOWN"
want_code 0 lap "$PORT"
want last.err "$SECOND, is trusted from now on"

# A file that cannot be read is named with the line, and is not touched.
printf '# mine\nnonsense\n' >"$KNOWN"
want_code 13 lap "$PORT"
want last.err "$KNOWN:2: "
want_code 13 lap "$PORT" --server-key "$SECOND"
[[ $(cat "$KNOWN") == "# mine"$'\n'nonsense ]] || fail "a bad file was changed"
chmod 664 "$KNOWN"
want_code 13 lap "$PORT"
want last.err "$KNOWN: others can write it"
rm "$KNOWN"

# The server comes back with another key while a peer is logged in: the peer says so once, and does
# not return to it; when the right one is back, it does.
background alice env PEERSYNC_PASSWORD=password123 "$PEER" "$PORT" --user alice
tell alice status
await 10 "logged in" has alice.out "the server answers"
kill_server
restart_server --state one --credentials credentials.txt
await 20 "refused" has alice.err "does not have the key that is known for it, $SECOND"
kill_server
restart_server --state two --credentials credentials.txt
await 20 "back" has alice.err "answers again"
(($(grep -c 'does not have the key' alice.err) == 1)) || fail "said more than once"
hang_up alice
await_exit "${PID_OF[alice]}" 10
stop_server

# Elsewhere, a script must be told to accept a key, and a person is asked.
ADDRESS=$(hostname -I 2>/dev/null | tr ' ' '\n' | grep -m 1 -E '^[0-9.]+$' || true)
[[ -n $ADDRESS ]] || exit 0
start_server --state two --credentials credentials.txt --listen "$ADDRESS:0"
AWAY=$ADDRESS:$PORT
want_code 19 lap --server "$AWAY" --state away
want last.err "the server at $AWAY is not known yet, and there is nobody to ask. Its key is $SECOND"
want last.err "--server-key $SECOND"
want last.err "--accept-new-key"
[[ ! -e away ]] || fail "an unknown server leaves a directory"
want_code 0 lap --server "$AWAY" --state away --accept-new-key
want last.err "$SECOND, is trusted from now on"
want_code 0 lap --server "$AWAY" --state away
cat >script <<END
expect Enter username: 
send alice
expect Enter password: 
send password123
expect The server at $AWAY is not known yet. Its key is $SECOND. Trust it? [yes/no] 
END
{
    cat script
    printf 'send no\nexpect was not accepted\nexit 19\n'
} | "$PTY_RUN" - "$PEER" --server "$AWAY" >pty.out || fail "no is no"
{
    cat script
    printf 'key C\nexit 130\n'
} | "$PTY_RUN" - "$PEER" --server "$AWAY" >pty.out || fail "Control-C ends the question"
{
    cat script
    printf 'send y\nexpect full word\nexpect [yes/no] \nsend yes\nexpect Welcome, alice\n'
    printf 'expect > \nsend xit\nexit 0\n'
} | "$PTY_RUN" - "$PEER" --server "$AWAY" >pty.out || fail "yes is yes"
want "$KNOWN" "$AWAY "
want_code 0 lap --server "$AWAY"
want_not last.err "$NOTICE"
