/* The downloader under a hostile uploader. Odd first byte: the input is the stream itself. Even: a
 * well-formed upload answers, and the input flips bytes of what it says, splits it, refuses files.
 * In both, the input fetches files, answers CHECKs late, in any order, rightly or not, moves the
 * clock and takes away room. Whatever happens, what counts is right. */
#include "transfer/download_internal.h"
#include "transfer_world.h"

#define LONGEST 2097200u
#define CHECKS  300u
enum {
    FRAME_HELLO = 1,
    FRAME_OPENED = 2,
    FRAME_HASHES = 4,
    FRAME_DATA = 5,
    FRAME_ERROR = 9,
    FRAME_BYE = 10
};

/* A file that was given to the machine. */
typedef struct fetched {
    const transfer_file *file;
    uint8_t have; /* Of the long file none ever comes. */
    bool ended;
    uint32_t wanted; /* Pieces not verified yet. */
} fetched;

typedef struct world {
    ps_download *d;
    size_t size;
    ps_upload *u;
    ps_file_keys keys;
    byte_queue to_upload, said; /* `said`: the upload's words that were not heard yet. */
    uint64_t now_us;
    const transfer_file *serving;
    uint8_t refuse; /* Files whose number has these bits are refused. */
    fetched files[PS_DOWNLOAD_FILES];
    uint32_t count; /* Ever given. */
    struct {
        uint32_t file, piece;
    } checks[CHECKS];
    uint32_t checks_len;
    bool done, ended;
} world;

/* A slot's bytes; the machine frees slots in order. */
static uint8_t *written_of(uint32_t file)
{
    static uint8_t written[PS_DOWNLOAD_FILES][LONGEST];
    return written[(file - 1) % PS_DOWNLOAD_FILES];
}

static fetched *fetched_of(world *w, uint32_t file)
{
    must(file >= 1 && file <= w->count && w->count - file < PS_DOWNLOAD_FILES);
    return &w->files[(file - 1) % PS_DOWNLOAD_FILES];
}

/* ---- the honest upload ---- */

static void upload_step(world *w, ps_stream_input in, size_t *consumed)
{
    ps_stream_output out = stream_output_of(0);
    uint32_t asked = 0;
    in.now_us = w->now_us;
    in.wall_s = WORLD_WALL_S;
    must(ps_upload_step(w->u, &in, consumed, &out) <= PS_MORE);
    must(ps_upload_check(w->u) == 0);
    for (size_t i = 0; i < out.segments_len; i++) {
        const ps_segment *s = &out.segments[i];
        const uint8_t *from = s->from_file ? w->serving->bytes : out.bytes;
        queue_put(&w->said, from + s->offset, (size_t)s->len);
    }
    for (size_t i = 0; i < out.events_len; i++) {
        if (out.events[i].type == PS_STREAM_EVENT_OPEN) {
            asked = out.events[i].file;
            w->serving = transfer_file_find(&out.events[i].content);
        }
    }
    stream_output_free(&out);
    if (asked != 0) {
        ps_stream_input opened = {.type = PS_STREAM_OPENED};
        size_t n;
        const bool refused = (asked & w->refuse) != 0 || !w->serving->bytes;
        opened.u.opened.error = refused ? (uint32_t)PS_E_CHANGED : 0;
        opened.u.opened.tree = w->serving->tree;
        upload_step(w, opened, &n);
    }
}

/* The upload hears what it can, and says what it can. */
static void upload_hears(world *w)
{
    size_t n = 1;
    for (int quiet = 0; quiet < 3; quiet++) {
        while (w->to_upload.at < w->to_upload.len && n > 0) {
            ps_stream_input in = {.type = PS_STREAM_BYTES};
            in.u.bytes =
                (ps_span){w->to_upload.bytes + w->to_upload.at, w->to_upload.len - w->to_upload.at};
            upload_step(w, in, &n);
            w->to_upload.at += n;
            quiet = n > 0 ? 0 : quiet;
        }
        upload_step(w, (ps_stream_input){.type = PS_STREAM_SENT}, &n);
        n = 1;
    }
}

/* ---- the downloader ---- */

static void on_write(world *w, const ps_stream_event *e, ps_span in)
{
    const fetched *f = fetched_of(w, e->file);
    const uint64_t length = f->file->content.length;
    must(!f->ended && f->file->bytes && (f->have >> e->piece & 1) == 0);
    must(e->bytes.data >= in.data && e->bytes.data + e->bytes.len <= in.data + in.len);
    must(e->offset <= length && e->bytes.len <= length - e->offset);
    must(e->offset / PS_PIECE_BYTES == e->piece);
    memcpy(written_of(e->file) + e->offset, e->bytes.data, e->bytes.len);
}

static void on_piece(world *w, const ps_stream_event *e)
{
    fetched *f = fetched_of(w, e->file);
    const size_t at = (size_t)e->piece * PS_PIECE_BYTES;
    must(!f->ended && f->wanted > 0);
    f->wanted--;
    must(memcmp(written_of(e->file) + at, f->file->bytes + at,
                ps_piece_length(f->file->content.length, e->piece)) == 0);
}

static void on_event(world *w, const ps_stream_event *e, ps_span in)
{
    must(!w->ended);
    switch (e->type) {
    case PS_STREAM_EVENT_WRITE:
        on_write(w, e, in);
        break;
    case PS_STREAM_EVENT_CHECK:
        must(w->checks_len < CHECKS && !fetched_of(w, e->file)->ended);
        w->checks[w->checks_len].file = e->file;
        w->checks[w->checks_len++].piece = e->piece;
        break;
    case PS_STREAM_EVENT_PIECE:
        on_piece(w, e);
        break;
    case PS_STREAM_EVENT_FILE_END:
        must(!fetched_of(w, e->file)->ended);
        must(e->error != PS_E_NONE || fetched_of(w, e->file)->wanted == 0);
        must(e->remote == (e->error != PS_E_NONE));
        fetched_of(w, e->file)->ended = true;
        break;
    case PS_STREAM_EVENT_DONE:
    case PS_STREAM_EVENT_FAILED:
        w->ended = true;
        w->done = e->type == PS_STREAM_EVENT_DONE;
        break;
    case PS_STREAM_EVENT_OPEN:
        must(false);
    }
}

static ps_status step(world *w, ps_stream_input in, unsigned missing, size_t *consumed)
{
    ps_stream_output out = stream_output_of(missing);
    uint8_t *before = malloc(w->size);
    must(before);
    memcpy(before, w->d, w->size);
    in.now_us = w->now_us;
    const ps_status status = ps_download_step(w->d, &in, consumed, &out);
    if (status == PS_AGAIN || status == PS_INVALID) {
        must(memcmp(before, w->d, w->size) == 0 && *consumed == 0);
        must(out.bytes_len + out.segments_len + out.events_len == 0);
        must(status == PS_INVALID || missing != 0);
    } else {
        must(missing == 0);
    }
    must(ps_download_check(w->d) == 0);
    const ps_span bytes = in.type == PS_STREAM_BYTES ? in.u.bytes : (ps_span){NULL, 0};
    for (size_t i = 0; i < out.events_len; i++) {
        on_event(w, &out.events[i], bytes);
    }
    for (size_t i = 0; i < out.segments_len; i++) {
        must(!out.segments[i].from_file);
        if (w->u) {
            queue_put(&w->to_upload, out.bytes + out.segments[i].offset,
                      (size_t)out.segments[i].len);
        }
    }
    stream_output_free(&out);
    free(before);
    if (w->u && w->to_upload.at < w->to_upload.len) {
        upload_hears(w);
    }
    return status;
}

/* The body of a frame that could come, as the independent encoder has it. @return its type. */
static unsigned craft_body(craft *c, tape *t, uint8_t kind)
{
    const uint8_t how = take8(t);
    const transfer_file *f = transfer_file_of(how & 7u);
    const uint32_t pieces = ps_piece_count(f->content.length);
    const uint8_t nonce[32] = {how};
    const uint64_t at = (uint64_t)take8(t) * PS_LEAF_BYTES;
    switch (kind % 6u) {
    case 0:
        craft_u16(c, how < 250 ? 1 : how);
        craft_u16(c, how >> 3);
        craft_u32(c, how == 249 ? 7 : PS_PIECE_BYTES);
        craft_bytes(c, nonce, sizeof nonce);
        return FRAME_HELLO;
    case 1:
        craft_u16(c, how < 192 ? 0 : how % 48u);
        craft_u16(c, how == 200);
        return FRAME_OPENED;
    case 2:
        craft_u32(c, how >> 4 & 3u);
        craft_u32(c, how >> 6);
        craft_bytes(c, f->tree, pieces > 1 ? pieces * PS_ROOT_BYTES : 0);
        return FRAME_HASHES;
    case 3: {
        const uint64_t left = at < f->content.length ? f->content.length - at : 0;
        const uint64_t n = how & 128u ? PS_LEAF_BYTES : at % 300;
        craft_u64(c, at);
        if (how & 64u) { /* The bytes come later, or never. */
            return FRAME_DATA;
        }
        craft_bytes(c, f->bytes + (left > 0 ? at : 0), n < left && n < 2048 ? n : left % 2048);
        return FRAME_DATA;
    }
    case 4:
        craft_u16(c, how % 48u);
        craft_u16(c, how == 255);
        craft_text(c, "said");
        return FRAME_ERROR;
    default:
        return FRAME_BYE;
    }
}

/* Says a frame beside those of the honest upload: whole, or of any length or type. */
static void say(world *w, tape *t, uint8_t kind)
{
    static const uint32_t lengths[] = {0,         4, 8, 40, PS_LEAF_BYTES + 8, PS_PIECE_BYTES + 8,
                                       UINT32_MAX};
    craft body, c;
    craft_reset(&body);
    craft_reset(&c);
    const unsigned type = craft_body(&body, t, kind);
    const uint8_t odd = take8(t);
    craft_u8(&c, odd == 255 ? take8(t) : type);
    craft_u8(&c, odd == 254);
    craft_u16(&c, odd == 253);
    craft_u32(&c, odd >= 200 && odd < 248   ? lengths[odd % 7u]
                  : odd >= 190 && odd < 200 ? (uint32_t)body.len - 1
                                            : (uint32_t)body.len);
    queue_put(&w->said, c.data, c.len);
    queue_put(&w->said, body.data, body.len);
}

/* The next `n` bytes of the queue. */
static void hear(world *w, byte_queue *q, size_t n, uint8_t flip, size_t flip_at, unsigned missing)
{
    uint8_t *copy = queue_copy(q, n);
    ps_stream_input in = {.type = PS_STREAM_BYTES};
    size_t used;
    q->at += n;
    if (n > 0) {
        copy[flip_at % n] ^= flip;
    }
    in.u.bytes = (ps_span){copy, n};
    if (missing != 0) {
        (void)step(w, in, missing, &used);
    }
    for (size_t at = 0; at < n; at += used) {
        in.u.bytes = (ps_span){copy + at, n - at};
        const ps_status status = step(w, in, 0, &used);
        must(used > 0);
        must(at + used == n || status == PS_MORE);
    }
    free(copy);
}

/* Which pieces of the long file are there: all, or all from some one on but the last. */
static const uint8_t *have_long(uint8_t have)
{
    static uint8_t maps[4][WORLD_LONG_PIECES / 8 + 1];
    uint8_t *map = maps[have % 4u];
    if (map[WORLD_LONG_PIECES / 16] == 0) {
        memset(map, 0xff, sizeof maps[0]);
        map[0] = have & 1u ? 0x15 : 0xff;
        map[WORLD_LONG_PIECES / 8] = have & 2u ? 0 : 0xff;
    }
    return have < 4 ? map : NULL;
}

/* As after all the files but one that a stream can have. */
static void grow_old(world *w)
{
    if (!w->ended && w->d->file_first == w->d->file_next) {
        w->d->file_first = w->d->file_next = w->d->file_asking = UINT32_MAX - 1;
        w->count = UINT32_MAX - 2;
        for (uint32_t i = 0; i < PS_DOWNLOAD_FILES; i++) {
            w->files[i].ended = true;
        }
    }
}

static void fetch(world *w, uint8_t arg, uint8_t have, unsigned missing)
{
    /* Long files are the smaller part: they are most of the work. */
    const bool is_long = arg >= 230 && arg < 240;
    const transfer_file *f = transfer_file_of(is_long         ? WORLD_LONG
                                              : arg % 16u < 8 ? arg
                                                              : arg % 4u);
    ps_stream_input in = {.type = PS_STREAM_FETCH};
    const uint32_t slot = w->count % PS_DOWNLOAD_FILES;
    const bool room = ps_download_room(w->d) > 0;
    size_t used;
    if (!room && !w->ended) {
        in.u.fetch.content = f->content;
        in.u.fetch.ticket = (ps_span){f->ticket, f->ticket_len};
        must(step(w, in, 0, &used) == PS_INVALID);
        return;
    }
    in.u.fetch.content = f->content;
    in.u.fetch.content.length = arg >= 250 ? 0 : f->content.length;
    in.u.fetch.ticket = (ps_span){f->ticket, arg >= 245 && arg < 250 ? 0 : f->ticket_len};
    memcpy(in.u.fetch.key, f->key, sizeof in.u.fetch.key);
    in.u.fetch.key[0] ^= arg >= 240 && arg < 245;
    if (w->ended || arg >= 245 || missing != 0) {
        (void)step(w, in, missing, &used);
        return;
    }
    fetched *g = &w->files[slot];
    *g = (fetched){.file = f, .have = have};
    for (uint32_t i = 0; !is_long && i < ps_piece_count(f->content.length); i++) {
        g->wanted += (have >> i & 1) == 0 ? 1u : 0u;
    }
    in.u.fetch.have = is_long ? have_long(have) : have != 0 ? &g->have : NULL;
    w->count++;
    must(step(w, in, 0, &used) <= PS_MORE && used == 1);
}

static void answer_check(world *w, uint8_t arg, unsigned missing)
{
    ps_stream_input in = {.type = PS_STREAM_HASHED};
    size_t used;
    if (w->checks_len == 0 || arg >= 250) {
        in.u.hashed.file = arg % 9u;
        in.u.hashed.piece = 7;
        must(step(w, in, missing, &used) != PS_MORE || w->ended);
        return;
    }
    const uint32_t which = arg % w->checks_len;
    const uint32_t file = in.u.hashed.file = w->checks[which].file;
    const uint32_t piece = in.u.hashed.piece = w->checks[which].piece;
    const uint64_t length = fetched_of(w, file)->file->content.length;
    ps_crypto crypto = *ps_crypto_sodium();
    crypto.sha256_blocks = arg % 4u == 3 ? NULL : crypto.sha256_blocks; /* A host may have none. */
    ps_piece_hash(&crypto, length, written_of(file) + (size_t)piece * PS_PIECE_BYTES,
                  ps_piece_length(length, piece), &in.u.hashed.hash);
    in.u.hashed.hash.bytes[5] ^= arg >= 240;
    if (missing != 0) {
        (void)step(w, in, missing, &used);
    }
    w->checks[which] = w->checks[--w->checks_len];
    must(step(w, in, 0, &used) <= PS_MORE);
    must(w->ended || arg < 240); /* A wrong hash is the end. */
}

static void others(world *w, uint8_t arg, unsigned missing)
{
    static const int types[] = {
        PS_STREAM_CANCEL, PS_STREAM_CLOSED, PS_STREAM_FINISH, PS_STREAM_SENT,
        PS_STREAM_TAKEN,  PS_STREAM_OPENED, PS_STREAM_FINISH, 0};
    size_t used;
    if (arg < 64) {
        const int type = types[arg % 8];
        (void)step(w, (ps_stream_input){.type = (ps_stream_input_type)type}, missing, &used);
    } else if (arg == 64) {
        grow_old(w);
    }
}

/* What a host looks at between steps. */
static void look(const world *w)
{
    ps_download_place place;
    const uint64_t due_us = ps_download_deadline_us(w->d);
    must(!w->ended || due_us == PS_TIME_NEVER);
    if (ps_download_due(w->d, &place)) {
        const uint64_t length = w->files[(place.file - 1) % PS_DOWNLOAD_FILES].file->content.length;
        must(!w->ended && place.len > 0);
        must(place.offset / PS_PIECE_BYTES == place.piece && place.offset + place.len <= length);
    }
}

static void listen(world *w, tape *t, uint8_t op, uint8_t arg, unsigned missing)
{
    if (!w->u && w->said.at == w->said.len) {
        byte_queue raw = {.bytes = NULL};
        const size_t n = arg < t->left ? arg : t->left;
        queue_put(&raw, t->at, n);
        t->at += n;
        t->left -= n;
        hear(w, &raw, n, 0, 0, missing);
        free(raw.bytes);
        return;
    }
    /* Small and large parts; some with a bit flipped. */
    size_t n = (op & 8u) ? arg : (size_t)arg * 8192u;
    const size_t left = w->said.len - w->said.at;
    const uint8_t flip = arg % 16u == 5 ? (uint8_t)(1u << (take8(t) & 7u)) : 0;
    n = n < left ? n : left;
    hear(w, &w->said, n, flip, flip ? take8(t) : 0, missing);
}

static void turn(world *w, tape *t)
{
    const uint8_t op = take8(t);
    const uint8_t arg = take8(t);
    const unsigned missing = (op & 0x80u) ? op >> 4 & 7u : 0;
    size_t used;
    switch (op & 7u) {
    case 0:
        w->now_us += (uint64_t)arg * arg * 1000u;
        (void)step(w, (ps_stream_input){.type = PS_STREAM_TICK}, missing, &used);
        break;
    case 1:
        others(w, arg, missing);
        break;
    case 2:
        fetch(w, arg, take8(t) & 7u, missing);
        break;
    case 3:
        answer_check(w, arg, missing);
        break;
    case 7:
        say(w, t, arg);
        break;
    default:
        listen(w, t, op, arg, missing);
        break;
    }
}

static void make(world *w, tape *t)
{
    const uint8_t first = take8(t);
    const uint8_t second = take8(t);
    ps_download_config dc;
    ps_download_config_default(&dc);
    dc.crypto = ps_crypto_sodium();
    dc.binding.plain = (first & 2u) != 0;
    dc.window_bytes = second >> 4 == 15 ? PS_DOWNLOAD_WINDOW_MAX
                                        : PS_PIECE_BYTES + (uint32_t)(second >> 4) * 524288u;
    memset(dc.binding.bytes, 0x44, sizeof dc.binding.bytes);
    w->size = ps_download_size(&dc);
    dc.stall_ms = second == 255 ? 86400000 : dc.stall_ms;
    must(ps_download_init(malloc(w->size), w->size, &dc, 0, &w->d) == PS_OK);
    if ((first & 1u) == 0) {
        ps_upload_config uc;
        ps_upload_config_default(&uc);
        w->keys = transfer_keys();
        uc.crypto = dc.crypto;
        uc.keys = &w->keys;
        uc.binding = dc.binding;
        uc.max_wants = (second & 15u) == 15 ? 512 : PS_STREAM_WANTS_MIN + (second & 15u);
        w->refuse = first >> 2;
        const size_t n = ps_upload_size(&uc);
        must(ps_upload_init(malloc(n), n, &uc, 0, &w->u) == PS_OK);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    tape t = {data, len};
    static world w;
    memset(&w, 0, sizeof w);
    make(&w, &t);
    for (unsigned steps = 0; t.left > 0 && steps < 400; steps++) {
        look(&w);
        turn(&w, &t);
    }
    for (uint32_t i = 0; w.done && i < w.count && i < PS_DOWNLOAD_FILES; i++) {
        must(w.files[i].ended);
    }
    free(w.d);
    free(w.u);
    free(w.said.bytes);
    free(w.to_upload.bytes);
    return 0;
}
