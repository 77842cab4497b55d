#!/usr/bin/env bash
# A download of each size of the vectors, over TLS and over plain streams: byte for byte, under the
# root that another implementation of BEP 52 names.
. "${0%/*}/lib.sh" "$@" || exit
make_credentials
start_server
mkdir src
mapfile -t vectors < <("$HELPERS/make_content")
((${#vectors[@]} > 10)) || fail "only ${#vectors[@]} vectors"
names=()
for vector in "${vectors[@]}"; do
    read -r length seed sha256 root <<<"$vector"
    "$HELPERS/make_content" "$length" "$seed" >"src/v$length"
    [[ $(sha256sum <"src/v$length") == "$sha256 "* ]] || fail "the content of $length bytes"
    names+=("v$length")
done

for how in sealed plain; do
    options=()
    [[ $how == sealed ]] || options=(--plain-transfers)
    background "alice-$how" env PEERSYNC_PASSWORD=password123 "$PEER" "$PORT" --user alice \
        --state "state-$how" "${options[@]}" share src/*
    await 60 "sharing" has "alice-$how.err" "serving until"
    mkdir "down-$how"
    run_peer bob password456 "${options[@]}" --download-dir "down-$how" get --no-wait \
        "${names[@]}" || fail "$how: the downloads ended with $?"
    for vector in "${vectors[@]}"; do
        read -r length seed sha256 root <<<"$vector"
        cmp "src/v$length" "down-$how/v$length"
        run_peer bob password456 verify "down-$how/v$length" || fail "verify ended with $?"
        [[ $(cat last.out) == "$length"$'\t'"$root" ]] || fail "$length: $(cat last.out), not $root"
    done
    (($(find "down-$how" -mindepth 1 | wc -l) == ${#vectors[@]})) || fail "something is left"
    kill -TERM "${PID_OF[alice-$how]}"
    await_exit "${PID_OF[alice-$how]}" 20
done
stop_server
