#!/usr/bin/env bash
# Nothing that blocks costs a heartbeat: neither a reader of stdout that pauses nor a long file.
. "${0%/*}/lib.sh" "$@" || exit
make_credentials
start_server

# Alice's output goes into a pipe that nobody reads; more is asked for than it holds.
mkfifo full
exec {reader}<>full
mkfifo typed.in
exec {typing}<>typed.in
{
    printf 'alice\npassword123\n'
    for _ in {1..200}; do
        echo help
    done
    printf 'pub long\n'
} >&"$typing"
# 1 GiB without a block on the disk: a second or more of hashing.
truncate -s 1G long
"$PEER" "$PORT" <typed.in >full 2>alice.err {reader}>&- {typing}>&- &
alice=$!
PIDS+=("$alice")
await 20 "the file published" has alice.err "published long"

# Her session has not broken in the meantime, nor does it in the time of two evictions.
end=$((SECONDS + 6))
while ((SECONDS < end)); do
    run_peer bob password456 lap
    want last.out alice
    sleep 0.2
done
(($(grep -c 'session opened user=alice' server.err) == 1)) || fail "she had to come back"
want_not alice.err "does not answer"

# And she leaves although nobody has read: the interrupt does not wait for the reader.
kill -TERM "$alice"
await_exit "$alice" 5
want server.err "session closed user=alice"
want server.err "reason=logout"
