#!/usr/bin/env bash
# The server at work: addresses, signals, the state directory, its log.
. "${0%/*}/lib.sh"

make_credentials
start_server
stop_server
want server.err "stopped cause=SIGTERM"
want_not server.err "password123"

start_server
kill -INT "$SERVER_PID"
await_exit "$SERVER_PID" 20
((EXIT_CODE == 0)) || fail "SIGINT: $EXIT_CODE"

# A port in use is said, with what to do.
start_server
want_code 11 "$DAEMON" "$PORT"
want last.err "127.0.0.1:$PORT"
want last.err "choose another port"
stop_server

# The port is free again.
"$DAEMON" "$PORT" >again.out 2>again.err &
PIDS+=("$!")
await 20 "listening again" has again.err "listening on 127.0.0.1:$PORT"
kill -TERM "$!"
await_exit "$!" 20

# Two addresses, one line each; an address that this machine does not have.
start_server --listen 127.0.0.1:0 --listen 127.0.0.2
[[ $(grep -c '^listening on ' server.err) == 2 ]] || fail "not two addresses"
stop_server
want_code 11 "$DAEMON" --listen 192.0.2.1:0
want last.err "no such address"

# SIGHUP reads the credentials again; a file with a fault changes nothing.
start_server
echo pw | "$DAEMON" user add dave 2>/dev/null
kill -HUP "$SERVER_PID"
await 20 "reading again" has server.err "the credentials were read again users=4"
echo broken >>credentials.txt
kill -HUP "$SERVER_PID"
await 20 "refusing" has server.err "credentials.txt:5: the password of broken is missing"
gone "$SERVER_PID" && fail "a bad file ended the server"
stop_server

# A SIGHUP that waits from before the start is one reload, and does not end the server.
make_credentials
: >server.err
# shellcheck disable=SC2016
env --block-signal=HUP sh -c 'kill -HUP $$; exec "$1" 0' sh "$DAEMON" >server.out 2>server.err &
SERVER_PID=$!
PIDS+=("$SERVER_PID")
await 20 "the reload held back" has server.err "the credentials were read again"
gone "$SERVER_PID" && fail "SIGHUP ended a starting server"
stop_server

# Readers of the passwords are warned of.
make_credentials
chmod 644 credentials.txt
start_server
want server.err "chmod 600"
stop_server
chmod 600 credentials.txt

# JSON: every line is an object, the ready line too.
start_server --log-format json --log-level debug
want server.err '"message":"listening on 127.0.0.1:'
stop_server
[[ $(grep -cv '^{.*}$' server.err) == 0 ]] || fail "a line is no object"

# One server a state directory.
mkdir state
cp credentials.txt state/
start_server --state state
want_code 13 "$DAEMON" 0 --state state
want last.err "used by another process"
stop_server

# Whoever reads the log may go away: the server goes on.
coproc SERVER { exec "$DAEMON" 0 2>&1; }
# shellcheck disable=SC2153
PIDS+=("$SERVER_PID")
pid=$SERVER_PID
until [[ ${line-} == "listening on "* ]]; do
    read -r line <&"${SERVER[0]}" || fail "the server did not start"
done
# shellcheck disable=SC1083,SC2093
exec {SERVER[0]}<&-
kill -HUP "$pid"
kill -HUP "$pid"
gone "$pid" && fail "ended with its reader"
kill -TERM "$pid"
await_exit "$pid" 20
((EXIT_CODE == 0)) || fail "ended with $EXIT_CODE"

# Rubbish on the wire is dropped and counted, and the server goes on.
start_server --log-level debug
for bytes in '' '\x00' '\x07' '\x07\x00\x00' '\xff\xff\xff\xff'; do
    printf %b "$bytes" >/dev/udp/127.0.0.1/"$PORT"
done
head -c 1201 /dev/zero >/dev/udp/127.0.0.1/"$PORT"
await 20 "counted" has server.err "datagrams dropped so far"
stop_server
