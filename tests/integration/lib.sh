# shellcheck shell=bash
# What the stories share. Source it first: `. "${0%/*}/lib.sh"`.
#
# ctest starts a story as `STORY.sh BIN_DIR HELPER_DIR`: the folders of the programs and of pty_run.
# A story is a script that ends with 0 (well), 77 (skipped) or anything else (failed). Nothing
# waits by sleeping for a guess: `await` looks again until a condition holds or a deadline is over.

set -euo pipefail
export LC_ALL=C TERM=xterm # Whatever the machine's are: with "dumb" nothing is drawn.
unset PEERSYNC_PASSWORD XDG_STATE_HOME

BIN=$(cd "$1" && pwd)
HELPERS=$(cd "$2" && pwd)
DAEMON=$BIN/peersyncd
# shellcheck disable=SC2034  # for the stories
PEER=$BIN/peersync
# shellcheck disable=SC2034
PTY_RUN=$HELPERS/pty_run
STORY=$(basename "$0" .sh)
WORK=$(mktemp -d "${TMPDIR:-/tmp}/peersync-$STORY.XXXXXX")
export HOME=$WORK/home
mkdir "$HOME"
cd "$WORK"

PIDS=()

# Ends what the story started, and on failure shows what it wrote.
cleanup() {
    local code=$? pid
    trap - EXIT
    for pid in "${PIDS[@]:+${PIDS[@]}}"; do
        kill -KILL "$pid" 2>/dev/null || true
        wait "$pid" 2>/dev/null || true
    done
    if ((code != 0 && code != 77)); then
        local log
        for log in "$WORK"/*.err "$WORK"/*.out; do
            [[ -s $log ]] || continue
            echo "--- ${log##*/}" >&2
            tail -n 40 "$log" >&2
        done
        echo "$STORY: failed with $code" >&2
    fi
    cd /
    chmod -R u+rwX "$WORK" 2>/dev/null || true
    rm -rf "$WORK"
    exit "$code"
}
trap cleanup EXIT
trap 'exit 143' TERM INT HUP

# fail TEXT...
fail() {
    echo "$STORY: line ${BASH_LINENO[0]}: $*" >&2
    exit 1
}

# await SECONDS WHAT COMMAND...: until COMMAND succeeds; fails the story after SECONDS.
await() {
    local seconds=$1 what=$2 deadline=$((SECONDS + $1 + 1))
    shift 2
    until "$@" >/dev/null 2>&1; do
        ((SECONDS <= deadline)) || fail "after $seconds s: not yet $what"
        sleep 0.02
    done
}

# has FILE TEXT: the file holds the text.
has() { grep -qF -- "$2" "$1"; }
has_not() { ! grep -qF -- "$2" "$1"; }

# want FILE TEXT, want_not FILE TEXT: checks that fail the story.
want() { has "$1" "$2" || fail "${1##*/} does not say: $2"; }
want_not() { has_not "$1" "$2" || fail "${1##*/} says: $2"; }

# want_code CODE COMMAND...: COMMAND ends with CODE. Its output goes to last.out and last.err.
want_code() {
    local want=$1 code=0
    shift
    "$@" >last.out 2>last.err || code=$?
    ((code == want)) || fail "ended with $code, not $want: $*"
}

# await_exit PID SECONDS: waits for a process of this story; its code is in EXIT_CODE.
gone() { [[ ! -e /proc/$1/stat ]] || grep -q ') Z ' "/proc/$1/stat"; }
await_exit() {
    await "$2" "the end of process $1" gone "$1"
    EXIT_CODE=0
    wait "$1" || EXIT_CODE=$?
}

# make_credentials [NAME PASSWORD]...: credentials.txt in the working directory; by default the
# users alice, bob and carol with the passwords password123, password456 and password789.
make_credentials() {
    (($# > 0)) || set -- alice password123 bob password456 carol password789
    (
        umask 077
        while (($# > 0)); do
            printf '%s %s\n' "$1" "$2"
            shift 2
        done >credentials.txt
    )
}

# start_server [OPTION...]: on a free port of 127.0.0.1; sets SERVER_PID and PORT. Its output is in
# server.err. The state is kept in the working directory's credentials.txt.
start_server() {
    : >server.err
    "$DAEMON" 0 "$@" >server.out 2>>server.err &
    SERVER_PID=$!
    PIDS+=("$SERVER_PID")
    await 20 "listening" server_settled
    has server.err "listening on " || fail "the server did not start"
    PORT=$(sed -n 's/.*listening on .*:\([0-9]\{1,\}\).*/\1/p' server.err | head -n 1)
}
server_settled() { has server.err "listening on " || gone "$SERVER_PID"; }

# kill_server: by SIGKILL, as a crash would end it.
kill_server() {
    kill -KILL "$SERVER_PID"
    wait "$SERVER_PID" 2>/dev/null || true
}

# restart_server [OPTION...]: on the port that it had.
restart_server() {
    : >server.err
    (
        for other in "${INPUT_OF[@]:+${INPUT_OF[@]}}"; do
            exec {other}>&-
        done
        exec "$DAEMON" "$PORT" "$@" >server.out 2>>server.err
    ) &
    SERVER_PID=$!
    PIDS+=("$SERVER_PID")
    await 20 "listening" server_settled
    has server.err "listening on " || fail "the server did not start again"
}

# stop_server: by SIGTERM; it must end with 0.
stop_server() {
    kill -TERM "$SERVER_PID"
    await_exit "$SERVER_PID" 20
    ((EXIT_CODE == 0)) || fail "the server ended with $EXIT_CODE"
}

# run_peer NAME PASSWORD COMMAND...: one command of a peer; output in last.out and last.err.
run_peer() {
    local name=$1 password=$2
    shift 2
    PEERSYNC_PASSWORD=$password "$PEER" "$PORT" --user "$name" --state "$WORK/state-$name" \
        "$@" >last.out 2>last.err
}

# background NAME COMMAND...: starts COMMAND with its output in NAME.out and NAME.err. What the
# story writes with `tell NAME TEXT` is its standard input, until `hang_up NAME`. Its process id is
# in ${PID_OF[NAME]}.
declare -A INPUT_OF=() PID_OF=()
background() {
    local name=$1 input other
    shift
    rm -f "$name.in"
    mkfifo "$name.in"
    exec {input}<>"$name.in"
    INPUT_OF[$name]=$input
    (
        # Nobody but the story may hold the writing ends, or no reader would see the end.
        exec <"$name.in"
        for other in "${INPUT_OF[@]}"; do
            exec {other}>&-
        done
        exec "$@" >"$name.out" 2>"$name.err"
    ) &
    # shellcheck disable=SC2034  # for the stories
    PID_OF[$name]=$!
    PIDS+=("$!")
}
tell() { printf '%s\n' "$2" >&"${INPUT_OF[$1]}"; }
hang_up() {
    local input=${INPUT_OF[$1]}
    exec {input}>&-
    unset "INPUT_OF[$1]"
}
