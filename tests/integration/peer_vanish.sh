#!/usr/bin/env bash
# A peer that is killed is gone from `lap` 3.0 to 3.5 s after its last sign of life.
. "${0%/*}/lib.sh" "$@" || exit
make_credentials
start_server
background bob env PEERSYNC_PASSWORD=password456 "$PEER" "$PORT" --user bob
background alice env PEERSYNC_PASSWORD=password123 "$PEER" "$PORT" --user alice
tell alice status
await 10 "alice logged in" has alice.out "user"

now_ms() { echo $(($(date +%s%N) / 1000000)); }
answers() {
    local listed none
    listed=$(grep -c '^alice$' bob.out) || true
    none=$(grep -c 'No active' bob.err) || true
    echo $((listed + none))
}
answered() { (($(answers) > before)); }
ask() {
    before=$(answers)
    tell bob lap
    await 5 "an answer" answered
}

ask
want bob.out alice
# Her `lap` is a sign of life; the kill follows within a few milliseconds.
tell alice lap
await 5 "alice's list" has alice.out bob
last=$(now_ms)
kill -KILL "${PID_OF[alice]}"
while has_not bob.err "No active peers"; do
    ask
    gone=$(now_ms)
    ((gone - last < 6000)) || fail "still listed"
done
span=$((gone - last))
echo "gone after $span ms"
# What lies between her last packet and `last`, and the asking, is allowed for.
((span >= 2850 && span <= 3600)) || fail "gone after $span ms"
