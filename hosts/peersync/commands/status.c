/* status: the connection, the publications, the transfers under way. */
#include "app.h"
#include "commands/command.h"
#include "common/format.h"
#include "data/alloc.h"
#include "json.h"
#include "peersync/posix.h"
#include "safe.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#define TRANSFERS_MAX 256u

static void say(struct out *out, const char *key, const char *value)
{
    if (out_is_table(out)) {
        out_dataf(out, "%-12s %s\n", key, value);
    } else {
        out_dataf(out, "%s\t%s\n", key, value);
    }
}

__attribute__((format(printf, 3, 4))) static void say_line(struct out *out, const char *key,
                                                           const char *format, ...)
{
    va_list args;
    va_start(args, format);
    char *text = data_vformat(format, args);
    va_end(args);
    say(out, key, text);
    free(text);
}

static void print_transfers_json(struct out *out, const struct data_transfer *t, size_t n)
{
    char addr[PS_ADDR_TEXT];
    for (size_t i = 0; i < n; i++) {
        struct json j = JSON_BEGIN;
        json_text(&j, "transfer", t[i].upload ? "upload" : "download");
        json_text(&j, "name", t[i].name);
        json_text(&j, "peer", ps_addr_format(&t[i].peer, addr));
        if (t[i].upload) {
            json_text(&j, "user", t[i].user);
        } else {
            json_bool(&j, "waiting", t[i].waiting);
        }
        json_number(&j, "done", t[i].done);
        json_number(&j, "length", t[i].total);
        json_print(&j, out);
    }
}

static void print_transfers(struct out *out, const struct data_transfer *t, size_t n)
{
    char addr[PS_ADDR_TEXT];
    char done[PS_FORMAT_SIZE_BYTES];
    char total[PS_FORMAT_SIZE_BYTES];
    for (size_t i = 0; i < n; i++) {
        const char *name = SAFE(t[i].name);
        ps_format_size(done, t[i].done);
        ps_format_size(total, t[i].total);
        if (t[i].upload) {
            say_line(out, "upload", "%s, %s of %s, to %s at %s", name, done, total, SAFE(t[i].user),
                     ps_addr_format(&t[i].peer, addr));
        } else if (t[i].waiting || t[i].peer.family == PS_ADDR_NONE) {
            say_line(out, "download", "%s, %s of %s, waiting", name, done, total);
        } else {
            say_line(out, "download", "%s, %s of %s, from %s", name, done, total,
                     ps_addr_format(&t[i].peer, addr));
        }
    }
}

/* Published names that the server has acknowledged. Those that no message was made of yet are
 * unknown to the machine. */
static size_t acknowledged(const ps_peer_stats *peer, const struct data_stats *data)
{
    const size_t n = peer->publications - peer->unacknowledged;
    const size_t served = data->published - data->away;
    return n < served ? n : served;
}

static void print_json(struct app *a, const ps_peer_stats *peer, const struct data_stats *data)
{
    struct json j = JSON_BEGIN;
    json_text(&j, "user", a->user);
    json_text(&j, "server", app_server_text(a));
    json_bool(&j, "connected", a->connected);
    json_number(&j, "rtt_us", peer->rtt_us);
    json_number(&j, "losses", peer->losses);
    json_number(&j, "published", data->published);
    json_number(&j, "away", data->away);
    json_number(&j, "acknowledged", acknowledged(peer, data));
    json_number(&j, "unacknowledged", peer->unacknowledged);
    json_number(&j, "hashing", data->hashing);
    json_number(&j, "uploads", data->uploads);
    json_number(&j, "downloads", data->downloads);
    json_number(&j, "uploaded_bytes", data->uploaded_bytes);
    json_number(&j, "downloaded_bytes", data->downloaded_bytes);
    json_print(&j, a->out);
}

static void print(struct app *a, const ps_peer_stats *peer, const struct data_stats *data)
{
    char up[PS_FORMAT_SIZE_BYTES];
    char down[PS_FORMAT_SIZE_BYTES];
    char known[PS_FORMAT_COUNT_BYTES];
    char all[PS_FORMAT_COUNT_BYTES];
    say(a->out, "user", SAFE(a->user));
    say(a->out, "server", app_server_text(a));
    say(a->out, "connection", a->connected ? "the server answers" : "the server does not answer");
    say_line(a->out, "round trip", "%" PRIu32 " us", peer->rtt_us);
    say_line(a->out, "published", "%zu", data->published);
    /* (A command on its own announces nothing.) */
    if (a->prompt != NULL && acknowledged(peer, data) < data->published - data->away) {
        say_line(a->out, "listed", "%s of %s published names are acknowledged by the server",
                 ps_format_count(known, acknowledged(peer, data)),
                 ps_format_count(all, data->published - data->away));
    }
    if (data->away > 0) {
        say_line(a->out, "away", "%u of them cannot be read now, and are not served", data->away);
    }
    if (data->hashing > 0) {
        say_line(a->out, "hashing", "%u", data->hashing);
    }
    say_line(a->out, "uploads", "%u, %s in all", data->uploads,
             ps_format_size(up, data->uploaded_bytes));
    say_line(a->out, "downloads", "%u, %s in all", data->downloads,
             ps_format_size(down, data->downloaded_bytes));
}

static void start(struct run *r)
{
    struct app *a = r->app;
    ps_peer_stats peer;
    struct data_stats data;
    session_stats(a->session, &peer);
    data_stats_get(a->data, &data);
    struct data_transfer *transfers = data_alloc(TRANSFERS_MAX, sizeof *transfers);
    const size_t n = data_transfers(a->data, transfers, TRANSFERS_MAX);
    if (out_is_json(a->out)) {
        print_json(a, &peer, &data);
        print_transfers_json(a->out, transfers, n);
    } else {
        print(a, &peer, &data);
        print_transfers(a->out, transfers, n);
    }
    free(transfers);
    run_end(r, PS_EXIT_DONE);
}

const struct command command_status = {
    .name = "status",
    .synonym = "status",
    .usage = "",
    .summary = "Show the connection, your publications and the transfers under way.",
    .start = start,
};
