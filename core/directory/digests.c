/* What a device's log adds up to: always as a whole, by bucket where there is much of it. */
#include "directory/directory.h"

#include "util/assert.h"
#include "util/canary.h"

static ps_mark mark_of(const ps_directory *d, uint32_t pub)
{
    uint8_t scratch[PS_NAME_MAX];
    const ps_pub *p = ps_pub_at(d, pub);
    const ps_sipkey key = ps_digest_key(ps_device_at(d, p->device)->id);
    return ps_digest_mark(&key, ps_pub_name(d, pub, scratch), &p->content);
}

static void sum_up(const ps_directory *d, uint32_t device, uint64_t sums[PS_BUCKETS])
{
    memset(sums, 0, PS_BUCKETS * sizeof *sums);
    for (uint32_t at = ps_device_at(d, device)->newest; at != PS_NIL;
         at = ps_pub_at(d, at)->device_next) {
        const ps_mark m = mark_of(d, at);
        sums[m.bucket] += m.mark;
    }
}

static void add_mark(ps_directory *d, ps_device *v, ps_mark m)
{
    v->digest += m.mark;
    if (v->sums != 0) {
        ps_sums_at(d, v->sums - 1)->of[m.bucket] += m.mark;
    }
}

static ps_mark opposite(ps_mark m)
{
    return (ps_mark){.bucket = m.bucket, .mark = 0 - m.mark};
}

void ps_digest_add(ps_directory *d, uint32_t pub)
{
    ps_device *v = ps_device_at(d, ps_pub_at(d, pub)->device);
    add_mark(d, v, mark_of(d, pub));
    if (v->publications == PS_SUMS_FROM) {
        const uint32_t i = ps_slots_take(&d->sums, ps_sums_at(d, 0), sizeof(ps_sums));
        PS_ASSERT(i != PS_NIL && v->sums == 0);
        v->sums = i + 1;
        sum_up(d, ps_pub_at(d, pub)->device, ps_sums_at(d, i)->of);
    }
}

void ps_digest_take(ps_directory *d, uint32_t pub)
{
    ps_device *v = ps_device_at(d, ps_pub_at(d, pub)->device);
    add_mark(d, v, opposite(mark_of(d, pub)));
    if (v->publications == PS_SUMS_FROM) {
        ps_slots_give(&d->sums, ps_sums_at(d, 0), sizeof(ps_sums), v->sums - 1);
        v->sums = 0;
    }
}

void ps_digest_replace(ps_directory *d, uint32_t pub, const ps_content *content)
{
    ps_device *v = ps_device_at(d, ps_pub_at(d, pub)->device);
    add_mark(d, v, opposite(mark_of(d, pub)));
    const ps_mark old = mark_of(d, pub);
    ps_pub_at(d, pub)->content = *content;
    add_mark(d, v, PS_CANARY(DIGEST_DRIFT) ? old : mark_of(d, pub));
}

void ps_digest_sums(const ps_directory *d, uint32_t device, uint64_t sums[PS_BUCKETS])
{
    const ps_device *v = ps_device_at(d, device);
    if (v->sums != 0) {
        memcpy(sums, ps_sums_at(d, v->sums - 1)->of, sizeof(ps_sums));
    } else {
        sum_up(d, device, sums);
    }
}
