#include "partial_state.h"

#include "alloc.h"
#include "common/canary.h"
#include "hex.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define MAGIC        "PSPART1\n"
#define MAGIC_BYTES  8u
#define HEADER_MAX   (MAGIC_BYTES + 8 + PS_ROOT_BYTES + 2 + PS_NAME_MAX + 8)
#define CLEAN_END    UINT32_MAX
#define KEY_BYTES    8u
#define RECORDS_READ 1024u

static uint8_t *put(uint8_t *at, uint64_t value, unsigned bytes)
{
    for (unsigned i = bytes; i-- > 0; value >>= 8) {
        at[i] = (uint8_t)value;
    }
    return at + bytes;
}

static uint32_t get32(const uint8_t *at)
{
    return (uint32_t)at[0] << 24 | (uint32_t)at[1] << 16 | (uint32_t)at[2] << 8 | at[3];
}

/* The header; sets the seed. @return its length. */
static size_t make_header(struct partial *p, uint8_t out[HEADER_MAX])
{
    ps_sha256 sha;
    size_t len = strlen(p->name);
    memcpy(out, MAGIC, MAGIC_BYTES);
    uint8_t *at = put(out + MAGIC_BYTES, p->content.length, 8);
    memcpy(at, p->content.root, PS_ROOT_BYTES);
    at = put(at + PS_ROOT_BYTES, len, 2);
    memcpy(at, p->name, len);
    at += len;
    p->crypto->sha256_init(&sha);
    p->crypto->sha256_update(&sha, out, (size_t)(at - out));
    p->crypto->sha256_final(&sha, p->seed);
    memcpy(at, p->seed, 8);
    return (size_t)(at - out) + 8;
}

void partial_state_names(struct partial *p)
{
    uint8_t header[HEADER_MAX];
    char key[2 * KEY_BYTES + 1];
    (void)make_header(p, header);
    hex_write(key, p->seed + 8, KEY_BYTES);
    (void)snprintf(p->part_name, sizeof p->part_name, ".peersync-%s.part", key);
    (void)snprintf(p->state_name, sizeof p->state_name, ".peersync-%s.state", key);
}

static void make_record(const struct partial *p, uint32_t piece, const uint8_t hash[PS_ROOT_BYTES],
                        uint8_t out[PARTIAL_RECORD_BYTES])
{
    ps_sha256 sha;
    uint8_t digest[32];
    memcpy(put(out, piece, 4), hash, PS_ROOT_BYTES);
    p->crypto->sha256_init(&sha);
    p->crypto->sha256_update(&sha, p->seed, sizeof p->seed);
    p->crypto->sha256_update(&sha, out, PARTIAL_RECORD_BYTES - 4);
    p->crypto->sha256_final(&sha, digest);
    memcpy(out + PARTIAL_RECORD_BYTES - 4, digest, 4);
}

static ps_status fail(ps_posix_error *error, int number)
{
    error->number = number;
    (void)snprintf(error->text, sizeof error->text, "write the state of a download: %s",
                   strerror(number));
    return PS_FAILED;
}

/* One write to a file open for appending, so that the records of two threads do not mix. */
static ps_status append(const struct partial *p, const uint8_t record[PARTIAL_RECORD_BYTES],
                        ps_posix_error *error)
{
    ssize_t n;
    do {
        n = write(p->state, record, PARTIAL_RECORD_BYTES);
    } while (n < 0 && errno == EINTR);
    if (n == (ssize_t)PARTIAL_RECORD_BYTES) {
        return PS_OK;
    }
    return fail(error, n < 0 ? errno : ENOSPC);
}

ps_status partial_state_append(struct partial *p, uint32_t piece, const ps_node *hash,
                               ps_posix_error *error)
{
    uint8_t record[PARTIAL_RECORD_BYTES];
    make_record(p, piece, hash->bytes, record);
    return append(p, record, error);
}

/* What the part is: a clean end says it, and the next start compares. */
static void describe(const ps_posix_file *file, uint8_t out[PS_ROOT_BYTES])
{
    uint8_t *at = put(out, file->size, 8);
    at = put(at, file->inode, 8);
    at = put(at, (uint64_t)file->mtime_ns, 8);
    (void)put(at, (uint64_t)file->ctime_ns, 8);
}

static bool record_valid(const struct partial *p, const uint8_t record[PARTIAL_RECORD_BYTES])
{
    uint8_t want[PARTIAL_RECORD_BYTES];
    make_record(p, get32(record), record + 4, want);
    return memcmp(want, record, sizeof want) == 0 || PS_CANARY(TORN_RECORD);
}

static void take_record(struct partial *p, const uint8_t record[PARTIAL_RECORD_BYTES])
{
    static const ps_node nothing;
    uint8_t part[PS_ROOT_BYTES];
    ps_node hash;
    p->trusted = PS_CANARY(TRUSTED_PART);
    if (!record_valid(p, record)) {
        return;
    }
    uint32_t piece = get32(record);
    memcpy(&hash, record + 4, sizeof hash);
    if (piece == CLEAN_END) {
        describe(&p->found, part);
        p->trusted = memcmp(part, &hash, sizeof hash) == 0 || PS_CANARY(TRUSTED_PART);
    } else if (piece < p->pieces && memcmp(&hash, &nothing, sizeof hash) == 0) {
        p->have[piece / 8] &= (uint8_t) ~(1u << (piece % 8));
        p->layer[piece] = nothing;
    } else if (piece < p->pieces) {
        partial_mark(p, piece, &hash);
    }
}

/* Reads the records after the header and cuts a torn one off, so that the next one starts where a
 * record starts. */
static ps_status read_records(struct partial *p, uint64_t at, ps_posix_error *error)
{
    uint8_t *records = data_alloc(RECORDS_READ, PARTIAL_RECORD_BYTES);
    ps_status status = PS_OK;
    for (bool more = true; more && status == PS_OK;) {
        size_t got = 0;
        size_t want = (size_t)RECORDS_READ * PARTIAL_RECORD_BYTES;
        status = ps_posix_read_at(p->state, records, want, at, &got, error);
        more = got == want;
        for (size_t i = 0; status == PS_OK && i < got / PARTIAL_RECORD_BYTES; i++) {
            take_record(p, records + i * PARTIAL_RECORD_BYTES);
            at += PARTIAL_RECORD_BYTES;
        }
    }
    free(records);
    if (status != PS_OK) {
        return status;
    }
    return ftruncate(p->state, (off_t)at) != 0 ? fail(error, errno) : PS_OK;
}

static ps_status begin(struct partial *p, const uint8_t *header, size_t len, ps_posix_error *error)
{
    p->trusted = p->fresh = true;
    if (ftruncate(p->state, 0) != 0) {
        return fail(error, errno);
    }
    return ps_posix_write_at(p->state, header, len, 0, error);
}

ps_status partial_state_read(struct partial *p, ps_posix_error *error)
{
    uint8_t want[HEADER_MAX], have[HEADER_MAX];
    size_t len = make_header(p, want), got = 0;
    if (ps_posix_read_at(p->state, have, len, 0, &got, error) != PS_OK) {
        return PS_FAILED;
    }
    if (got != len || memcmp(want, have, len) != 0) {
        return begin(p, want, len, error);
    }
    p->trusted = true; /* Of no record. */
    return read_records(p, len, error);
}

void partial_state_reserve(struct partial *p)
{
#ifdef FALLOC_FL_KEEP_SIZE
    struct stat st;
    if (fstat(p->state, &st) == 0) {
        (void)fallocate(p->state, FALLOC_FL_KEEP_SIZE, st.st_size,
                        ((off_t)p->pieces + 1) * (off_t)PARTIAL_RECORD_BYTES);
    }
#else
    (void)p;
#endif
}

ps_status partial_state_clear(struct partial *p, ps_posix_error *error)
{
    uint8_t header[HEADER_MAX];
    size_t len = make_header(p, header);
    return begin(p, header, len, error);
}

void partial_state_close(struct partial *p)
{
    uint8_t record[PARTIAL_RECORD_BYTES], part[PS_ROOT_BYTES];
    ps_posix_file file;
    ps_posix_error error;
    /* First the bytes, then the word that they are there. */
    if (ps_posix_sync(p->part, &error) == PS_OK &&
        ps_posix_stat_file(p->part, &file, &error) == PS_OK) {
        describe(&file, part);
        make_record(p, CLEAN_END, part, record);
        (void)append(p, record, &error);
    }
}
