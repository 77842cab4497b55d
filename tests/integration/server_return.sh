#!/usr/bin/env bash
# A server without a store is killed and started again: it has forgotten everything, and says so to
# whoever it does not know. What three peers publish is listed again within five seconds, by itself.
. "${0%/*}/lib.sh" "$@" || exit
make_credentials alice password123 bob password456 carol password789 dave password000
start_server
i=0
for user in alice bob carol; do
    password=(password123 password456 password789)
    echo "of $user" >"file-$user"
    background "$user" env PEERSYNC_PASSWORD="${password[i]}" "$PEER" "$PORT" --user "$user" \
        --state "state-$user"
    tell "$user" "pub file-$user"
    await 10 "published" has "$user.err" "published file-$user"
    i=$((i + 1))
done
whole() {
    run_peer dave password000 lpf || return 1
    for user in alice bob carol; do
        has last.out "$(printf 'file-%s\t%d\t%s\tactive' "$user" $((${#user} + 4)) "$user")" ||
            return
    done
}
await 5 "listed" whole

kill_server
restart_server
await 5 "listed again" whole
for user in alice bob carol; do
    hang_up "$user"
    await_exit "${PID_OF[$user]}" 10
    ((EXIT_CODE == 0)) || fail "$user's prompt ended with $EXIT_CODE"
done
