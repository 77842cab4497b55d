/* What stands behind the '=' in a scenario's words. */
#include "scenario_values.h"

#include "common/suggest.h"
#include "common/text.h"

#include <stdarg.h>
#include <string.h>

#define S UINT64_C(1000000)

const char *const scenario_stream_models[] = {"plain", "tcp", NULL};

bool scenario_wrong(scenario_reader *r, const char *format, ...)
{
    char raw[sizeof r->error->text];
    va_list args;
    va_start(args, format);
    (void)vsnprintf(raw, sizeof raw, format, args);
    va_end(args);
    r->error->line = r->line;
    ps_text_safe_string(r->error->text, sizeof r->error->text, raw);
    return false;
}

/* ---- numbers ---- */

/* "12", "1.25": in units of 1 / scale, the rest cut off. @return where it ends; NULL: it is none,
 * or above `most`. */
static const char *decimal(const char *at, uint64_t scale, uint64_t most, uint64_t *out)
{
    uint64_t n = 0;
    if (*at < '0' || *at > '9') {
        return NULL;
    }
    for (; *at >= '0' && *at <= '9'; at++) {
        n = 10 * n + (uint64_t)(*at - '0');
        if (n > most / scale) {
            return NULL;
        }
    }
    n *= scale;
    if (*at == '.' && at[1] >= '0' && at[1] <= '9') {
        for (at++; *at >= '0' && *at <= '9'; at++) {
            scale /= 10;
            n += scale * (uint64_t)(*at - '0');
        }
    }
    *out = n;
    return n <= most ? at : NULL;
}

typedef struct unit {
    const char *name;
    uint64_t scale;
} unit;

/* A number and one of these units. */
static bool with_unit(const char *text, const unit units[], uint64_t most, uint64_t *out)
{
    const char *name = text + strspn(text, "0123456789.");
    for (const unit *u = units; u->name; u++) {
        uint64_t n;
        if (strcmp(name, u->name) == 0 && decimal(text, u->scale, most, &n) == name) {
            *out = n;
            return true;
        }
    }
    return false;
}

bool scenario_time(scenario_reader *r, const char *key, const char *text, uint64_t most_us,
                   uint64_t *out)
{
    static const unit units[] = {{"us", 1},     {"ms", 1000},    {"s", S},
                                 {"m", 60 * S}, {"h", 3600 * S}, {NULL, 0}};
    return text == NULL || with_unit(text, units, most_us, out) ||
           scenario_wrong(
               r, "%s: '%s' is not a time up to %llu.%03llu s; write 250ms, 1.5s, 2m or 1h", key,
               text, (unsigned long long)(most_us / S), (unsigned long long)(most_us % S / 1000));
}

bool scenario_signed_time(scenario_reader *r, const char *key, const char *text, uint64_t most_us,
                          int64_t *out)
{
    uint64_t us = 0;
    if (text == NULL) {
        return true;
    }
    const bool back = text[0] == '-';
    if (!scenario_time(r, key, text + (back || text[0] == '+'), most_us, &us)) {
        return false;
    }
    *out = back ? -(int64_t)us : (int64_t)us;
    return true;
}

bool scenario_share(scenario_reader *r, const char *key, const char *text, uint32_t *out_ppm)
{
    static const unit units[] = {{"%", PS_SIM_PPM / 100}, {NULL, 0}};
    uint64_t ppm = *out_ppm;
    if (text != NULL && !with_unit(text, units, PS_SIM_PPM, &ppm)) {
        return scenario_wrong(r, "%s: '%s' is not a share from 0%% to 100%%; write 2.5%%", key,
                              text);
    }
    *out_ppm = (uint32_t)ppm;
    return true;
}

bool scenario_size(scenario_reader *r, const char *key, const char *text, uint64_t least,
                   uint64_t most, uint64_t *out)
{
    static const unit units[] = {{"", 1}, {"k", 1000}, {"M", S}, {"G", 1000 * S}, {NULL, 0}};
    uint64_t n = 0;
    if (text == NULL) {
        return true;
    }
    if (!with_unit(text, units, most, &n) || n < least) {
        return scenario_wrong(r,
                              "%s: '%s' is not a number of bytes from %llu to %llu; write 500k "
                              "or 2M",
                              key, text, (unsigned long long)least, (unsigned long long)most);
    }
    *out = n;
    return true;
}

/* ---- who ---- */

static void add(scenario_nodes *n, uint32_t node)
{
    n->bits[node / 64] |= UINT64_C(1) << (node % 64);
}

/* "3" or "0-5"; -1: it is nothing of that kind; 0: there are no such peers. */
static int add_numbers(const scenario *sc, const char *item, scenario_nodes *out)
{
    uint64_t first, last;
    const char *at =
        strchr(item, '.') == NULL ? decimal(item, 1, SCENARIO_PEERS_MAX, &first) : NULL;
    last = at != NULL ? first : 0;
    if (at != NULL && *at == '-') {
        at = decimal(at + 1, 1, SCENARIO_PEERS_MAX, &last);
    }
    if (at == NULL || *at != '\0') {
        return item[0] >= '0' && item[0] <= '9' ? 0 : -1;
    }
    if (first > last || last >= sc->peers) {
        return 0;
    }
    for (uint64_t i = first; i <= last; i++) {
        add(out, (uint32_t)(1 + i));
    }
    return 1;
}

static bool unknown(scenario_reader *r, const char *key, const char *item)
{
    ps_suggest near = ps_suggest_begin(item);
    ps_suggest_offer(&near, "server");
    ps_suggest_offer(&near, "all");
    for (uint32_t i = 0; i < r->out->groups_len; i++) {
        ps_suggest_offer(&near, r->out->groups[i].name);
    }
    return near.best ? scenario_wrong(r, "%s: there is no group '%s'; did you mean %s?", key, item,
                                      near.best)
                     : scenario_wrong(r, "%s: '%s' is neither server, all, a group nor a number",
                                      key, item);
}

static bool add_item(scenario_reader *r, const char *key, const char *item, scenario_nodes *out)
{
    const scenario *sc = r->out;
    if (strcmp(item, "server") == 0) {
        add(out, 0);
        return true;
    }
    if (strcmp(item, "all") == 0) {
        for (uint32_t i = 0; i < sc->peers; i++) {
            add(out, 1 + i);
        }
        return true;
    }
    for (uint32_t g = 0; g < sc->groups_len; g++) {
        if (strcmp(sc->groups[g].name, item) == 0) {
            for (size_t i = 0; i < sizeof out->bits / sizeof out->bits[0]; i++) {
                out->bits[i] |= sc->groups[g].nodes.bits[i];
            }
            return true;
        }
    }
    const int numbers = add_numbers(sc, item, out);
    return numbers > 0 ||
           (numbers == 0
                ? scenario_wrong(r, "%s: '%s' is not a peer or a range of peers from 0 to %u", key,
                                 item, (unsigned)sc->peers - 1)
                : unknown(r, key, item));
}

bool scenario_set(scenario_reader *r, const char *key, const char *text, scenario_nodes *out)
{
    char item[256];
    while (text != NULL) {
        const size_t len = strcspn(text, ",");
        if (len == 0 || len >= sizeof item) {
            return scenario_wrong(r, "%s: a name is missing or too long", key);
        }
        memcpy(item, text, len);
        item[len] = '\0';
        if (!add_item(r, key, item, out)) {
            return false;
        }
        text = text[len] == ',' ? text + len + 1 : NULL;
    }
    return true;
}

/* ---- ways ---- */

/* Slower ones would make a swarm that is well look as if it were not. */
#define LATENCY_MOST_US (5 * S)

static bool way_times(scenario_reader *r, ps_sim_link *link)
{
    const scenario_line *w = &r->words;
    uint64_t latency_us = link->latency_us;
    uint64_t jitter_us = link->jitter_us;
    uint64_t reorder_us = link->reorder_us != 0 ? link->reorder_us : S / 10;
    if (!scenario_time(r, "latency", w->latency, LATENCY_MOST_US, &latency_us) ||
        !scenario_time(r, "jitter", w->jitter, LATENCY_MOST_US, &jitter_us) ||
        !scenario_time(r, "reorder-by", w->reorder_by, 60 * S, &reorder_us)) {
        return false;
    }
    link->latency_us = (uint32_t)latency_us;
    link->jitter_us = (uint32_t)jitter_us;
    link->reorder_us = (uint32_t)(reorder_us > 0 ? reorder_us : 1);
    return true;
}

static bool way_rate(scenario_reader *r, ps_sim_link *link)
{
    const scenario_line *w = &r->words;
    uint64_t queue = link->queue_bytes != 0 ? link->queue_bytes : 64000;
    if (!scenario_size(r, "rate", w->rate, 500, 1000000 * S, &link->rate_bytes_s) ||
        !scenario_size(r, "queue", w->queue, 1, UINT32_MAX, &queue)) {
        return false;
    }
    if (w->queue != NULL && link->rate_bytes_s == 0) {
        return scenario_wrong(r, "queue: without a rate nothing waits");
    }
    link->queue_bytes = link->rate_bytes_s != 0 ? (uint32_t)queue : 0;
    return true;
}

bool scenario_way(scenario_reader *r, ps_sim_link *link)
{
    const scenario_line *w = &r->words;
    if (w->streams != SCENARIO_NO_CHOICE) {
        link->stream_model = w->streams == 1 ? PS_SIM_STREAM_TCP : PS_SIM_STREAM_PLAIN;
    }
    return way_times(r, link) && way_rate(r, link) &&
           scenario_share(r, "loss", w->loss, &link->loss_ppm) &&
           scenario_share(r, "duplicate", w->duplicate, &link->duplicate_ppm) &&
           scenario_share(r, "reorder", w->reorder, &link->reorder_ppm) &&
           scenario_share(r, "burst", w->burst, &link->burst_ppm) &&
           scenario_share(r, "burst-end", w->burst_end, &link->burst_end_ppm) &&
           scenario_share(r, "truncate", w->truncate, &link->truncate_ppm) &&
           scenario_share(r, "corrupt", w->corrupt, &link->corrupt_ppm) &&
           scenario_share(r, "sever", w->sever, &link->stream_sever_ppm) &&
           scenario_share(r, "spoil", w->spoil, &link->stream_corrupt_ppm);
}
