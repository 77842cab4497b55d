#include "files.h"

#include "dice.h"
#include "peersync/sim.h"

#include <stdlib.h>
#include <string.h>

/* ---- bytes ---- */

static uint64_t seed_of(file_id id)
{
    return dice_mix(dice_mix(((uint64_t)id.peer << 32) | id.k) + id.version);
}

uint64_t file_length(file_id id)
{
    const uint64_t kind = seed_of(id) % 64;
    const uint64_t chance = dice_mix(seed_of(id) + 1);
    if (kind < 4) {
        return 0;
    }
    if (kind < 16) {
        return 1 + chance % 64;
    }
    if (kind < 40) {
        return 1 + chance % (3u * PS_LEAF_BYTES);
    }
    if (kind < 44) { /* Where a leaf ends. */
        return PS_LEAF_BYTES * (1 + chance % 12);
    }
    return kind < 58 ? 1 + chance % 204800 : FILE_LENGTH_MAX - chance % 64;
}

void file_bytes(file_id id, uint8_t *to)
{
    const uint64_t length = file_length(id);
    uint64_t x = seed_of(id);
    for (uint64_t at = 0; at < length; at += 8) {
        x = x * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
        const uint64_t eight = x ^ (x >> 33);
        const uint64_t n = length - at < 8 ? length - at : 8;
        for (uint64_t i = 0; i < n; i++) { /* Little-endian on every machine. */
            to[at + i] = (uint8_t)(eight >> (8 * i));
        }
    }
}

ps_content file_hash(const uint8_t *bytes, uint64_t length, ps_node *tree)
{
    ps_hasher h;
    ps_content content = {.length = UINT64_MAX}; /* No file's. */
    if (ps_hasher_init(&h, ps_sim_crypto(), length, tree) == PS_OK &&
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
