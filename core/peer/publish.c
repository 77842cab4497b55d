/* PUBLISH and UNPUBLISH as commands: they say what shall be, and wait until the server knows. */
#include "peer/peer_internal.h"

/* Whether the record already says what the command wants. */
static bool agrees(const ps_peer_pub *pub, bool wanted, const ps_content *content)
{
    if (((pub->flags & PS_PUB_WANTED) != 0) != wanted) {
        return false;
    }
    return !wanted || ps_content_equal(&pub->content, content);
}

void ps_peer_on_publish_command(ps_peer_turn *t, ps_input_type type, const ps_input_command *in)
{
    ps_peer *p = t->p;
    const bool wanted = type == PS_INPUT_PUBLISH;
    if (ps_name_check(in->text) != PS_NAME_OK) {
        ps_peer_done(t, in->tag, PS_E_BAD_NAME, 0);
        return;
    }
    uint32_t i = ps_peer_pub_find(p, in->text);
    bool same = false;
    if (i == PS_NIL) {
        /* A name that we do not hold may stand at the server since an earlier run: UNPUBLISH goes
         * there all the same. */
        i = ps_peer_pub_add(p, in->text);
        if (i == PS_NIL) {
            ps_peer_done(t, in->tag, PS_E_FULL, 0);
            return;
        }
    } else {
        same = agrees(ps_peer_pub_at(p, i), wanted, &in->content);
    }
    ps_peer_pub *pub = ps_peer_pub_at(p, i);
    if ((pub->flags & PS_PUB_WAITING) != 0) {
        ps_peer_done(t, pub->tag, PS_E_SUPERSEDED, 0);
    }
    if (same && ps_peer_pub_clean(p, i)) {
        ps_peer_done(t, in->tag, PS_E_NONE, 0);
        return;
    }
    pub->flags |= PS_PUB_WAITING;
    pub->tag = in->tag;
    ps_peer_pub_want(p, i, wanted ? &in->content : NULL);
    const bool under_way = same && (pub->flags & PS_PUB_IN_FLIGHT) != 0;
    if ((pub->flags & PS_PUB_QUEUED) == 0 && !under_way) {
        ps_peer_pub_queue(p, i);
    }
    if (!under_way && !PS_CANARY(EARLY_JUDGEMENT)) {
        pub->epoch = p->epoch; /* A repair under way has nothing to say about it. */
    }
}
