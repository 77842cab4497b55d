#include "files.h"

#include <stdlib.h>
#include <string.h>

/* ---- the stand-in: four lanes that take 8 bytes each, little-endian everywhere ---- */

#define BLOCK 32u

/* How it lies in a ps_sha256. */
typedef struct lanes {
    uint64_t lane[4];
    uint64_t length;
    uint8_t block[BLOCK];
} lanes;

_Static_assert(sizeof(lanes) <= sizeof(ps_sha256), "the state fits the caller's");

static uint64_t mix(uint64_t x)
{
    x = (x ^ (x >> 32)) * UINT64_C(0xd6e8feb86659fd93);
    x = (x ^ (x >> 32)) * UINT64_C(0xd6e8feb86659fd93);
    return x ^ (x >> 32);
}

static uint64_t read64(const uint8_t *p)
{
    uint64_t x = 0;
    for (unsigned i = 0; i < 8; i++) {
        x |= (uint64_t)p[i] << (8 * i);
    }
    return x;
}

static void write64(uint8_t *p, uint64_t x)
{
    for (unsigned i = 0; i < 8; i++) {
        p[i] = (uint8_t)(x >> (8 * i));
    }
}

static void take_block(lanes *s, const uint8_t *p)
{
    for (unsigned i = 0; i < 4; i++) {
        const uint64_t x = (s->lane[i] ^ read64(p + (size_t)8 * i)) * UINT64_C(0x9e3779b97f4a7c15);
        s->lane[i] = x ^ (x >> 29);
    }
}

static void stand_in_init(ps_sha256 *state)
{
    lanes s = {.length = 0};
    for (unsigned i = 0; i < 4; i++) {
        s.lane[i] = mix(i + 1);
    }
    memcpy(state, &s, sizeof s);
}

static void stand_in_update(ps_sha256 *state, const void *data, size_t len)
{
    const uint8_t *p = data;
    lanes s;
    memcpy(&s, state, sizeof s);
    while (len > 0) {
        const size_t fill = (size_t)(s.length % BLOCK);
        if (fill == 0 && len >= BLOCK) {
            take_block(&s, p);
            s.length += BLOCK;
            p += BLOCK;
            len -= BLOCK;
            continue;
        }
        const size_t n = len < BLOCK - fill ? len : BLOCK - fill;
        memcpy(s.block + fill, p, n);
        s.length += n;
        p += n;
        len -= n;
        if (fill + n == BLOCK) {
            take_block(&s, s.block);
        }
    }
    memcpy(state, &s, sizeof s);
}

static void stand_in_final(ps_sha256 *state, uint8_t digest[32])
{
    lanes s;
    memcpy(&s, state, sizeof s);
    const size_t fill = (size_t)(s.length % BLOCK);
    if (fill > 0) {
        memset(s.block + fill, 0, BLOCK - fill);
        take_block(&s, s.block);
    }
    uint64_t all = mix(s.length);
    for (unsigned i = 0; i < 4; i++) {
        all = mix(all ^ s.lane[i]);
    }
    for (unsigned i = 0; i < 4; i++) {
        all = mix(all + s.lane[i] + i);
        write64(digest + (size_t)8 * i, all);
    }
}

const ps_crypto *files_crypto(void)
{
    static const ps_crypto stand_in = {
        .size = sizeof(ps_crypto),
        .sha256_init = stand_in_init,
        .sha256_update = stand_in_update,
        .sha256_final = stand_in_final,
    };
    return &stand_in;
}

/* ---- bytes ---- */

static uint64_t seed_of(file_id id)
{
    return mix(mix(((uint64_t)id.peer << 32) | id.k) + id.version);
}

uint64_t file_length(file_id id)
{
    const uint64_t kind = seed_of(id) % 64;
    const uint64_t dice = mix(seed_of(id) + 1);
    if (kind < 4) {
        return 0;
    }
    if (kind < 16) {
        return 1 + dice % 64;
    }
    if (kind < 40) {
        return 1 + dice % (3u * PS_LEAF_BYTES);
    }
    if (kind < 44) { /* Where a leaf ends. */
        return PS_LEAF_BYTES * (1 + dice % 12);
    }
    return kind < 58 ? 1 + dice % 204800 : FILE_LENGTH_MAX - dice % 64;
}

void file_bytes(file_id id, uint8_t *to)
{
    const uint64_t length = file_length(id);
    uint64_t x = seed_of(id);
    for (uint64_t at = 0; at < length; at += 8) {
        uint8_t eight[8];
        x = x * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
        write64(eight, x ^ (x >> 33));
        memcpy(to + at, eight, length - at < 8 ? (size_t)(length - at) : 8);
    }
}

ps_content file_hash(const uint8_t *bytes, uint64_t length, ps_node *tree)
{
    ps_hasher h;
    ps_content content = {.length = UINT64_MAX}; /* No file's. */
    if (ps_hasher_init(&h, files_crypto(), length, tree) == PS_OK &&
        ps_hasher_update(&h, bytes, (size_t)length) == PS_OK) {
        (void)ps_hasher_final(&h, &content);
    }
    return content;
}

/* ---- what was published ---- */

/* The versions of a name, newest first. */
static file_version *versions_of(const files *f, uint32_t peer, uint32_t k)
{
    return f->versions + ((size_t)peer * f->names + k) * FILES_KEPT;
}

bool files_init(files *f, uint32_t peers, uint32_t names)
{
    *f = (files){.peers = peers, .names = names};
    f->versions = calloc((size_t)peers * names * FILES_KEPT, sizeof *f->versions);
    f->room = malloc(FILE_LENGTH_MAX);
    return f->versions != NULL && f->room != NULL;
}

void files_free(files *f)
{
    free(f->versions);
    free(f->room);
    *f = (files){.peers = 0};
}

void files_publish(files *f, file_id id, uint64_t now_us)
{
    file_version *v = versions_of(f, id.peer, id.k);
    if (v->version != 0 && v->until_us == PS_TIME_NEVER) {
        v->until_us = now_us;
    }
    if (id.version == 0) {
        return;
    }
    memmove(v + 1, v, (FILES_KEPT - 1) * sizeof *v);
    *v = (file_version){.version = id.version, .until_us = PS_TIME_NEVER};
    const uint64_t length = file_length(id);
    file_bytes(id, f->room);
    v->content = file_hash(f->room, length, NULL);
}

const file_version *files_current(const files *f, uint32_t peer, uint32_t k)
{
    const file_version *v = versions_of(f, peer, k);
    return v->version != 0 && v->until_us == PS_TIME_NEVER ? v : NULL;
}

bool files_find(const files *f, uint32_t peer, const ps_content *content, uint64_t since_us,
                file_id *id)
{
    for (uint32_t k = 0; k < f->names; k++) {
        const file_version *v = versions_of(f, peer, k);
        for (uint32_t i = 0; i < FILES_KEPT && v[i].version != 0; i++) {
            if (v[i].until_us >= since_us && ps_content_equal(&v[i].content, content)) {
                *id = (file_id){peer, k, v[i].version};
                return true;
            }
        }
    }
    return false;
}
