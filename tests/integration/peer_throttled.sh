#!/usr/bin/env bash
# Too many failed logins: a script ends with a code of its own, a prompt says how long to wait, and a
# device that has been in before stays out of a stranger's reach.
. "${0%/*}/lib.sh" "$@" || exit
make_credentials
start_server

login() {
    PEERSYNC_PASSWORD=$1 "$PEER" "$PORT" --user alice --state "$2" lap
}
want_code 0 login password123 known

# A stranger guesses until he has to wait; each guess that is not looked at costs him more.
code=0
for ((i = 0; i < 12 && code != 15; i++)); do
    code=0
    login "guess-$i" stranger >last.out 2>last.err || code=$?
    ((code == 4 || code == 15)) || fail "a guess ended with $code"
done
((code == 15)) || fail "twelve guesses and no wait"
((i > 5)) || fail "only $i guesses before a wait"
want last.err "too many failed logins: try again in "

# Alice's own device is in at once, also after a slip of her own.
want_code 0 login password123 known
want_code 4 login password12 known
want_code 0 login password123 known

# At a terminal it is said, and both are asked for again.
{
    for ((i = 0; i < 8; i++)); do
        printf 'expect Enter username: \nsend bob\nexpect Enter password: \nsend wrong\n'
    done
    printf 'expect too many failed logins: try again in \nexpect Enter username: \nkey D\nexit 15\n'
} >script
"$PTY_RUN" script "$PEER" "$PORT" --state terminal >pty.out || fail "the terminal's story"
stop_server
