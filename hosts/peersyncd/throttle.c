#include "peersyncd/throttle.h"

#include <sodium.h>
#include <string.h>

_Static_assert(PS_DEVICE_BYTES >= 9, "a prefix finds the same room");
_Static_assert(PS_THROTTLE_KEY == crypto_shorthash_KEYBYTES, "SipHash's key");
_Static_assert((PS_THROTTLE_SETS & (PS_THROTTLE_SETS - 1)) == 0, "a mask finds the set");
_Static_assert((PS_THROTTLE_FIRST_MS << 6) >= PS_THROTTLE_MOST_MS, "so many doublings are enough");

/* More failures than these wait no longer. */
#define FAILURES_MAX (PS_THROTTLE_FREE + 6u)

void ps_throttle_init(ps_throttle *t, const uint8_t key[PS_THROTTLE_KEY])
{
    *t = (ps_throttle){.key = {0}};
    memcpy(t->key, key, sizeof t->key);
}

static uint64_t hash(const ps_throttle *t, const uint8_t *bytes, size_t len)
{
    uint8_t out[crypto_shorthash_BYTES];
    uint64_t tag = 0;
    crypto_shorthash(out, bytes, len, t->key);
    memcpy(&tag, out, sizeof tag);
    return tag != 0 ? tag : 1; /* 0 means free. */
}

/* The family and the first bits of the address, 9 bytes. */
static size_t prefix_of(const ps_addr *from, size_t v4, size_t v6, uint8_t out[9])
{
    const size_t len = from->family == PS_ADDR_V4 ? v4 : v6;
    memset(out, 0, 9);
    out[0] = from->family;
    memcpy(out + 1, from->ip, len);
    return 9;
}

static uint64_t tag_of_network(const ps_throttle *t, const ps_addr *from)
{
    uint8_t bytes[9];
    return hash(t, bytes, prefix_of(from, 4, 8, bytes));
}

static uint64_t tag_of_user(const ps_throttle *t, ps_span user)
{
    return hash(t, user.data, user.len);
}

/* Of what goes with a user; `len` bytes that are always as many for the same table. */
static uint64_t tag_of_users(const ps_throttle *t, const uint8_t *what, size_t len, ps_span user)
{
    uint8_t bytes[PS_DEVICE_BYTES + PS_USER_MAX];
    const size_t user_len = user.len < PS_USER_MAX ? user.len : PS_USER_MAX;
    memcpy(bytes, what, len);
    memcpy(bytes + len, user.data, user_len);
    return hash(t, bytes, len + user_len);
}

static uint64_t tag_of_region(const ps_throttle *t, const ps_throttle_who *who)
{
    uint8_t bytes[9];
    return tag_of_users(t, bytes, prefix_of(who->from, 3, 6, bytes), who->user);
}

static ps_throttle_bucket *find(ps_throttle_table table, uint64_t tag)
{
    ps_throttle_bucket *set = table[tag & (PS_THROTTLE_SETS - 1)];
    for (size_t i = 0; i < PS_THROTTLE_WAYS; i++) {
        if (set[i].tag == tag) {
            return &set[i];
        }
    }
    return NULL;
}

/* Forgets what time has healed. */
static void decay(ps_throttle_bucket *b, uint64_t now_ms)
{
    if (now_ms <= b->since_ms) {
        return;
    }
    const uint64_t healed = (now_ms - b->since_ms) / PS_THROTTLE_DECAY_MS;
    b->failures = (uint8_t)(healed < b->failures ? b->failures - healed : 0);
    b->since_ms += healed * PS_THROTTLE_DECAY_MS;
}

/* What weighs less makes room: first what has fewer failures, then what is older. */
static bool lighter(const ps_throttle_bucket *a, const ps_throttle_bucket *b)
{
    return a->failures != b->failures ? a->failures < b->failures : a->since_ms < b->since_ms;
}

static ps_throttle_bucket *find_or_make(ps_throttle_table table, uint64_t tag, uint64_t now_ms)
{
    ps_throttle_bucket *b = find(table, tag);
    ps_throttle_bucket *set = table[tag & (PS_THROTTLE_SETS - 1)];
    if (b != NULL) {
        decay(b, now_ms);
        return b;
    }
    b = &set[0];
    for (size_t i = 0; i < PS_THROTTLE_WAYS; i++) {
        decay(&set[i], now_ms);
        if (lighter(&set[i], b)) {
            b = &set[i];
        }
    }
    *b = (ps_throttle_bucket){.tag = tag, .since_ms = now_ms};
    return b;
}

static uint64_t wait_ms(const ps_throttle_bucket *b, uint64_t now_ms)
{
    return b != NULL && b->until_ms > now_ms ? b->until_ms - now_ms : 0;
}

static ps_throttle_mark count(ps_throttle *t, ps_throttle_bucket *b, uint64_t now_ms)
{
    const bool adds = b->failures < FAILURES_MAX;
    t->counts = t->counts != UINT32_MAX ? t->counts + 1 : 1;
    b->failures = (uint8_t)(b->failures + adds);
    b->since_ms = now_ms;
    b->before_ms = b->until_ms;
    b->last = t->counts;
    if (b->failures >= PS_THROTTLE_FREE) {
        const uint64_t ms = (uint64_t)PS_THROTTLE_FIRST_MS << (b->failures - PS_THROTTLE_FREE);
        b->until_ms = now_ms + (ms < PS_THROTTLE_MOST_MS ? ms : PS_THROTTLE_MOST_MS);
    }
    return (ps_throttle_mark){t->counts, adds};
}

static void take_back(ps_throttle_bucket *b, ps_throttle_mark mark)
{
    if (b == NULL || mark.number == 0) {
        return;
    }
    if (mark.added && b->failures > 0) {
        b->failures--;
    }
    if (b->failures < PS_THROTTLE_FREE) {
        b->until_ms = 0;
    } else if (b->last == mark.number) {
        b->until_ms = b->before_ms;
    }
}

/* The bucket that an attempt is judged by first. */
static ps_throttle_table *own_table(ps_throttle *t, const ps_throttle_who *who, uint64_t *tag)
{
    *tag = who->known ? tag_of_users(t, who->device, PS_DEVICE_BYTES, who->user)
                      : tag_of_user(t, who->user);
    return who->known ? &t->devices : &t->users;
}

/* A known device has only its own failures to answer for. */
static uint64_t admit_known(ps_throttle *t, ps_throttle_who *who, uint64_t now_ms)
{
    uint64_t tag = 0;
    ps_throttle_table *own = own_table(t, who, &tag);
    const uint64_t wait = wait_ms(find(*own, tag), now_ms);
    if (wait == 0) {
        who->marks.own = count(t, find_or_make(*own, tag, now_ms), now_ms);
    }
    return wait;
}

static uint64_t admit_stranger(ps_throttle *t, ps_throttle_who *who, uint64_t now_ms)
{
    ps_throttle_bucket *user = find_or_make(t->users, tag_of_user(t, who->user), now_ms);
    ps_throttle_bucket *network = find_or_make(t->networks, tag_of_network(t, who->from), now_ms);
    ps_throttle_bucket *region = find_or_make(t->regions, tag_of_region(t, who), now_ms);
    const bool in_turn = wait_ms(user, now_ms) > 0 && region->failures == 0;
    uint64_t wait = wait_ms(user, now_ms);
    if (in_turn) {
        const uint64_t turn = user->next_ms > now_ms ? user->next_ms - now_ms : 0;
        wait = wait < turn ? wait : turn;
    }
    if (wait > 0 || wait_ms(network, now_ms) > 0) {
        if (now_ms < region->next_ms) {
            (void)count(t, network, now_ms);
        }
        const uint64_t more = wait_ms(network, now_ms);
        wait = wait > more ? wait : more;
        region->next_ms = now_ms + (wait < PS_THROTTLE_MOST_MS ? wait : PS_THROTTLE_MOST_MS);
        return wait;
    }
    /* A turn is no reason to let the others wait longer. */
    if (in_turn) {
        user->next_ms = now_ms + PS_THROTTLE_TURN_MS;
    } else {
        who->marks.own = count(t, user, now_ms);
    }
    who->marks.network = count(t, network, now_ms);
    who->marks.region = count(t, region, now_ms);
    return 0;
}

uint32_t ps_throttle_admit(ps_throttle *t, ps_throttle_who *who, uint64_t now_ms)
{
    who->marks = (ps_throttle_marks){.own = {0}};
    const uint64_t wait = who->known ? admit_known(t, who, now_ms) : admit_stranger(t, who, now_ms);
    /* No more than that, also when the clock has run back. */
    return (uint32_t)(wait < PS_THROTTLE_MOST_MS ? wait : PS_THROTTLE_MOST_MS);
}

static void forget(ps_throttle_bucket *b)
{
    if (b != NULL) {
        *b = (ps_throttle_bucket){.tag = 0};
    }
}

void ps_throttle_succeeded(ps_throttle *t, const ps_throttle_who *who)
{
    uint64_t tag = 0;
    ps_throttle_table *own = own_table(t, who, &tag);
    forget(find(*own, tag));
    if (!who->known) {
        forget(find(t->regions, tag_of_region(t, who)));
        take_back(find(t->networks, tag_of_network(t, who->from)), who->marks.network);
    }
}

void ps_throttle_dropped(ps_throttle *t, const ps_throttle_who *who)
{
    uint64_t tag = 0;
    ps_throttle_table *own = own_table(t, who, &tag);
    take_back(find(*own, tag), who->marks.own);
    if (!who->known) {
        take_back(find(t->networks, tag_of_network(t, who->from)), who->marks.network);
        take_back(find(t->regions, tag_of_region(t, who)), who->marks.region);
    }
}
