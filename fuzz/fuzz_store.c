/* The server's log of publications. Half of the inputs are a log as it lies on a disk, read as it
 * is and again with every check put right. The other half drive a store: changes, group commits,
 * a disk that fails, then torn tails and flipped bits, and restarts, each of which writes the log
 * anew. What is loaded is held to a walk of its own over the bytes: the same records, in
 * the same order, and none that was not written. */
#include "harness.h"

#include "store_disk.h"

#include "peersync/crypto_sodium.h"
#include "peersyncd/store.h"
#include "peersyncd/store_load.h"

enum {
    INPUT_MAX = 16384, /* The reference is quadratic. */
    RECORDS_MAX = 2 * INPUT_MAX / (PS_STORE_PREFIX + PS_STORE_BODY_FIXED),
    CHANGES = 48 /* Of one life. */
};

static const uint8_t salt[PS_STORE_SALT] = "0123456789abcde";

static void disk_put(disk *d, const uint8_t *data, size_t len)
{
    must(len <= DISK);
    if (len > 0) {
        memcpy(d->bytes[PS_STORE_LOG], data, len);
    }
    d->len[PS_STORE_LOG] = len;
    d->exists[PS_STORE_LOG] = true;
}

/* Puts every check right, as far as the lengths lead. */
static void seal(uint8_t *log, size_t len)
{
    for (size_t at = PS_STORE_HEADER; len >= at + PS_STORE_PREFIX;) {
        ps_sha256 state;
        uint8_t digest[32];
        const uint64_t body = load(log + at, 4);
        if (body > len - at - PS_STORE_PREFIX) {
            return;
        }
        ps_crypto_sodium()->sha256_init(&state);
        ps_crypto_sodium()->sha256_update(&state, log + at, 4);
        ps_crypto_sodium()->sha256_update(&state, log + at + PS_STORE_PREFIX, (size_t)body);
        ps_crypto_sodium()->sha256_final(&state, digest);
        memcpy(log + at + 4, digest, 8);
        at += PS_STORE_PREFIX + (size_t)body;
    }
}

/* ---- What must come ---- */

typedef struct list {
    ps_input_restore records[RECORDS_MAX];
    size_t len;
} list;

static bool same_span(ps_span a, ps_span b)
{
    return a.len == b.len && memcmp(a.data, b.data, a.len) == 0;
}

static bool same_device(const ps_input_restore *a, const ps_input_restore *b)
{
    return memcmp(a->device, b->device, PS_DEVICE_BYTES) == 0 && same_span(a->user, b->user);
}

static bool same_record(const ps_input_restore *a, const ps_input_restore *b)
{
    return same_device(a, b) && same_span(a->name, b->name) && a->generation == b->generation &&
           a->published == b->published && a->content.length == b->content.length &&
           memcmp(a->content.root, b->content.root, PS_ROOT_BYTES) == 0;
}

/* All whole records of a log; @return where they end. */
static size_t walk(const uint8_t *log, size_t len, size_t at, list *out)
{
    out->len = 0;
    while (at < len) {
        uint8_t again[PS_STORE_RECORD_MAX];
        ps_input_restore *r = &out->records[out->len];
        must(out->len < RECORDS_MAX);
        const size_t n = ps_store_record_read(ps_crypto_sodium(), (ps_span){log + at, len - at}, r);
        if (n == 0) {
            break;
        }
        must(n <= len - at && n <= PS_STORE_RECORD_MAX);
        ps_input_restore back;
        must(ps_store_record_write(ps_crypto_sodium(), r, again) == n);
        must(ps_store_record_read(ps_crypto_sodium(), (ps_span){again, n}, &back) == n);
        must(same_record(r, &back));
        out->len++;
        at += n;
    }
    return at;
}

/* Whether record `i` still says something: its device's log has not begun anew behind it, publishes
 * something in the end, and this is its last record, or the last of a name that it publishes. */
static bool counts(const list *all, size_t i)
{
    const ps_input_restore *r = &all->records[i];
    uint64_t generation = r->generation;
    bool last = true, last_of_name = true, any = false;
    for (size_t j = i + 1; j < all->len; j++) {
        const ps_input_restore *later = &all->records[j];
        if (same_device(r, later)) {
            if (later->generation <= generation) {
                return false;
            }
            generation = later->generation;
            last = false;
            last_of_name = last_of_name && !same_span(r->name, later->name);
        }
    }
    if (!last) {
        return last_of_name && r->published;
    }
    /* The last of the device: whether it publishes anything. Back to where its log began. */
    generation = UINT64_MAX;
    for (size_t j = i + 1; j-- > 0 && !any;) {
        const ps_input_restore *one = &all->records[j];
        if (same_device(r, one)) {
            if (j < i && one->generation >= generation) {
                break;
            }
            generation = one->generation;
            bool superseded = !one->published;
            for (size_t k = j + 1; k <= i && !superseded; k++) {
                superseded =
                    same_device(r, &all->records[k]) && same_span(one->name, all->records[k].name);
            }
            any = !superseded;
        }
    }
    return any;
}

/* What a load gives, one after the other. */
typedef struct arrivals {
    const list *all;
    size_t at, len;
} arrivals;

static void arrive(void *ctx, const ps_input_restore *record)
{
    arrivals *a = ctx;
    while (a->at < a->all->len && !counts(a->all, a->at)) {
        a->at++;
    }
    must(a->at < a->all->len && same_record(&a->all->records[a->at], record));
    a->at++;
    a->len++;
}

static void ignore(void *ctx, const ps_input_restore *record)
{
    (void)record;
    ++*(size_t *)ctx;
}

/* What a log that was written anew holds: of all that counts, each once and in order. */
static size_t kept_of(disk *d, const ps_store_summary *s, const list *all)
{
    static list kept;
    const ps_store_files files = files_of(d);
    arrivals a = {.all = all};
    ps_store_summary again;
    must(d->exists[PS_STORE_LOG] && d->len[PS_STORE_LOG] == s->good && s->renew_error == 0);
    must(ps_store_examine(&files, ps_crypto_sodium(), salt, &again) == PS_STORE_OK);
    must(again.kind == PS_STORE_OURS && again.good == s->good && again.cut == 0);
    must(again.counting == s->counting && again.counting_bytes == s->counting_bytes);
    must(walk(d->bytes[PS_STORE_LOG], (size_t)s->good, PS_STORE_HEADER, &kept) == s->good);
    for (size_t i = 0; i < kept.len; i++) {
        arrive(&a, &kept.records[i]);
    }
    return a.len;
}

/* Loads a log that holds no more than the input does, on a disk that works. */
static ps_store_result load_checked(disk *d, ps_store_summary *s)
{
    static list all;
    static uint8_t before[DISK];
    const ps_store_files files = files_of(d);
    ps_store_summary seen;
    const size_t len = d->exists[PS_STORE_LOG] ? d->len[PS_STORE_LOG] : 0;
    memcpy(before, d->bytes[PS_STORE_LOG], len);
    const ps_store_result examined = ps_store_examine(&files, ps_crypto_sodium(), salt, &seen);
    must(len == 0 || memcmp(before, d->bytes[PS_STORE_LOG], len) == 0);
    const size_t end = len > PS_STORE_HEADER ? walk(before, len, PS_STORE_HEADER, &all) : len;
    arrivals a = {.all = &all};
    all.len = len > PS_STORE_HEADER ? all.len : 0;
    const ps_store_result result = ps_store_load(&files, ps_crypto_sodium(), salt, arrive, &a, s);
    must(result == examined && (result == PS_STORE_OK || result == PS_STORE_REFUSED));
    if (result == PS_STORE_REFUSED) {
        ps_store_words words;
        must(ps_store_refusal(result, s, words)[0] != '\0');
        must(d->len[PS_STORE_LOG] == len && a.len == 0);
        must(memcmp(before, d->bytes[PS_STORE_LOG], len) == 0);
        return result;
    }
    while (a.at < all.len) {
        must(!counts(&all, a.at++));
    }
    must(s->counting == a.len && s->records == all.len && seen.records == all.len);
    must(seen.kind == PS_STORE_CUT || (seen.good == end && seen.cut == len - end));
    must(kept_of(d, s, &all) == a.len);
    return result;
}

/* ---- A store at work ---- */

typedef struct written {
    uint8_t bytes[CHANGES * PS_STORE_RECORD_MAX];
    size_t len;     /* Of all that was appended. */
    size_t durable; /* Of that, what the store calls committed. */
    size_t ends[CHANGES];
    size_t count;
} written;

static void change(tape *t, ps_store *s, written *w)
{
    char room[256];
    ps_event_record e = {.commit_seq = w->count + 1, .generation = take8(t)};
    const uint8_t shape = take8(t);
    e.device[0] = shape & 1u;
    e.user.len = (uint8_t)(shape & 2u ? PS_USER_MAX : 1u);
    memset(e.user.bytes, 'u', e.user.len);
    const char *name = text_of(t, room);
    e.name = (ps_span){(const uint8_t *)name, strlen(name)};
    if (e.name.len == 0 || e.name.len > PS_NAME_MAX) {
        e.name = (ps_span){(const uint8_t *)"n", 1};
    }
    e.published = (shape & 4u) != 0;
    e.content.length = shape;
    const ps_input_restore same = {.generation = e.generation,
                                   .user = {e.user.bytes, e.user.len},
                                   .name = e.name,
                                   .content = e.content,
                                   .published = e.published,
                                   .device = {e.device[0]}};
    must(ps_store_append(s, &e));
    w->len += ps_store_record_write(ps_crypto_sodium(), &same, w->bytes + w->len);
    w->ends[w->count++] = w->len;
}

/* One life of the server on top of a log of `good` bytes. */
static void live(tape *t, disk *d, uint64_t good, written *w)
{
    ps_store s;
    const ps_store_files files = files_of(d);
    w->len = w->durable = w->count = 0;
    must(ps_store_init(&s, &files, ps_crypto_sodium(), good, (size_t)take8(t) * 16));
    for (unsigned step = take8(t) % CHANGES; step > 0 && t->left > 0; step--) {
        const uint8_t what = take8(t);
        if (what % 4 != 0) {
            change(t, &s, w);
        } else if (ps_store_begin(&s)) {
            const uint64_t committed = s.committed;
            d->luck = what & 4u ? t : NULL;
            ps_store_work(&s);
            d->luck = NULL;
            const ps_store_news news = ps_store_end(&s);
            const bool failed = news == PS_STORE_BROKEN || news == PS_STORE_STILL;
            must(failed == (ps_store_retry_ms(&s) != 0 && s.failed));
            must(failed ? s.committed == committed : s.committed > committed);
            must(s.committed <= w->count);
            w->durable = s.committed > 0 ? w->ends[s.committed - 1] : 0;
            must(s.good == good + w->durable);
        }
    }
    ps_store_free(&s);
    must(d->len[PS_STORE_LOG] >= good + w->durable);
    must(memcmp(d->bytes[PS_STORE_LOG] + good, w->bytes, w->durable) == 0);
}

/* What a crash and a bad disk do to the log behind `sure`. @return where it is whole up to. */
static size_t damage(tape *t, disk *d, size_t sure)
{
    const size_t len = d->len[PS_STORE_LOG];
    size_t whole = len;
    if (len > sure) {
        whole = sure + (size_t)(take64(t) % (len - sure + 1));
        d->len[PS_STORE_LOG] = whole;
    }
    for (unsigned flips = take8(t) % 3; flips > 0 && whole > sure; flips--) {
        const size_t at = sure + (size_t)(take64(t) % (whole - sure));
        d->bytes[PS_STORE_LOG][at] ^= (uint8_t)(1u << take8(t) % 8);
        whole = at < whole ? at : whole;
    }
    return whole;
}

/* A load that may fail; it is repeated on a disk that works, and may never lose what was there. */
static size_t load_lucky(tape *t, disk *d, ps_store_summary *s)
{
    const ps_store_files files = files_of(d);
    ps_store_summary whole;
    size_t n = 0;
    must(ps_store_examine(&files, ps_crypto_sodium(), salt, &whole) == PS_STORE_OK);
    d->luck = t;
    const ps_store_result first = ps_store_load(&files, ps_crypto_sodium(), salt, ignore, &n, s);
    d->luck = NULL;
    /* A read that ends early is the log's end: what the disk hides is cut off. */
    must(first == PS_STORE_OK || (first == PS_STORE_FAILED && s->error != 0 && s->what != NULL));
    n = 0;
    must(ps_store_load(&files, ps_crypto_sodium(), salt, ignore, &n, s) == PS_STORE_OK);
    must(s->counting == whole.counting && s->counting_bytes == whole.counting_bytes);
    must(n == whole.counting && s->good == d->len[PS_STORE_LOG]);
    return (size_t)s->good;
}

static void lives(tape *t, disk *d)
{
    static written w;
    static list kept;
    ps_store_summary s;
    size_t good = load_lucky(t, d, &s);
    for (unsigned life = 0; life < 3 && t->left > 0; life++) {
        live(t, d, good, &w);
        const bool flips = (take8(t) & 1u) != 0;
        const size_t sure = good + (flips ? 0 : w.durable);
        const size_t whole = damage(t, d, sure);
        /* The records that lie before the first damage, and none besides. */
        const size_t left = whole - good < w.len ? whole - good : w.len;
        size_t expected = 0;
        while (expected < w.count && w.ends[expected] <= left) {
            expected++;
        }
        const size_t end = walk(d->bytes[PS_STORE_LOG], d->len[PS_STORE_LOG], good, &kept);
        must(end >= good && kept.len == expected);
        must(memcmp(d->bytes[PS_STORE_LOG] + good, w.bytes, end - good) == 0);
        good = load_lucky(t, d, &s);
        must(s.kind == PS_STORE_OURS);
        must(load_checked(d, &s) == PS_STORE_OK && s.good == good);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static uint8_t room[2][DISK];
    disk d = {.bytes = {room[0], room[1]}};
    ps_store_summary s;
    if (size == 0 || size > INPUT_MAX) {
        return 0;
    }
    const uint8_t mode = data[0];
    tape t = {data + 1, size - 1};
    if ((mode & 1u) != 0) {
        lives(&t, &d);
        return 0;
    }
    uint8_t *exact = malloc(t.left + (t.left == 0));
    must(exact != NULL);
    memcpy(exact, t.at, t.left);
    disk_put(&d, exact, t.left);
    (void)load_checked(&d, &s);
    if (t.left >= PS_STORE_HEADER) {
        seal(exact, t.left);
        ps_store_header_write(exact);
        disk_put(&d, exact, t.left);
        must(load_checked(&d, &s) == PS_STORE_OK);
    }
    free(exact);
    return 0;
}
