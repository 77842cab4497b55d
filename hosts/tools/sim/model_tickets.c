/* The model's look at what opens transfers: keys for who uploads, tickets for who downloads. It
 * makes the keys of the realm's secret by an HMAC (RFC 2104) of its own, and reads tickets from the
 * table of core/PROTOCOL.md. */
#include "model_internal.h"

#include <string.h>

/* A key stands for a day; an uploader is told of three. */
#define EPOCH_S UINT64_C(86400)
#define EPOCHS  3u
#define BLOCK   64u
#define SALT    16u
#define TAG     16u
#define LONGEST 186u

static void hash_of(const ps_crypto *c, ps_span a, ps_span b, uint8_t out[32])
{
    ps_sha256 state;
    c->sha256_init(&state);
    c->sha256_update(&state, a.data, a.len);
    c->sha256_update(&state, b.data, b.len);
    c->sha256_final(&state, out);
}

static void hmac_of(const ps_crypto *c, const uint8_t key[32], ps_span text, uint8_t out[32])
{
    uint8_t pad[2][BLOCK];
    uint8_t inner[32];
    memset(pad[0], 0x36, BLOCK);
    memset(pad[1], 0x5c, BLOCK);
    for (size_t i = 0; i < 32; i++) {
        pad[0][i] ^= key[i];
        pad[1][i] ^= key[i];
    }
    hash_of(c, (ps_span){pad[0], BLOCK}, text, inner);
    hash_of(c, (ps_span){pad[1], BLOCK}, (ps_span){inner, sizeof inner}, out);
}

/* HMAC(realm's secret, "uploads" | device | epoch | user). */
static void uploader_key(const model *m, const model_session *s, uint64_t epoch, uint8_t key[32])
{
    char name[WORLD_NAME_BYTES];
    uint8_t text[7 + PS_DEVICE_BYTES + 8 + WORLD_NAME_BYTES] = {'u', 'p', 'l', 'o', 'a', 'd', 's'};
    const size_t fixed = 7 + PS_DEVICE_BYTES + 8;
    world_user_name((uint32_t)(s - m->sessions), name);
    memcpy(text + 7, s->device, PS_DEVICE_BYTES);
    memcpy(text + fixed, name, strlen(name));
    for (size_t i = 0; i < 8; i++) {
        text[7 + PS_DEVICE_BYTES + i] = (uint8_t)(epoch >> (56 - 8 * i));
    }
    hmac_of(m->w->cfg.server.crypto, m->w->cfg.server.realm_secret,
            (ps_span){text, fixed + strlen(name)}, key);
}

uint64_t model_wall_s(const model *m)
{
    return m->wall_s != 0 ? m->wall_s + (m->now_us - m->wall_us) / 1000000 : 0;
}

void model_file_epochs(const model *m, model_session *s)
{
    const uint64_t epoch = model_wall_s(m) / EPOCH_S;
    s->keyed = model_wall_s(m) != 0;
    s->first_epoch = epoch > 0 ? epoch - 1 : 0;
}

void model_file_keys(const model *m, const model_session *s, ps_span field)
{
    read_cursor c = {.at = field.data, .left = field.len};
    const uint64_t first = read_number(&c, 8);
    WORLD_REQUIRE(m->w, s->keyed && first == s->first_epoch);
    for (uint64_t i = 0; i < EPOCHS; i++) {
        uint8_t key[32];
        const ps_span told = read_bytes(&c, sizeof key);
        uploader_key(m, s, first + i, key);
        WORLD_REQUIRE(m->w, !c.bad && memcmp(told.data, key, sizeof key) == 0);
    }
    WORLD_REQUIRE(m->w, c.left == 0);
}

/* Opens it with a key that the uploader has: today's, or where the clock has moved away from what
 * it was told, the nearest. */
static ps_span opened(const model *m, const model_session *s, ps_span ticket,
                      uint8_t text[PS_DATAGRAM_MAX])
{
    read_cursor c = {.at = ticket.data, .left = ticket.len};
    uint8_t uploader[32], key[32];
    uint8_t label[11 + SALT] = {'f', 'i', 'l', 'e', ' ', 't', 'i', 'c', 'k', 'e', 't'};
    const uint64_t epoch = read_number(&c, 8);
    const ps_span salt = read_bytes(&c, SALT);
    const uint64_t today = model_wall_s(m) / EPOCH_S;
    const uint64_t told = epoch - s->first_epoch;
    WORLD_REQUIRE(m->w, !c.bad && c.left > TAG && epoch >= s->first_epoch && told < EPOCHS);
    WORLD_REQUIRE(m->w, epoch == today || (told == 0 && today < epoch) ||
                            (told == EPOCHS - 1 && today > epoch));
    const size_t len = c.left - TAG;
    memcpy(label + 11, salt.data, SALT);
    memcpy(text, c.at, len);
    uploader_key(m, s, epoch, uploader);
    hmac_of(m->w->cfg.server.crypto, uploader, (ps_span){label, sizeof label}, key);
    WORLD_REQUIRE(m->w, m->w->cfg.server.crypto->open(key, 0, NULL, 0, text, len, c.at + len));
    return (ps_span){text, len};
}

void model_file_ticket(const model *m, uint32_t owner, const ps_content *content, uint32_t asker,
                       read_cursor *entry)
{
    uint8_t text[PS_DATAGRAM_MAX];
    char name[WORLD_NAME_BYTES];
    const size_t len = (size_t)read_number(entry, 1);
    const bool due =
        owner != MODEL_NONE && owner != asker && model_wall_s(m) != 0 && m->sessions[owner].keyed;
    WORLD_REQUIRE(m->w, (len > 0) == due);
    if (len == 0) {
        return;
    }
    const ps_span key = read_bytes(entry, 32);
    const ps_span ticket = read_bytes(entry, len);
    WORLD_REQUIRE(m->w, !entry->bad && len <= LONGEST);
    const ps_span said = opened(m, &m->sessions[owner], ticket, text);
    read_cursor c = {.at = said.data, .left = said.len};
    WORLD_REQUIRE(m->w, read_number(&c, 1) == 1);
    WORLD_REQUIRE(m->w, read_number(&c, 8) == model_wall_s(m) + m->w->cfg.server.file_ticket_s);
    const ps_content opens = read_content(&c);
    WORLD_REQUIRE(m->w, ps_content_equal(&opens, content));
    const ps_span its_key = read_bytes(&c, 32);
    const ps_span downloader = read_text(&c);
    world_user_name(asker, name);
    WORLD_REQUIRE(m->w, !c.bad && c.left == 0 && memcmp(its_key.data, key.data, 32) == 0);
    WORLD_REQUIRE(m->w, downloader.len == strlen(name) &&
                            memcmp(downloader.data, name, downloader.len) == 0);
}
