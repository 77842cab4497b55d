#!/usr/bin/env bash
# What a ticket opens, and what opens nothing: held against OpenSSL's own client, and against a
# downloader that asks for what it should not.
. "${0%/*}/lib.sh" "$@" || exit
command -v openssl >/dev/null || exit 77
make_credentials
start_server
head -c 300000 /dev/urandom >first
head -c 300000 /dev/urandom >second
background alice env PEERSYNC_PASSWORD=password123 "$PEER" "$PORT" --user alice --state state-alice
tell alice "pub first second"
tell alice status
await 30 "published" has alice.out "$(printf 'published\t2')"
background carol env PEERSYNC_PASSWORD=password789 "$PEER" "$PORT" --user carol --state state-carol
tell carol "pub second"
tell carol status
await 30 "published" has carol.out "$(printf 'published\t1')"

# ticket OWNER NAME: address, length, root, identity and key of a ticket for OWNER's NAME.
ticket() {
    PEERSYNC_PASSWORD=password456 "$HELPERS/show_tickets" "$PORT" bob "$2" >tickets.out ||
        fail "no tickets"
    awk -v port="${PORT_OF[$1]}" '$1 ~ ":" port "$"' tickets.out
}
declare -A PORT_OF=()
PEERSYNC_PASSWORD=password456 "$HELPERS/show_tickets" "$PORT" bob first >tickets.out
read -r addr _ <tickets.out
PORT_OF[alice]=${addr##*:}
PEERSYNC_PASSWORD=password456 "$HELPERS/show_tickets" "$PORT" bob second >tickets.out
(($(wc -l <tickets.out) == 2)) || fail "second has $(wc -l <tickets.out) sources"
addr=$(awk -v port="${PORT_OF[alice]}" '$1 !~ ":" port "$" { print $1 }' tickets.out)
PORT_OF[carol]=${addr##*:}
read -r -a first < <(ticket alice first)
read -r -a second < <(ticket alice second)
read -r -a foreign < <(ticket carol second)

# handshake ADDR IDENTITY KEY [OPTION...]: OpenSSL's client; what it says goes to s_client.out.
handshake() {
    local addr=$1 identity=$2 key=$3
    shift 3
    timeout 20 openssl s_client -connect "$addr" -tls1_3 -psk "$key" -psk_identity "$identity" \
        "$@" </dev/null >s_client.out 2>&1
}
no_handshake() {
    handshake "$@" && fail "a handshake with what should open nothing"
    has s_client.out "alert" || fail "no alert"
    has_not s_client.out "Cipher is TLS_" || fail "a cipher"
}
# altered HEX_OR_BASE64 PLACE: with another character there.
altered() {
    local c=${1:$2:1}
    [[ $c == 0 ]] && c=1 || c=0
    printf '%s%s%s' "${1:0:$2}" "$c" "${1:$2+1}"
}

# The ticket and its key, and nothing else. There is no session to take along.
handshake "${first[0]}" "${first[3]}" "${first[4]}" -sess_out session || fail "no handshake"
want s_client.out "Cipher is TLS_"
want s_client.out "TLSv1.3"
[[ ! -s session ]] || fail "a session to resume"
for ((i = 0; i < ${#first[3]}; i += 20)); do
    no_handshake "${first[0]}" "$(altered "${first[3]}" "$i")" "${first[4]}"
done
no_handshake "${first[0]}" "${first[3]:0:-4}" "${first[4]}"
no_handshake "${first[0]}" "${first[3]}" "$(altered "${first[4]}" 0)"
no_handshake "${first[0]}" "${first[3]}" "${second[4]}"
no_handshake "${first[0]}" "${foreign[3]}" "${foreign[4]}"
no_handshake "${foreign[0]}" "${first[3]}" "${first[4]}"
no_handshake "${first[0]}" Client_identity "${first[4]}"
timeout 20 openssl s_client -connect "${first[0]}" </dev/null >s_client.out 2>&1 &&
    fail "a handshake without a ticket"
handshake "${first[0]}" "${first[3]}" "${first[4]}" -tls1_2 && fail "TLS 1.2"

# Nor does a session of another server help.
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=other \
    -keyout key.pem -out certificate.pem 2>openssl.err
background other openssl s_server -accept 127.0.0.1:0 -key key.pem -cert certificate.pem -tls1_3
await 20 "accepting" has other.out "ACCEPT 127.0.0.1:"
other=$(sed -n 's/^ACCEPT //p' other.out)
# Its tickets come after the handshake: the client waits for them.
background client openssl s_client -connect "$other" -tls1_3 -sess_out session
await 20 "a session" test -s session
hang_up client
timeout 20 openssl s_client -connect "${first[0]}" -tls1_3 -sess_in session </dev/null \
    >s_client.out 2>&1 && fail "a foreign session was resumed"
hang_up other

# A ticket opens its file for whoever holds it and its key, as often as he likes, and no other file.
for _ in 1 2; do
    "$HELPERS/use_ticket" "${first[@]}" >taken 2>use.err || fail "the ticket opens nothing"
    cmp first taken
done
"$HELPERS/use_ticket" "${first[0]}" "${second[1]}" "${second[2]}" "${first[3]}" "${first[4]}" \
    >taken 2>use.err && fail "a ticket for one file opened another"
[[ ! -s taken ]] || fail "bytes of another file"

# What is not published any more is not opened by a ticket that was good.
tell alice "unp first"
await 10 "unpublished" has alice.err "unpublished first"
"$HELPERS/use_ticket" "${first[@]}" >taken 2>use.err && fail "opened after unp"
[[ ! -s taken ]] || fail "bytes after unp"
"$HELPERS/use_ticket" "${second[@]}" >taken 2>use.err || fail "the other ticket opens nothing"
cmp second taken
for peer in alice carol; do
    tell "$peer" xit
    await_exit "${PID_OF[$peer]}" 20
done
stop_server
