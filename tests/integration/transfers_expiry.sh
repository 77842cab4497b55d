#!/usr/bin/env bash
# An expired ticket opens nothing; who asks anew gets another.
. "${0%/*}/lib.sh" "$@" || exit
make_credentials
start_server --file-ticket-minutes 1
head -c 300000 /dev/urandom >file
background alice env PEERSYNC_PASSWORD=password123 "$PEER" "$PORT" --user alice share file
await 30 "sharing" has alice.err "serving until"
PEERSYNC_PASSWORD=password456 "$HELPERS/show_tickets" "$PORT" bob file >tickets.out
read -r -a old <tickets.out
"$HELPERS/use_ticket" "${old[@]}" >taken 2>use.err || fail "the ticket opens nothing"
cmp file taken
expired() { ! "$HELPERS/use_ticket" "${old[@]}" >taken 2>use.err; }
await 90 "expired" expired
want use.err HANDSHAKE
[[ ! -s taken ]] || fail "bytes for an expired ticket"
PEERSYNC_PASSWORD=password456 "$HELPERS/show_tickets" "$PORT" bob file >tickets.out
read -r -a new <tickets.out
[[ ${new[3]} != "${old[3]}" ]] || fail "the same ticket again"
"$HELPERS/use_ticket" "${new[@]}" >taken 2>use.err || fail "the new ticket opens nothing"
cmp file taken
stop_server
