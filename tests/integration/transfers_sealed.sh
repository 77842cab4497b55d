#!/usr/bin/env bash
# A capture of a transfer holds no part of the file and not its name; one of a plain transfer shows
# that the check can find them. Needs to capture on loopback.
. "${0%/*}/lib.sh" "$@" || exit
command -v tcpdump >/dev/null || exit 77
make_credentials alicia-the-first password123 bertrand-the-second password456
start_server
name=a-telling-name-of-a-film.mkv
head -c 3000000 /dev/urandom >"$name"
mkdir down

# capture HOW [OPTION...]: transfers the file, and writes what went by to HOW.pcap.
capture() {
    local how=$1 addr
    shift
    background "alice-$how" env PEERSYNC_PASSWORD=password123 "$PEER" "$PORT" --user alicia-the-first \
        --state "state-$how" "$@" share "$name"
    await 30 "sharing" has "alice-$how.err" "serving until"
    PEERSYNC_PASSWORD=password456 "$HELPERS/show_tickets" "$PORT" bertrand-the-second "$name" >tickets.out
    read -r addr _ <tickets.out
    background "tcpdump-$how" tcpdump -i lo -U -B 65536 -w "$how.pcap" "tcp port ${addr##*:}"
    await 20 "capturing" capturing "$how"
    has "tcpdump-$how.err" "listening on lo" || exit 77
    run_peer bertrand-the-second password456 "$@" --download-dir down get --no-wait "$name" || fail "$how: $?"
    cmp "$name" "down/$name"
    rm "down/$name"
    kill -TERM "${PID_OF[alice-$how]}"
    await_exit "${PID_OF[alice-$how]}" 20
    await 20 "all captured" captured "$how.pcap"
    kill -INT "${PID_OF[tcpdump-$how]}"
    await_exit "${PID_OF[tcpdump-$how]}" 20
    want "tcpdump-$how.err" "0 packets dropped by kernel"
}
capturing() { has "tcpdump-$1.err" "listening on lo" || gone "${PID_OF[tcpdump-$1]}"; }
captured() { (($(stat -c %s "$1") > 3000000)); }

capture sealed
found=$("$HELPERS/find_window" "$name" sealed.pcap)
((found == 0)) || fail "$found windows of the file in the capture"
for secret in "$name" telling-name bertrand-the-second alicia-the-first; do
    grep -qaF -- "$secret" sealed.pcap && fail "the capture says: $secret"
done
capture plain --plain-transfers
found=$("$HELPERS/find_window" "$name" plain.pcap)
# All but those that a packet's end has cut in two.
((found > 3000000 * 9 / 10 / 16)) || fail "only $found windows found in a plain capture"
stop_server
