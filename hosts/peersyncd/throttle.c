#include "peersyncd/throttle.h"

#include <sodium.h>
#include <string.h>

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

/* The network's bytes, 9 of them. */
static size_t network_of(const ps_addr *from, uint8_t out[9])
{
    out[0] = from->family;
    memcpy(out + 1, from->ip, 8);
    if (from->family == PS_ADDR_V4) {
        memset(out + 5, 0, 4);
    }
    return 9;
}

static uint64_t tag_of_network(const ps_throttle *t, const ps_addr *from)
{
    uint8_t bytes[9];
    return hash(t, bytes, network_of(from, bytes));
}

static uint64_t tag_of_user(const ps_throttle *t, ps_span user)
{
    return hash(t, user.data, user.len);
}

static uint64_t tag_of_device(const ps_throttle *t, const ps_throttle_who *who)
{
    uint8_t bytes[9 + PS_USER_MAX];
    const size_t len = network_of(who->from, bytes);
    const size_t user_len = who->user.len < PS_USER_MAX ? who->user.len : PS_USER_MAX;
    memcpy(bytes + len, who->user.data, user_len);
    return hash(t, bytes, len + user_len);
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

static void count(ps_throttle_bucket *b, uint64_t now_ms)
{
    if (b->failures < FAILURES_MAX) {
        b->failures++;
    }
    b->since_ms = now_ms;
    if (b->failures >= PS_THROTTLE_FREE) {
        const uint64_t ms = (uint64_t)PS_THROTTLE_FIRST_MS << (b->failures - PS_THROTTLE_FREE);
        b->until_ms = now_ms + (ms < PS_THROTTLE_MOST_MS ? ms : PS_THROTTLE_MOST_MS);
    }
}

/* The bucket that an attempt counts in while it is under way. */
static ps_throttle_table *own_table(ps_throttle *t, const ps_throttle_who *who, uint64_t *tag)
{
    *tag = who->known ? tag_of_device(t, who) : tag_of_user(t, who->user);
    return who->known ? &t->devices : &t->users;
}

uint32_t ps_throttle_admit(ps_throttle *t, const ps_throttle_who *who, uint64_t now_ms)
{
    uint64_t tag = 0;
    ps_throttle_table *own = own_table(t, who, &tag);
    uint64_t wait = wait_ms(find(*own, tag), now_ms);
    if (!who->known) {
        const uint64_t network = wait_ms(find(t->networks, tag_of_network(t, who->from)), now_ms);
        wait = wait > network ? wait : network;
    }
    if (wait == 0) {
        count(find_or_make(*own, tag, now_ms), now_ms);
    }
    /* No more than that, also when the clock has run back. */
    return (uint32_t)(wait < PS_THROTTLE_MOST_MS ? wait : PS_THROTTLE_MOST_MS);
}

void ps_throttle_failed(ps_throttle *t, const ps_throttle_who *who, uint64_t now_ms)
{
    /* In its own bucket it counts already. */
    if (!who->known) {
        count(find_or_make(t->networks, tag_of_network(t, who->from), now_ms), now_ms);
    }
}

void ps_throttle_succeeded(ps_throttle *t, const ps_throttle_who *who)
{
    uint64_t tag = 0;
    ps_throttle_table *own = own_table(t, who, &tag);
    ps_throttle_bucket *b = find(*own, tag);
    if (b != NULL) {
        *b = (ps_throttle_bucket){.tag = 0};
    }
}

void ps_throttle_dropped(ps_throttle *t, const ps_throttle_who *who)
{
    uint64_t tag = 0;
    ps_throttle_table *own = own_table(t, who, &tag);
    ps_throttle_bucket *b = find(*own, tag);
    if (b != NULL && b->failures > 0) {
        b->failures--;
        b->until_ms = 0;
    }
}
