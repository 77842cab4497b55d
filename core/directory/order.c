/* Publications by serial: a treap (Seidel, Aragon: "Randomized Search Trees", 1996) finds where a
 * list goes on even when the publication it stopped at is gone; a doubly linked list walks from
 * there. A node's priority is the keyed hash of its serial, so that no client can unbalance the
 * tree, and nothing of it is stored. */
#include "directory/directory.h"

static uint64_t priority(const ps_directory *d, uint32_t pub)
{
    return ps_siphash_u64(&d->key, ps_pub_at(d, pub)->serial);
}

void ps_order_append(ps_directory *d, uint32_t pub)
{
    ps_pub *p = ps_pub_at(d, pub);
    uint64_t rank = priority(d, pub);
    uint32_t *link = &d->root;
    while (*link != PS_NIL && priority(d, *link) >= rank) {
        link = &ps_pub_at(d, *link)->right;
    }
    p->left = *link;
    p->right = PS_NIL;
    *link = pub;

    p->older = d->newest;
    p->newer = PS_NIL;
    if (d->newest == PS_NIL) {
        d->oldest = pub;
    } else {
        ps_pub_at(d, d->newest)->newer = pub;
    }
    d->newest = pub;
}

static void treap_remove(ps_directory *d, uint32_t pub)
{
    const ps_pub *p = ps_pub_at(d, pub);
    uint32_t *link = &d->root;
    while (*link != pub) {
        ps_pub *at = ps_pub_at(d, *link);
        link = at->serial > p->serial ? &at->left : &at->right;
    }
    uint32_t a = p->left;
    uint32_t b = p->right;
    while (a != PS_NIL && b != PS_NIL) {
        if (priority(d, a) >= priority(d, b)) {
            *link = a;
            link = &ps_pub_at(d, a)->right;
            a = *link;
        } else {
            *link = b;
            link = &ps_pub_at(d, b)->left;
            b = *link;
        }
    }
    *link = a != PS_NIL ? a : b;
}

void ps_order_remove(ps_directory *d, uint32_t pub)
{
    treap_remove(d, pub);
    const ps_pub *p = ps_pub_at(d, pub);
    if (p->older == PS_NIL) {
        d->oldest = p->newer;
    } else {
        ps_pub_at(d, p->older)->newer = p->newer;
    }
    if (p->newer == PS_NIL) {
        d->newest = p->older;
    } else {
        ps_pub_at(d, p->newer)->older = p->older;
    }
}

uint32_t ps_order_after(const ps_directory *d, uint64_t serial)
{
    if (serial == 0) {
        return d->oldest;
    }
    uint32_t found = PS_NIL;
    for (uint32_t at = d->root; at != PS_NIL;) {
        const ps_pub *p = ps_pub_at(d, at);
        if (p->serial > serial) {
            found = at;
            at = p->left;
        } else {
            at = p->right;
        }
    }
    return found;
}
