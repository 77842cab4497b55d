#!/usr/bin/env bash
# What the server refuses at its start, and what it says then; and --check-config.
. "${0%/*}/lib.sh"

# Without credentials: the exact command that makes the first user, and it works as printed.
want_code 12 "$DAEMON" 0
want last.err "credentials.txt does not exist"
command=$(sed -n 's/^  \(.* user add \)NAME/\1/p' last.err)
echo password123 | eval "$command alice" 2>/dev/null
[[ $(cat credentials.txt) == "alice \$argon2id\$"* ]] || fail "the printed command made no user"
[[ $(stat -c %a credentials.txt) == 600 ]] || fail "others may read the passwords"

# The same with a path that needs quotes.
mkdir "with space"
want_code 12 "$DAEMON" 0 --credentials "with space/it's"
command=$(sed -n 's/^  \(.* user add \)NAME\(.*\)/\1 bob \2/p' last.err)
echo pw | eval "$command" 2>/dev/null
[[ $(cat "with space/it's") == "bob \$argon2id\$"* ]] || fail "the printed command made no user"

# A file with comments only has no users either.
echo "# nobody" >empty.txt
want_code 12 "$DAEMON" 0 --credentials empty.txt
want last.err "names no users yet"

# Bad lines are named.
bad_line() {
    printf '# users\nalice password123\n%b\n' "$1" >bad.txt
    want_code 12 "$DAEMON" 0 --credentials bad.txt
    want last.err "bad.txt:3: "
    want last.err "$2"
    want_not last.err "listening on"
    want_not last.err "password123"
}
bad_line 'bob' "the password of bob is missing"
bad_line 'alice other' "the user alice stands on line 2 already"
bad_line 'bob two words' "something follows the password of bob"
bad_line 'b/b pw' "the user name cannot be used"
bad_line '\0377 pw' "the user name cannot be used"
bad_line "bob $(printf '%0129d' 0)" "it is longer than 128 bytes"
bad_line "$(printf '%065d' 0) pw" "it is longer than 64 bytes"

# Something else than a file.
mkdir folder
mkfifo pipe
want_code 12 "$DAEMON" 0 --credentials folder
want last.err "Is a directory"
want_code 12 timeout 20 "$DAEMON" 0 --credentials pipe
want last.err "not a regular file"

# The command line.
want_code 2 "$DAEMON" 65536
want_code 2 "$DAEMON" 5000 6000
want_code 2 "$DAEMON" --lisen 5000
want last.err "did you mean --listen?"
want_code 2 "$DAEMON" --log-level loud
want_code 2 "$DAEMON" --listen nowhere:5000
want last.err "--listen 'nowhere:5000'"
want_code 2 "$DAEMON" --max-sessions 0
want_code 2 "$DAEMON" --ticket-hours 0
want_code 2 "$DAEMON" --ticket-hours 8761
want_code 2 "$DAEMON" --file-ticket-minutes 0
want_code 2 "$DAEMON" --file-ticket-minutes 1441
want_code 2 "$DAEMON" --handshakes-per-second 0
want_code 2 "$DAEMON" --login-threads 0
want_code 2 "$DAEMON" --max-handshakes 10
want last.err "--max-handshakes must be at least"
want_code 0 "$DAEMON" --help
want last.out "--ticket-hours"
want last.out "peersyncd key show"
want_code 0 "$DAEMON" --version

# --check-config binds nothing and prints the sum.
want_code 0 "$DAEMON" 5000 --check-config --max-sessions 1000000 --max-publications 1000000
want last.out "listen                                       127.0.0.1:5000"
sum=$(awk '/^memory/ {on = 1; next} on && $1 == "total" {exit} on && NF > 2 {sum += $NF}
    on && $1 == "padding" {sum += $2} END {printf "%d", sum}' last.out)
total=$(awk '$1 == "total" {print $2}' last.out)
((sum == total && total > 0)) || fail "the lines make $sum, the total is $total"
session=$(awk '/^  a session/ {print $NF}' last.out)
publication=$(awk '/^  a publication/ {print $NF}' last.out)
((session > 0 && session <= 384)) || fail "$session bytes a session"
((publication > 0 && publication <= 160)) || fail "$publication bytes a publication"
want_code 0 "$DAEMON" --check-config --ticket-hours 3 --file-ticket-minutes 1440 \
    --handshakes-per-second 77
want last.out "ticket-hours                                            3"
want last.out "file-ticket-minutes                                  1440"
want last.out "handshakes-per-second                                  77"
want_code 12 "$DAEMON" --check-config --credentials bad.txt
want_code 0 "$DAEMON" --check-config --credentials missing.txt
want last.out "user add NAME --credentials missing.txt"
