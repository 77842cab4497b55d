#!/usr/bin/env bash
# The server's keys: made at the first start, kept, shown, and refused when they cannot be trusted.
. "${0%/*}/lib.sh"

make_credentials
mkdir state
cp credentials.txt state/

# Shown before the first start, and the same afterwards.
want_code 0 "$DAEMON" key show --state state
key=$(cat last.out)
[[ $key =~ ^SHA256:[A-Za-z0-9+/]{43}$ ]] || fail "no fingerprint: $key"
want last.err "made just now, for there was none in state/server.key"
want_not last.err "add --state"
[[ $(stat -c %a state/server.key state/realm.key) == $'600\n600' ]] || fail "others may read a key"
start_server --state state
want server.err "server key fingerprint=$key"
[[ $(grep -c "server key" server.err) == 1 ]] || fail "said more than once"
want_code 0 "$DAEMON" key show --state state
[[ $(cat last.out) == "$key" ]] || fail "another key is shown while the server runs"
want last.err "kept in state/server.key"
kill_server
start_server --state state
want server.err "server key fingerprint=$key"
stop_server
want_not state/server.key "$key"

# Without a state directory they last in the user's own.
start_server
own=$(sed -n 's/.*server key fingerprint=//p' server.err)
[[ -n $own && $own != "$key" ]] || fail "no key of its own: $own"
stop_server
[[ -s $HOME/.local/state/peersyncd/server.key ]] || fail "not in the user's state directory"
start_server
want server.err "server key fingerprint=$own"
stop_server
want_code 0 "$DAEMON" key show
[[ $(cat last.out) == "$own" ]] || fail "another key is shown"
want last.err "add --state DIR here too"

# Two at once share them, without a lock.
start_server
want_code 0 "$DAEMON" key show
stop_server

# Where there is no place for them, they end with the run, and that is said.
HOME=/dev/null start_server
want server.err "the server's keys end with this run"
stop_server
HOME=/dev/null want_code 13 "$DAEMON" key show
want last.err "--state"

# Files that others may read, or that are damaged, are refused and kept.
chmod 640 state/server.key
want_code 13 "$DAEMON" 0 --state state
want last.err "others may read or change it"
want last.err "chmod 600 'state/server.key'"
want_code 13 "$DAEMON" key show --state state
chmod 600 state/server.key
want_code 0 "$DAEMON" key show --state state
[[ $(cat last.out) == "$key" ]] || fail "the key changed"
for damage in 'head -c 100 old' 'sed s/=$// old' 'cat old old' 'sed /#/!d old' 'printf ""'; do
    cp state/realm.key old
    $damage >state/realm.key
    cp state/realm.key damaged
    want_code 13 "$DAEMON" 0 --state state
    want last.err "state/realm.key cannot be used: it is damaged"
    cmp damaged state/realm.key || fail "a damaged key was changed"
    cp old state/realm.key
done
rm state/realm.key
ln -s old state/realm.key
want_code 13 "$DAEMON" 0 --state state
want last.err "symbolic link"

# Slips.
want_code 2 "$DAEMON" key
want_code 2 "$DAEMON" key sow
want_code 0 "$DAEMON" key --help
[[ -z $(find state -name '*.key.*') ]] || fail "a temporary file is left"
