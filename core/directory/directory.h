/* Who is known and who publishes what: users, their devices, and publications keyed (user, device,
 * name), in tables sized at init. Knows no packets and no time; sessions are the server's.
 *
 *   user --< device --< publication
 *     hash by name         hash by (user, id)           exact key
 *                                                       list of each device's, newest first
 *                          hash by name, then a ring     everything published under one name
 *                          treap and list by serial      lists that survive changes
 *
 * Tables lie at offsets from the directory itself, so that the slab can be moved and copied. Hash
 * buckets hold index + 1: fresh zero pages are an empty table. */
#ifndef PS_DIRECTORY_H
#define PS_DIRECTORY_H

#include "util/digest.h"
#include "util/layout.h"
#include "util/name_store.h"
#include "util/siphash.h"
#include "util/slots.h"

/* Every record begins with `next`: its hash chain's link while in use, the free list's after. */
typedef struct ps_user {
    uint32_t next;
    uint32_t session; /* The server's index, or PS_NIL. */
    uint32_t devices; /* How many refer to this user. */
    uint32_t publications;
    uint8_t name_len; /* 0: the record is free. */
    uint8_t name[PS_USER_MAX];
} ps_user;

typedef struct ps_device {
    uint32_t next;
    uint32_t user; /* PS_NIL: the record is free. */
    uint32_t publications;
    uint32_t newest;     /* Of its publications, or PS_NIL. */
    uint64_t generation; /* Of its log: the number of the last change applied. */
    uint64_t digest;     /* Over its publications (util/digest.h). */
    uint64_t commit_seq; /* Of the last record of its log in this life; 0: none. */
    uint8_t id[PS_DEVICE_BYTES];
    uint32_t sums;     /* Its buckets' digests + 1; 0: they are summed up when asked for. */
    uint32_t sessions; /* 0 or 1. */
} ps_device;

/* Digests by bucket are kept for devices with so many publications: so a table of all publications
 * divided by this number never runs out, and for the others a short walk is enough. */
#define PS_SUMS_FROM 128u

typedef struct ps_sums {
    uint64_t of[PS_BUCKETS]; /* The first word is the free list's link while unused. */
} ps_sums;

typedef struct ps_pub {
    uint32_t next;      /* Chain of the exact-key table. */
    uint32_t device;    /* PS_NIL: the record is free. */
    uint32_t name_next; /* Chain of the by-name table; of a name's first publication only. */
    uint32_t same_prev, same_next;     /* Ring of the publications of one name. */
    uint32_t left, right;              /* Treap by serial. */
    uint32_t older, newer;             /* List by serial. */
    uint32_t device_prev, device_next; /* List of the device's. */
    ps_name_ref name;
    uint64_t serial; /* Rises with every new publication; never reused. */
    ps_content content;
} ps_pub;

_Static_assert(sizeof(ps_pub) <= 128, "a publication's record is two cache lines");
_Static_assert(sizeof(ps_device) + sizeof(ps_user) <= 148, "part of a session's 384 bytes");

typedef struct ps_directory {
    ps_sipkey key;
    ps_slots users, devices, pubs, sums;
    ps_name_pool names;
    uint32_t user_mask, device_mask, pub_mask;
    uint32_t root, oldest, newest; /* Treap and list by serial; PS_NIL when empty. */
    uint64_t last_serial;
    size_t users_at, devices_at, pubs_at, blocks_at, sums_at; /* From the directory's address. */
    size_t user_heads_at, device_heads_at, key_heads_at, name_heads_at;
} ps_directory;

typedef struct ps_directory_caps {
    uint32_t users, devices, pubs, name_blocks;
} ps_directory_caps;

/* Adds the directory's tables to a slab whose layout so far is `l`; `self` is the directory's own
 * offset in it. Fills `d` when it is not NULL. */
void ps_directory_layout(ps_layout *l, size_t self, const ps_directory_caps *caps, ps_directory *d);
/* Makes it empty after layout; `zero`: the slab's pages are zero already. */
void ps_directory_init(ps_directory *d, const ps_directory_caps *caps, ps_sipkey key, bool zero);

static inline void *ps_directory_at(const ps_directory *d, size_t offset)
{
    return (void *)((uintptr_t)d + offset);
}

static inline ps_user *ps_user_at(const ps_directory *d, uint32_t i)
{
    return (ps_user *)ps_directory_at(d, d->users_at) + i;
}

static inline ps_device *ps_device_at(const ps_directory *d, uint32_t i)
{
    return (ps_device *)ps_directory_at(d, d->devices_at) + i;
}

static inline ps_pub *ps_pub_at(const ps_directory *d, uint32_t i)
{
    return (ps_pub *)ps_directory_at(d, d->pubs_at) + i;
}

static inline ps_sums *ps_sums_at(const ps_directory *d, uint32_t i)
{
    return (ps_sums *)ps_directory_at(d, d->sums_at) + i;
}

static inline ps_span ps_user_name(const ps_directory *d, uint32_t i)
{
    const ps_user *u = ps_user_at(d, i);
    return (ps_span){u->name, u->name_len};
}

static inline ps_label ps_user_label(const ps_directory *d, uint32_t i)
{
    const ps_user *u = ps_user_at(d, i);
    ps_label label = {.len = u->name_len};
    memcpy(label.bytes, u->name, sizeof label.bytes);
    return label;
}

static inline ps_name_block *ps_directory_blocks(const ps_directory *d)
{
    return ps_directory_at(d, d->blocks_at);
}

/* users.c. add: the name is not there yet; PS_NIL when the table is full. */
uint32_t ps_user_find(const ps_directory *d, ps_span name);
uint32_t ps_user_add(ps_directory *d, ps_span name);
/* Forgets the user if nothing refers to it any more. */
void ps_user_release(ps_directory *d, uint32_t user);

/* devices.c, likewise. Releasing a device releases its user. */
uint32_t ps_device_find(const ps_directory *d, uint32_t user, const uint8_t id[PS_DEVICE_BYTES]);
uint32_t ps_device_add(ps_directory *d, uint32_t user, const uint8_t id[PS_DEVICE_BYTES]);
void ps_device_release(ps_directory *d, uint32_t device);

/* publications.c. The name has passed ps_name_check(). */
uint32_t ps_pub_find(const ps_directory *d, uint32_t device, ps_span name);
/* Whether there are a record and name blocks for one more. */
bool ps_pub_fits(const ps_directory *d, ps_span name);
/* PS_E_NONE, or PS_E_FULL (it does not fit) with nothing changed. */
ps_error ps_pub_add(ps_directory *d, uint32_t device, ps_span name, const ps_content *content);
void ps_pub_remove(ps_directory *d, uint32_t pub);
/* The first publication under a name, or PS_NIL; the others follow in its ring by same_next. */
uint32_t ps_pub_first_named(const ps_directory *d, ps_span name);
static inline ps_span ps_pub_name(const ps_directory *d, uint32_t pub, uint8_t scratch[PS_NAME_MAX])
{
    return ps_name_get(ps_directory_blocks(d), &ps_pub_at(d, pub)->name, scratch);
}

/* digests.c: a publication that comes (linked to its device and counted) or goes (not yet unlinked
 * nor taken off the count). */
void ps_digest_add(ps_directory *d, uint32_t pub);
void ps_digest_take(ps_directory *d, uint32_t pub);
/* Gives a publication another content. */
void ps_digest_replace(ps_directory *d, uint32_t pub, const ps_content *content);
/* The device's digests by bucket. */
void ps_digest_sums(const ps_directory *d, uint32_t device, uint64_t sums[PS_BUCKETS]);

/* order.c: publications by serial. */
void ps_order_append(ps_directory *d, uint32_t pub); /* Its serial is the highest. */
void ps_order_remove(ps_directory *d, uint32_t pub);
/* The oldest publication with a serial above `serial`, or PS_NIL. */
uint32_t ps_order_after(const ps_directory *d, uint64_t serial);

/* check.c: 0, or the line of the broken invariant. */
int ps_directory_check(const ps_directory *d);

#endif
