/* The model's look at what a peer was shown: a list that ran while files came and went holds what
 * existed throughout exactly once, and nothing that never existed meanwhile. */
#include "model_internal.h"

#include <string.h>

static uint8_t folded(uint8_t c)
{
    return c >= 'A' && c <= 'Z' ? (uint8_t)(c + 32) : c;
}

static bool holds(const model_pub *pub, const char *text)
{
    const size_t len = strlen(text);
    for (size_t at = 0; at + len <= pub->name_len; at++) {
        size_t same = 0;
        while (same < len && folded(pub->name[at + same]) == folded((uint8_t)text[same])) {
            same++;
        }
        if (same == len) {
            return true;
        }
    }
    return false;
}

static bool is_line(const model_pub *pub, const world_line *line)
{
    return strlen(line->name) == pub->name_len && memcmp(line->name, pub->name, pub->name_len) == 0;
}

static void check_files(const model *m, uint32_t asker, const world_command *c)
{
    uint32_t matched = 0;
    for (size_t i = 0; i < m->pubs_len; i++) {
        const model_pub *pub = &m->pubs[i];
        const uint32_t user = m->logs[pub->log].user;
        if (c->type == PS_INPUT_SEARCH && (user == asker || !holds(pub, c->text))) {
            continue;
        }
        if (pub->died_us != 0 && pub->died_us < c->issued_us) {
            continue;
        }
        /* All of the user under this name (one a device, and those before it). */
        uint32_t least = 0, most = 0, lines = 0;
        bool first = true;
        for (size_t k = 0; k < m->pubs_len; k++) {
            const model_pub *other = &m->pubs[k];
            if (other->hash != pub->hash || other->name_len != pub->name_len ||
                memcmp(other->name, pub->name, pub->name_len) != 0 ||
                m->logs[other->log].user != user ||
                (other->died_us != 0 && other->died_us < c->issued_us)) {
                continue;
            }
            first = first && k >= i;
            most++;
            least += other->born_us < c->issued_us && other->died_us == 0 ? 1u : 0u;
        }
        if (!first) {
            continue;
        }
        char name[WORLD_NAME_BYTES];
        world_user_name(user, name);
        for (size_t k = 0; k < c->lines_len; k++) {
            lines += is_line(pub, &c->lines[k]) && strcmp(c->lines[k].user, name) == 0 ? 1u : 0u;
        }
        WORLD_REQUIRE(m->w, lines >= least && lines <= most);
        matched += lines;
    }
    WORLD_REQUIRE(m->w, matched == c->lines_len);
}

static void check_peers(const model *m, uint32_t asker, const world_command *c)
{
    for (uint32_t user = 0; user < m->w->cfg.peers; user++) {
        const model_session *s = &m->sessions[user];
        char name[WORLD_NAME_BYTES];
        world_user_name(user, name);
        const size_t lines = world_count(c, name, NULL);
        const bool throughout = s->since_us != 0 && s->since_us < c->issued_us && s->open &&
                                s->deadline_us > m->now_us && user != asker;
        /* Who left and came back meanwhile may be shown twice. */
        WORLD_REQUIRE(m->w, throughout ? lines == 1 : lines <= (user != asker ? 2u : 0u));
    }
}

void model_command(model *m, const world_peer *p, const world_command *c)
{
    if (c->error != PS_E_NONE) {
        return;
    }
    if (c->type == PS_INPUT_LIST_FILES || c->type == PS_INPUT_SEARCH) {
        check_files(m, p->user, c);
        m->lists++;
    } else if (c->type == PS_INPUT_LIST_PEERS) {
        check_peers(m, p->user, c);
        m->lists++;
    }
}
