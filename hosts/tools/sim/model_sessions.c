/* Sessions come and go: why each may. */
#include "model_internal.h"

#include <string.h>

static uint64_t dead_us(const model *m)
{
    return m->w->cfg.server.dead_ms * UINT64_C(1000);
}

void model_sign_of_life(model *m, model_session *s)
{
    s->deadline_us = m->now_us + dead_us(m);
    s->heard_us = m->now_us;
}

void model_opened(model *m, const ps_event_session *e)
{
    const uint32_t user = world_user_index(m->w, (ps_span){e->user.bytes, e->user.len});
    WORLD_REQUIRE(m->w, user != UINT32_MAX && !m->sessions[user].open);
    model_session *s = &m->sessions[user];
    const uint64_t since_us = s->since_us; /* Replaced in this step: no gap. */
    const model_session before = *s;
    *s = (model_session){.open = true,
                         .replaced = before.replaced,
                         .node = model_node(m, &e->addr),
                         .addr = e->addr,
                         .since_us = since_us != 0 ? since_us : world_now_us(m->w)};
    model_file_epochs(m, s);
    memcpy(s->before, before.device, sizeof s->before);
    if (before.replaced) {
        s->old_id = before.id;
        s->old_window = before.window;
    }
    model_sign_of_life(m, s);
    m->open++;
}

void model_closed(model *m, const ps_event_session *e)
{
    const uint32_t user = world_user_index(m->w, (ps_span){e->user.bytes, e->user.len});
    WORLD_REQUIRE(m->w, user != UINT32_MAX && m->sessions[user].open);
    model_session *s = &m->sessions[user];
    const uint64_t takeover_us = m->w->cfg.server.takeover_ms * UINT64_C(1000);
    switch ((ps_close_reason)e->reason) {
    case PS_CLOSE_LOGOUT:
        WORLD_REQUIRE(m->w, s->left);
        break;
    case PS_CLOSE_SILENCE:
        WORLD_REQUIRE(m->w, s->deadline_us <= m->now_us);
        world_evicted(m->w, user, s->node);
        break;
    case PS_CLOSE_REPLACED: /* The device is looked at when the LOGIN_OK names it. */
        break;
    case PS_CLOSE_TAKEN: /* A second of silence at the least. */
        WORLD_REQUIRE(m->w, s->heard_us + takeover_us <= m->now_us);
        break;
    case PS_CLOSE_REMOVED:
        WORLD_REQUIRE(m->w, s->expelled);
        break;
    default:
        WORLD_REQUIRE(m->w, false);
    }
    const bool gap = e->reason == PS_CLOSE_LOGOUT || e->reason == PS_CLOSE_SILENCE ||
                     e->reason == PS_CLOSE_REMOVED;
    s->open = false;
    m->open--;
    s->replaced = e->reason == PS_CLOSE_REPLACED && s->id != 0;
    s->since_us = gap ? 0 : s->since_us;
    if (s->id != 0) {
        model_forget(m, model_log_of(m, user, s->device));
    }
}
