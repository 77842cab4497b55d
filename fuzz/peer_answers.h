/* What the server of a fuzzed peer answers: messages of every kind from the independent encoder,
 * for what the peer asked last, with the numbers that the input wants. */
#ifndef PS_FUZZ_PEER_ANSWERS_H
#define PS_FUZZ_PEER_ANSWERS_H

#include "peer/peer_internal.h"
#include "peer_world.h"

static void craft_pages(world *w, uint8_t type, uint32_t request, uint8_t how)
{
    static const uint8_t root[32] = {1};
    static const uint8_t ticket[PS_FILE_TICKET_MAX] = {2};
    char text[256];
    const uint8_t count = how % 5 == 4 ? how % 2 ? 40 : 70 : how % 5;
    craft_page(&w->c, type, request, how >= 128 ? how : 0);
    for (uint8_t i = 0; i < count; i++) {
        const uint8_t flags = take8(&w->input);
        if (type == ANSWER_NAMES) {
            craft_name_entry(&w->c, text_of(&w->input, text));
        } else if (type == ANSWER_PEERS) {
            craft_peer_entry(&w->c, flags < 200 ? "b" : text_of(&w->input, text));
        } else if (type == ANSWER_FILES) {
            craft_file_entry(&w->c, flags & 3u, flags, root, "b", "c");
        } else {
            craft_source_entry(&w->c, flags & 3u, flags, root, "b", flags >> 2 & 3u);
            for (unsigned k = 0; k < (flags >> 2 & 3u); k++) {
                craft_candidate(&w->c, OBSERVED + (k + (flags >> 7)) % 3u, flags & 64u ? 4 : 6,
                                root, flags & 32u);
            }
            craft_source_ticket(&w->c, root, ticket, flags & 16u ? sizeof ticket : how % 3u);
        }
    }
    craft_end(&w->c);
}

/* What a repair asks for: digests that are 0, small or any, as many as there may be. */
static void craft_repair(world *w, uint8_t kind, uint8_t how, uint32_t off)
{
    uint64_t digests[256] = {0};
    const unsigned left = 256u - w->first;
    const unsigned count = how % 8 == 7 ? how : left < 110 ? left : 110;
    if (kind % 2 == 0) {
        craft_pages(w, ANSWER_NAMES, w->requests[24] + off, how);
        return;
    }
    for (unsigned i = 0; i < how % 8u; i++) {
        digests[take8(&w->input)] = how % 2 == 0 ? take8(&w->input) : take64(&w->input);
    }
    craft_digests_ok(&w->c, w->requests[22] + off, how >= 128 ? how : w->acked,
                     w->first + (how >= 254 ? 1u : 0u), count, digests);
}

static void craft_welcome(world *w, uint8_t how, uint32_t off)
{
    static const char tickets[] = "tickets tickets tickets tickets";
    static const uint8_t keys[4 * PS_KEY_BYTES];
    w->acked = how % 8 == 7 ? take64(&w->input) : how;
    const craft_login_ok_fields m = {
        .wall_s = how % 4 == 1 ? 1700000000 : 0,
        .generation = w->acked,
        .digest = how % 8 == 6   ? w->digest
                  : how % 8 >= 5 ? take64(&w->input)
                                 : 0,
        .life = how % 3u,
        .ticket = how % 16 < 8 ? tickets + how % 8 : NULL,
        .expires_s = how % 4 == 1 ? UINT64_C(1700000000) + how : UINT64_MAX,
        .first_epoch = how % 16 < 4 ? UINT64_MAX : UINT64_C(19675),
        .file_keys = keys,
        .file_keys_len = how % 5u * PS_KEY_BYTES,
    };
    craft_login_ok_of(&w->c, w->requests[MSG_LOGIN] + off, &m);
    if (how >= 224) { /* Times that no peer takes over as they are. */
        const uint32_t times[] = {1, UINT32_MAX, 0, 4000000};
        uint8_t *at = w->c.data + w->c.message_at + PS_MESSAGE_HEADER;
        for (uint8_t i = take8(&w->input) % 8u; i < 3; i++) {
            ps_store32(at + 4 * i, times[(how + i) % 4u]);
        }
    }
}

/* One well-formed message to the right place, now and then with a strange number. */
static void craft_answer(world *w, uint8_t kind, uint8_t how, const uint32_t requests[TYPES],
                         uint32_t off)
{
    craft *c = &w->c;
    switch (kind % 13) {
    case 0:
        craft_welcome(w, how, off);
        break;
    case 1:
        craft_heartbeat_ok(c, requests[3] + off, how % 2 == 0 ? w->acked : how, how, how);
        break;
    case 2:
    case 3: {
        const uint64_t all = w->generation + w->entries - 1;
        w->acked = all;
        craft_published(c, requests[kind % 2 == 0 ? MSG_PUBLISH : MSG_UNPUBLISH] + off,
                        how % 8 == 6   ? all - 1
                        : how % 8 == 7 ? take64(&w->input)
                                       : all);
        for (uint8_t i = 0; i < how % 4; i++) {
            craft_refusal(c, take8(&w->input), take8(&w->input) % 16u);
        }
        craft_end(c);
        break;
    }
    case 4:
        craft_pages(w, ANSWER_PEERS, requests[8] + off, how);
        break;
    case 5:
        craft_pages(w, ANSWER_FILES, requests[10 + (how & 1u)] + off, how);
        break;
    case 6:
        craft_pages(w, ANSWER_SOURCES, requests[13] + off, how);
        break;
    case 7:
        craft_logout_ok(c, requests[15] + off);
        break;
    case 8:
        craft_challenge(c, how, take64(&w->input));
        break;
    case 9:
        craft_push(c, how, how, "data");
        break;
    case 10:
        craft_error(c, requests[1] + off, how % 40u, how * 16u, "text");
        break;
    case 11:
        craft_error(c, requests[take8(&w->input) % TYPES] + off, how % 40u, how * 16u, "");
        break;
    default: { /* Any type with any body. */
        const uint8_t len = take8(&w->input) % 64;
        craft_message(c, how, requests[take8(&w->input) % TYPES]);
        for (uint8_t i = 0; i < len; i++) {
            craft_u8(c, take8(&w->input));
        }
        craft_end(c);
        break;
    }
    }
}

static void craft_one(world *w)
{
    craft *c = &w->c;
    const uint8_t kind = take8(&w->input);
    const uint8_t how = take8(&w->input);
    /* Of no question, or of one that the peer has not sent yet: they are numbered on. */
    const uint32_t off = how == 255   ? 1u
                         : how == 252 ? (uint32_t)take8(&w->input) << PS_ID_PLACE_BITS
                                      : 0u;
    if (kind >= 234) { /* 18 * 13 */
        craft_repair(w, kind, how, off);
    } else {
        craft_answer(w, kind, how, how % 32 == 9 ? w->earlier : w->requests, off);
    }
    if (how == 253) { /* Its body is one byte longer than it should be. */
        craft_u8(c, how);
        craft_length(c, (unsigned)(c->len - c->message_at) - PS_MESSAGE_HEADER);
    }
}

#endif
