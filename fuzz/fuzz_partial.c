/* The state of a download that was broken off, in files that are memory. A first life records
 * pieces; then tails are torn, bits flipped, records repeated and made up with a right check and
 * without. What the next life reads is held to a walk of its own over the bytes: no piece is
 * believed that no whole record names, the part is trusted by its last record alone, and a file
 * that is not this state is begun anew. */
#include "harness.h"

#include "partial_state.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

enum {
    PIECES_MAX = 300,
    HASH = PARTIAL_RECORD_BYTES - 8,
    HEADER_FIXED = 8 + 8 + PS_ROOT_BYTES + 2 + 8,
    FILE_MAX = 96 * 1024
};

/* One life of a download. */
typedef struct life {
    struct partial p;
    char name[256];
} life;

static int memory_file(int flags)
{
    const int fd = memfd_create("fuzz", MFD_CLOEXEC);
    must(fd >= 0 && fcntl(fd, F_SETFL, flags) == 0);
    return fd;
}

static void life_begin(life *l, const char *name, const ps_content *content, int part, int state)
{
    ps_posix_error error;
    memset(l, 0, sizeof *l);
    snprintf(l->name, sizeof l->name, "%s", name);
    l->p = (struct partial){.crypto = ps_sim_crypto(),
                            .content = *content,
                            .name = l->name,
                            .dir = -1,
                            .part = part,
                            .state = state,
                            .pieces = (uint32_t)ps_piece_count(content->length)};
    l->p.have = calloc(l->p.pieces / 8 + 1, 1);
    l->p.layer = calloc(l->p.pieces + 1u, sizeof *l->p.layer);
    must(l->p.have != NULL && l->p.layer != NULL);
    partial_state_names(&l->p);
    must(strlen(l->p.part_name) == strlen(l->p.state_name) - 1);
    must(ps_posix_stat_file(part, &l->p.found, &error) == PS_OK);
}

static void life_end(const life *l)
{
    free(l->p.have);
    free(l->p.layer);
}

/* All of a file. @return its length. */
static size_t contents(int fd, uint8_t *out)
{
    const off_t len = lseek(fd, 0, SEEK_END);
    must(len >= 0 && len <= FILE_MAX && pread(fd, out, (size_t)len, 0) == len);
    return (size_t)len;
}

static void check_of(const struct partial *p, const uint8_t *record, uint8_t out[4])
{
    ps_sha256 sha;
    uint8_t digest[32];
    ps_sim_crypto()->sha256_init(&sha);
    ps_sim_crypto()->sha256_update(&sha, p->seed, sizeof p->seed);
    ps_sim_crypto()->sha256_update(&sha, record, PARTIAL_RECORD_BYTES - 4);
    ps_sim_crypto()->sha256_final(&sha, digest);
    memcpy(out, digest, 4);
}

static bool whole(const struct partial *p, const uint8_t *record)
{
    uint8_t check[4];
    check_of(p, record, check);
    return memcmp(check, record + PARTIAL_RECORD_BYTES - 4, 4) == 0;
}

static bool zero(const uint8_t *bytes, size_t len)
{
    size_t i = 0;
    while (i < len && bytes[i] == 0) {
        i++;
    }
    return i == len;
}

/* Whether a record says what the part is now. */
static bool describes(const struct partial *p, const uint8_t *record)
{
    return load(record, 4) == UINT32_MAX && load(record + 4, 8) == p->found.size &&
           load(record + 12, 8) == p->found.inode &&
           load(record + 20, 8) == (uint64_t)p->found.mtime_ns &&
           load(record + 28, 8) == (uint64_t)p->found.ctime_ns;
}

static size_t header_of(const struct partial *p)
{
    return HEADER_FIXED + strlen(p->name);
}

/* The header as the format has it. @return its length. */
static size_t make_header(const struct partial *p, uint8_t *out)
{
    const size_t name = strlen(p->name);
    memcpy(out, "PSPART1\n", 8);
    ps_store64(out + 8, p->content.length);
    memcpy(out + 16, p->content.root, PS_ROOT_BYTES);
    out[48] = (uint8_t)(name >> 8);
    out[49] = (uint8_t)name;
    memcpy(out + 50, p->name, name);
    memcpy(out + 50 + name, p->seed, 8);
    return 58 + name;
}

/* Holds what was read to the bytes that were there. */
static void check_read(const struct partial *p, const uint8_t *file, size_t len)
{
    uint8_t header[HEADER_FIXED + 256];
    const size_t head = make_header(p, header);
    const bool ours = len >= head && memcmp(file, header, head) == 0;
    const size_t records = ours ? (len - head) / PARTIAL_RECORD_BYTES : 0;
    const uint8_t *last[PIECES_MAX + 1] = {NULL};
    must(head == header_of(p) && p->fresh == !ours);
    const uint8_t *record = file + head;
    for (size_t i = 0; i < records; i++, record += PARTIAL_RECORD_BYTES) {
        if (load(record, 4) < p->pieces && whole(p, record)) {
            last[load(record, 4)] = record;
        }
    }
    record -= PARTIAL_RECORD_BYTES;
    must(p->trusted == (records == 0 || (whole(p, record) && describes(p, record))));
    for (uint32_t i = 0; i < p->pieces; i++) {
        const bool has = last[i] != NULL && !zero(last[i] + 4, HASH);
        must(partial_has(p, i) == has);
        must(has ? memcmp(p->layer[i].bytes, last[i] + 4, HASH) == 0
                 : zero(p->layer[i].bytes, HASH));
    }
    must(lseek(p->state, 0, SEEK_END) ==
         (off_t)(head + records * PARTIAL_RECORD_BYTES)); /* What is torn is cut off. */
}

/* The next life reads what is there, and one after it the same. */
static void read_twice(life *l, const ps_content *content, const char *name, int part, int state)
{
    static uint8_t file[FILE_MAX];
    ps_posix_error error;
    life again;
    const size_t len = contents(state, file);
    life_begin(l, name, content, part, state);
    must(partial_state_read(&l->p, &error) == PS_OK);
    check_read(&l->p, file, len);
    life_begin(&again, name, content, part, state);
    must(partial_state_read(&again.p, &error) == PS_OK);
    must(!again.p.fresh && again.p.trusted == l->p.trusted);
    must(memcmp(again.p.have, l->p.have, l->p.pieces / 8 + 1) == 0);
    must(memcmp(again.p.layer, l->p.layer, l->p.pieces * sizeof *l->p.layer) == 0);
    life_end(&again);
}

static uint32_t piece_of(tape *t, const struct partial *p)
{
    const uint8_t kind = take8(t);
    return kind == 255 ? UINT32_MAX : kind >= 250 ? p->pieces + kind - 250 : kind % (p->pieces + 1);
}

/* A record that nobody may have written: of any number, checked or not, many times. */
static void make_up(tape *t, const struct partial *p)
{
    uint8_t record[PARTIAL_RECORD_BYTES] = {0};
    const uint8_t kind = take8(t);
    const uint32_t piece = piece_of(t, p);
    ps_store64(record + 32, take64(t));
    memset(record + 4, kind & 1u ? take8(t) : 0, HASH);
    if ((kind & 2u) != 0) {
        ps_store64(record + 4, p->found.size);
        ps_store64(record + 12, p->found.inode);
        ps_store64(record + 20, (uint64_t)p->found.mtime_ns);
        ps_store64(record + 28, (uint64_t)p->found.ctime_ns);
    }
    for (int i = 0; i < 4; i++) {
        record[i] = (uint8_t)(piece >> (24 - 8 * i));
    }
    if ((kind & 4u) != 0) {
        check_of(p, record, record + PARTIAL_RECORD_BYTES - 4);
    }
    const unsigned times = (kind & 8u) != 0 ? 1100u : 1u; /* More than are read at once. */
    for (unsigned i = 0; i < times && lseek(p->state, 0, SEEK_END) < FILE_MAX / 3; i++) {
        must(write(p->state, record, sizeof record) == (ssize_t)sizeof record);
    }
}

static void tear(tape *t, int state)
{
    const off_t len = lseek(state, 0, SEEK_END);
    const uint8_t kind = take8(t);
    const off_t at = len > 0 ? (off_t)(take64(t) % (uint64_t)len) : 0;
    uint8_t byte = 0;
    if ((kind & 1u) != 0) {
        must(ftruncate(state, kind & 2u ? len - at % 64 : at) == 0 || at % 64 > len);
    } else if (pread(state, &byte, 1, at) == 1) {
        byte ^= (uint8_t)(1u << (kind >> 1) % 8);
        /* What appends only does so wherever it is told to write. */
        must(fcntl(state, F_SETFL, 0) == 0 && pwrite(state, &byte, 1, at) == 1);
        must(fcntl(state, F_SETFL, O_APPEND) == 0);
    }
}

static void live(tape *t, life *l)
{
    ps_posix_error error;
    for (unsigned steps = take8(t) % 64; steps > 0 && t->left > 0; steps--) {
        struct partial *p = &l->p;
        const uint8_t what = take8(t);
        ps_node hash = {{0}};
        switch (what % 8) {
        case 0:
            tear(t, p->state);
            break;
        case 1:
            make_up(t, p);
            break;
        case 2:
            must(partial_state_clear(p, &error) == PS_OK);
            must(lseek(p->state, 0, SEEK_END) == (off_t)header_of(p));
            break;
        default:
            memset(hash.bytes, what & 0xf8u, sizeof hash.bytes);
            if (p->pieces > 0) {
                must(partial_state_append(p, take8(t) % p->pieces, &hash, &error) == PS_OK);
            }
            break;
        }
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char room[256];
    life l;
    ps_posix_error error;
    if (size < 4 || size > FILE_MAX / 3) {
        return 0;
    }
    tape t = {data, size};
    const uint8_t kind = take8(&t);
    ps_content content = {.length = take64(&t) % ((uint64_t)PIECES_MAX * PS_PIECE_BYTES + 1)};
    memset(content.root, kind, sizeof content.root);
    const char *name = text_of(&t, room);
    const int part = memory_file(O_RDWR);
    const int state = memory_file(O_RDWR | O_APPEND);
    if ((kind & 1u) != 0) { /* Somebody's file. */
        must(write(state, t.at, t.left) == (ssize_t)t.left);
        t.left = 0;
    } else if ((kind & 2u) != 0) { /* A header of this state, and what may come. */
        uint8_t header[HEADER_FIXED + 256];
        life_begin(&l, name, &content, part, state);
        const size_t head = make_header(&l.p, header);
        must(write(state, header, head) == (ssize_t)head);
        must(write(state, t.at, t.left / 2) == (ssize_t)(t.left / 2));
        life_end(&l);
        t.at += t.left / 2;
        t.left -= t.left / 2;
    }
    for (int lives = 0; lives < 3; lives++) {
        read_twice(&l, &content, name, part, state);
        live(&t, &l);
        const bool clean = (take8(&t) & 1u) != 0;
        const bool grow = (take8(&t) & 1u) != 0;
        if (clean) {
            partial_state_close(&l.p);
        }
        life_end(&l);
        must(!grow || ftruncate(part, lseek(part, 0, SEEK_END) + 1) == 0);
        /* A clean end is believed, where it stands right; a part that has changed since is not. */
        const off_t len = lseek(state, 0, SEEK_END);
        life_begin(&l, name, &content, part, state);
        must(partial_state_read(&l.p, &error) == PS_OK);
        const off_t behind = len - (off_t)header_of(&l.p);
        if (clean && !l.p.fresh && behind >= 0 && behind % PARTIAL_RECORD_BYTES == 0) {
            must(l.p.trusted == !grow);
        }
        life_end(&l);
    }
    close(part);
    close(state);
    return 0;
}
