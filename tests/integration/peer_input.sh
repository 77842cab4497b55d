#!/usr/bin/env bash
# Lines that nobody meant: too long, binary, unfinished. The prompt goes on after each.
. "${0%/*}/lib.sh" "$@" || exit
make_credentials
start_server
{
    printf 'alice\npassword123\n\n   \n'
    head -c 70000 /dev/zero | tr '\0' 'x'
    printf '\nlap\0lap\nxlap\nget "open\nget\nlap extra\nsch\nget a b\nget --nope a\n\r\n'
    head -c 65535 /dev/zero | tr '\0' 'y'
    printf '\n\xff\xfe\x1b[31m\nhelp\nstatus\r\nquit\nlap\n'
} >typed
code=0
"$PEER" "$PORT" <typed >last.out 2>last.err || code=$?
((code == 2)) || fail "ended with $code"
want last.err "the line is longer than 65535 bytes"
want last.err "the line holds a NUL byte"
want last.err "there is no command xlap: did you mean lap?"
want last.err "a quote is left open"
want last.err "usage: get NAME"
want last.err "usage: lap"
want last.err "usage: sch TEXT"
want last.err '\xff\xfe\x1b[31m'
want last.out "pub | publish PATH..."
want last.out "$(printf 'user\talice')"
# What stands behind `quit` is not read.
want_not last.err "No active peers"

# The same through a pipe that brings a byte at a time.
code=0
while IFS= read -r -n 1 -d '' byte || [[ -n $byte ]]; do
    printf '%s' "$byte"
done < <(printf 'alice\npassword123\nlap\nxit\n') | "$PEER" "$PORT" >last.out 2>last.err ||
    fail "ended with $?"
want last.err "No active peers"
