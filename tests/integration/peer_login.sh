#!/usr/bin/env bash
# Logging in by a pipe: as typed, refused, ended, and from files and the environment.
. "${0%/*}/lib.sh" "$@" || exit
make_credentials
start_server

# The line of the README: logs in, lists, leaves.
printf 'alice\npassword123\nlap\nxit\n' | "$PEER" "$PORT" >last.out 2>last.err ||
    fail "ended with $?"
want last.err "Enter username: "
want last.err "Enter password: "
want last.err "No active peers"
[[ ! -s last.out ]] || fail "messages on stdout"

# A regular file and an input without a last newline do as well.
printf 'alice\npassword123\nstatus' >typed
"$PEER" "$PORT" <typed >last.out 2>last.err || fail "ended with $?"
want last.out "$(printf 'user\talice')"

# A wrong password is refused in the server's words, and both are asked for again.
printf 'alice\nwrong\nalice\npassword123\nstatus\nxit\n' | "$PEER" "$PORT" >last.out 2>last.err ||
    fail "ended with $?"
want last.err "wrong username or password"
(($(grep -c 'Enter username: ' last.err) == 2)) || fail "not asked again"
want last.out "$(printf 'user\talice')"

# An unknown user is refused in the same words; the end of input then ends with the login's code.
code=0
printf 'mallory\nwrong\n' | "$PEER" "$PORT" >last.out 2>last.err || code=$?
((code == 4)) || fail "ended with $code"
want last.err "wrong username or password"
[[ $(ls -A "$HOME/.local/state/peersync/mallory") == known_servers ]] ||
    fail "a mistyped user leaves more than the key that was accepted"

# No answers at all.
code=0
"$PEER" "$PORT" </dev/null >last.out 2>last.err || code=$?
((code == 12)) || fail "ended with $code"

# Names that cannot be users, and too long a password, are said so and asked for again.
{
    printf 'a b\n#x\n\n%s\nalice\n' "$(printf 'u%.0s' {1..65})"
    printf 'p%.0s' {1..129}
    printf '\nalice\npassword123\nxit\n'
} | "$PEER" "$PORT" >last.out 2>last.err || fail "ended with $?"
(($(grep -c 'cannot be a user name' last.err) == 4)) || fail "bad user names"
want last.err "longer than 128 bytes"

# From options, a file, the environment: a refusal is final.
printf 'password123\nrest\n' >secret
want_code 0 "$PEER" "$PORT" --user alice --password-file secret lap
want_code 9 "$PEER" "$PORT" --user alice --password-file missing lap
want last.err "missing"
PEERSYNC_PASSWORD=wrong want_code 4 "$PEER" "$PORT" --user alice lap
PEERSYNC_PASSWORD=password123 want_code 0 "$PEER" --server "localhost:$PORT" --user alice lap

# The same user twice, from two installations.
background alice env PEERSYNC_PASSWORD=password123 "$PEER" "$PORT" --user alice
tell alice status
await 10 "logged in" has alice.out "user"
PEERSYNC_PASSWORD=password123 want_code 5 "$PEER" "$PORT" --user alice --state other lap
want last.err "active on another device"
# And from the same one: the lock says who.
PEERSYNC_PASSWORD=password123 want_code 13 "$PEER" "$PORT" --user alice lap
want last.err "another peersync of alice is running (pid ${PID_OF[alice]})"
hang_up alice
await_exit "${PID_OF[alice]}" 10
((EXIT_CODE == 0)) || fail "the prompt ended with $EXIT_CODE"

# It logged out: the next one may come at once.
PEERSYNC_PASSWORD=password123 want_code 0 "$PEER" "$PORT" --user alice --state other lap

# What cannot be meant is said before anybody logs in.
want_code 2 "$PEER" "$PORT" laq
want last.err "did you mean lap?"
want_code 2 "$PEER" "$PORT" get
want last.err "usage: get NAME"
want_code 2 "$PEER" 70000
want_code 2 "$PEER" "$PORT" --server "127.0.0.1:$PORT" lap
want_code 2 "$PEER" "$PORT" --user 'a/b' lap
want_code 0 "$PEER" --help
want last.out "SERVER_PORT"
