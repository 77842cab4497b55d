#!/usr/bin/env bash
# Journals of real programs: they replay equal, explain themselves, and can be scrubbed.
. "${0%/*}/lib.sh"

REPLAY=$BIN/peersync-replay
make_credentials

# A day of a server: logins right and wrong, files, lists, rubbish.
start_server --journal server.journal --log-level debug
want server.err "warning the journal holds passwords"
mkdir down
printf 'la la la' >song.ogg
background alice env PEERSYNC_PASSWORD=password123 "$PEER" "$PORT" --user alice \
    --journal alice.journal
tell alice "pub song.ogg"
tell alice status
await 20 "published" has alice.out "$(printf 'published\t1')"
want alice.err "the journal holds passwords"
want_code 4 env PEERSYNC_PASSWORD=wrong-one "$PEER" "$PORT" --user bob --journal wrong.journal lpf
run_peer bob password456 lpf
want last.out song.ogg
run_peer bob password456 sch song
run_peer bob password456 --download-dir down get song.ogg
cmp song.ogg down/song.ogg
printf 'rubbish' >/dev/udp/127.0.0.1/"$PORT"
await 20 "the rubbish counted" has server.err "datagrams dropped so far"
{ echo lap; echo xit; } | PEERSYNC_PASSWORD=password789 "$PEER" "$PORT" --user carol \
    --state state-carol >last.out 2>last.err
want last.out alice
hang_up alice
await_exit "${PID_OF[alice]}" 20
stop_server
want_not server.err "the journal has stopped"

# A journal that is there is kept, one that is being written is nobody else's, and what is no
# journal is not touched.
cp server.journal day.journal
start_server --journal server.journal
cmp day.journal server.journal.1
want_code 9 "$DAEMON" 0 --journal server.journal
want last.err "another program writes it"
stop_server
echo precious >server.journal.1
want_code 9 "$DAEMON" 0 --journal server.journal
want last.err "kept as FILE.1"
want server.journal.1 precious
mv day.journal server.journal

# They belong to their owner alone, and say what they hold.
for file in server alice wrong; do
    [[ $(stat -c %a "$file.journal") == 600 ]] || fail "$file.journal: $(stat -c %a "$file.journal")"
    [[ $(head -n 1 "$file.journal") == "PeerSync journal" ]] || fail "$file.journal: first line"
    head -n 2 "$file.journal" | grep -q "HOLDS SECRETS" || fail "$file.journal: second line"
    want_code 0 "$REPLAY" "$file.journal"
    grep -qE '^replayed [0-9,]+ inputs in [0-9,]+ steps over [0-9]+\.[0-9] s of time: equal$' \
        last.out || fail "$file.journal: $(<last.out)"
done

# What happened, in lines.
want_code 0 "$REPLAY" server.journal --explain
grep -qE '^ +[0-9]+ [0-9.]+ <- 127\.0\.0\.1:[0-9]+ to [0-9a-f]{16} counter 1: LOGIN .* user "alice" secret of 11' \
    last.out || fail "no LOGIN"
grep -qE ' <- .*: PUBLISH request .*"song.ogg" \(8 bytes' last.out || fail "no PUBLISH"
grep -qE ' \*\* SESSION_OPENED "alice" at 127' last.out || fail "no SESSION_OPENED"
grep -qE ' -> .*: ERROR request .* CREDENTIALS' last.out || fail "no refusal"
grep -qE ' !! dropped: type \(unknown packet type\)' last.out || fail "no drop"
for secret in password123 password456 password789 wrong-one; do
    want_not last.out "$secret"
done
grep -qF password123 alice.journal || fail "the journal does not hold the password"
grep -qF wrong-one wrong.journal || fail "the journal does not hold the password"
want_code 0 "$REPLAY" server.journal --explain --from 1 --to 1
[[ $(wc -l <last.out) == 2 ]] || fail "not one input: $(<last.out)"
want_code 0 "$REPLAY" alice.journal --explain
want last.out " <- PUBLISH tag "
want last.out " ** LOGGED_IN, seen as 127.0.0.1:"
want_code 0 "$REPLAY" wrong.journal --explain
want last.out " ** REFUSED CREDENTIALS"

# Scrubbed: no password anywhere (a server's copy says so when it is opened), and equal again.
for file in server alice wrong; do
    want_code 0 "$REPLAY" "$file.journal" --scrub "$file.scrubbed"
    head -n 2 "$file.scrubbed" | grep -q "Passwords, tickets and keys are scrubbed" || fail "$file: not said"
    for secret in password123 password456 password789 wrong-one; do
        ! grep -qF "$secret" "$file.scrubbed" || fail "$file.scrubbed holds $secret"
    done
    want_code 0 "$REPLAY" "$file.scrubbed"
    want last.out ": equal"
done
want_code 0 "$REPLAY" server.scrubbed --explain
cp last.out scrubbed.out
want_code 0 "$REPLAY" server.journal --explain
grep -v "^replayed" last.out >true.out
grep -v "^replayed" scrubbed.out | cmp - true.out || fail "the scrubbed journal tells another story"
want_code 0 "$REPLAY" alice.scrubbed --explain
want last.out " <- PUBLISH tag "
want_code 9 "$REPLAY" server.journal --scrub server.journal
want_code 0 "$REPLAY" server.journal

# One byte of an input changed, under a checksum that is right: not this history.
forge() {
    local -a bytes
    local place at len i hash
    mapfile -t bytes < <(od -An -v -tu1 -w1 "$1")
    place=$(grep -abo alice "$1" | head -n 1 | cut -d : -f 1)
    at=$((256 + 6 + bytes[260] * 256 + bytes[261] + 8))
    while
        len=$((4 + (bytes[at] << 24 | bytes[at + 1] << 16 | bytes[at + 2] << 8 | bytes[at + 3])))
        ((place >= at + len))
    do
        at=$((at + len + 8))
    done
    bytes[place]=$((bytes[place] ^ 1))
    # FNV-1a; arithmetic wraps at 64 bits.
    hash=$((0xcbf29ce484222325))
    for ((i = at; i < at + len; i++)); do
        hash=$(((hash ^ bytes[i]) * 0x100000001b3))
    done
    for ((i = 0; i < 8; i++)); do
        bytes[at + len + i]=$((hash >> (56 - 8 * i) & 255))
    done
    printf '%b' "$(printf '\\x%02x' "${bytes[@]}")"
}
forge alice.journal >forged.journal
cmp -s alice.journal forged.journal && fail "nothing was forged"
want_code 1 "$REPLAY" forged.journal
want last.out ": different"
want last.out "the next step differs: inputs "
want_code 1 "$REPLAY" forged.journal --scrub forged.scrubbed
[[ ! -e forged.scrubbed ]] || fail "a difference was scrubbed away"

# Cut off, damaged, foreign.
head -c -3 server.journal >cut.journal
want_code 0 "$REPLAY" cut.journal
want last.out "cut off"
{ cat server.journal; printf 'xxxxxxxxxxxx'; } >damaged.journal
want_code 9 "$REPLAY" damaged.journal
want last.err "damaged"
want_code 9 "$REPLAY" credentials.txt
want last.err "no journal"
want_code 9 "$REPLAY" nowhere.journal
want_code 2 "$REPLAY"
want_code 2 "$REPLAY" a b

# No other file is emptied by a mistyped path; a journal that cannot be is said.
want_code 9 "$DAEMON" 0 --journal credentials.txt
want last.err "it exists and is no journal"
want credentials.txt alice
start_server
want_code 9 env PEERSYNC_PASSWORD=password123 "$PEER" "$PORT" --user alice \
    --journal credentials.txt lpf
want last.err "the journal credentials.txt cannot be written: it exists and is no journal"
stop_server
ln -s elsewhere link
want_code 9 "$DAEMON" 0 --journal link
[[ ! -e elsewhere ]] || fail "a link was followed"

# A full disk stops the journal, once, and not the server; what there is replays.
: >server.err
(
    trap '' XFSZ
    ulimit -f 1
    exec "$DAEMON" 0 --journal full.journal --log-format json 2>&1
) > >(cat >server.err) &
SERVER_PID=$!
PIDS+=("$SERVER_PID")
await 20 "listening" has server.err "listening on "
PORT=$(sed -n 's/.*listening on .*:\([0-9]\{1,\}\)".*/\1/p' server.err | head -n 1)
stopped() {
    printf '%0300d' 0 >/dev/udp/127.0.0.1/"$PORT"
    has server.err "the journal has stopped"
}
await 20 "told" stopped
run_peer carol password789 lpf
stop_server
[[ $(grep -c "the journal has stopped" server.err) == 1 ]] || fail "told more than once"
want_code 0 "$REPLAY" full.journal
want last.out "cut off"
