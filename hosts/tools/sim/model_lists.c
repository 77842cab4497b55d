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

static bool is_name(const model_pub *pub, ps_span name)
{
    return name.len == pub->name_len && memcmp(name.data, pub->name, pub->name_len) == 0;
}

/* The user's place for this name: taken, or the free one where it would be. */
static model_group *group_of(const model *m, uint32_t user, uint32_t hash, ps_span name)
{
    const size_t places = 2 * m->pubs_cap;
    size_t at = model_spread(hash, user, places);
    while (m->groups[at].pub != NULL &&
           (m->groups[at].user != user || m->groups[at].pub->hash != hash ||
            !is_name(m->groups[at].pub, name))) {
        at = (at + 1) & (places - 1);
    }
    return &m->groups[at];
}

/* What a list that was asked for then may show, by user and name: one a device, and those that were
 * there before. */
static void make_groups(const model *m, uint32_t asker, const world_command *c)
{
    memset(m->groups, 0, 2 * m->pubs_cap * sizeof *m->groups);
    for (size_t i = 0; i < m->pubs_len; i++) {
        const model_pub *pub = &m->pubs[i];
        const uint32_t user = m->logs[pub->log].user;
        if ((pub->died_us != 0 && pub->died_us < c->issued_us) ||
            (c->type == PS_INPUT_SEARCH && (user == asker || !holds(pub, c->text)))) {
            continue;
        }
        model_group *g = group_of(m, user, pub->hash, (ps_span){pub->name, pub->name_len});
        g->pub = pub;
        g->user = user;
        g->most++;
        g->least += pub->born_us < c->issued_us && pub->died_us == 0 ? 1u : 0u;
    }
}

static ps_span span_of(const char *text)
{
    return (ps_span){(const uint8_t *)text, strlen(text)};
}

static void check_files(const model *m, uint32_t asker, const world_command *c)
{
    WORLD_REQUIRE(m->w, m->pubs_len > 0 || c->lines_len == 0);
    if (m->pubs_len == 0) {
        return;
    }
    make_groups(m, asker, c);
    for (size_t i = 0; i < c->lines_len; i++) {
        const ps_span name = span_of(c->lines[i].name);
        const uint32_t user = world_user_index(m->w, span_of(c->lines[i].user));
        model_group *g = group_of(m, user, model_hash(name), name);
        WORLD_REQUIRE(m->w, user != UINT32_MAX && g->pub != NULL);
        g->lines++;
    }
    for (size_t i = 0; i < 2 * m->pubs_cap; i++) {
        const model_group *g = &m->groups[i];
        WORLD_REQUIRE(m->w, g->lines >= g->least && g->lines <= g->most);
    }
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
