#include "peersyncd/store.h"

#include "common/canary.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* Room beyond what may wait: the changes that the server applies before it hears that it must not.
 */
#define SLACK ((size_t)512 * 1024u)

static bool grow(ps_store_buffer *b, size_t cap)
{
    uint8_t *bytes = realloc(b->bytes, cap);
    if (bytes == NULL) {
        return false;
    }
    b->bytes = bytes;
    b->cap = cap;
    return true;
}

bool ps_store_init(ps_store *s, const ps_store_files *files, const ps_crypto *crypto, uint64_t good,
                   size_t pending_max)
{
    *s = (ps_store){.files = *files, .crypto = crypto, .good = good, .pending_max = pending_max};
    if (grow(&s->filling, pending_max + SLACK) && grow(&s->writing, pending_max + SLACK)) {
        return true;
    }
    ps_store_free(s);
    return false;
}

void ps_store_free(ps_store *s)
{
    free(s->filling.bytes);
    free(s->writing.bytes);
    s->filling = s->writing = (ps_store_buffer){0};
}

size_t ps_store_pending(const ps_store *s)
{
    return s->filling.len + s->writing.len;
}

/* Too much when it is over the bound, and until it is half of that. */
static void measure(ps_store *s)
{
    const size_t pending = ps_store_pending(s);
    if (pending > s->pending_max) {
        s->full = true;
    } else if (pending <= s->pending_max / 2) {
        s->full = false;
    }
}

bool ps_store_append(ps_store *s, const ps_event_record *record)
{
    ps_store_buffer *b = &s->filling;
    if (b->cap - b->len < PS_STORE_RECORD_MAX && !grow(b, 2 * b->cap)) {
        return false;
    }
    ps_input_restore r = {.generation = record->generation,
                          .user = {record->user.bytes, record->user.len},
                          .name = record->name,
                          .content = record->content,
                          .published = record->published};
    memcpy(r.device, record->device, PS_DEVICE_BYTES);
    b->len += ps_store_record_write(s->crypto, &r, b->bytes + b->len);
    b->seq = record->commit_seq;
    measure(s);
    return true;
}

bool ps_store_begin(ps_store *s)
{
    if (s->working) {
        return false;
    }
    if (s->writing.len == 0) { /* Else a work failed: its records come first. */
        const ps_store_buffer empty = s->writing;
        s->writing = s->filling;
        s->filling = empty;
    }
    s->working = s->writing.len > 0;
    return s->working;
}

static int write_all(ps_store *s)
{
    const ps_store_files *f = &s->files;
    size_t done = 0;
    while (done < s->writing.len) {
        size_t n = 0;
        const int error = f->write(f->ctx, PS_STORE_LOG, s->good + done, s->writing.bytes + done,
                                   s->writing.len - done, &n);
        if (error != 0 || n == 0) {
            return error != 0 ? error : EIO;
        }
        done += n;
    }
    return 0;
}

/* After a failure nothing behind `good` is relied on: after a failed sync the system may have
 * dropped what it had taken, and a later sync would not say so. All of it is written again. */
bool ps_store_write(ps_store *s)
{
    const ps_store_files *f = &s->files;
    const bool forget = s->dirty && PS_CANARY(FORGOTTEN_FAILURE);
    s->error = 0;
    if (s->dirty && !forget) {
        s->what = "truncate";
        s->error = f->truncate(f->ctx, s->good);
    }
    if (s->error == 0 && !forget) {
        s->dirty = true;
        s->what = "write";
        s->error = write_all(s);
    }
    return s->error == 0;
}

void ps_store_synced(ps_store *s, int error)
{
    s->what = "sync";
    s->error = error;
    if (error == 0) {
        s->good += s->writing.len;
        s->dirty = false;
    }
}

void ps_store_work(ps_store *s)
{
    if (ps_store_write(s)) {
        const ps_store_files *f = &s->files;
        ps_store_synced(s, PS_CANARY(UNSYNCED_RECORD) ? 0 : f->sync(f->ctx, PS_STORE_LOG));
    }
}

ps_store_news ps_store_end(ps_store *s)
{
    const bool failed_before = s->failed;
    s->working = false;
    s->failed = s->error != 0;
    if (s->failed) {
        const bool known = failed_before && s->error == s->told;
        s->told = s->error;
        return known ? PS_STORE_STILL : PS_STORE_BROKEN;
    }
    s->committed = s->writing.seq;
    s->writing.len = 0;
    measure(s);
    return failed_before ? PS_STORE_RECOVERED : PS_STORE_COMMITTED;
}

uint32_t ps_store_retry_ms(const ps_store *s)
{
    return s->failed || s->full ? PS_STORE_RETRY_MS : 0;
}
