#!/usr/bin/env bash
# The server dies and comes back while a prompt is open: it is told, and all goes on by itself.
. "${0%/*}/lib.sh" "$@" || exit
make_credentials
start_server
echo content >file
background alice env PEERSYNC_PASSWORD=password123 "$PEER" "$PORT" --user alice
tell alice "pub file"
await 10 "published" has alice.err "published file"

kill -KILL "$SERVER_PID"
wait "$SERVER_PID" || true
await 10 "the loss told" has alice.err "does not answer any more"
port=$PORT
: >server.err
input=${INPUT_OF[alice]} # which the server must not hold open
"$DAEMON" "$port" >server.out 2>>server.err {input}>&- &
SERVER_PID=$!
PIDS+=("$SERVER_PID")
await 10 "listening" has server.err "listening on "
await 15 "the return told" has alice.err "answers again"

# What was published is listed again without anybody's help, and can be fetched.
PORT=$port
listed() { run_peer bob password456 lpf && has last.out "$(printf 'file\t8\talice\tactive')"; }
await 10 "listed again" listed
run_peer bob password456 get file -o fetched
cmp file fetched
hang_up alice
await_exit "${PID_OF[alice]}" 10
((EXIT_CODE == 0)) || fail "the prompt ended with $EXIT_CODE"

# No server at all: a clear word and its exit code.
stop_server
code=0
run_peer bob password456 lap || code=$?
((code == 3)) || fail "ended with $code"
want last.err "no answer from 127.0.0.1:$port"
