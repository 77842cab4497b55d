#!/usr/bin/env bash
# The k-th failing call: of a class of calls (peersync_fault.so tells which) one fails, or all from
# it on, for k = 1, 2, 3 ... until none fires. The program ends with a message and an exit code of
# the manual's, or goes on; and whatever it did,
#   - no signal ends it, and it does not hang;
#   - a name in the download folder is the whole file;
#   - what was acknowledged is there in the next run, without faults, which succeeds;
#   - it holds no descriptor more than it would have held.
#
# faults.sh BIN_DIR HELPER_DIR                                  a sample
# faults.sh BIN_DIR HELPER_DIR SCENARIO CLASS:ERROR[+] [STRIDE [FIRST [LAST]]]
#                                                               a sweep: a line says what it found;
#                                          with FAULTS_SHOW=1, a line for each k, too
. "${0%/*}/lib.sh" "$@" || exit
FAULT=$HELPERS/peersync_fault.so
[[ -e $FAULT ]] || exit 77
LIMIT=60 # Seconds until a run counts as hung.

# ---- A run

# run_as NAME COMMAND...: runs it with a limit; its output is in NAME.out and NAME.err.
run_as() {
    local name=$1
    shift
    CODE=0
    timeout -k 5 "$LIMIT" "$@" >"$name.out" 2>"$name.err" || CODE=$?
}
# The words that put the run's fault before a program.
armed() {
    ARMED=(env "LD_PRELOAD=$FAULT" "PEERSYNC_FAULT=$class:$k:$error"
        "PEERSYNC_FAULT_REPORT=$PWD/report")
}
peer() {
    local name=$1 password=password123
    shift
    [[ $name != bob* ]] || password=password456
    [[ $name != carol* ]] || password=password789
    PEER_LINE=(env "PEERSYNC_PASSWORD=$password" "$@" "$PEER" "$PORT" --user "${name%-*}"
        --state "state-${name%-*}")
}
wait_for() {
    local deadline=$((SECONDS + $1 + 1))
    shift
    until "$@" >/dev/null 2>&1; do
        ((SECONDS <= deadline)) || return 1
        sleep 0.02
    done
}
# violation TEXT...: counts it, and shows what led to it.
violation() {
    local log
    violations=$((violations + 1))
    echo "$scenario $class:$k:$error: $*" >&2
    sed 's/^/    /' report >&2 || true
    for log in *.err; do
        [[ ! -s $log ]] || tail -n 4 "$log" | sed "s/^/    ${log%.err}: /" >&2
    done
}
fired() { grep -q ^fired report 2>/dev/null; }
# well_ended NAME CODE: a code of the manual's, and for other than 0 a reason on stderr.
well_ended() {
    outcomes[$2]=$((${outcomes[$2]:-0} + 1))
    [[ -z ${FAULTS_SHOW:-} ]] || echo "$scenario $class:$k:$error: $2:" \
        "$(sed -n 's/^fired [^ ]* //p' report | head -n 1):" \
        "$(grep -v '^[0-9]\{4\}-\|^listening' "$1.err" | tail -n 1)"
    if (($2 == 124)) && [[ $error == *+ ]] && has "$1.err" "trying to reach it"; then
        return # Without a network, a prompt waits for it until it is told to end.
    elif (($2 == 124 || $2 == 137)); then
        violation "$1 hangs"
    elif (($2 == 1 || $2 > 21)); then
        violation "$1 ended with $2"
    elif (($2 != 0)) && [[ ! -s $1.err ]]; then
        violation "$1 ended with $2, without a word"
    fi
}
# end NAME PID: by SIGTERM, if it has not ended; CODE is its exit code.
end() {
    kill -TERM "$2" 2>/dev/null || true
    CODE=124
    if wait_for "$LIMIT" gone "$2"; then
        CODE=0
        wait "$2" || CODE=$?
    else
        kill -KILL "$2" 2>/dev/null || true
        wait "$2" 2>/dev/null || true
    fi
}
end_calm_server() {
    end server "$SERVER_PID"
    ((CODE == 0)) || violation "the server without faults ended with $CODE"
}
# The kinds of descriptors that a process holds.
descriptors() {
    local fd
    for fd in /proc/"$1"/fd/*; do
        readlink "$fd" || true
    done 2>/dev/null | sed 's/\[[0-9]*\]//; s/(deleted)//' | sort | uniq -c
}
same_descriptors() { [[ $(descriptors "$1") == "$(cat "$WORK/descriptors")" ]]; }
# same_after NAME PID: it holds what it held in the run without a fault.
same_after() {
    if [[ ! -e $WORK/descriptors ]]; then
        descriptors "$2" >"$WORK/descriptors"
    elif ! wait_for 10 same_descriptors "$2"; then
        gone "$2" && return
        violation "$1 holds other descriptors: $(diff "$WORK/descriptors" <(descriptors "$2") |
            grep '^[<>]' | tr '\n' ';')"
    fi
}
listed() { cut -f 1 bob.out | grep -qxF "$1"; }
# calm_server [WORD...]: starts the server of a run.
calm_server() {
    : >server.err
    "$@" "$DAEMON" "${PORT_WANTED:-0}" --state state --credentials credentials.txt \
        >server.out 2>>server.err &
    SERVER_PID=$!
    PIDS=("$SERVER_PID")
    wait_for "$LIMIT" server_settled || violation "the server neither starts nor ends"
    PORT=$(sed -n 's/.*listening on .*:\([0-9]\{1,\}\).*/\1/p' server.err | head -n 1)
}
# sharing NAME [WORD...]: alice serves `big`, in the background.
sharing() {
    peer alice "$@"
    : >alice.err
    "${PEER_LINE[@]}" share src/big >alice.out 2>alice.err &
    ALICE_PID=$!
    PIDS+=("$ALICE_PID")
    wait_for "$LIMIT" shared || violation "alice neither serves nor ends"
}
shared() { has alice.err "serving until" || gone "$ALICE_PID"; }
# fetch NAME [WORD...]: gets `big` into the folder of that name.
fetch() {
    local name=$1
    shift
    mkdir -p "down-$name"
    peer "$name" "$@"
    run_as "$name" "${PEER_LINE[@]}" --download-dir "down-$name" get --no-wait big
}
# true_file NAME: what stands under the final name is the whole file.
true_file() {
    if [[ -e down-$1/big ]]; then
        cmp -s src/big "down-$1/big" || violation "$1 has a false file"
    elif ((CODE == 0)); then
        violation "$1 has no file, and says nothing"
    fi
}
# fetched NAME: without a fault, it must be there, and nothing beside it.
fetched() {
    ((CODE == 0)) || violation "$1, without faults, ended with $CODE"
    cmp -s src/big "down-$1/big" || violation "$1, without faults, has no true file"
    # What could not be removed stays.
    [[ $(ls -A "down-$1") == big ]] || grep -q unlink report ||
        violation "$1: something is left: $(find "down-$1" -type f | tr '\n' ' ')"
}

# ---- Scenarios: each is a run in a folder of its own.

# publish_on_server: with the fault in the server. What is acknowledged must be there later.
publish_on_server() {
    calm_server "${ARMED[@]}"
    if gone "$SERVER_PID"; then
        end server "$SERVER_PID"
        well_ended server "$CODE"
        ((CODE != 0)) || violation "the server ended with 0"
    else
        peer alice
        run_as alice "${PEER_LINE[@]}" < <(printf '%s\n' 'pub src/one' 'pub src/two' lpf \
            'unp two' xit)
        local of_alice=$CODE
        if ! gone "$SERVER_PID"; then
            [[ $error == *+ ]] || ((of_alice == 0)) ||
                violation "alice ended with $of_alice, though the server goes on"
            [[ $error == *+ ]] || has alice.err "unpublished two" ||
                violation "alice was not heard, though the server goes on"
            same_after server "$SERVER_PID"
        fi
        end server "$SERVER_PID"
        well_ended server "$CODE"
    fi
    mv server.err before.err
    calm_server
    if gone "$SERVER_PID"; then
        violation "the server does not start again"
        return
    fi
    peer bob
    run_as bob "${PEER_LINE[@]}" lpf
    ((CODE == 0)) || violation "bob ended with $CODE"
    [[ ! -e alice.err ]] || has_not alice.err "published one" || listed one ||
        violation "what was acknowledged is lost"
    [[ ! -e alice.err ]] || has_not alice.err "unpublished two" || ! listed two ||
        violation "what was taken back is there again"
    [[ ! -d $WORK/kept ]] || [[ $scenario != server_again ]] || listed kept ||
        violation "what was there before is lost"
    end_calm_server
}
scenario_server() { publish_on_server; }
# The same, with a state that is there already.
scenario_server_again() {
    cp -a "$WORK/kept/state" state
    publish_on_server
}
prepare_server_again() {
    mkdir "$WORK/kept"
    calm_server
    peer alice
    run_as alice "${PEER_LINE[@]}" pub src/kept
    ((CODE == 0)) || fail "nothing could be published before the sweep"
    end_calm_server
    mv state "$WORK/kept/"
}

# The fault is in who serves.
scenario_uploader() {
    calm_server
    armed
    sharing "${ARMED[@]}"
    if ! gone "$ALICE_PID"; then
        fetch bob
        ((CODE < 22 && CODE != 1)) || violation "bob ended with $CODE"
        true_file bob
        if ! gone "$ALICE_PID" && [[ $error != *+ ]]; then
            local before=no
            ! fired || before=yes
            fetch carol
            if [[ $before == no ]] && fired; then
                true_file carol # The fault was in her way.
            elif ((CODE != 0)) && wait_for 1 gone "$ALICE_PID"; then
                true_file carol
            else
                fetched carol
                same_after alice "$ALICE_PID"
            fi
        fi
    fi
    end alice "$ALICE_PID"
    well_ended alice "$CODE"
    mv alice.err before.err
    sharing
    fetch bob
    fetched bob
    end alice "$ALICE_PID"
    end_calm_server
}
# The fault is in who fetches.
fetch_under_fault() {
    calm_server
    sharing
    fetch bob "${ARMED[@]}"
    well_ended bob "$CODE"
    true_file bob
    mv bob.err before.err
    fetch bob
    fetched bob
    end alice "$ALICE_PID"
    end_calm_server
}
scenario_downloader() { fetch_under_fault; }
# Beyond the header of the state of what is fetched.
has_piece() {
    local state
    for state in down-bob/.peersync-*.state; do
        [[ -e $state ]] && (($(stat -c %s "$state") > 63)) && return
    done
    false
}
# The same, on a part of the file that is there from a run whose disk was full.
scenario_resume() {
    cp -a "$WORK/kept/." .
    fetch_under_fault
}
prepare_resume() {
    mkdir "$WORK/kept"
    calm_server
    sharing
    # The disk is full, and the later the better, until a piece is recorded.
    local at=90
    until fetch bob env "LD_PRELOAD=$FAULT" "PEERSYNC_FAULT=write:$at:ENOSPC+" && has_piece; do
        ((at -= 4)) || fail "no part of the file is left"
        rm -rf down-bob state-bob
    done
    end alice "$ALICE_PID"
    end_calm_server
    mv down-bob state-bob "$WORK/kept/"
}
# The fault is in who publishes and takes back at a prompt, from a state that is there already.
scenario_publisher() {
    cp -a "$WORK/kept/." .
    calm_server
    peer alice "${ARMED[@]}"
    run_as alice "${PEER_LINE[@]}" < <(printf '%s\n' 'pub src/one' status 'unp kept' lap xit)
    well_ended alice "$CODE"
    mv alice.err before.err
    peer alice
    run_as alice "${PEER_LINE[@]}" < <(printf '%s\n' status xit)
    ((CODE == 0)) || violation "alice, without faults, ended with $CODE"
    peer bob
    run_as bob "${PEER_LINE[@]}" lpf
    if has_not before.err "cannot save what is published"; then
        has_not before.err "published one" || listed one ||
            violation "what was acknowledged is lost"
        has_not before.err "unpublished kept" || ! listed kept ||
            violation "what was taken back is there again"
    fi
    listed two || violation "what was there before is lost"
    end_calm_server
}
prepare_publisher() {
    mkdir "$WORK/kept"
    calm_server
    peer alice
    run_as alice "${PEER_LINE[@]}" pub src/kept src/two
    ((CODE == 0)) || fail "nothing could be published before the sweep"
    end_calm_server
    mv state state-alice "$WORK/kept/"
}
# What needs no server: the user's file is the old one or the new one.
scenario_accounts() {
    local before
    before=$(cat credentials.txt)
    run_as passwd "${ARMED[@]}" "$DAEMON" user passwd bob < <(echo secret)
    well_ended passwd "$CODE"
    if ((CODE == 0)); then
        grep -q '^bob .argon2id' credentials.txt || violation "nothing was changed"
    fi
    [[ $(cat credentials.txt) == "$before" || $(grep -c . credentials.txt) == 3 &&
        $(grep -c '^bob .argon2id.*' credentials.txt) == 1 ]] || violation "the users are spoilt"
    run_as passwd "$DAEMON" user passwd bob < <(echo secret)
    ((CODE == 0)) || violation "passwd, without faults, ended with $CODE"
}
scenario_verify() {
    run_as verify "${ARMED[@]}" "$PEER" verify src/big --root "$(cut -f 2 "$WORK/root")"
    well_ended verify "$CODE"
    ((CODE != 0)) || [[ $(cat verify.out) == "$(cat "$WORK/root")" ]] || violation "a wrong root"
}

# ---- Sweeps

# one_run: in a folder of its own, with the k-th call failing.
one_run() {
    rm -rf "$WORK/run"
    mkdir "$WORK/run"
    cd "$WORK/run"
    cp -a "$WORK/credentials.txt" .
    ln -s "$WORK/src" src
    armed
    "scenario_$scenario"
    local pid
    for pid in "${PIDS[@]:+${PIDS[@]}}"; do
        kill -KILL "$pid" 2>/dev/null && wait "$pid" 2>/dev/null
    done
    PIDS=()
}
prepare() {
    cd "$WORK"
    # Kept at the least cost that argon2id has: each run logs in several times.
    # shellcheck disable=SC2016
    make_credentials \
        alice '$argon2id$v=19$m=8,t=1,p=1$WCPa3PHz2ekd9VRy9OOr1Q$KY8BRLKTLKp3/udL1lk/S9H1r33CtWjkL8zp7Kc1rjs' \
        bob '$argon2id$v=19$m=8,t=1,p=1$8q6nDRKQhumLtW0sgKQpTg$TVrevNghOEBLetVWkrqnUmziJ8JxTVPTXcCuuYJKxkM' \
        carol '$argon2id$v=19$m=8,t=1,p=1$JPOg0QyEFdC6kpiQCQZP0w$xyDANwkWQQv/8SPI0kDXiG6pa3DOH/ncsXfC/YWwkxs'
    mkdir src
    head -c 3300000 /dev/urandom >src/big
    for name in one two kept; do
        echo "content of $name" >"src/$name"
    done
    "$PEER" verify src/big --root 00 >root 2>prepare.err || true # It is another.
}
# sweep SCENARIO CLASS:ERROR[+] [STRIDE [FIRST [LAST]]]
sweep() {
    local scenario=$1 class=${2%:*} error=${2#*:} stride=${3:-1} first=${4:-1} last=${5:-1000000000}
    local k=1000000000 runs=0 violations=0 calls
    declare -A outcomes=()
    rm -rf "$WORK/kept" "$WORK/descriptors" "$WORK/run"
    mkdir "$WORK/run"
    if declare -F "prepare_$scenario" >/dev/null; then
        cd "$WORK/run"
        cp -a "$WORK/credentials.txt" .
        ln -s "$WORK/src" src
        "prepare_$scenario"
    fi
    one_run # Without a fault: what the others are measured by.
    calls=$(sed -n 's/^calls //p' report | tail -n 1)
    ((violations == 0)) && [[ ${!outcomes[*]} == 0 ]] ||
        fail "$scenario does not work without faults"
    outcomes=()
    for ((k = first; k <= last; k += stride)); do
        one_run
        fired || break
        runs=$((runs + 1))
    done
    local codes='' code
    for code in $(printf '%s\n' "${!outcomes[@]}" | sort -n); do
        codes+=" $code:${outcomes[$code]}"
    done
    printf '%-12s %-5s %-12s calls=%-5s stride=%-3d last_k=%-5d fired=%-3d violations=%d codes%s\n' \
        "$scenario" "$class" "$error" "${calls:-?}" "$stride" "$((runs > 0 ? k - stride : 0))" \
        "$runs" "$violations" "$codes"
    total=$((total + violations))
}

total=0
prepare
if (($# > 2)); then
    sweep "${@:3}"
else
    sweep accounts write:ENOSPC
    sweep server sync:EIO 3
    sweep server open:EMFILE 6
    sweep publisher open:EMFILE 12
    sweep downloader write:ENOSPC 17
    sweep uploader alloc:ENOMEM 50 # (Not where AddressSanitizer has the allocator.)
fi
((total == 0)) || fail "$total violations"
