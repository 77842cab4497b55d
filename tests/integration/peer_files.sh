#!/usr/bin/env bash
# Files of all sizes go round: pub, lpf, sch, get, unp; and what must not be overwritten is not.
. "${0%/*}/lib.sh" "$@" || exit
make_credentials
start_server
mkdir src down
for size in 0 1 16383 16384 16385 1048575 1048576 1048577 5000000; do
    head -c "$size" /dev/urandom >"src/f$size"
done
printf 'x' >'src/ä "quoted" name'

# Alice at a piped prompt publishes all and stays.
background alice env PEERSYNC_PASSWORD=password123 "$PEER" "$PORT" --user alice
tell alice "pub src/f0 src/f1 src/f16383 src/f16384 src/f16385"
tell alice "pub src/f1048575 src/f1048576 src/f1048577 src/f5000000"
tell alice "pub 'src/ä \"quoted\" name'"
tell alice status
await 30 "published" has alice.out "$(printf 'published\t10')"

run_peer bob password456 lpf
(($(wc -l <last.out) == 10)) || fail "lpf lists $(wc -l <last.out) files"
want last.out "$(printf 'f16385\t16385\talice\tactive\t')"
want last.out "$(printf 'f0\t0\talice\tactive\t000000000000')"
run_peer bob password456 sch F104857
(($(wc -l <last.out) == 3)) || fail "sch lists $(wc -l <last.out) files"
run_peer bob password456 --json sch quoted
want last.out '"name":"ä \"quoted\" name","length":1,'
run_peer bob password456 sch nothing-like-it
want last.err "No files found"

# One prompt fetches them one after another.
{
    for file in src/*; do
        printf "get '%s'\n" "${file#src/}"
    done
    echo xit
} | PEERSYNC_PASSWORD=password456 "$PEER" "$PORT" --user bob --download-dir down \
    --state state-bob >last.out 2>last.err || fail "the downloads ended with $?"
for file in src/*; do
    cmp "$file" "down/${file#src/}"
done
[[ -z $(find down -name '.peersync-*') ]] || fail "temporary files are left"

# Again: it is here. A different file of that name stays.
run_peer bob password456 --download-dir down get f1
want last.err "here already"
echo mine >down/f16384
cp down/f16384 mine
code=0
run_peer bob password456 --download-dir down get f16384 || code=$?
((code == 10)) || fail "ended with $code"
cmp mine down/f16384

# Other places.
run_peer bob password456 get f1 -o renamed
cmp src/f1 renamed
run_peer bob password456 get f1 -o down/renamed
cmp src/f1 down/renamed
code=0
run_peer bob password456 get f1 -o nowhere/f1 || code=$?
((code == 9)) || fail "ended with $code"

# Names that are not there, and names that cannot be.
code=0
run_peer bob password456 get f1638 || code=$?
((code == 6)) || fail "ended with $code"
want last.err "did you mean f1638" # f16383, 4 or 5: all are as near
for name in ../f1 . '' 'a\b'; do
    code=0
    run_peer bob password456 get -- "$name" || code=$?
    ((code == 2)) || fail "get '$name' ended with $code"
done

# Files that cannot be published, each with its reason.
mkfifo src/pipe
code=0
run_peer bob password456 pub src/missing src src/ src/pipe /dev/null || code=$?
((code != 0)) || fail "impossible files were published"
want last.err "src/missing is not published: "
want last.err "src is not published: "
want last.err "src/ is not published: it is a folder"
want last.err "src/pipe is not published: "
want last.err "/dev/null is not published: "

# Several contents under one name: chosen by root.
echo other >f1
background bob env PEERSYNC_PASSWORD=password456 "$PEER" "$PORT" --user bob --state state-bob
tell bob "pub f1"
tell bob status
await 10 "published" has bob.out "$(printf 'published\t1')"
code=0
run_peer carol password789 get f1 -o chosen || code=$?
((code == 14)) || fail "ended with $code"
root=$(sed -n 's/.*--root \([0-9a-f]*\) .*of bob.*/\1/p' last.err)
run_peer carol password789 get f1 --root "$root" -o chosen
cmp f1 chosen
code=0
run_peer carol password789 get f1 --root 0123456789abcdef || code=$?
((code == 6)) || fail "ended with $code"

# One's own file is said to be one's own.
tell bob "get f1 -o own"
tell bob "unp f2"
tell bob "unp f1"
tell bob "status"
await 10 "unpublished" has bob.err "unpublished f1"
want bob.err "you do not publish f2: did you mean f1?"
hang_up bob
await_exit "${PID_OF[bob]}" 10

# Publications outlive the session; then nobody serves them.
hang_up alice
await_exit "${PID_OF[alice]}" 10
run_peer carol password789 lpf
want last.out "$(printf 'f1\t1\talice\taway\t')"
code=0
run_peer carol password789 get f1 -o later || code=$?
((code == 7)) || fail "ended with $code"
want last.err "no active peer has this file"

# The next session announces what is remembered; a file that cannot be read is said so, and is
# listed again once it is back.
mv src/f16383 kept
printf 'changed' >src/f1
background alice2 env PEERSYNC_PASSWORD=password123 "$PEER" "$PORT" --user alice
tell alice2 status
await 10 "the loss told" has alice2.err "f16383 is not served: there is no such file"
changed() { run_peer carol password789 lpf && has last.out "$(printf 'f1\t7\talice\tactive')"; }
await 10 "the change published" changed
want_not last.out f16383
tell alice2 status
await 10 "the file away" has alice2.out "1 of them cannot be read now"
mv kept src/f16383
returned() { run_peer carol password789 lpf && has last.out "$(printf 'f16383\t16383\talice\tactive')"; }
await 20 "the file back" returned
run_peer carol password789 get f1 -o later
cmp src/f1 later

# A full disk behind stdout is told.
code=0
PEERSYNC_PASSWORD=password789 "$PEER" "$PORT" --user carol lpf >/dev/full 2>last.err || code=$?
((code == 9)) || fail "ended with $code"
want last.err "the output could not be written"

# stdout that nobody reads ends the program quietly.
(run_peer_raw() { PEERSYNC_PASSWORD=password789 "$PEER" "$PORT" --user carol lpf 2>closed.err; }
    run_peer_raw | true)
[[ ! -s closed.err ]] || fail "a closed stdout was not quiet"
