#include "unit.h"

#include "tickets.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define EXPIRES_S UINT64_C(1800000000)

static char base[64], folder[96];
static struct state place;

static int enter(void **state)
{
    (void)state;
    char why[512];
    strcpy(base, "/tmp/peersync-unit.XXXXXX");
    if (mkdtemp(base) == NULL ||
        state_open(&place, base, "alice", why, sizeof why) != PS_EXIT_DONE) {
        return -1;
    }
    snprintf(folder, sizeof folder, "%s/tickets", base);
    return 0;
}

/* The path of the folder's one file, or "". */
static const char *only_file(char path[512])
{
    DIR *dir = opendir(folder);
    unsigned files = 0;
    path[0] = '\0';
    if (dir == NULL) {
        return path;
    }
    for (const struct dirent *e = readdir(dir); e != NULL; e = readdir(dir)) {
        if (e->d_name[0] != '.') {
            snprintf(path, 512, "%s/%s", folder, e->d_name);
            files++;
        }
    }
    closedir(dir);
    assert_true(files <= 1);
    return path;
}

static int leave(void **state)
{
    (void)state;
    char path[512];
    (void)remove(only_file(path));
    (void)rmdir(folder);
    place.fresh = true;
    state_close(&place, true);
    return access(base, F_OK) == 0 ? -1 : 0;
}

static void keep(const struct ticket_owner *owner, uint8_t byte, size_t len)
{
    uint8_t bytes[PS_TICKET_MAX + 1];
    memset(bytes, byte, sizeof bytes);
    const ps_event_ticket ticket = {{bytes, len}, EXPIRES_S};
    tickets_keep(owner, &ticket);
}

static void a_ticket_comes_back_to_its_owner_alone(void **state)
{
    (void)state;
    const struct ticket_owner alice = {&place, "a:1", "alice"};
    const struct ticket_owner others[] = {
        {&place, "a:1", "alic"}, {&place, "a:1", "bob"}, {&place, "a:11", "alice"}};
    uint8_t out[PS_TICKET_MAX];
    char path[512];
    struct stat st;
    assert_int_equal(tickets_get(&alice, EXPIRES_S, out), 0);
    keep(&alice, 1, 100);
    keep(&alice, 2, PS_TICKET_MAX);
    assert_int_equal(tickets_get(&alice, EXPIRES_S - 1, out), PS_TICKET_MAX);
    assert_int_equal(out[0], 2);
    assert_int_equal(out[PS_TICKET_MAX - 1], 2);
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++) {
        assert_int_equal(tickets_get(&others[i], EXPIRES_S, out), 0);
    }
    assert_int_equal(stat(only_file(path), &st), 0);
    assert_int_equal(st.st_mode & 0777, 0600);
    place.device[0] ^= 1;
    assert_int_equal(tickets_get(&alice, EXPIRES_S, out), 0);
    place.device[0] ^= 1;
    tickets_wipe(&alice);
    assert_int_equal(tickets_get(&alice, EXPIRES_S, out), 0);
    assert_string_equal(only_file(path), "");
}

static void an_expired_ticket_is_shown_for_ninety_days(void **state)
{
    (void)state;
    const struct ticket_owner alice = {&place, "a:1", "alice"};
    uint8_t out[PS_TICKET_MAX];
    char path[512];
    keep(&alice, 1, 1);
    assert_int_equal(tickets_get(&alice, 0, out), 1);
    assert_int_equal(tickets_get(&alice, EXPIRES_S + TICKETS_SHOWN_S, out), 1);
    assert_int_equal(tickets_get(&alice, EXPIRES_S + TICKETS_SHOWN_S + 1, out), 0);
    assert_string_equal(only_file(path), "");
}

static void what_is_no_ticket_is_not_shown(void **state)
{
    (void)state;
    const struct ticket_owner alice = {&place, "a:1", "alice"};
    uint8_t out[PS_TICKET_MAX];
    char path[512];
    keep(&alice, 1, 0);
    keep(&alice, 1, PS_TICKET_MAX + 1);
    assert_string_equal(only_file(path), "");
    static const char *const files[] = {"", "\1expires!", "\2expires!t"};
    for (size_t i = 0; i < sizeof files / sizeof files[0]; i++) {
        keep(&alice, 1, 1);
        FILE *f = fopen(only_file(path), "w");
        assert_non_null(f);
        fputs(files[i], f);
        assert_int_equal(fclose(f), 0);
        assert_int_equal(tickets_get(&alice, 0, out), 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_ticket_comes_back_to_its_owner_alone, enter, leave),
        cmocka_unit_test_setup_teardown(an_expired_ticket_is_shown_for_ninety_days, enter, leave),
        cmocka_unit_test_setup_teardown(what_is_no_ticket_is_not_shown, enter, leave),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
