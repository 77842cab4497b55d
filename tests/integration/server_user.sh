#!/usr/bin/env bash
# peersyncd user: the credentials file is edited line by line, from a terminal and from a pipe.
. "${0%/*}/lib.sh"

# shellcheck disable=SC2016  # an argon2id string begins like this
HASH='$argon2id$v=19$m=65536,t=2,p=1$'

# want_line FILE NAME: the name has a line with an argon2id string, and no other.
want_line() {
    grep -qE "^$2 [\$]argon2id[\$]v=19[\$]m=[0-9]+,t=[0-9]+,p=1[\$][A-Za-z0-9+/]+[\$][A-Za-z0-9+/]+\$" "$1" ||
        fail "$1 has no argon2id string of $2"
    [[ $(grep -c "^$2 " "$1") == 1 ]] || fail "$1 has more lines of $2"
}

printf '# the team\nalice password123\n\n# guests\nbob password456' >credentials.txt
chmod 644 credentials.txt

# From standard input; the last line had no newline.
want_code 0 "$DAEMON" user add carol <<<"password789"
want last.err "added carol"
want_not last.err password789
[[ $(sed -n 5p credentials.txt) == "bob password456" ]] || fail "a line was changed"
want_line credentials.txt carol
want credentials.txt "carol $HASH"
want_not credentials.txt password789
[[ $(head -n 1 credentials.txt) == "# the team" ]] || fail "a comment was lost"
[[ $(stat -c %a credentials.txt) == 600 ]] || fail "others may read the passwords"

# What is there stays, and nothing is asked for.
want_code 10 "$DAEMON" user add alice </dev/null
want last.err "there is a user alice already"

# passwd and remove touch one line.
want_code 0 "$DAEMON" user passwd bob <<<"new"
want_code 0 "$DAEMON" user remove alice
[[ $(sed 's/ .*//' credentials.txt) == $'#\n\n#\nbob\ncarol' ]] || fail "wrong lines"
want_line credentials.txt bob
want_not credentials.txt password456
want_code 0 "$DAEMON" user list
[[ $(cat last.out) == $'bob\ncarol' ]] || fail "wrong list"

# Names and passwords that cannot stand in the file.
for name in "" "a b" "a#b" "a/b" . $'a\tb' "$(printf '%065d' 0)"; do
    want_code 2 "$DAEMON" user add "$name" <<<"pw"
done
for password in "" "a b" $'a\tb' "$(printf '%0129d' 0)"; do
    want_code 2 "$DAEMON" user add dave <<<"$password"
    want last.err "this password cannot be used"
done
want_code 2 "$DAEMON" user add dave </dev/null
want_code 0 "$DAEMON" user add "$(printf '%064d' 0)" <<<"$(printf '%0128d' 0)"
want_not credentials.txt dave

# Slips are answered with the nearest right word.
want_code 6 "$DAEMON" user remove carlo
want last.err "did you mean carol?"
want_code 2 "$DAEMON" user ad dave
want last.err "did you mean 'user add'?"
want_code 2 "$DAEMON" user
want_code 2 "$DAEMON" user add
want_code 2 "$DAEMON" user list dave
want_code 0 "$DAEMON" user --help

# At a terminal: twice, without echo.
cat >script <<'END'
expect New password: 
send typed-once
expect The same again: 
send typed-once
expect added dave
absent typed-once
exit 0
END
"$PTY_RUN" script "$DAEMON" user add dave >pty.out
want_line credentials.txt dave
want_not credentials.txt typed-once
cat >script <<'END'
expect New password: 
send one
expect The same again: 
send other
expect differ
exit 2
END
"$PTY_RUN" script "$DAEMON" user add erin >pty.out
want_not credentials.txt erin

# Control-C while the password is typed ends it as the signal would, and leaves the echo on.
cat >script <<'END'
expect New password: 
type half
key C
exit 130
END
# shellcheck disable=SC2016
"$PTY_RUN" script sh -c 'trap : INT; "$1" user add erin; code=$?
    stty -a | grep -q " echo " || code=99
    exit $code' sh "$DAEMON" >pty.out
want_not credentials.txt half

# Where the directory cannot be written, the file stays as it was, with no leftovers.
cp credentials.txt before
want_code 9 "$DAEMON" user add frank --credentials nowhere/users <<<"pw"
want_code 12 "$DAEMON" user add frank --credentials /dev/null <<<"pw"
cmp before credentials.txt || fail "the file changed"
[[ -z $(find . -name 'credentials.txt.*') ]] || fail "a temporary file is left"

# A symbolic link stays one.
mv credentials.txt real.txt
ln -s real.txt credentials.txt
want_code 0 "$DAEMON" user add grace <<<"pw"
[[ -L credentials.txt ]] || fail "the link was replaced"
want_line real.txt grace

# Many at once: every one arrives.
pids=()
for i in 1 2 3 4 5 6 7 8; do
    "$DAEMON" user add "many$i" <<<"pw$i" 2>/dev/null &
    pids+=("$!")
done
wait "${pids[@]}"
[[ $(grep -c '^many' real.txt) == 8 ]] || fail "an edit was lost"

# Who must wait says so.
exec 9<.
flock 9
"$DAEMON" user add late <<<"pw" 2>late.err 9<&- &
late=$!
PIDS+=("$late")
await 20 "the word that it waits" has late.err "waiting for credentials.txt, which another command edits"
want_not real.txt "late "
exec 9<&-
wait "$late" || fail "who waited has failed"
want_line real.txt late

# --state DIR holds the file, and is made.
want_code 0 "$DAEMON" user add alice --state new/state <<<"pw"
want_line new/state/credentials.txt alice
[[ $(stat -c %a new/state) == 700 ]] || fail "others may look into the state directory"

# As strong as one likes, and no weaker.
want_code 0 "$DAEMON" user add strong --strength moderate --credentials strong.txt <<<"pw"
# shellcheck disable=SC2016
want strong.txt 'strong $argon2id$v=19$m=262144,t=3,p=1$'
want_code 2 "$DAEMON" user add weak --strength weak --credentials strong.txt <<<"pw"
