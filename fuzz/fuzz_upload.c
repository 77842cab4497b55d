/* The uploader under a hostile downloader: the input drives bytes, the clock, the host's answers,
 * what the stream took, and shortages of output. */
#include "peersync/transfer.h"

#include <stdlib.h>
#include <string.h>

#include "peersync/crypto_openssl.h"

#define REQUIRE(condition) ((condition) ? (void)0 : __builtin_trap())

typedef struct source {
    const uint8_t *at;
    size_t left;
} source;

static uint8_t next8(source *s)
{
    if (s->left == 0) {
        return 0;
    }
    s->left--;
    return *s->at++;
}

/* Every output has exactly one step's room, in blocks of its own: an overrun is seen. */
static void step(ps_upload *u, size_t size, const ps_stream_input *in, size_t *consumed,
                 unsigned missing, ps_stream_event *event, bool *happened)
{
    ps_stream_output out = {.bytes_cap = PS_STREAM_STEP_BYTES,
                            .segments_cap = PS_STREAM_STEP_SEGMENTS,
                            .events_cap = PS_STREAM_STEP_EVENTS};
    out.bytes_cap -= missing & 1u;
    out.segments_cap -= (missing >> 1) & 1u;
    out.events_cap -= (missing >> 2) & 1u;
    out.bytes = malloc(out.bytes_cap);
    out.segments = malloc(out.segments_cap * sizeof *out.segments);
    out.events = malloc(out.events_cap * sizeof *out.events);
    uint8_t *before = malloc(size);
    REQUIRE(out.bytes && out.segments && out.events && before);
    memcpy(before, u, size);
    ps_status status = ps_upload_step(u, in, consumed, &out);
    if (status == PS_AGAIN || status == PS_INVALID) {
        REQUIRE(memcmp(before, u, size) == 0);
        REQUIRE(out.bytes_len + out.segments_len + out.events_len == 0);
        REQUIRE(status == PS_INVALID || missing != 0);
    } else {
        REQUIRE(missing == 0);
    }
    REQUIRE(ps_upload_check(u) == 0);
    for (size_t i = 0; i < out.events_len; i++) {
        *event = out.events[i];
        *happened = true;
    }
    free(before);
    free(out.bytes);
    free(out.segments);
    free(out.events);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    source s = {data, len};
    ps_upload_config cfg;
    ps_upload_config_default(&cfg);
    cfg.crypto = ps_crypto_openssl();
    cfg.max_wants = 1u + next8(&s) % 8u;
    cfg.burst_bytes = PS_LEAF_BYTES * (1u + next8(&s));
    size_t size = ps_upload_size(&cfg);
    void *mem = malloc(size);
    ps_upload *u;
    REQUIRE(mem && ps_upload_init(mem, size, &cfg, 0, &u) == PS_OK);
    ps_node *tree = NULL;
    bool ended = false;
    uint64_t now_us = 0;
    for (unsigned steps = 0; s.left > 0 && steps < 1000; steps++) {
        uint8_t op = next8(&s);
        uint8_t arg = next8(&s);
        unsigned missing = (op & 0x40u) ? op >> 3 & 7u : 0;
        static const ps_stream_input_type types[8] = {
            PS_STREAM_BYTES,  PS_STREAM_BYTES, PS_STREAM_BYTES,  PS_STREAM_TICK,
            PS_STREAM_OPENED, PS_STREAM_SENT,  PS_STREAM_CANCEL, PS_STREAM_TAKEN};
        ps_stream_input in = {.type = types[op & 7u]};
        ps_stream_event event = {0};
        bool happened = false;
        uint8_t *copy = NULL;
        size_t consumed = 0;
        if (in.type == PS_STREAM_BYTES) {
            size_t n = arg < s.left ? arg : s.left;
            copy = malloc(n + (n == 0));
            REQUIRE(copy);
            memcpy(copy, s.at, n);
            s.at += n;
            s.left -= n;
            in.u.bytes = (ps_span){copy, n};
        } else if (in.type == PS_STREAM_TICK) {
            now_us += (uint64_t)arg * arg * 1000u;
        } else if (in.type == PS_STREAM_OPENED) {
            in.u.opened.error = arg < 224 ? 0 : arg;
            in.u.opened.tree = tree;
        } else if (in.type == PS_STREAM_CANCEL && arg >= 8) {
            in.type = PS_STREAM_SENT;
        } else if (in.type == PS_STREAM_TAKEN) {
            in.u.taken_bytes = (uint64_t)arg * 1000u;
        }
        in.now_us = now_us;
        for (size_t at = 0, total = in.u.bytes.len;;) {
            step(u, size, &in, &consumed, missing, &event, &happened);
            if (in.type != PS_STREAM_BYTES || missing != 0 || (at += consumed) == total) {
                break;
            }
            REQUIRE(consumed > 0);
            in.u.bytes = (ps_span){copy + at, total - at};
        }
        free(copy);
        if (happened && event.type == PS_STREAM_EVENT_OPEN) {
            /* Lengths up to some GiB get a tree of exactly its size; others none. */
            size_t nodes = ps_tree_nodes(event.content.length);
            REQUIRE(!tree && ps_content_possible(&event.content));
            tree = nodes > 0 && nodes <= 8192 ? calloc(nodes, sizeof *tree) : NULL;
        } else if (happened) {
            REQUIRE(!ended);
            ended = true;
        }
        REQUIRE(!ended || ps_upload_deadline_us(u) == PS_TIME_NEVER);
    }
    free(tree);
    free(mem);
    return 0;
}
