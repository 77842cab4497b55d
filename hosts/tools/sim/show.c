#include "show.h"

#include "terminal.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define S UINT64_C(1000000)
/* Frames are so far apart in real time: 12.5 a second. */
#define FRAME_US UINT64_C(80000)
/* What is "a second" is measured over at least so long. */
#define MOMENT_US UINT64_C(250000)
/* The queue is looked at so often in a frame. */
#define LOOKS   16u
#define SAMPLES 32u
#define LOCATES 4096u

/* Counters as they were. */
typedef struct sample {
    uint64_t now_us, busy_us, delivered, lost, dropped, logins, answers;
} sample;

typedef struct locate {
    uint64_t done_us, took_us;
} locate;

struct show {
    show_mode mode;
    uint64_t line_us;
    bool begun;
    uint64_t next_us; /* Of virtual time: the next frame. */
    uint64_t due_us;  /* Of real time: when it is wanted. */
    uint64_t answers;
    sample samples[SAMPLES]; /* A ring. */
    size_t samples_len;
    locate locates[LOCATES]; /* A ring. */
    size_t locates_len;
    watch_numbers now;
};

show_mode show_mode_of_stdout(void)
{
    const char *term = getenv("TERM");
    return isatty(STDOUT_FILENO) && term && strcmp(term, "dumb") != 0 ? SHOW_TABLE : SHOW_LINES;
}

static uint64_t real_us(void)
{
    struct timespec t;
    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * S + (uint64_t)t.tv_nsec / 1000;
}

show *show_new(show_mode mode, const char *title, uint64_t line_us)
{
    show *s = calloc(1, sizeof *s);
    WORLD_REQUIRE(NULL, s != NULL);
    s->mode = mode;
    s->line_us = line_us;
    s->now.title = title;
    s->now.caption = "";
    show_speed(s, 1, 1);
    if (mode == SHOW_TABLE) {
        terminal_open();
        s->due_us = real_us();
    }
    return s;
}

void show_free(show *s)
{
    if (s->mode == SHOW_TABLE) {
        terminal_close();
    }
    free(s);
}

void show_caption(show *s, const char *caption)
{
    s->now.caption = caption;
}

void show_speed(show *s, uint32_t num, uint32_t den)
{
    s->now.speed_num = num;
    s->now.speed_den = den;
}

void show_ended(show *s, const world_command *c)
{
    if (c->type == PS_INPUT_PUBLISH || c->type == PS_INPUT_UNPUBLISH) {
        return;
    }
    s->answers++;
    if (c->type == PS_INPUT_LOCATE) {
        s->locates[s->locates_len++ % LOCATES] =
            (locate){.done_us = c->done_us, .took_us = c->done_us - c->issued_us};
    }
}

/* ---- numbers ---- */

static void count_peers(const world *w, watch_numbers *n, sample *now)
{
    static const watch_peers places[] = {[PS_PEER_IDLE] = WATCH_OFFLINE,
                                         [PS_PEER_LOGIN] = WATCH_LOGIN,
                                         [PS_PEER_ONLINE] = WATCH_ONLINE,
                                         [PS_PEER_LOST] = WATCH_LOST,
                                         [PS_PEER_LEAVING] = WATCH_OFFLINE};
    memset(n->peers, 0, sizeof n->peers);
    for (uint32_t i = 0; i < w->cfg.peers; i++) {
        const bool up = ps_sim_is_up(w->sim, w->peers[i].node);
        n->peers[up ? places[world_peer_stats(w, i).state] : WATCH_OFFLINE]++;
        now->logins += w->peers[i].logins;
    }
}

static int by_time(const void *a, const void *b)
{
    const uint64_t x = *(const uint64_t *)a;
    const uint64_t y = *(const uint64_t *)b;
    return x < y ? -1 : (x > y ? 1 : 0);
}

static void measure_locates(const show *s, watch_numbers *n)
{
    static uint64_t times[LOCATES];
    const size_t held = s->locates_len < LOCATES ? s->locates_len : LOCATES;
    n->locates = 0;
    for (size_t i = 0; i < held; i++) {
        if (s->locates[i].done_us + S > n->now_us) {
            times[n->locates++] = s->locates[i].took_us;
        }
    }
    if (n->locates > 0) {
        qsort(times, n->locates, sizeof times[0], by_time);
        n->locate_median_us = times[(n->locates - 1) / 2];
        n->locate_most_us = times[n->locates - 1];
    }
}

/* The newest sample that is a moment old, or the oldest. */
static const sample *sample_before(const show *s, uint64_t now_us)
{
    const size_t held = s->samples_len < SAMPLES ? s->samples_len : SAMPLES;
    const sample *found = NULL;
    for (size_t i = 1; i <= held; i++) {
        found = &s->samples[(s->samples_len - i) % SAMPLES];
        if (found->now_us + MOMENT_US <= now_us) {
            break;
        }
    }
    return found;
}

static void remember(watch_numbers *n)
{
    if (n->history == WATCH_HISTORY) {
        memmove(n->waitings, n->waitings + 1, sizeof n->waitings - sizeof n->waitings[0]);
        memmove(n->flows, n->flows + 1, sizeof n->flows - sizeof n->flows[0]);
        n->history--;
    }
    n->waitings[n->history] = n->waiting;
    n->flows[n->history++] = (uint32_t)n->delivered;
}

/* Takes all numbers but the queue's length, which is looked at in between. */
static void measure(show *s, const world *w)
{
    watch_numbers *n = &s->now;
    ps_sim_stats net;
    ps_sim_node_load load;
    ps_sim_stats_get(w->sim, &net);
    (void)ps_sim_node_stats(w->sim, w->server.node, &load);
    sample now = {.now_us = world_now_us(w),
                  .busy_us = load.busy_us,
                  .delivered = net.delivered,
                  .lost = net.lost + net.burst_lost + net.cut + net.unreachable + net.link_full,
                  .dropped = net.queue_full,
                  .answers = s->answers};
    count_peers(w, n, &now);
    n->now_us = now.now_us;
    n->down = !ps_sim_is_up(w->sim, w->server.node);
    n->sessions = n->down ? 0 : world_server_stats(w).sessions;
    n->publications = n->down ? 0 : world_server_stats(w).publications;
    n->queue = w->cfg.receive_queue > 0 ? w->cfg.receive_queue : 1024;
    measure_locates(s, n);
    const sample *old = sample_before(s, now.now_us);
    if (old && old->now_us < now.now_us) {
        const uint64_t us = now.now_us - old->now_us;
        const uint64_t busy = (now.busy_us - old->busy_us) * 100 / us;
        n->busy_percent = (uint32_t)(busy < 100 ? busy : 100);
        n->delivered = (now.delivered - old->delivered) * S / us;
        n->lost = (now.lost - old->lost) * S / us;
        n->dropped = (now.dropped - old->dropped) * S / us;
        n->logins = (now.logins - old->logins) * S / us;
        n->answers = (now.answers - old->answers) * S / us;
        remember(n);
    }
    s->samples[s->samples_len++ % SAMPLES] = now;
}

/* ---- frames ---- */

/* Waits until the frame is wanted; who is late does not catch up. */
static void keep_pace(show *s)
{
    s->due_us += FRAME_US;
    const uint64_t now_us = real_us();
    if (now_us >= s->due_us) {
        s->due_us = now_us;
        return;
    }
    struct timespec t = {.tv_nsec = (long)((s->due_us - now_us) * 1000)};
    while (nanosleep(&t, &t) != 0) {
    }
}

static void draw(const show *s)
{
    static char out[WATCH_BYTES];
    if (s->mode == SHOW_LINES) {
        (void)watch_line(out, sizeof out, &s->now);
        puts(out);
        fflush(stdout);
        return;
    }
    const watch_screen screen = terminal_screen();
    terminal_draw(out, watch_draw(out, &s->now, &screen));
}

static uint64_t frame_us(const show *s)
{
    return s->mode == SHOW_LINES ? s->line_us : FRAME_US * s->now.speed_num / s->now.speed_den;
}

static void look_at_queue(show *s, const world *w)
{
    ps_sim_node_load load;
    (void)ps_sim_node_stats(w->sim, w->server.node, &load);
    s->now.waiting = load.waiting > s->now.waiting ? load.waiting : s->now.waiting;
}

void show_run(show *s, world *w, uint64_t us)
{
    const uint64_t end_us = world_now_us(w) + us;
    if (s->mode == SHOW_NOTHING) {
        world_run(w, us);
        return;
    }
    if (!s->begun) {
        s->begun = true;
        measure(s, w);
        s->next_us = world_now_us(w) + frame_us(s);
    }
    while (world_now_us(w) < end_us) {
        const uint64_t now_us = world_now_us(w);
        uint64_t next_us = now_us + frame_us(s) / LOOKS + 1;
        next_us = next_us < s->next_us || s->next_us <= now_us ? next_us : s->next_us;
        next_us = next_us < end_us ? next_us : end_us;
        world_run(w, next_us - now_us);
        look_at_queue(s, w);
        if (world_now_us(w) >= s->next_us) {
            measure(s, w);
            if (s->mode == SHOW_TABLE) {
                keep_pace(s);
            }
            draw(s);
            s->now.waiting = 0;
            s->next_us = world_now_us(w) + frame_us(s);
        }
    }
}
