#!/usr/bin/env bash
# One name, two contents: a person is asked which; a script is told how to choose.
. "${0%/*}/lib.sh" "$@" || exit
make_credentials
start_server
mkdir a b down
echo one >a/file
echo another >b/file
for name in alice:a:password123 bob:b:password456; do
    IFS=: read -r user dir password <<<"$name"
    background "$user" env PEERSYNC_PASSWORD="$password" "$PEER" "$PORT" --user "$user" \
        --state "$WORK/state-$user" share "$dir/file"
    await 20 "sharing" has "$user.err" "serving until"
done
export PEERSYNC_PASSWORD=password789
get=("$PEER" "$PORT" --user carol --state "$WORK/state-carol" --download-dir down)

# Without a terminal.
want_code 14 "${get[@]}" get file
want last.err "file stands for several contents; choose one:"
want last.err ", of alice"
want last.err ", of bob"
[[ ! -e down/file ]] || fail "fetched without a choice"

# At a terminal, a command alone: what is no number is asked again.
cat >script <<'END'
expect file stands for several contents
expect which one? [1-2, Enter: none]
send 3
expect type a number from 1 to 2
expect which one? [1-2, Enter: none]
send 1
expect fetched
exit 0
END
"$PTY_RUN" script "${get[@]}" get file >pty.out || fail "the terminal's story"
cmp a/file down/file || cmp b/file down/file || fail "neither was fetched"
rm down/file

# None of them.
printf 'expect which one?\nsend \nexpect no content was chosen\nexit 14\n' >script
"$PTY_RUN" script "${get[@]}" get file >pty.out || fail "the empty answer's story"
printf 'expect which one?\nkey D\nexpect no content was chosen\nexit 14\n' >script
"$PTY_RUN" script "${get[@]}" get file >pty.out || fail "the story of the end of input"
printf 'expect which one?\nkey C\nexit 18\n' >script
"$PTY_RUN" script "${get[@]}" get file >pty.out || fail "the interrupt's story"
[[ ! -e down/file ]] || fail "fetched without a choice"

# At the prompt, which goes on behind it.
cat >script <<'END'
expect > 
send get file
expect which one? [1-2, Enter: none]
send 2
expect fetched
expect > 
send get file -o down/second
expect which one?
key C
expect > 
send lap
expect alice
send xit
exit 0
END
"$PTY_RUN" script "${get[@]}" >pty.out || fail "the prompt's story"
[[ -e down/file && ! -e down/second ]] || fail "not what was chosen"
