#!/usr/bin/env bash
# Progress is drawn on a terminal, where it is wanted, and wiped before messages and the prompt.
. "${0%/*}/lib.sh" "$@" || exit
make_credentials
start_server
head -c 300000000 /dev/urandom >file
background alice env PEERSYNC_PASSWORD=password123 "$PEER" "$PORT" --user alice --max-uploads 1 \
    share file
await 60 "sharing" has alice.err "serving until"

# Carol begins, and is stopped: she holds the only slot.
partial() { [[ -n $(find held -name '.peersync-*.state' -size +1000c) ]]; }
hold() {
    rm -rf held
    mkdir held
    background carol env PEERSYNC_PASSWORD=password789 "$PEER" "$PORT" --user carol \
        --state "$WORK/state-carol" --download-dir held get file
    await 30 "the download begun" partial
    kill -STOP "${PID_OF[carol]}"
    [[ ! -e held/file ]] || fail "carol was faster than the signal"
}
release() {
    kill -KILL "${PID_OF[carol]}"
    wait "${PID_OF[carol]}" 2>/dev/null || true
}

# story ARG...: plays `script` on the terminal of bob, who has to wait.
story() {
    hold
    PEERSYNC_PASSWORD=password456 "$PTY_RUN" script "$PEER" "$PORT" --user bob \
        --state "$WORK/state-bob" "$@" >pty.out || fail "the terminal's story"
    release
}

# The line is drawn in its place, and wiped before what is said at the end.
cat >script <<END
expect alice serves as many as it can; waiting for a source of file
expect 0 %
expect 0 B / 286.1 MiB
expect waiting
key C
expect $(printf '\r\033[J')stopping; what was fetched is kept
exit 18
END
story get file -o got

# At the prompt, Return gives the prompt back; nothing is drawn over it.
cat >script <<END
expect > 
send get file -o got
expect 0 B / 286.1 MiB
send 
expect > 
send status
expect got, 0 B of 286.1 MiB, waiting
expect > 
send get file -o got2
expect 0 B / 286.1 MiB
key C
expect stopping; what was fetched is kept
expect > 
send xit
expect waiting for 1 download
key C
exit 18
END
story

# Not where it is not wanted.
cat >script <<END
expect alice serves as many as it can
key C
expect stopping
absent 0 B /
exit 18
END
story --no-progress get file -o got
TERM=dumb story get file -o got

# Through with it: nothing of the line is left behind the last message.
cat >script <<END
expect  %
expect $(printf '\r\033[J')fetched ./got (286.1 MiB in
exit 0
END
PEERSYNC_PASSWORD=password456 "$PTY_RUN" -t 60 script "$PEER" "$PORT" --user bob \
    --state "$WORK/state-bob" get file -o got >pty.out || fail "the terminal's last story"
cmp file got
