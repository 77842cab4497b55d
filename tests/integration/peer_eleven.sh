#!/usr/bin/env bash
# Eleven downloads at once from one peer, beside other commands at the same prompt.
. "${0%/*}/lib.sh" "$@" || exit
make_credentials
start_server
mkdir src down
for i in {1..11}; do
    head -c 8000000 /dev/urandom >"src/file$i"
done
background alice env PEERSYNC_PASSWORD=password123 "$PEER" "$PORT" --user alice share src/*
await 60 "sharing" has alice.err "serving until"
{
    echo 'expect > '
    for i in {1..11}; do
        echo "send get file$i"
    done
    printf 'send lap\nexpect alice\nsend xit\nexit 0\n'
} >script
PEERSYNC_PASSWORD=password456 "$PTY_RUN" -t 60 script "$PEER" "$PORT" --user bob \
    --download-dir down >pty.out || fail "the terminal's story"
for i in {1..11}; do
    cmp "src/file$i" "down/file$i"
done
