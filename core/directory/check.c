/* Walks every invariant of the directory. Each failure returns its own line. */
#include "directory/directory.h"

#define HOLDS(condition)                                                                           \
    do {                                                                                           \
        if (!(condition)) {                                                                        \
            return __LINE__;                                                                       \
        }                                                                                          \
    } while (0)

static int check_users(const ps_directory *d)
{
    uint32_t used = 0;
    uint32_t devices = 0;
    uint32_t pubs = 0;
    for (uint32_t i = 0; i < d->users.fresh; i++) {
        const ps_user *u = ps_user_at(d, i);
        if (u->name_len == 0) {
            continue;
        }
        used++;
        devices += u->devices;
        pubs += u->publications;
        HOLDS(u->name_len <= PS_USER_MAX);
        HOLDS(ps_user_find(d, ps_user_name(d, i)) == i);
        HOLDS(u->devices != 0 || u->session != PS_NIL);
        HOLDS(u->publications == 0 || u->devices != 0);
    }
    HOLDS(used == d->users.used && used <= d->users.cap);
    HOLDS(devices == d->devices.used);
    HOLDS(pubs == d->pubs.used);
    return 0;
}

/* The device's list holds its publications, and its digests are theirs. */
static int check_log(const ps_directory *d, uint32_t device)
{
    const ps_device *v = ps_device_at(d, device);
    const ps_sipkey key = ps_digest_key(v->id);
    uint64_t sums[PS_BUCKETS] = {0};
    uint64_t kept[PS_BUCKETS];
    uint64_t digest = 0;
    uint32_t count = 0;
    uint32_t prev = PS_NIL;
    for (uint32_t at = v->newest; at != PS_NIL; at = ps_pub_at(d, at)->device_next) {
        uint8_t scratch[PS_NAME_MAX];
        const ps_pub *p = ps_pub_at(d, at);
        HOLDS(p->device == device && p->device_prev == prev);
        HOLDS(prev == PS_NIL || p->serial < ps_pub_at(d, prev)->serial);
        HOLDS(++count <= v->publications);
        const ps_mark m = ps_digest_mark(&key, ps_pub_name(d, at, scratch), &p->content);
        sums[m.bucket] += m.mark;
        digest += m.mark;
        prev = at;
    }
    HOLDS(count == v->publications && digest == v->digest);
    HOLDS((v->sums != 0) == (v->publications >= PS_SUMS_FROM));
    if (v->sums != 0) {
        HOLDS(v->sums <= d->sums.fresh);
        ps_digest_sums(d, device, kept);
        HOLDS(memcmp(kept, sums, sizeof sums) == 0);
    }
    return 0;
}

static int check_devices(const ps_directory *d)
{
    uint32_t used = 0;
    uint32_t pubs = 0;
    uint32_t tables = 0;
    for (uint32_t i = 0; i < d->devices.fresh; i++) {
        const ps_device *v = ps_device_at(d, i);
        if (v->user == PS_NIL) {
            continue;
        }
        used++;
        pubs += v->publications;
        HOLDS(v->user < d->users.fresh && ps_user_at(d, v->user)->name_len != 0);
        HOLDS(ps_device_find(d, v->user, v->id) == i);
        HOLDS(v->publications != 0 || v->sessions != 0);
        HOLDS(v->sessions <= 1);
        HOLDS(v->generation >= v->publications);
        const int line = check_log(d, i);
        if (line != 0) {
            return line;
        }
        tables += v->sums != 0 ? 1 : 0;
    }
    HOLDS(tables == d->sums.used && tables <= d->sums.cap);
    HOLDS(used == d->devices.used && used <= d->devices.cap);
    HOLDS(pubs == d->pubs.used);
    return 0;
}

/* The ring of a name: links agree, and it comes back to the first within the table's size. */
static int check_ring(const ps_directory *d, uint32_t pub)
{
    uint8_t scratch[PS_NAME_MAX];
    ps_span name = ps_pub_name(d, pub, scratch);
    HOLDS(ps_name_check(name) == PS_NAME_OK);
    const ps_pub *p = ps_pub_at(d, pub);
    const ps_pub *next = ps_pub_at(d, p->same_next);
    HOLDS(next->same_prev == pub && ps_pub_at(d, p->same_prev)->same_next == pub);
    HOLDS(ps_name_is(ps_directory_blocks(d), &next->name, name));
    HOLDS(ps_pub_find(d, p->device, name) == pub);
    uint32_t first = ps_pub_first_named(d, name);
    HOLDS(first != PS_NIL);
    HOLDS(ps_pub_at(d, first)->same_next != first || first == pub);
    return 0;
}

static int check_pubs(const ps_directory *d)
{
    uint32_t used = 0;
    for (uint32_t i = 0; i < d->pubs.fresh; i++) {
        const ps_pub *p = ps_pub_at(d, i);
        if (p->device == PS_NIL) {
            continue;
        }
        used++;
        HOLDS(p->device < d->devices.fresh && ps_device_at(d, p->device)->user != PS_NIL);
        int line = check_ring(d, i);
        HOLDS(line == 0);
    }
    HOLDS(used == d->pubs.used && used <= d->pubs.cap);
    return 0;
}

/* The list ascends strictly, and the treap finds each of its members from the one before. */
static int check_order(const ps_directory *d)
{
    uint32_t count = 0;
    uint64_t last = 0;
    uint32_t older = PS_NIL;
    for (uint32_t at = d->oldest; at != PS_NIL; at = ps_pub_at(d, at)->newer) {
        const ps_pub *p = ps_pub_at(d, at);
        HOLDS(p->older == older);
        HOLDS(p->serial > last && p->serial <= d->last_serial);
        HOLDS(ps_order_after(d, last) == at);
        HOLDS(++count <= d->pubs.used);
        last = p->serial;
        older = at;
    }
    HOLDS(d->newest == older);
    HOLDS(count == d->pubs.used);
    HOLDS(ps_order_after(d, UINT64_MAX) == PS_NIL);
    return 0;
}

int ps_directory_check(const ps_directory *d)
{
    int line = check_users(d);
    if (line == 0) {
        line = check_devices(d);
    }
    if (line == 0) {
        line = check_pubs(d);
    }
    if (line == 0) {
        line = check_order(d);
    }
    return line;
}
