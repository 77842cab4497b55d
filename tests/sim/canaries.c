/* Every canary (core/util/canary.h) is caught: one bug is awake at a time, and each net is asked
 * whether it catches it, and how soon. A bug that no net has caught fails the test. Without a bug
 * nothing may be caught. Built with PEERSYNC_CANARIES. The programs of the unit tests are named in
 * the file that is given, one a line. */
#include "canary_nets.h"

#include "util/canary.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PROGRAMS 512u

typedef struct bug {
    const char *name, *area, *units_of;
} bug;

static const bug bugs[] = {{"", "", ""},
#define BUG(name, area, units_of, what) {#name, #area, #units_of},
                           PS_CANARY_LIST(BUG)
#undef BUG
};

enum { UNIT, EXHAUSTIVE, LIARS, SWARM, NETS };

static const char *const nets[] = {"unit tests", "exhaustive search", "liars", "swarms"};

static size_t read_programs(const char *path, char *programs[])
{
    static char line[4096];
    FILE *f = fopen(path, "r");
    size_t len = 0;
    while (f != NULL && len < PROGRAMS && fgets(line, sizeof line, f) != NULL) {
        line[strcspn(line, "\n")] = '\0';
        if (line[0] != '\0') {
            programs[len] = malloc(strlen(line) + 1);
            if (programs[len] == NULL) {
                abort();
            }
            strcpy(programs[len++], line);
        }
    }
    if (f != NULL) {
        fclose(f);
    }
    return len;
}

static void print_row(const bug *b, const canary_catch c[NETS], double seconds)
{
    const canary_catch *world = c[LIARS].caught ? &c[LIARS] : &c[SWARM];
    printf("%-20s %-10s | %-26s %7s | %-8s %-15s | %-26s %15s | %5.1f\n", b->name, b->area,
           c[UNIT].caught ? c[UNIT].by : "-", c[UNIT].soon,
           c[EXHAUSTIVE].caught ? c[EXHAUSTIVE].by : "-", c[EXHAUSTIVE].soon,
           world->caught ? world->by : "-", world->soon, seconds);
    fflush(stdout);
}

static bool in_core(const bug *b)
{
    return strncmp(b->units_of, "peersyncd", 9) != 0 && strncmp(b->units_of, "data", 4) != 0;
}

int main(int argc, char **argv)
{
    static char *programs[PROGRAMS];
    static canary_catch none;
    size_t caught[NETS] = {0};
    size_t survivors = 0;
    const char *told = "";
    const size_t units = argc > 1 ? read_programs(argv[1], programs) : 0;
    const double from_s = canary_seconds();
    canary_exhaustive(PS_CANARY_NONE, &none);
    canary_liars(PS_CANARY_NONE, &none);
    if (none.caught) {
        printf("something is caught without a canary: %s\n", none.by);
        return 1;
    }
    printf("%-20s %-10s | %-26s %7s | %-8s %-15s | %-26s %15s | %5s\n", "canary", "area",
           "unit test", "after", "scene", "after", "swarm of 20 peers", "seed: after", "real");
    for (int i = 1; i < (int)(sizeof bugs / sizeof bugs[0]); i++) {
        const double began_s = canary_seconds();
        canary_catch c[NETS] = {{.caught = false}};
        canary_units(bugs[i].units_of, bugs[i].name, programs, units, &c[UNIT]);
        if (in_core(&bugs[i])) {
            canary_exhaustive(i, &c[EXHAUSTIVE]);
            canary_liars(i, &c[LIARS]);
            if (!c[LIARS].caught && !canary_swarms(i, &c[SWARM], &told)) {
                printf("%s: seed %s fails without a canary:\n%s", bugs[i].name, c[SWARM].soon,
                       told);
                return 1;
            }
        }
        bool any = false;
        for (size_t k = 0; k < NETS; k++) {
            caught[k] += c[k].caught;
            any = any || c[k].caught;
        }
        survivors += !any;
        print_row(&bugs[i], c, canary_seconds() - began_s);
    }
    for (size_t k = 0; k < NETS; k++) {
        printf("%s: %zu caught\n", nets[k], caught[k]);
    }
    printf("%zu canaries, %zu survived, %.0f s\n", sizeof bugs / sizeof bugs[0] - 1, survivors,
           canary_seconds() - from_s);
    return survivors == 0 ? 0 : 1;
}
