/* Calls as a careless host makes them: configurations of any numbers, functions and pointers that
 * are missing, memory too small or askew, inputs that belong to another machine, outputs that
 * cannot be. Each must be refused as the headers say, with nothing changed; a machine that was
 * made must go on. The input chooses the machine, the configuration's numbers and the calls. */
#include "harness.h"
#include "peersync/peer.h"
#include "peersync/server.h"
#include "peersync/transfer.h"
#include "transfer/leaves.h"
#include "transfer/tree.h"

#define SLAB_MAX (UINT32_C(1) << 20)
/* A member of a configuration, by place and size, which the input may set. */
#define FIELD(type, name)                                                                          \
    {                                                                                              \
        offsetof(type, name), sizeof(((type *)0)->name)                                            \
    }

typedef struct field {
    size_t at, bytes;
} field;

static const field SERVER_FIELDS[] = {
    FIELD(ps_server_config, size),
    FIELD(ps_server_config, max_sessions),
    FIELD(ps_server_config, max_users),
    FIELD(ps_server_config, max_devices),
    FIELD(ps_server_config, max_publications),
    FIELD(ps_server_config, max_user_publications),
    FIELD(ps_server_config, max_handshakes),
    FIELD(ps_server_config, max_pending_logins),
    FIELD(ps_server_config, max_networks),
    FIELD(ps_server_config, name_bytes),
    FIELD(ps_server_config, heartbeat_ms),
    FIELD(ps_server_config, dead_ms),
    FIELD(ps_server_config, resend_ms),
    FIELD(ps_server_config, pending_ms),
    FIELD(ps_server_config, takeover_ms),
    FIELD(ps_server_config, search_names),
    FIELD(ps_server_config, resets_per_s),
    FIELD(ps_server_config, handshake_ms),
    FIELD(ps_server_config, handshakes_per_s),
    FIELD(ps_server_config, open_per_s),
    FIELD(ps_server_config, retries_per_s),
    FIELD(ps_server_config, network_per_s),
    FIELD(ps_server_config, ticket_s),
    FIELD(ps_server_config, file_ticket_s),
};

static const field PEER_FIELDS[] = {
    FIELD(ps_peer_config, size),       FIELD(ps_peer_config, max_requests),
    FIELD(ps_peer_config, name_bytes), FIELD(ps_peer_config, max_publications),
    FIELD(ps_peer_config, request_ms), FIELD(ps_peer_config, datagram_max),
    FIELD(ps_peer_config, rekey_ms),   FIELD(ps_peer_config, rekey_packets),
};

static const field UPLOAD_FIELDS[] = {
    FIELD(ps_upload_config, size),
    FIELD(ps_upload_config, idle_ms),
    FIELD(ps_upload_config, max_wants),
    FIELD(ps_upload_config, burst_bytes),
};

static const field DOWNLOAD_FIELDS[] = {
    FIELD(ps_download_config, size),
    FIELD(ps_download_config, stall_ms),
    FIELD(ps_download_config, window_bytes),
};

static const field CRYPTO_FIELDS[] = {
    FIELD(ps_crypto, size),          FIELD(ps_crypto, sha256_init),
    FIELD(ps_crypto, sha256_final),  FIELD(ps_crypto, sha256_update),
    FIELD(ps_crypto, x25519_public), FIELD(ps_crypto, x25519),
    FIELD(ps_crypto, seal),          FIELD(ps_crypto, open),
};

/* Sets one member to a number at the edge of something, or to any. */
static void set_field(tape *t, void *config, const field *fields, size_t count)
{
    const field *f = &fields[take8(t) % count];
    const uint8_t how = take8(t);
    const uint64_t edges[] = {0, 1, 2, UINT64_MAX, UINT64_C(1) << 24, (UINT64_C(1) << 24) + 1};
    const uint64_t value = how < 240 ? edges[how % 6] + (how >= 120 ? how : 0) : take64(t);
    uint8_t bytes[8];
    for (size_t i = 0; i < f->bytes; i++) { /* The lowest bytes, in the machine's own order. */
        const size_t to = *(const uint8_t *)&(uint16_t){1} == 1 ? i : f->bytes - 1 - i;
        bytes[to] = (uint8_t)(value >> (8 * i));
    }
    memcpy((uint8_t *)config + f->at, bytes, f->bytes);
}

/* A cryptography that may lack a function or be of another version. False: it is whole. */
static bool crypto_of(tape *t, ps_crypto *crypto)
{
    const uint8_t how = take8(t);
    *crypto = *ps_sim_crypto();
    if (how < 192) {
        return false;
    }
    const field *f = &CRYPTO_FIELDS[how % (sizeof CRYPTO_FIELDS / sizeof *CRYPTO_FIELDS)];
    memset((uint8_t *)crypto + f->at, 0, f->bytes);
    return true;
}

/* The arguments of an init(). */
typedef struct place {
    uint8_t *whole; /* To free. */
    void *mem;
    size_t len;
    bool wrong;
    bool no_out;
} place;

static place place_of(tape *t, size_t need, size_t align)
{
    const uint8_t how = take8(t);
    place p = {.len = need < SLAB_MAX ? need : 0};
    p.whole = aligned_alloc(64, (p.len + 127) / 64 * 64);
    must(p.whole != NULL);
    p.mem = p.whole;
    memset(p.whole, 0, (p.len + 127) / 64 * 64);
    p.wrong = need == 0 || p.len == 0;
    if (how >= 250) {
        p.mem = NULL;
    } else if (how >= 240) {
        p.mem = p.whole + align / 2;
    } else if (how >= 230 && p.len > 0) {
        p.len--;
    }
    p.no_out = how >= 225 && how < 230;
    p.wrong = p.wrong || how >= 225;
    return p;
}

/* What belongs to no machine, or is not all there. */
static ps_input input_of(tape *t)
{
    static uint8_t bytes[32];
    ps_input in = {.now_us = 1000};
    const uint8_t type = take8(t);
    const uint8_t how = take8(t);
    uint8_t *data = how & 1u ? bytes : NULL;
    const size_t len = how >> 1 & 31u;
    const ps_span span = {data, len};
    in.type = (ps_input_type)(type % 20u);
    switch ((int)in.type) {
    case PS_INPUT_DATAGRAM:
        in.u.datagram = (ps_input_datagram){.data = data, .len = len};
        break;
    case PS_INPUT_ENTROPY:
    case PS_INPUT_EXPEL:
        in.u.entropy = span;
        break;
    case PS_INPUT_RESTORE:
        in.u.restore.user = span;
        in.u.restore.name = how & 64u ? (ps_span){NULL, 0} : span;
        break;
    case PS_INPUT_VERDICT:
        in.u.verdict.error = how & 64u ? UINT32_C(0x10000) + how : how;
        break;
    case PS_INPUT_LOGIN:
        in.u.login.user = span;
        in.u.login.password = how & 64u ? (ps_span){NULL, 3} : (ps_span){NULL, 0};
        in.u.login.ticket = how & 128u ? (ps_span){NULL, 3} : (ps_span){bytes, how & 32u ? 999 : 0};
        in.u.login.server.port = type & 128u ? 0 : 7;
        in.u.login.server.family = type & 64u ? 3 : how & 16u ? PS_ADDR_V6 : PS_ADDR_V4;
        break;
    default:
        in.u.command.text = span;
        break;
    }
    return in;
}

static bool spans_fit(const ps_input *in, bool server)
{
    switch (in->type) {
    case PS_INPUT_DATAGRAM:
        return in->u.datagram.data != NULL || in->u.datagram.len == 0;
    case PS_INPUT_ENTROPY:
        return in->u.entropy.data != NULL && in->u.entropy.len >= 16;
    case PS_INPUT_VERDICT:
        return server && in->u.verdict.error < 65536;
    case PS_INPUT_RESTORE:
        return server && in->u.restore.user.data != NULL && in->u.restore.name.data != NULL;
    case PS_INPUT_EXPEL:
        return server && in->u.expel.data != NULL;
    case PS_INPUT_STORE:
        return server;
    case PS_INPUT_TICK:
    case PS_INPUT_WALL_CLOCK:
        return true;
    case PS_INPUT_LOGOUT:
        return !server;
    case PS_INPUT_PUBLISH:
    case PS_INPUT_UNPUBLISH:
    case PS_INPUT_LIST_PEERS:
    case PS_INPUT_LIST_FILES:
    case PS_INPUT_SEARCH:
    case PS_INPUT_LOCATE:
        return !server && (in->u.command.text.data != NULL || in->u.command.text.len == 0);
    case PS_INPUT_LOGIN:
    case PS_INPUT_TRUST:
    default:
        return false; /* A login may be right: see there. */
    }
}

typedef ps_status step_of(void *machine, ps_input in[], size_t n, size_t *consumed, ps_output *out);

static ps_status server_step(void *machine, ps_input in[], size_t n, size_t *consumed,
                             ps_output *out)
{
    return ps_server_step(machine, in, n, consumed, out);
}

static ps_status peer_step(void *machine, ps_input in[], size_t n, size_t *consumed, ps_output *out)
{
    return ps_peer_step(machine, in, n, consumed, out);
}

/* Steps a machine of the control channel with what it must refuse, or may take. */
static void misuse(tape *t, void *machine, size_t len, step_of *step)
{
    const bool server = step == server_step;
    ps_output out = output_of(PS_SERVER_STEP_BYTES, PS_SERVER_STEP_DATAGRAMS, 160);
    uint8_t *before = malloc(len);
    must(before != NULL);
    for (int n = 0; n < 64 && t->left > 0; n++) {
        const uint8_t how = take8(t);
        ps_input in[2] = {input_of(t), {.now_us = 1000, .type = PS_INPUT_TICK}};
        size_t consumed = 9;
        memcpy(before, machine, len);
        if (how >= 240) {
            must(step(how == 240 ? NULL : machine, how == 241 ? NULL : in, 1,
                      how == 242 ? NULL : &consumed, how == 243 ? NULL : &out) == PS_INVALID ||
                 how > 243);
            must(how > 243 || memcmp(before, machine, len) == 0);
            continue;
        }
        if (how >= 230) {
            must(step(machine, NULL, 0, &consumed, &out) <= PS_MORE && consumed == 0);
            continue;
        }
        out.bytes_len = out.datagrams_len = out.events_len = 0;
        const ps_status status = step(machine, in, 1 + (how & 1u), &consumed, &out);
        must(status != PS_AGAIN);
        if (in[0].type != PS_INPUT_LOGIN) {
            must((status == PS_INVALID) == !spans_fit(&in[0], server));
        }
        if (status == PS_INVALID) {
            must(consumed == 0 && memcmp(before, machine, len) == 0);
            must(out.bytes_len + out.datagrams_len + out.events_len == 0);
        }
    }
    free(before);
    output_free(&out);
}

static void server_calls(tape *t)
{
    ps_server_config cfg;
    ps_crypto crypto;
    ps_memory_line lines[32];
    ps_server *s = NULL;
    ps_server_config_default(&cfg);
    cfg.max_sessions = cfg.max_users = cfg.max_devices = cfg.max_networks = 4;
    cfg.max_publications = cfg.max_user_publications = cfg.max_handshakes = 4;
    cfg.max_pending_logins = 2;
    cfg.name_bytes = 100;
    cfg.mem_is_zero = (take8(t) & 1u) != 0;
    for (uint8_t n = take8(t) % 4u; n > 0; n--) {
        set_field(t, &cfg, SERVER_FIELDS, sizeof SERVER_FIELDS / sizeof *SERVER_FIELDS);
    }
    const bool lacks = crypto_of(t, &crypto);
    cfg.crypto = lacks && take8(t) == 255 ? NULL : &crypto;
    const size_t need = ps_server_size(&cfg);
    const size_t count = ps_server_memory(&cfg, lines, take8(t) % 33u);
    must(ps_server_size(NULL) == 0 && count <= 32 && (count > 0 || need == 0));
    const place p = place_of(t, need, 64);
    const ps_status status = ps_server_init(p.mem, p.len, &cfg, p.no_out ? NULL : &s);
    must((status == PS_OK) == (!p.wrong && !lacks));
    if (status == PS_OK) {
        must(ps_server_check(s) == 0);
        misuse(t, s, need, server_step);
        must(ps_server_check(s) == 0);
    }
    free(p.whole);
}

static void peer_calls(tape *t)
{
    ps_peer_config cfg;
    ps_crypto crypto;
    ps_peer *peer = NULL;
    ps_peer_config_default(&cfg);
    cfg.max_requests = cfg.max_publications = 4;
    cfg.name_bytes = 100;
    cfg.mem_is_zero = (take8(t) & 1u) != 0;
    for (uint8_t n = take8(t) % 4u; n > 0; n--) {
        set_field(t, &cfg, PEER_FIELDS, sizeof PEER_FIELDS / sizeof *PEER_FIELDS);
    }
    const bool lacks = crypto_of(t, &crypto);
    cfg.crypto = lacks && take8(t) == 255 ? NULL : &crypto;
    const size_t need = ps_peer_size(&cfg);
    must(ps_peer_size(NULL) == 0 && (!lacks || need == 0));
    const place p = place_of(t, need, 64);
    const ps_status status = ps_peer_init(p.mem, p.len, &cfg, p.no_out ? NULL : &peer);
    must((status == PS_OK) == !p.wrong);
    if (status == PS_OK) {
        must(ps_peer_check(peer) == 0);
        misuse(t, peer, need, peer_step);
        must(ps_peer_check(peer) == 0);
    }
    free(p.whole);
}

/* An output that cannot be, or is as it should be (true). */
static bool stream_output_wrong(tape *t, ps_stream_output *out)
{
    static uint8_t bytes[PS_STREAM_STEP_BYTES];
    static ps_segment segments[PS_STREAM_STEP_SEGMENTS];
    static ps_stream_event events[PS_STREAM_STEP_EVENTS];
    const uint8_t how = take8(t);
    *out =
        (ps_stream_output){bytes,  sizeof bytes,          0, segments, PS_STREAM_STEP_SEGMENTS, 0,
                           events, PS_STREAM_STEP_EVENTS, 0};
    if (how < 200) {
        return false;
    }
    out->bytes = how % 12 == 0 || how % 12 == 6 ? NULL : out->bytes;
    out->segments = how % 12 == 1 || how % 12 == 7 ? NULL : out->segments;
    out->events = how % 12 == 2 || how % 12 == 8 ? NULL : out->events;
    out->bytes_len = how % 12 == 3 ? out->bytes_cap + 1 : 0;
    out->segments_len = how % 12 == 4 ? out->segments_cap + 1 : 0;
    out->events_len = how % 12 == 5 ? out->events_cap + 1 : 0;
    out->bytes_cap = how % 12 == 6 || how % 12 == 9 ? 0 : out->bytes_cap;
    out->segments_cap = how % 12 == 7 || how % 12 == 10 ? 0 : out->segments_cap;
    out->events_cap = how % 12 == 8 || how % 12 == 11 ? 0 : out->events_cap;
    return true;
}

static ps_stream_input stream_input_of(tape *t)
{
    static uint8_t bytes[64];
    ps_stream_input in = {.now_us = 1000};
    const uint8_t type = take8(t);
    const uint8_t how = take8(t);
    in.type = (ps_stream_input_type)(type % 12u);
    if (in.type == PS_STREAM_BYTES) {
        in.u.bytes = (ps_span){how & 1u ? bytes : NULL, how & 2u ? 0 : how};
        in.u.bytes.len = how == 255 ? (size_t)UINT32_MAX : in.u.bytes.len;
        in.u.bytes.len = how & 1u && how < 255 ? in.u.bytes.len % 64u : in.u.bytes.len;
    } else if (in.type == PS_STREAM_CANCEL) {
        in.u.cancel_error = how & 1u ? how : UINT32_C(70000);
    } else if (in.type == PS_STREAM_FETCH) {
        in.u.fetch.content.length = how & 1u ? 5 : how & 2u ? 0 : PS_FILE_MAX + 1;
        in.u.fetch.content.root[0] = how & 4u ? 1 : 0;
        in.u.fetch.ticket = (ps_span){how & 8u ? bytes : NULL, how & 16u   ? 50
                                                               : how & 32u ? 0
                                                                           : 400};
    }
    return in;
}

typedef ps_status stream_step_of(void *machine, const ps_stream_input *in, size_t *consumed,
                                 ps_stream_output *out);

static ps_status upload_step(void *machine, const ps_stream_input *in, size_t *consumed,
                             ps_stream_output *out)
{
    return ps_upload_step(machine, in, consumed, out);
}

static ps_status download_step(void *machine, const ps_stream_input *in, size_t *consumed,
                               ps_stream_output *out)
{
    return ps_download_step(machine, in, consumed, out);
}

static void stream_misuse(tape *t, void *machine, size_t len, stream_step_of *step)
{
    uint8_t *before = malloc(len);
    must(before != NULL);
    for (int n = 0; n < 64 && t->left > 0; n++) {
        ps_stream_output out;
        const bool wrong = stream_output_wrong(t, &out);
        const ps_stream_input in = stream_input_of(t);
        const uint8_t how = take8(t);
        size_t consumed = 9;
        memcpy(before, machine, len);
        const ps_status status = step(how == 250 ? NULL : machine, how == 251 ? NULL : &in,
                                      how == 252 ? NULL : &consumed, how == 253 ? NULL : &out);
        must(status == PS_INVALID || how < 250 || how > 253);
        must(status >= PS_AGAIN || !wrong);
        if (status != PS_OK && status != PS_MORE) {
            must(memcmp(before, machine, len) == 0);
        }
    }
    free(before);
}

static void upload_calls(tape *t)
{
    static const ps_file_keys keys = {.count = 1};
    ps_upload_config cfg;
    ps_crypto crypto;
    ps_upload *u = NULL;
    ps_upload_config_default(&cfg);
    cfg.keys = take8(t) < 250 ? &keys : NULL;
    memset(cfg.binding.bytes, take8(t) % 16u, sizeof cfg.binding.bytes);
    for (uint8_t n = take8(t) % 3u; n > 0; n--) {
        set_field(t, &cfg, UPLOAD_FIELDS, sizeof UPLOAD_FIELDS / sizeof *UPLOAD_FIELDS);
    }
    (void)crypto_of(t, &crypto);
    cfg.crypto = take8(t) == 255 ? NULL : &crypto;
    const size_t need = ps_upload_size(&cfg);
    must(ps_upload_size(NULL) == 0);
    must(need == 0 || (cfg.keys != NULL && cfg.binding.bytes[0] != 0 && crypto.open != NULL));
    const place p = place_of(t, need, 16);
    const ps_status status = ps_upload_init(p.mem, p.len, &cfg, 0, p.no_out ? NULL : &u);
    must((status == PS_OK) == !p.wrong);
    if (status == PS_OK) {
        stream_misuse(t, u, need, upload_step);
        must(ps_upload_check(u) == 0);
    }
    free(p.whole);
}

static void download_calls(tape *t)
{
    ps_download_config cfg;
    ps_crypto crypto;
    ps_download *d = NULL;
    ps_download_config_default(&cfg);
    memset(cfg.binding.bytes, take8(t) % 16u, sizeof cfg.binding.bytes);
    for (uint8_t n = take8(t) % 3u; n > 0; n--) {
        set_field(t, &cfg, DOWNLOAD_FIELDS, sizeof DOWNLOAD_FIELDS / sizeof *DOWNLOAD_FIELDS);
    }
    (void)crypto_of(t, &crypto);
    crypto.sha256_init = ps_sim_crypto()->sha256_init; /* The transfers' are not looked at. */
    crypto.sha256_update = ps_sim_crypto()->sha256_update;
    crypto.sha256_final = ps_sim_crypto()->sha256_final;
    cfg.crypto = take8(t) == 255 ? NULL : &crypto;
    const size_t need = ps_download_size(&cfg);
    must(ps_download_size(NULL) == 0 && (need == 0 || cfg.binding.bytes[0] != 0));
    const place p = place_of(t, need, 16);
    const ps_status status = ps_download_init(p.mem, p.len, &cfg, 0, p.no_out ? NULL : &d);
    must((status == PS_OK) == !p.wrong);
    if (status == PS_OK) {
        stream_misuse(t, d, need, download_step);
        must(ps_download_check(d) == 0);
    }
    free(p.whole);
}

/* A file in any parts has the root that it has in one; calls that cannot be change nothing. */
static void hasher_calls(tape *t)
{
    static const uint32_t lengths[] = {
        0, 1, 16384, 16385, 40000, PS_PIECE_BYTES, PS_PIECE_BYTES + 9};
    static uint8_t bytes[PS_PIECE_BYTES + 9];
    const uint8_t how = take8(t);
    const uint32_t length = lengths[how % 7u];
    ps_crypto crypto = *ps_sim_crypto();
    ps_node tree[4];
    ps_content content, whole;
    ps_hasher h;
    ps_node *kept = how & 128u ? tree : NULL;
    must(ps_hasher_init(NULL, &crypto, 1, NULL) == PS_INVALID);
    must(ps_hasher_init(&h, NULL, 1, NULL) == PS_INVALID);
    must(ps_hasher_init(&h, &crypto, PS_FILE_MAX + 1, NULL) == PS_INVALID);
    must(ps_hasher_init(&h, ps_sim_crypto(), length, NULL) == PS_OK);
    must(ps_hasher_update(&h, bytes, length) == PS_OK && ps_hasher_final(&h, &whole) == PS_OK);
    crypto.sha256_blocks = how & 64u ? NULL : crypto.sha256_blocks;
    must(ps_hasher_init(&h, &crypto, length, kept) == PS_OK);
    for (uint32_t at = 0; at < length;) {
        const uint32_t part = 1u + take8(t) * 257u;
        const uint32_t n = t->left == 0 || part > length - at ? length - at : part;
        must(ps_hasher_update(&h, NULL, 1) == PS_INVALID);
        must(ps_hasher_update(&h, NULL, 0) == PS_OK);
        must(ps_hasher_final(&h, &content) == PS_INVALID);
        must(ps_hasher_update(&h, bytes + at, n) == PS_OK);
        at += n;
    }
    must(ps_hasher_update(&h, bytes, 1) == PS_INVALID &&
         ps_hasher_update(NULL, bytes, 1) == PS_INVALID);
    must(ps_hasher_final(NULL, &content) == PS_INVALID && ps_hasher_final(&h, NULL) == PS_INVALID);
    must(ps_hasher_final(&h, &content) == PS_OK && ps_content_equal(&content, &whole));
    crypto.size--;
    must(ps_hasher_init(&h, &crypto, 1, NULL) == PS_INVALID);
}

/* Hashes of nothing and of too much are nothing, whatever lies there. */
static void hash_calls(tape *t)
{
    static const ps_node zero;
    static uint8_t bytes[PS_PIECE_BYTES + 1];
    uint8_t root[PS_ROOT_BYTES];
    ps_node node;
    const uint64_t n = take64(t);
    const uint32_t h = ps_log2_ceil(n);
    must(h <= 63 && (h == 63 || UINT64_C(1) << h >= n) && (h == 0 || UINT64_C(1) << (h - 1) < n));
    ps_piece_hash(ps_sim_crypto(), n, bytes, 0, &node);
    must(memcmp(&node, &zero, sizeof node) == 0);
    ps_piece_hash(ps_sim_crypto(), n, bytes, sizeof bytes, &node);
    must(memcmp(&node, &zero, sizeof node) == 0);
    ps_tree_root(ps_sim_crypto(), 0, NULL, root);
    must(memcmp(root, &zero, sizeof root) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static void (*const calls[])(tape *) = {server_calls, peer_calls, upload_calls, download_calls,
                                            hasher_calls};
    tape t = {data, size};
    const uint8_t which = take8(&t);
    (which == 255 ? hash_calls : calls[which % 5u])(&t);
    return 0;
}
