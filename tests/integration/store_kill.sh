#!/usr/bin/env bash
# What was published survives the server's death, without the publisher's doing.
. "${0%/*}/lib.sh" "$@" || exit
make_credentials
mkdir state
start_server --state state --credentials credentials.txt
echo content >file
echo other >second
run_peer alice password123 pub file second
run_peer alice password123 unp second
kill_server
[[ $(stat -c %a state/publications.log) == 600 ]] || fail "others may read the store"

# Its size is shown, also while a server runs.
want_code 0 "$DAEMON" --check-config --state state --credentials credentials.txt
want last.out "state/publications.log"
[[ $(awk '$1 == "bytes" && NF == 2 {print $2}' last.out) == "$(stat -c %s state/publications.log)" ]] ||
    fail "not the store's size"
[[ $(awk '$1 == "records" && NF == 2 {n = $2} /^  records that are superseded/ {print n - $NF}' \
    last.out) == 2 ]] || fail "not the one that is listed, and the last one"

restart_server --state state --credentials credentials.txt
run_peer bob password456 lpf
[[ $(cut -f 1-4 last.out) == $'file\t8\talice\taway' ]] || fail "not listed as it was"
want_code 0 "$DAEMON" --check-config --state state --credentials credentials.txt

# The publisher comes back to what is known already, and changes it.
background alice env PEERSYNC_PASSWORD=password123 "$PEER" "$PORT" --user alice \
    --state state-alice
active() { run_peer bob password456 lpf && has last.out $'file\t8\talice\tactive'; }
await 15 "active" active
want_not last.out second
run_peer bob password456 get file -o fetched
cmp file fetched
tell alice "unp file"
await 10 "unpublished" has alice.err "unpublished file"
hang_up alice
await_exit "${PID_OF[alice]}" 10
kill_server
restart_server --state state --credentials credentials.txt
run_peer bob password456 lpf
[[ ! -s last.out ]] || fail "what was unpublished is back"

# A torn end is cut off and told; the rest stays.
run_peer alice password123 pub file
stop_server
printf '\0\0\0\110torn' >>state/publications.log
restart_server --state state --credentials credentials.txt
want server.err "bytes=8"
run_peer bob password456 lpf
want last.out $'file\t8\talice\taway'
stop_server
restart_server --state state --credentials credentials.txt
want_not server.err "torn"
stop_server

# A file that is not the server's, or a newer one, is refused and stays as it is.
refused() {
    want_code 13 "$DAEMON" 0 --state state --credentials credentials.txt
    want last.err "$1"
    want_not last.err "listening on"
    want_code 13 "$DAEMON" --check-config --state state --credentials credentials.txt
    want last.err "$1"
    cmp state/publications.log kept
}
printf 'a list of my songs\n' | tee kept >state/publications.log
refused "is not a log of publications: move it away"
printf 'PEERSYNC\0\0\0\002PUBS....' | tee kept >state/publications.log
refused "written by a newer peersyncd"

# Without a state directory there is no store.
rm -r state
start_server
run_peer alice password123 pub file
kill_server
restart_server
run_peer bob password456 lpf
[[ ! -s last.out ]] || fail "a server without a state directory remembers"
stop_server
