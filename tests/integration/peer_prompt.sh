#!/usr/bin/env bash
# The prompt as a person has it: on a terminal.
. "${0%/*}/lib.sh" "$@" || exit
make_credentials
start_server
head -c 100000 /dev/urandom >'my file.bin'
background alice env PEERSYNC_PASSWORD=password123 "$PEER" "$PORT" --user alice share 'my file.bin'
await 20 "sharing" has alice.out "peersync $PORT get 'my file.bin'"

mkdir down
cat >script <<'END'
expect Enter username: 
send bob
expect Enter password: 
send wrong
expect wrong username or password
expect Enter username: 
send bob
expect Enter password: 
send password456
expect Welcome, bob
expect > 
send lap
expect alice
expect > 
send lpf
expect NAME
expect my file.bin
expect 97.7 KiB
expect > 
send laq
expect did you mean lap?
send get 'my file.bin
expect a quote is left open
send get 'my fil.bin'
expect did you mean my file.bin?
send get 'my file.bin'
expect fetching my file.bin
expect fetched
expect > 
send help get
expect usage
send nonsense
expect help lists them
send unp nothing
expect you do not publish nothing
send status
expect the server answers
send xit
absent password456
exit 0
END
"$PTY_RUN" script "$PEER" "$PORT" --download-dir down >pty.out || fail "the terminal's story"
cmp 'my file.bin' 'down/my file.bin'

# Control-C at the prompt leaves cleanly: the session is gone at once.
printf 'expect > \nkey C\nexit 0\n' >script
PEERSYNC_PASSWORD=password456 "$PTY_RUN" script "$PEER" "$PORT" --user bob >pty.out
PEERSYNC_PASSWORD=password456 want_code 0 "$PEER" "$PORT" --user bob --state other lap

# Control-D as well.
printf 'expect > \nkey D\nexit 0\n' >script
PEERSYNC_PASSWORD=password456 "$PTY_RUN" script "$PEER" "$PORT" --user bob >pty.out

# A share that is interrupted has done its work.
kill -INT "${PID_OF[alice]}"
await_exit "${PID_OF[alice]}" 10
((EXIT_CODE == 0)) || fail "share ended with $EXIT_CODE"
