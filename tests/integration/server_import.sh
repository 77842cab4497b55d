#!/usr/bin/env bash
# peersyncd user import: passwords in clear become argon2id strings, and go on working.
. "${0%/*}/lib.sh"

lines() { sed 's/[$]argon2id[$][A-Za-z0-9+/=,$]*/HASH/' "$1"; }

# In place: comments, order, blanks and line ends stay.
printf '# the team\r\n alice \tpassword123\r\n\n# guests\nbob password456' >credentials.txt
want_code 0 "$DAEMON" user import
want last.err "converted the passwords of 2 users"
[[ $(lines credentials.txt) == $'# the team\r\n alice \tHASH\r\n\n# guests\nbob HASH' ]] ||
    fail "wrong lines"
want_not credentials.txt password
[[ $(stat -c %a credentials.txt) == 600 ]] || fail "others may read the file"

# Again: nothing to do, nothing changed.
cp credentials.txt before
want_code 0 "$DAEMON" user import
want last.err "no password stands in clear"
cmp before credentials.txt || fail "the file changed"

# The warning names the command, and the command does it. The old passwords still log in.
make_credentials
start_server
want server.err "passwords stand in the credentials file in clear"
want server.err "users=3"
run_peer alice password123 lap
command=$(sed -n 's/.*in clear: convert them users=3 command="\(.*\)"$/\1/p' server.err)
[[ -n $command ]] || fail "no command is named"
eval "$command" 2>/dev/null
: >server.err
kill -HUP "$SERVER_PID"
await 20 "reading again" has server.err "the credentials were read again users=3 removed=0"
want_not server.err "in clear"
run_peer alice password123 lap
run_peer bob password456 lap
! run_peer bob wrong lap || fail "a wrong password logs in"
# Nobody logs in with what stands in the file.
stored=$(sed -n 's/^carol //p' credentials.txt)
! run_peer carol "$stored" lap || fail "the stored string logs in"
stop_server

# From another file: who is there already stays as he is.
printf '# old\nbob other\ndave pw4\nerin pw5\n' >old.txt
want_code 0 "$DAEMON" user import old.txt
want last.err "added 2 users, and left 1 as they were"
[[ $(sed 's/ .*//' credentials.txt) == $'alice\nbob\ncarol\ndave\nerin' ]] || fail "wrong users"
want_not credentials.txt pw4
[[ $(cat old.txt) == $'# old\nbob other\ndave pw4\nerin pw5' ]] || fail "the other file changed"
start_server
run_peer erin pw5 lap
run_peer bob password456 lap
stop_server

# Into a state directory that does not exist yet.
want_code 0 "$DAEMON" user import old.txt --state new/state
[[ $(lines new/state/credentials.txt) == $'bob HASH\ndave HASH\nerin HASH' ]] || fail "wrong users"

# What cannot be used is left alone.
want_code 12 "$DAEMON" user import nothing.txt
want last.err "nothing.txt does not exist"
want_code 12 "$DAEMON" user import --credentials nothing.txt
printf 'alice pw\nbob\n' >bad.txt
want_code 12 "$DAEMON" user import --credentials bad.txt
want last.err "bad.txt:2: the password of bob is missing"
[[ $(cat bad.txt) == $'alice pw\nbob' ]] || fail "a bad file was changed"
# shellcheck disable=SC2016
printf 'alice pw\nbob $argon2id$v=19$m=65536,t=2,p=1$cut\n' >bad.txt
cp bad.txt old.txt
want_code 12 "$DAEMON" user import --credentials bad.txt
want last.err "bad.txt:2: what stands for the password of bob is a hash"
cmp bad.txt old.txt || fail "a hash was converted"
want_code 2 "$DAEMON" user import one two
[[ -z $(find . -name '*.txt.*') ]] || fail "a temporary file is left"
