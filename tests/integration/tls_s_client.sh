#!/usr/bin/env bash
# OpenSSL's own client and an uploader's end of TLS: with the ticket and its key they agree, with
# anything else they do not, and no session is ever taken up again.
. "${0%/*}/lib.sh" "$@" || exit
command -v openssl >/dev/null || exit 77

TICKET=66f6f6c0ffee00fb0123456789abcdef
IDENTITY=Zvb2wP_uAPsBI0VniavN7w
KEY=$(printf '5a%.0s' {1..32})
WRONG=$(printf 'a5%.0s' {1..32})
background echo "$HELPERS/tls_echo" "$TICKET" "$KEY"
await 20 "listening" test -s echo.out
PORT=$(head -n 1 echo.out)

# client [OPTION...]: its code is in CODE, what it says in last.out. It says "hello", and leaves at
# the end of its input.
client() {
    CODE=0
    printf 'hello\n' | timeout 30 openssl s_client -connect "127.0.0.1:$PORT" -no_ign_eof \
        "$@" >last.out 2>&1 || CODE=$?
}

client -tls1_3 -psk "$KEY" -psk_identity "$IDENTITY" -sess_out session
((CODE == 0)) || fail "the client ended with $CODE"
await 20 "agreed" has echo.out "agreed: TLS_"
await 20 "ended well" has echo.out "ended"
want last.out "TLSv1.3"
want last.out "Verification: OK"
want_not last.out "Session Ticket"
[[ ! -s session ]] || fail "the client was given a session to take up again"

# agreed COUNT SUITE: so many handshakes have been made, the last with that cipher.
agreed() {
    [[ $(grep -c '^agreed' echo.out) == "$1" ]] &&
        [[ $(grep '^agreed' echo.out | tail -n 1) == "agreed: $2" ]]
}
count=1
for suite in TLS_CHACHA20_POLY1305_SHA256 TLS_AES_128_GCM_SHA256; do
    client -tls1_3 -psk "$KEY" -psk_identity "$IDENTITY" -ciphersuites "$suite"
    ((CODE == 0)) || fail "$suite: the client ended with $CODE"
    await 20 "agreed on $suite" agreed $((++count)) "$suite"
done

# refused WORDS [OPTION...]: the client fails, and the server says why.
refused() {
    local words=$1 before
    shift
    before=$(grep -c 'refused: ' echo.out || true)
    client "$@"
    ((CODE != 0)) || fail "the client got in: $*"
    await 20 "refused" eval "((\$(grep -c 'refused: ' echo.out) > $before))"
    tail -n 1 echo.out >refusal
    want refusal "refused: $words"
}
refused "it does not know the ticket's key" -tls1_3 -psk "$WRONG" -psk_identity "$IDENTITY"
refused "its ticket is not good here" -tls1_3 -psk "$KEY" -psk_identity "${IDENTITY}=="
refused "its ticket is not good here" -tls1_3 -psk "$KEY" -psk_identity "A${IDENTITY:1}"
refused "its ticket is not good here" -tls1_3 -psk "$KEY" -psk_identity Client_identity
refused "it offered no ticket" -tls1_3
refused "it speaks no TLS 1.3" -tls1_2 -psk "$KEY" -psk_identity "$IDENTITY"

# A server of OpenSSL's own gives a session for the same key; here it opens nothing.
background giver openssl s_server -accept 127.0.0.1:0 -tls1_3 -nocert -psk "$KEY" \
    -psk_identity "$IDENTITY"
await 20 "listening" has giver.out ACCEPT
OURS=$PORT
PORT=$(sed -n 's/^ACCEPT .*:\([0-9]\{1,\}\)$/\1/p' giver.out | head -n 1)
rm -f session
timeout 30 openssl s_client -connect "127.0.0.1:$PORT" -tls1_3 -psk "$KEY" \
    -psk_identity "$IDENTITY" -sess_out session >giver_client.out 2>&1 < <(
    await 20 "given" test -s session
) || true
[[ -s session ]] || fail "the other server gave no session"
PORT=$OURS
refused "its ticket is not good here" -tls1_3 -sess_in session
client -tls1_3 -psk "$KEY" -psk_identity "$IDENTITY"
((CODE == 0)) || fail "after all that the right client ended with $CODE"
