/* exhaustive: searches scenes (exhaustive_scenes.c) deeper and deeper, first with any number of
 * faults on a path, then with few of them on longer paths, until the time is up or the depth is
 * reached. Prints what was searched; a failure prints the path that repeats it. */
#define _POSIX_C_SOURCE 200809L

#include "exhaustive.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

typedef struct options {
    const char *scene; /* NULL: all. */
    const char *path;  /* To repeat; NULL: search. */
    uint32_t depth, faults, flight, heal_every, memory_mib;
    double seconds;
    bool heal, list;
} options;

static void usage(FILE *out)
{
    fputs("usage: exhaustive [--scene NAME] [--depth N] [--faults N] [--seconds N] [--flight N]\n"
          "                  [--heal-every N] [--memory MIB] [--list]\n"
          "       exhaustive --scene NAME --path \"CHOICE...\" [--flight N] [--heal]\n"
          "\n"
          "  --depth N       choices on a path, at most (64)\n"
          "  --faults N      faults on a path, at most (any number, then 3 on longer paths)\n"
          "  --seconds N     for all scenes together; 0: until the depth is reached (10)\n"
          "  --flight N      datagrams under way at a time, at most (6)\n"
          "  --heal-every N  one state in N must come right when faults end; 0: none (512)\n"
          "  --memory MIB    for the set of states visited (256)\n"
          "  --path          repeats one path: D3 delivers datagram 3, X3 drops it, U3 delivers a\n"
          "                  copy of it, T is the next deadline, S syncs the store, Cm gives the\n"
          "                  next command, Em stops a machine for a while, Ks cuts all off, Rm "
          "kills\n"
          "                  one and starts it again; m is s, a or b\n",
          out);
}

static bool number(const char *text, uint32_t *n)
{
    char *end;
    const unsigned long value = strtoul(text, &end, 10);
    *n = (uint32_t)value;
    return end != text && *end == '\0' && value < UINT32_MAX;
}

static bool read_value(options *o, const char *name, const char *value)
{
    static const struct {
        const char *name;
        size_t at;
    } numbers[] = {
        {"--depth", offsetof(options, depth)},
        {"--faults", offsetof(options, faults)},
        {"--flight", offsetof(options, flight)},
        {"--heal-every", offsetof(options, heal_every)},
        {"--memory", offsetof(options, memory_mib)},
    };
    if (strcmp(name, "--scene") == 0) {
        o->scene = value;
        return ex_scene_of(value) != NULL;
    }
    if (strcmp(name, "--path") == 0) {
        o->path = value;
        return true;
    }
    if (strcmp(name, "--seconds") == 0) {
        char *end;
        o->seconds = strtod(value, &end);
        return end != value && *end == '\0' && o->seconds >= 0;
    }
    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++) {
        if (strcmp(name, numbers[i].name) == 0) {
            return number(value, (uint32_t *)(void *)((char *)o + numbers[i].at));
        }
    }
    return false;
}

static bool read_options(options *o, int argc, char **argv)
{
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--heal") == 0) {
            o->heal = true;
        } else if (strcmp(argv[i], "--list") == 0) {
            o->list = true;
        } else if (i + 1 == argc || !read_value(o, argv[i], argv[i + 1])) {
            fprintf(stderr, "exhaustive: cannot take %s\n", argv[i]);
            return false;
        } else {
            i++;
        }
    }
    return o->depth >= 1 && o->depth <= EX_DEPTH_MAX && o->flight >= 1 && o->flight < EX_FLIGHT &&
           o->memory_mib >= 1 && (o->path == NULL || o->scene != NULL);
}

typedef struct sum {
    ex_counts counts;
    double seconds;
} sum;

static void print_row(const char *scene, uint32_t faults, uint32_t depth, const ex_counts *c,
                      double seconds)
{
    char allowed[16] = "any";
    if (faults != EX_ALL_FAULTS) {
        (void)snprintf(allowed, sizeof allowed, "%" PRIu32, faults);
    }
    printf("%-10s %6s %5" PRIu32 " %12" PRIu64 " %12" PRIu64 " %11" PRIu64 " %8" PRIu64
           " %9.0f %8.3f %8.3f\n",
           scene, allowed, depth, c->states, c->transitions, c->pruned, c->healed,
           seconds > 0 ? (double)c->states / seconds : 0, (double)c->worst_online_us / 1e6,
           (double)c->worst_listed_us / 1e6);
    fflush(stdout);
}

static void add(sum *s, const ex_counts *c, double seconds)
{
    s->counts.states += c->states;
    s->counts.transitions += c->transitions;
    s->counts.pruned += c->pruned;
    s->counts.healed += c->healed;
    s->counts.steps += c->steps;
    s->seconds += seconds;
}

/* Deeper and deeper until the time is up; tells of the deepest search that came to its end. */
static void deepen(const options *o, const ex_scene *scene, uint32_t faults, double until_s,
                   sum *all)
{
    ex_counts done = {.states = 0};
    uint32_t depth = 0;
    double done_s = 0;
    for (uint32_t next = 1; next <= o->depth; next++) {
        ex x;
        const ex_limits limits = {.depth = next,
                                  .faults = faults,
                                  .heal_every = o->heal_every,
                                  .until_s = until_s,
                                  .memory = (size_t)o->memory_mib << 20};
        const double from_s = ex_cpu_seconds();
        ex_init(&x, scene, o->flight);
        const bool whole = ex_search(&x, &limits);
        add(all, &x.counts, ex_cpu_seconds() - from_s);
        ex_free(&x);
        if (!whole) {
            break;
        }
        done = x.counts;
        depth = next;
        done_s = ex_cpu_seconds() - from_s;
    }
    print_row(scene->name, faults, depth, &done, done_s);
}

static void search_all(const options *o)
{
    const uint32_t ladders[] = {o->faults, 3};
    const size_t ladders_len = o->faults == EX_ALL_FAULTS ? 2 : 1;
    const size_t scenes = o->scene != NULL ? 1 : ex_scenes_len;
    const double from_s = ex_seconds();
    sum all = {.seconds = 0};
    size_t part = 0;
    printf("%-10s %6s %5s %12s %12s %11s %8s %9s %8s %8s\n", "scene", "faults", "depth", "states",
           "transitions", "seen before", "healed", "a CPU s", "online s", "listed s");
    for (size_t i = 0; i < ex_scenes_len; i++) {
        if (o->scene != NULL && strcmp(ex_scenes[i].name, o->scene) != 0) {
            continue;
        }
        for (size_t k = 0; k < ladders_len; k++) {
            part++;
            const double until_s =
                from_s + o->seconds * (double)part / (double)(scenes * ladders_len);
            deepen(o, &ex_scenes[i], ladders[k], o->seconds > 0 ? until_s : 0, &all);
        }
    }
    printf("%" PRIu64 " states, %" PRIu64 " transitions, %" PRIu64 " inputs, %" PRIu64
           " states healed in %.1f CPU seconds: %.0f states a second\n",
           all.counts.states, all.counts.transitions, all.counts.steps, all.counts.healed,
           all.seconds, (double)all.counts.states / all.seconds);
}

int main(int argc, char **argv)
{
    options o = {.depth = EX_DEPTH_MAX,
                 .faults = EX_ALL_FAULTS,
                 .flight = 6,
                 .heal_every = 512,
                 .memory_mib = 256,
                 .seconds = 10};
    if (!read_options(&o, argc, argv)) {
        usage(stderr);
        return 2;
    }
    if (o.list) {
        for (size_t i = 0; i < ex_scenes_len; i++) {
            printf("%-10s %s\n", ex_scenes[i].name, ex_scenes[i].what);
        }
        return 0;
    }
    if (o.path == NULL) {
        search_all(&o);
        return 0;
    }
    ex x;
    ex_init(&x, ex_scene_of(o.scene), o.flight);
    const bool good = ex_replay(&x, o.path, o.heal);
    ex_free(&x);
    if (!good) {
        fputs("exhaustive: the scene has no such path\n", stderr);
    }
    return good ? 0 : 2;
}
