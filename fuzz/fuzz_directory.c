/* Who is known and who publishes what, in tables of a few records, against a list that is searched
 * from end to end: users and devices that come and go, publications that come, change and go, and
 * what does not fit. After each call every invariant is walked. */
#include "directory/directory.h"
#include "harness.h"

enum { USERS = 4, DEVICES = 3, NAMES = 200, SESSION = 7 };

/* A publication, as the model has it; serial 0: none. */
typedef struct row {
    uint64_t serial, length;
} row;

typedef struct world {
    tape input;
    ps_directory *d;
    ps_directory_caps caps;
    uint8_t online[USERS]; /* The device's number + 1. */
    row rows[USERS][DEVICES][NAMES];
    uint64_t last_serial;
} world;

static ps_span user_of(uint8_t user)
{
    static const char *const users[USERS] = {"alice", "bob", "carol", "dan"};
    return (ps_span){(const uint8_t *)users[user], strlen(users[user])};
}

static ps_span name_of(uint8_t name, uint8_t text[64])
{
    const char *before = name % 4 == 3 ? "a name that takes blocks beyond its record, number " : "";
    return (ps_span){text, (size_t)snprintf((char *)text, 64, "%s%u", before, name)};
}

static uint32_t device_of(const world *w, uint8_t user, uint8_t device)
{
    const uint8_t id[PS_DEVICE_BYTES] = {device};
    const uint32_t u = ps_user_find(w->d, user_of(user));
    return u == PS_NIL ? PS_NIL : ps_device_find(w->d, u, id);
}

static uint32_t count(const world *w, uint8_t user, uint8_t device)
{
    uint32_t n = 0;
    for (size_t i = 0; i < NAMES; i++) {
        n += w->rows[user][device][i].serial != 0;
    }
    return n;
}

/* The record of a device that is offline and publishes nothing is forgotten, and then its user. */
static void log_in(world *w, uint8_t user, uint8_t device)
{
    const uint8_t id[PS_DEVICE_BYTES] = {device};
    uint32_t u = ps_user_find(w->d, user_of(user));
    if (w->online[user] != 0) {
        return;
    }
    u = u == PS_NIL ? ps_user_add(w->d, user_of(user)) : u;
    if (u == PS_NIL) {
        must(w->d->users.used == w->caps.users);
        return;
    }
    ps_user_at(w->d, u)->session = SESSION;
    ps_user_release(w->d, u); /* Whose session is open is not forgotten. */
    must(ps_user_find(w->d, user_of(user)) == u);
    uint32_t v = ps_device_find(w->d, u, id);
    v = v == PS_NIL ? ps_device_add(w->d, u, id) : v;
    if (v == PS_NIL) {
        must(w->d->devices.used == w->caps.devices);
        ps_user_at(w->d, u)->session = PS_NIL;
        ps_user_release(w->d, u);
        return;
    }
    ps_device_at(w->d, v)->sessions = 1;
    ps_device_at(w->d, v)->generation = UINT64_MAX;
    ps_device_release(w->d, v); /* Nor is his device. */
    must(device_of(w, user, device) == v);
    w->online[user] = (uint8_t)(device + 1);
}

static void log_out(world *w, uint8_t user)
{
    if (w->online[user] == 0) {
        return;
    }
    const uint8_t device = w->online[user] - 1;
    const uint32_t v = device_of(w, user, device);
    must(v != PS_NIL);
    ps_user_at(w->d, ps_device_at(w->d, v)->user)->session = PS_NIL;
    ps_device_at(w->d, v)->sessions = 0;
    ps_device_release(w->d, v);
    must((device_of(w, user, device) != PS_NIL) == (count(w, user, device) > 0));
    w->online[user] = 0;
}

static void publish(world *w, uint8_t user, uint8_t name, uint64_t length)
{
    uint8_t text[64];
    if (w->online[user] == 0) {
        return;
    }
    const uint8_t device = w->online[user] - 1;
    const uint32_t v = device_of(w, user, device);
    const ps_span span = name_of(name, text);
    const ps_content content = {.length = length};
    row *r = &w->rows[user][device][name];
    const uint32_t pub = ps_pub_find(w->d, v, span);
    must((pub != PS_NIL) == (r->serial != 0));
    if (pub != PS_NIL) {
        ps_digest_replace(w->d, pub, &content);
        r->length = length;
        return;
    }
    const bool fits = ps_pub_fits(w->d, span);
    must(ps_pub_add(w->d, v, span, &content) == (fits ? PS_E_NONE : PS_E_FULL));
    if (fits) {
        *r = (row){.serial = ++w->last_serial, .length = length};
    }
}

static void unpublish(world *w, uint8_t user, uint8_t device, uint8_t name)
{
    uint8_t text[64];
    row *r = &w->rows[user][device][name];
    const uint32_t v = device_of(w, user, device);
    const uint32_t pub = v == PS_NIL ? PS_NIL : ps_pub_find(w->d, v, name_of(name, text));
    must((pub != PS_NIL) == (r->serial != 0));
    if (pub != PS_NIL) {
        ps_pub_remove(w->d, pub);
        ps_device_release(w->d, v);
        r->serial = 0;
    }
}

/* The oldest of those above a serial, and the sources of a name, are those of the list. */
static void look(world *w, uint64_t serial, uint8_t name)
{
    uint8_t text[64];
    uint64_t next = UINT64_MAX;
    uint32_t sources = 0, found = 0;
    for (size_t i = 0; i < USERS * DEVICES * NAMES; i++) {
        const row *r = &w->rows[i / (DEVICES * NAMES)][i / NAMES % DEVICES][i % NAMES];
        next = r->serial > serial && r->serial < next ? r->serial : next;
        sources += r->serial != 0 && i % NAMES == name;
    }
    const uint32_t at = ps_order_after(w->d, serial);
    must(at == PS_NIL ? next == UINT64_MAX : ps_pub_at(w->d, at)->serial == next);
    const uint32_t first = ps_pub_first_named(w->d, name_of(name, text));
    for (uint32_t pub = first; pub != PS_NIL;) {
        found++;
        pub = ps_pub_at(w->d, pub)->same_next;
        pub = pub == first ? PS_NIL : pub;
    }
    must(found == sources);
}

static void run_one(world *w)
{
    const uint8_t op = take8(&w->input);
    const uint8_t user = op >> 3 & 3u, device = (op >> 5) % DEVICES;
    const uint8_t name = take8(&w->input) % NAMES;
    switch (op & 7u) {
    case 0:
        log_in(w, user, device);
        break;
    case 1:
        log_out(w, user);
        break;
    case 2:
        unpublish(w, user, device, name);
        break;
    case 3:
        look(w, take8(&w->input), name);
        break;
    case 4: /* Many, or all of them away again. */
        for (uint8_t i = name; i < NAMES; i++) {
            publish(w, user, i, op);
        }
        break;
    case 5:
        for (uint8_t i = name; i < NAMES; i++) {
            unpublish(w, user, device, i);
        }
        break;
    default:
        publish(w, user, name, take8(&w->input));
        break;
    }
    must(ps_directory_check(w->d) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static world w;
    memset(&w, 0, sizeof w);
    w.input = (tape){data, size};
    const uint8_t shape = take8(&w.input), pubs = take8(&w.input);
    w.caps = (ps_directory_caps){.users = 1 + (shape & 3u),
                                 .devices = 1 + (shape >> 2 & 3u),
                                 .pubs = 1u + pubs,
                                 .name_blocks = shape >> 4};
    ps_layout l = {.size = sizeof(ps_directory)};
    ps_directory at;
    ps_directory_layout(&l, 0, &w.caps, &at);
    must(!l.overflow);
    /* What lies behind the slab is nobody's. */
    const size_t whole = (l.size + 127) / 64 * 64;
    uint8_t *mem = aligned_alloc(64, whole);
    must(mem != NULL);
    const bool zero = (pubs & 1u) != 0;
    memset(mem, zero ? 0 : 0xa5, whole);
    poison_tail(mem, l.size, whole);
    w.d = (ps_directory *)(void *)mem;
    *w.d = at;
    ps_directory_init(w.d, &w.caps, (ps_sipkey){1, 2}, zero);
    for (unsigned steps = 0; w.input.left > 0 && steps < 200; steps++) {
        run_one(&w);
    }
    free(mem);
    return 0;
}
