#include "peersyncd/store_load.h"

#include "common/canary.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CHUNK (64u * 1024u)

_Static_assert(CHUNK >= 2 * PS_STORE_RECORD_MAX, "a record fits");

/* A walk over the log, record by record, through a window of its bytes. */
typedef struct walk {
    const ps_store_files *files;
    const ps_crypto *crypto;
    uint8_t bytes[CHUNK];
    size_t at; /* Of what is not read yet in `bytes`. */
    size_t len;
    uint64_t offset; /* Of bytes[at] in the log. */
    bool ended;
    int error;
} walk;

/* Fills the window; @return false: the log cannot be read. */
static bool fill(walk *w)
{
    memmove(w->bytes, w->bytes + w->at, w->len - w->at);
    w->len -= w->at;
    w->at = 0;
    while (!w->ended && w->len < CHUNK) {
        size_t n = 0;
        w->error = w->files->read(w->files->ctx, w->offset + w->len, w->bytes + w->len,
                                  CHUNK - w->len, &n);
        if (w->error != 0) {
            return false;
        }
        w->ended = n == 0;
        w->len += n;
    }
    return true;
}

static void skip(walk *w, size_t n)
{
    w->at += n;
    w->offset += n;
}

/* The next record; 0: there is none (or `error`). Its spans live until the next call. */
static size_t next(walk *w, ps_input_restore *record)
{
    if (w->len - w->at < PS_STORE_RECORD_MAX && !w->ended && !fill(w)) {
        return 0;
    }
    return ps_store_record_read(w->crypto, (ps_span){w->bytes + w->at, w->len - w->at}, record);
}

/* Begins a walk and reads the header. */
static ps_store_result begin(walk *w, const ps_store_files *files, const ps_crypto *crypto,
                             ps_store_summary *s)
{
    w->files = files;
    w->crypto = crypto;
    w->at = w->len = 0;
    w->offset = 0;
    w->ended = false;
    w->error = 0;
    if (!fill(w)) {
        s->error = w->error;
        s->what = "read";
        return PS_STORE_FAILED;
    }
    s->kind = ps_store_header_read(
        (ps_span){w->bytes, w->len < PS_STORE_HEADER ? w->len : PS_STORE_HEADER});
    if (s->kind == PS_STORE_OURS) {
        skip(w, PS_STORE_HEADER);
    }
    return s->kind == PS_STORE_OURS || s->kind == PS_STORE_CUT ? PS_STORE_OK : PS_STORE_REFUSED;
}

/* The walk has come to the end of what is whole: counts the rest. */
static ps_store_result finish(walk *w, ps_store_summary *s)
{
    s->good = w->offset;
    s->cut = 0;
    while (w->error == 0 && (w->len > w->at || !w->ended)) {
        s->cut += w->len - w->at;
        skip(w, w->len - w->at);
        (void)fill(w);
    }
    s->error = w->error;
    s->what = "read";
    return w->error == 0 ? PS_STORE_OK : PS_STORE_FAILED;
}

/* The first walk. */
static ps_store_result build(walk *w, ps_store_index *index, ps_store_summary *s)
{
    ps_input_restore record;
    size_t n = 0;
    if (s->kind == PS_STORE_CUT) {
        return finish(w, s);
    }
    while ((n = next(w, &record)) > 0) {
        if (!ps_store_index_add(index, &record, w->offset)) {
            return PS_STORE_NO_MEMORY;
        }
        s->records++;
        skip(w, n);
    }
    return finish(w, s);
}

/* Appends to the fresh file. */
typedef struct copy {
    uint8_t bytes[CHUNK];
    size_t len;
    uint64_t at;
} copy;

static int copy_flush(copy *c, const ps_store_files *files)
{
    size_t done = 0;
    while (done < c->len) {
        size_t n = 0;
        const int error =
            files->write(files->ctx, PS_STORE_FRESH, c->at, c->bytes + done, c->len - done, &n);
        if (error != 0 || n == 0) {
            return error != 0 ? error : EIO;
        }
        done += n;
        c->at += n;
    }
    c->len = 0;
    return 0;
}

static int copy_add(copy *c, const ps_store_files *files, const void *bytes, size_t len)
{
    const int error = CHUNK - c->len < len ? copy_flush(c, files) : 0;
    if (error == 0) {
        memcpy(c->bytes + c->len, bytes, len);
        c->len += len;
    }
    return error;
}

/* Walks over the records that count, up to the end that the first walk has found. With a copy they
 * are written to it, else counted and given away. */
static ps_store_result again(walk *w, const ps_store_index *index, ps_store_summary *s, copy *to,
                             ps_store_restore restore, void *ctx)
{
    const uint64_t end = s->good;
    ps_input_restore record;
    size_t n = 0;
    ps_store_result result = begin(w, w->files, w->crypto, s);
    while (result == PS_STORE_OK && w->offset < end && (n = next(w, &record)) > 0) {
        if (ps_store_index_counts(index, &record, w->offset)) {
            if (to != NULL) {
                s->error = copy_add(to, w->files, w->bytes + w->at, n);
                s->what = "write";
                result = s->error != 0 ? PS_STORE_FAILED : PS_STORE_OK;
            } else {
                s->counting++;
                s->counting_bytes += n;
                if (restore != NULL) {
                    restore(ctx, &record);
                }
            }
        }
        skip(w, n);
    }
    if (result == PS_STORE_OK && w->offset < end && s->kind == PS_STORE_OURS) {
        s->error = w->error != 0 ? w->error : EIO; /* What was read a moment ago is gone. */
        s->what = "read";
        result = PS_STORE_FAILED;
    }
    return result;
}

/* Writes the fresh file: a header, and what counts. */
static ps_store_result write_fresh(walk *w, const ps_store_index *index, ps_store_summary *s,
                                   copy *to)
{
    const ps_store_files *files = w->files;
    *to = (copy){.len = PS_STORE_HEADER};
    ps_store_header_write(to->bytes);
    s->what = "create";
    s->error = files->create(files->ctx);
    if (s->error == 0 && s->kind == PS_STORE_OURS &&
        again(w, index, s, to, NULL, NULL) != PS_STORE_OK) {
        return PS_STORE_FAILED;
    }
    if (s->error == 0) {
        s->what = "write";
        s->error = copy_flush(to, files);
    }
    if (s->error == 0) {
        s->what = "sync";
        s->error = PS_CANARY(UNSYNCED_REWRITE) ? 0 : files->sync(files->ctx, PS_STORE_FRESH);
    }
    if (s->error == 0) {
        s->what = "rename";
        s->error = files->adopt(files->ctx);
    }
    return s->error == 0 ? PS_STORE_OK : PS_STORE_FAILED;
}

/* Puts a fresh log in the old one's place. Whatever fails before the renaming leaves the old one as
 * it was. */
static ps_store_result renew(walk *w, const ps_store_index *index, ps_store_summary *s)
{
    copy *to = malloc(sizeof *to);
    if (to == NULL) {
        return PS_STORE_NO_MEMORY;
    }
    ps_store_result result = write_fresh(w, index, s, to);
    if (result != PS_STORE_OK) {
        w->files->discard(w->files->ctx);
    } else {
        s->good = to->at;
        s->cut = 0;
    }
    free(to);
    return result;
}

/* Which of the two logs a crash would leave is not known before this. */
static ps_store_result settle_name(const ps_store_files *files, ps_store_summary *s)
{
    s->what = "sync";
    s->error = files->sync_name(files->ctx);
    return s->error == 0 ? PS_STORE_OK : PS_STORE_FAILED;
}

static ps_store_result cut_off(const ps_store_files *files, ps_store_summary *s)
{
    s->what = "truncate";
    s->error = files->truncate(files->ctx, s->good);
    if (s->error == 0) {
        s->what = "sync";
        s->error = files->sync(files->ctx, PS_STORE_LOG);
    }
    return s->error == 0 ? PS_STORE_OK : PS_STORE_FAILED;
}

/* The old log goes on: what the last life had written may be in the system's cache alone, and it
 * may have been killed between a renaming and its sync. */
static ps_store_result make_firm(const ps_store_files *files, ps_store_summary *s)
{
    const ps_store_result cut = s->cut > 0 ? cut_off(files, s) : PS_STORE_OK;
    if (cut != PS_STORE_OK) {
        return cut;
    }
    s->what = "sync";
    s->error = files->sync(files->ctx, PS_STORE_LOG);
    return s->error == 0 ? settle_name(files, s) : PS_STORE_FAILED;
}

/* The log as it will be appended to. What was given to the server counts as durable, and whether it
 * is only who wrote it can know: where a sync failed, in an earlier life or a start that was
 * refused, the system may take for written what is in its cache alone, and another sync says that
 * all is well. So the log is written anew. Only where there is no room for that is the system's
 * word taken. */
static ps_store_result tidy(walk *w, const ps_store_index *index, ps_store_summary *s)
{
    const ps_store_summary before = *s;
    const ps_store_result made = renew(w, index, s);
    if (made == PS_STORE_OK) {
        s->cut = before.cut;
        return settle_name(w->files, s);
    }
    const int error = s->error;
    if (made == PS_STORE_NO_MEMORY || before.kind == PS_STORE_CUT ||
        (error != ENOSPC && error != EDQUOT)) {
        return made;
    }
    *s = before;
    s->renew_error = error;
    return make_firm(w->files, s);
}

static ps_store_result load(walk *w, ps_store_index *index, const ps_store_files *files,
                            const ps_crypto *crypto, ps_store_restore restore, void *ctx,
                            bool change, ps_store_summary *s)
{
    ps_store_result result = begin(w, files, crypto, s);
    if (result == PS_STORE_OK) {
        result = build(w, index, s);
    }
    if (result == PS_STORE_OK) {
        result = again(w, index, s, NULL, restore, ctx);
    }
    return result == PS_STORE_OK && change ? tidy(w, index, s) : result;
}

static ps_store_result run(const ps_store_files *files, const ps_crypto *crypto,
                           const uint8_t salt[PS_STORE_SALT], ps_store_restore restore, void *ctx,
                           bool change, ps_store_summary *out)
{
    ps_store_index index;
    *out = (ps_store_summary){0};
    walk *w = malloc(sizeof *w);
    if (w == NULL) {
        return PS_STORE_NO_MEMORY;
    }
    ps_store_index_init(&index, crypto, salt);
    const ps_store_result result = load(w, &index, files, crypto, restore, ctx, change, out);
    ps_store_index_free(&index);
    free(w);
    return result;
}

ps_store_result ps_store_examine(const ps_store_files *files, const ps_crypto *crypto,
                                 const uint8_t salt[PS_STORE_SALT], ps_store_summary *out)
{
    return run(files, crypto, salt, NULL, NULL, false, out);
}

ps_store_result ps_store_load(const ps_store_files *files, const ps_crypto *crypto,
                              const uint8_t salt[PS_STORE_SALT], ps_store_restore restore,
                              void *ctx, ps_store_summary *out)
{
    return run(files, crypto, salt, restore, ctx, true, out);
}

const char *ps_store_advice(int error)
{
    switch (error) {
    case ENOSPC:
    case EDQUOT:
        return "make room on the disk of the state directory";
    case EROFS:
    case EACCES:
    case EPERM:
        return "the server must be allowed to write in the state directory";
    case EINVAL:
    case ELOOP:
    case EISDIR:
        return "it must be a regular file";
    case EBUSY:
        return "it must be a file in the state directory, not mounted there";
    case ENOMEM:
    case EMFILE:
    case ENFILE:
        return "start again when the system has memory and descriptors to give";
    default:
        return "see whether the disk of the state directory is sound";
    }
}

const char *ps_store_refusal(ps_store_result result, const ps_store_summary *s, ps_store_words room)
{
    if (result == PS_STORE_NO_MEMORY) {
        return ": there is not enough memory to read it";
    }
    if (result == PS_STORE_FAILED) {
        snprintf(room, sizeof(ps_store_words), ": %s: %s; %s", s->what, strerror(s->error),
                 ps_store_advice(s->error));
        return room;
    }
    return s->kind == PS_STORE_NEWER
               ? " was written by a newer peersyncd: start that one, or move the file away and let "
                 "the peers publish again"
               : " is not a log of publications: move it away, or choose another directory with "
                 "--state";
}
