/* The uploader under a hostile downloader: the input drives bytes, whole frames (good, altered, out
 * of place), both clocks, the host's answers, what the stream took, and shortages of output. */
#include "transfer/upload_internal.h"
#include "transfer_world.h"

enum { FRAMES_AT_ONCE = 40 }; /* More than a step reads. */

typedef struct world {
    ps_upload *u;
    size_t size;
    bool plain;
    uint32_t burst;
    uint64_t now_us, wall_s;
    byte_queue said; /* To it, not consumed yet. */
    uint8_t binding[32];
    const transfer_file *asked, *open; /* What OPEN asked for; what is served. */
    uint32_t file;
    uint64_t unsent; /* File bytes since SENT. */
    bool ended;
} world;

static void on_event(world *w, const ps_stream_event *e)
{
    must(!w->ended);
    switch (e->type) {
    case PS_STREAM_EVENT_OPEN:
        must(!w->asked && !w->open && e->file > w->file);
        w->asked = transfer_file_find(&e->content);
        w->file = e->file;
        must(w->asked); /* What no ticket is for is never asked for. */
        must(w->wall_s != 0 &&
             w->wall_s < WORLD_WALL_S + WORLD_LIFE_S(w->asked - transfer_file_of(0)));
        break;
    case PS_STREAM_EVENT_FILE_END:
        must(w->open && w->unsent == 0 && e->file == w->file);
        w->open = NULL;
        break;
    case PS_STREAM_EVENT_DONE:
        must(!w->open && !w->asked);
        w->ended = true;
        break;
    case PS_STREAM_EVENT_FAILED:
        w->ended = true;
        break;
    case PS_STREAM_EVENT_WRITE:
    case PS_STREAM_EVENT_CHECK:
    case PS_STREAM_EVENT_PIECE:
        must(false);
    }
}

static void on_segment(world *w, const ps_segment *s, const ps_stream_output *out)
{
    must(s->len > 0);
    if (!s->from_file) {
        must(s->offset <= out->bytes_len && s->len <= out->bytes_len - s->offset);
        return;
    }
    must(w->open && s->file == w->file);
    must(s->offset <= w->open->content.length && s->len <= w->open->content.length - s->offset);
    w->unsent += s->len;
    must(w->unsent <= w->burst);
}

static ps_status step(world *w, ps_stream_input in, size_t *consumed, unsigned missing)
{
    ps_stream_output out = stream_output_of(missing);
    uint8_t *before = malloc(w->size);
    must(before);
    memcpy(before, w->u, w->size);
    in.now_us = w->now_us;
    in.wall_s = w->wall_s;
    const ps_status status = ps_upload_step(w->u, &in, consumed, &out);
    if (status == PS_AGAIN || status == PS_INVALID) {
        must(memcmp(before, w->u, w->size) == 0);
        must(out.bytes_len + out.segments_len + out.events_len == 0 && *consumed == 0);
        must(status == PS_INVALID || missing != 0);
    } else {
        must(missing == 0);
    }
    must(ps_upload_check(w->u) == 0);
    if (status != PS_INVALID && status != PS_AGAIN && in.type == PS_STREAM_SENT) {
        w->unsent = 0;
    }
    /* (An OPEN's event comes after the last segments of the file before.) */
    for (size_t i = 0; i < out.segments_len; i++) {
        on_segment(w, &out.segments[i], &out);
    }
    for (size_t i = 0; i < out.events_len; i++) {
        on_event(w, &out.events[i]);
    }
    stream_output_free(&out);
    free(before);
    return status;
}

/* Offers what was said but not consumed, until the machine waits for its own side. */
static void offer(world *w, unsigned missing)
{
    for (;;) {
        const size_t n = w->said.len - w->said.at;
        uint8_t *copy = queue_copy(&w->said, n);
        ps_stream_input in = {.type = PS_STREAM_BYTES};
        size_t consumed = 0;
        in.u.bytes = (ps_span){copy, n};
        const ps_status status = step(w, in, &consumed, missing);
        free(copy);
        must(consumed <= n);
        w->said.at += consumed;
        if (status != PS_MORE || consumed == 0) {
            break;
        }
    }
}

/* Says a frame, perhaps with one bit changed. */
static void say_frame(world *w, const ps_writer *frame, uint8_t change)
{
    must(!frame->full);
    if (change >= 128) {
        frame->base[change % frame->len] ^= (uint8_t)(1u << (change & 7u));
    }
    queue_put(&w->said, frame->base, frame->len);
}

/* A good ticket for what cannot be: no bytes, but a root. */
static const transfer_file *file_impossible(void)
{
    static transfer_file f;
    if (f.ticket_len == 0) {
        f.content.root[0] = 1;
        transfer_file_ticket(&f, 0);
    }
    return &f;
}

static void say_open(world *w, uint8_t arg, uint8_t change)
{
    uint8_t bytes[512], mac[PS_OPEN_MAC_BYTES];
    ps_writer frame = {.base = bytes, .cap = sizeof bytes};
    const transfer_file *f = arg == 239   ? file_impossible()
                             : arg >= 230 ? transfer_file_of(WORLD_LONG)
                                          : transfer_file_of(arg);
    const ps_span ticket = {f->ticket, f->ticket_len - (arg >= 240 ? arg - 239u : 0)};
    ps_open_mac(ps_crypto_sodium(), f->key, w->binding, ticket, mac);
    ps_open_write(&frame, mac, ticket);
    say_frame(w, &frame, change);
}

/* A frame's header with a length that may not be its body's, or with flags. */
static void say_header(world *w, tape *t, uint8_t arg)
{
    static const uint32_t lengths[] = {0, 2, 3, 4, 12, 36, 40, 48, 240, 261, 300, UINT32_MAX};
    const uint8_t length = take8(t);
    const uint8_t body[16] = {take8(t), take8(t)};
    craft c;
    craft_reset(&c);
    craft_u8(&c, arg % 12u);
    craft_u8(&c, arg == 255);
    craft_u16(&c, arg == 254);
    craft_u32(&c, length < 200 ? lengths[length % 12u] : length);
    craft_bytes(&c, body, arg & 16u ? 4 : length % 12u == 4 ? 12 : 0);
    queue_put(&w->said, c.data, c.len);
}

static void say_want(world *w, tape *t)
{
    uint8_t bytes[64];
    ps_writer frame = {.base = bytes, .cap = sizeof bytes};
    const uint8_t kind = take8(t);
    const uint8_t first = take8(t);
    const uint8_t count = take8(t);
    ps_want_write(&frame,
                  &(ps_want){kind < 250 ? (uint8_t)(1 + kind % 2) : kind, first % 5u, count % 5u});
    say_frame(w, &frame, take8(t));
}

/* As many as a machine reads in one step, and more. */
static void say_many_wants(world *w, uint8_t first)
{
    uint8_t bytes[64];
    for (uint32_t i = 0; i < FRAMES_AT_ONCE; i++) {
        ps_writer frame = {.base = bytes, .cap = sizeof bytes};
        ps_want_write(&frame, &(ps_want){PS_WANT_DATA, first + i, 1});
        say_frame(w, &frame, 0);
    }
}

static void say_hello(world *w, uint8_t arg)
{
    uint8_t bytes[64], nonce[32];
    ps_writer frame = {.base = bytes, .cap = sizeof bytes};
    memset(nonce, 0x66, sizeof nonce);
    if (w->plain) {
        ps_write8(&frame, PS_STREAM_PREFACE_PLAIN);
    }
    ps_hello_write(&frame, nonce);
    say_frame(w, &frame, arg);
}

/* An input of the host; what follows from it is offered again. */
static ps_status host_input(world *w, ps_stream_input in, unsigned missing)
{
    size_t consumed = 0;
    const ps_status status = step(w, in, &consumed, missing);
    if (status != PS_AGAIN && status != PS_INVALID && missing == 0) {
        offer(w, 0);
    }
    return status;
}

/* Now and then without a tree that there should be, or with what is no error's number. */
static void answer(world *w, uint8_t arg, unsigned missing)
{
    ps_stream_input in = {.type = PS_STREAM_OPENED};
    const transfer_file *asked = w->asked;
    in.u.opened.error = arg < 200 ? 0 : arg == 255 ? UINT32_C(65536) : arg;
    in.u.opened.tree = asked && arg % 16u != 7 ? asked->tree : NULL;
    const bool good =
        w->ended || (asked && arg < 255 &&
                     (arg >= 200 || in.u.opened.tree || asked->content.length <= PS_PIECE_BYTES));
    if (missing == 0 && asked && good) {
        w->open = arg < 200 ? asked : NULL;
        w->asked = NULL;
    }
    must((host_input(w, in, missing) == PS_INVALID) == !good);
}

/* As after all the files but one that a stream can have. */
static void grow_old(world *w)
{
    if (w->u->stage == PS_UPLOAD_IDLE) {
        w->u->file = w->file = UINT32_MAX - 1;
    }
}

static void others(world *w, uint8_t arg, unsigned missing)
{
    static const int types[] = {PS_STREAM_CANCEL,
                                PS_STREAM_CLOSED,
                                PS_STREAM_FETCH,
                                PS_STREAM_HASHED,
                                PS_STREAM_FINISH,
                                0,
                                99};
    if (arg < 7) {
        (void)host_input(w, (ps_stream_input){.type = (ps_stream_input_type)types[arg]}, missing);
    } else if (arg == 7) {
        grow_old(w);
    } else if (arg < 16) {
        say_many_wants(w, arg);
        offer(w, missing);
    }
}

static void turn(world *w, tape *t)
{
    const uint8_t op = take8(t);
    const uint8_t arg = take8(t);
    const unsigned missing = (op & 0x80u) ? op >> 4 & 7u : 0;
    ps_stream_input in = {.type = PS_STREAM_TICK};
    size_t n = arg < t->left ? arg : t->left;
    switch (op & 15u) {
    case 0:
    case 1: /* any bytes */
        queue_put(&w->said, t->at, n);
        t->at += n;
        t->left -= n;
        offer(w, missing);
        break;
    case 2:
        say_hello(w, arg);
        offer(w, missing);
        break;
    case 3:
    case 4:
        say_open(w, arg, take8(t));
        offer(w, missing);
        break;
    case 5:
    case 6:
        say_want(w, t);
        if ((arg & 3u) != 0) { /* Else with what comes next. */
            offer(w, missing);
        }
        break;
    case 7:
        queue_put(&w->said, "\x0a\0\0\0\0\0\0\0", 8);
        offer(w, missing);
        break;
    case 8:
        w->now_us += (uint64_t)arg * arg * 1000u;
        (void)host_input(w, in, missing);
        break;
    case 9:
        w->wall_s = arg < 32 ? 0 : WORLD_WALL_S + arg * 4u;
        break;
    case 10:
    case 11:
        answer(w, arg, missing);
        break;
    case 12:
    case 13:
        in.type = PS_STREAM_SENT;
        (void)host_input(w, in, missing);
        break;
    case 14:
        in.type = PS_STREAM_TAKEN;
        in.u.taken_bytes = (uint64_t)arg * 1000u;
        (void)host_input(w, in, missing);
        break;
    default:
        if (op & 64u) {
            say_header(w, t, arg);
            offer(w, missing);
        } else {
            others(w, arg, missing);
        }
        break;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    tape t = {data, len};
    const ps_file_keys keys = transfer_keys();
    ps_upload_config cfg;
    ps_upload_config_default(&cfg);
    world w = {.wall_s = WORLD_WALL_S};
    const uint8_t first = take8(&t);
    cfg.crypto = ps_crypto_sodium();
    cfg.keys = &keys;
    cfg.max_wants = PS_STREAM_WANTS_MIN + first % 8u * (first & 64u ? 8u : 1u);
    cfg.binding.plain = w.plain = first >= 128;
    memset(cfg.binding.bytes, 0x55, sizeof cfg.binding.bytes);
    const uint8_t burst = take8(&t);
    cfg.burst_bytes = w.burst = burst == 255 ? UINT32_C(33554432) : PS_LEAF_BYTES * (1u + burst);
    w.size = ps_upload_size(&cfg);
    memcpy(w.binding, cfg.binding.bytes, sizeof w.binding);
    if (w.plain) {
        uint8_t nonce[32];
        memset(nonce, 0x66, sizeof nonce);
        ps_plain_binding(cfg.crypto, nonce, w.binding, w.binding);
    }
    must(ps_upload_init(malloc(w.size), w.size, &cfg, 0, &w.u) == PS_OK);
    for (unsigned steps = 0; t.left > 0 && steps < 1000; steps++) {
        turn(&w, &t);
        const uint64_t due_us = ps_upload_deadline_us(w.u);
        must(!w.ended || due_us == PS_TIME_NEVER);
    }
    free(w.said.bytes);
    free(w.u);
    return 0;
}
