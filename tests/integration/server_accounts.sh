#!/usr/bin/env bash
# Accounts of a running server: changed files, removed users, wrong passwords, busy queues.
. "${0%/*}/lib.sh"

# reload TEXT: SIGHUP, until the log says TEXT.
reload() {
    : >server.err
    kill -HUP "$SERVER_PID"
    await 20 "reading again" has server.err "$1"
}

for name in alice bob carol; do
    "$DAEMON" user add "$name" <<<"pw-$name" 2>/dev/null
done
start_server
want_not server.err "in clear"
want_not server.err "weaker"

# A changed password: the old one is refused, the new one is taken.
run_peer bob pw-bob lap
want_code 0 "$DAEMON" user passwd bob <<<"fresh"
reload "the credentials were read again users=3 removed=0"
! run_peer bob pw-bob lap || fail "the old password logs in"
run_peer bob fresh lap

# A removed user is logged out, and stays out; others stay.
echo content >file
background alice env PEERSYNC_PASSWORD=pw-alice "$PEER" "$PORT" --user alice \
    --state "$WORK/state-alice" share file
await 20 "alice online" has server.err "session opened user=alice"
want_code 0 "$DAEMON" user remove alice
reload "the credentials were read again users=2 removed=1"
await 20 "alice logged out" has server.err "session closed user=alice"
want server.err 'reason="the account was removed"'
await 20 "the end of alice" gone "${PID_OF[alice]}"
! run_peer alice pw-alice lap || fail "a removed user logs in"
run_peer carol pw-carol lap

# A file with a fault keeps the accounts of before.
cp credentials.txt good.txt
echo "broken" >>credentials.txt
reload "the password of broken is missing"
run_peer carol pw-carol lap
# shellcheck disable=SC2016
printf 'greedy $argon2id$v=19$m=2097152,t=1,p=1$Tm9ib2R5IGlzIGF0IGhvbWU$q0cXlkH0W3mB4oUuG8Jf5nS2vYtRzKe7iDp1xNaLrQE\n' |
    cat good.txt - >credentials.txt
reload "asks for more than 1 GiB"
cp good.txt credentials.txt
reload "the credentials were read again users=2"

# A weak string works, and is warned of.
# shellcheck disable=SC2016
printf 'weak $argon2id$v=19$m=8,t=1,p=1$Tm9ib2R5IGlzIGF0IGhvbWU$q0cXlkH0W3mB4oUuG8Jf5nS2vYtRzKe7iDp1xNaLrQE\n' \
    >>credentials.txt
reload "weaker than interactive"
want server.err "users=1"
stop_server

# Wrong passwords slow down; a device that has been in before is not kept out by a stranger's.
start_server
run_peer carol pw-carol lap
for _ in 1 2 3 4 5; do
    PEERSYNC_PASSWORD=wrong "$PEER" "$PORT" --user carol --state "$WORK/stranger" lap \
        >/dev/null 2>&1 && fail "a wrong password logs in"
done
PEERSYNC_PASSWORD=wrong "$PEER" "$PORT" --user carol --state "$WORK/stranger" lap \
    >throttled.out 2>throttled.err && fail "a wrong password logs in"
want throttled.err "too many failed logins"
run_peer carol pw-carol lap
stop_server
