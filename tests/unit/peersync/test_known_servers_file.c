#include "unit.h"

#include "known_servers_file.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define AT_ONCE 4
#define OF_EACH 8

static char base[64], path[128], link_path[128], why[512];
static struct known_servers_before before;

static int enter(void **state)
{
    (void)state;
    strcpy(base, "/tmp/peersync-unit.XXXXXX");
    if (mkdtemp(base) == NULL) {
        return -1;
    }
    snprintf(path, sizeof path, "%s/known_servers", base);
    snprintf(link_path, sizeof link_path, "%s/elsewhere", base);
    return 0;
}

static int leave(void **state)
{
    (void)state;
    (void)remove(path);
    (void)remove(link_path);
    return rmdir(base);
}

static void write_file(const char *text)
{
    FILE *f = fopen(path, "w");
    assert_non_null(f);
    fputs(text, f);
    assert_int_equal(fclose(f), 0);
    assert_int_equal(chmod(path, 0644), 0);
}

static ps_exit remember(const char *place, const char *server, uint8_t byte)
{
    uint8_t key[PS_KEY_BYTES];
    memset(key, byte, sizeof key);
    return known_servers_remember(place, server, key, &before, why, sizeof why);
}

static void what_is_remembered_is_found(void **state)
{
    (void)state;
    uint8_t key[PS_KEY_BYTES];
    uint32_t line = 1;
    struct stat st;
    assert_int_equal(known_servers_look_up(path, "a:1", key, &line, why, sizeof why), PS_EXIT_DONE);
    assert_int_equal(line, 0);
    assert_int_equal(remember(path, "a:1", 1), PS_EXIT_DONE);
    assert_int_equal(remember(path, "b:1", 2), PS_EXIT_DONE);
    assert_false(before.found);
    assert_int_equal(remember(path, "a:1", 3), PS_EXIT_DONE);
    assert_true(before.found);
    assert_int_equal(before.key[31], 1);
    assert_int_equal(remember(path, "a:1", 3), PS_EXIT_DONE);
    assert_false(before.found);
    assert_int_equal(known_servers_look_up(path, "a:1", key, &line, why, sizeof why), PS_EXIT_DONE);
    assert_int_equal(line, 1);
    assert_int_equal(key[31], 3);
    assert_int_equal(known_servers_look_up(path, "b:1", key, &line, why, sizeof why), PS_EXIT_DONE);
    assert_int_equal(line, 2);
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0600);
}

static void another_key_stays_unless_it_is_to_be_replaced(void **state)
{
    (void)state;
    uint8_t key[PS_KEY_BYTES];
    uint32_t line = 0;
    assert_int_equal(remember(path, "a:1", 1), PS_EXIT_DONE);
    memset(key, 2, sizeof key);
    assert_int_equal(known_servers_remember(path, "a:1", key, NULL, why, sizeof why),
                     PS_EXIT_SERVER_KEY);
    assert_non_null(strstr(why, "SHA256:"));
    assert_int_equal(known_servers_look_up(path, "a:1", key, &line, why, sizeof why), PS_EXIT_DONE);
    assert_int_equal(key[31], 1);
    assert_int_equal(known_servers_remember(path, "a:1", key, NULL, why, sizeof why), PS_EXIT_DONE);
}

static void a_bad_file_is_named_and_left_alone(void **state)
{
    (void)state;
    uint8_t key[PS_KEY_BYTES];
    uint32_t line = 0;
    char expected[160];
    write_file("# x\nnonsense\n");
    snprintf(expected, sizeof expected, "%s:2: ", path);
    assert_int_equal(known_servers_look_up(path, "a:1", key, &line, why, sizeof why),
                     PS_EXIT_STATE);
    assert_non_null(strstr(why, expected));
    assert_int_equal(remember(path, "a:1", 1), PS_EXIT_STATE);
    assert_non_null(strstr(why, expected));
    FILE *f = fopen(path, "r");
    assert_non_null(f);
    char text[32] = "";
    assert_int_equal(fread(text, 1, sizeof text, f), 13);
    fclose(f);
    assert_string_equal(text, "# x\nnonsense\n");
    assert_int_equal(known_servers_look_up(base, "a:1", key, &line, why, sizeof why),
                     PS_EXIT_STATE);
}

static void look_up_fails(const char *says)
{
    uint8_t key[PS_KEY_BYTES];
    uint32_t line = 0;
    assert_int_equal(known_servers_look_up(path, "a:1", key, &line, why, sizeof why),
                     PS_EXIT_STATE);
    assert_non_null(strstr(why, path));
    assert_non_null(strstr(why, says));
    assert_int_equal(remember(path, "a:1", 1), PS_EXIT_STATE);
}

static void a_file_that_others_can_write_is_refused(void **state)
{
    (void)state;
    write_file("");
    assert_int_equal(chmod(path, 0620), 0);
    look_up_fails("others can write it");
    assert_int_equal(chmod(path, 0602), 0);
    look_up_fails("others can write it");
    assert_int_equal(chmod(path, 0644), 0);
    assert_int_equal(remember(path, "a:1", 1), PS_EXIT_DONE);
}

/* Only root can give a file away. */
static void a_file_of_another_user_is_refused(void **state)
{
    (void)state;
    write_file("");
    if (chown(path, 4242, (gid_t)-1) != 0) {
        skip();
    }
    look_up_fails("belongs to another user");
}

/* Writers at once, by the file's name and by a link to it: each line of each is there. */
static void writers_at_once_lose_nothing(void **state)
{
    (void)state;
    pid_t children[AT_ONCE];
    assert_int_equal(remember(path, "first:1", 9), PS_EXIT_DONE);
    assert_int_equal(symlink(path, link_path), 0);
    for (int c = 0; c < AT_ONCE; c++) {
        children[c] = fork();
        assert_true(children[c] >= 0);
        if (children[c] == 0) {
            bool well = true;
            for (int i = 0; i < OF_EACH; i++) {
                char server[32];
                snprintf(server, sizeof server, "h%d:%d", c, i + 1);
                well = well && remember(c % 2 == 0 ? path : link_path, server, 1) == PS_EXIT_DONE;
            }
            _exit(well ? 0 : 1);
        }
    }
    for (int c = 0; c < AT_ONCE; c++) {
        int status = -1;
        assert_int_equal(waitpid(children[c], &status, 0), children[c]);
        assert_int_equal(status, 0);
    }
    for (int c = 0; c < AT_ONCE; c++) {
        for (int i = 0; i < OF_EACH; i++) {
            char server[32];
            uint8_t key[PS_KEY_BYTES];
            uint32_t line = 0;
            snprintf(server, sizeof server, "h%d:%d", c, i + 1);
            assert_int_equal(known_servers_look_up(path, server, key, &line, why, sizeof why),
                             PS_EXIT_DONE);
            assert_true(line > 1);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(what_is_remembered_is_found, enter, leave),
        cmocka_unit_test_setup_teardown(another_key_stays_unless_it_is_to_be_replaced, enter,
                                        leave),
        cmocka_unit_test_setup_teardown(a_bad_file_is_named_and_left_alone, enter, leave),
        cmocka_unit_test_setup_teardown(a_file_that_others_can_write_is_refused, enter, leave),
        cmocka_unit_test_setup_teardown(a_file_of_another_user_is_refused, enter, leave),
        cmocka_unit_test_setup_teardown(writers_at_once_lose_nothing, enter, leave),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
