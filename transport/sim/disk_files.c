/* A disk's files and names, each as it is read and as it is safe, with the changes between. */
#include "sim/disk_files.h"

#include <stdlib.h>
#include <string.h>

/* An array of pieces of `size` bytes with room for one more; NULL: no memory, and it stays. */
static void *room(void *table, size_t len, size_t *cap, size_t size)
{
    if (len < *cap) {
        return table;
    }
    const size_t more = *cap > 0 ? 2 * *cap : 8;
    void *grown = realloc(table, more * size);
    *cap = grown ? more : *cap;
    return grown;
}

/* ---- bytes ---- */

static bool reserve(ps_sim_bytes *b, uint64_t len)
{
    if (len <= b->cap) {
        return true;
    }
    if (len > SIZE_MAX / 2) {
        return false;
    }
    const size_t cap = (size_t)len < 2 * b->cap ? 2 * b->cap : (size_t)len;
    uint8_t *data = (uint8_t *)realloc(b->data, cap);
    if (!data) {
        return false;
    }
    b->data = data;
    b->cap = cap;
    return true;
}

/* The room was reserved. */
static void resize(ps_sim_bytes *b, uint64_t len)
{
    if (len > b->len) {
        memset(b->data + b->len, 0, (size_t)len - b->len);
    }
    b->len = (size_t)len;
}

/* Applies bytes [from, from + len) of a change, or its length. The room was reserved. */
static void apply(ps_sim_bytes *b, const ps_sim_change *change, size_t from, size_t len)
{
    const uint64_t at = change->offset + from;
    if (!change->data) {
        resize(b, change->offset);
    } else if (len > 0) {
        if (at + len > b->len) {
            resize(b, at + len);
        }
        memcpy(b->data + at, change->data + from, len);
    }
}

/* ---- names ---- */

static size_t place_of(const ps_sim_names *names, const char *name)
{
    size_t i = 0;
    while (i < names->len && strcmp(names->table[i].name, name) != 0) {
        i++;
    }
    return i;
}

static void set_name(char out[PS_SIM_DISK_NAME_MAX + 1], const char *name)
{
    memset(out, 0, PS_SIM_DISK_NAME_MAX + 1);
    memcpy(out, name, strlen(name) + 1);
}

static void take_name(ps_sim_names *names, const char *name)
{
    const size_t i = place_of(names, name);
    if (i < names->len) {
        names->len--;
        memmove(&names->table[i], &names->table[i + 1], (names->len - i) * sizeof *names->table);
    }
}

/* The room was reserved. */
static void rename_in(ps_sim_names *names, const ps_sim_renaming *r)
{
    take_name(names, r->from);
    if (r->file != PS_SIM_NONE) {
        take_name(names, r->to);
        set_name(names->table[names->len].name, r->to);
        names->table[names->len++].file = r->file;
    }
}

uint32_t ps_sim_files_find(const ps_sim_files *fs, const char *name)
{
    const size_t i = place_of(&fs->now, name);
    return i < fs->now.len ? fs->now.table[i].file : PS_SIM_NONE;
}

static bool names_room(ps_sim_names *names, size_t len)
{
    while (names->cap < len) {
        ps_sim_name *table =
            (ps_sim_name *)room(names->table, names->cap, &names->cap, sizeof *table);
        if (!table) {
            return false;
        }
        names->table = table;
    }
    return true;
}

static bool names_change(ps_sim_files *fs, const char *from, const char *to, uint32_t file)
{
    /* As many as could ever be safe, or in use after a cut, at a time: neither lacks room. (After a
     * sync that failed and was forgotten more can be in use than are on their way.) */
    const size_t on_their_way = fs->stable.len + fs->renamings_len;
    const size_t most = (fs->now.len > on_their_way ? fs->now.len : on_their_way) + 1;
    if (!names_room(&fs->now, most) || !names_room(&fs->stable, most)) {
        return false;
    }
    ps_sim_renaming *renamings = (ps_sim_renaming *)room(fs->renamings, fs->renamings_len,
                                                         &fs->renamings_cap, sizeof *renamings);
    if (!renamings) {
        return false;
    }
    fs->renamings = renamings;
    ps_sim_renaming *r = &fs->renamings[fs->renamings_len++];
    *r = (ps_sim_renaming){.seq = ++fs->seq, .file = file};
    set_name(r->from, from);
    set_name(r->to, to);
    rename_in(&fs->now, r);
    return true;
}

/* Whether anything names the file, or will if a change becomes durable. */
static bool is_named(const ps_sim_files *fs, uint32_t file)
{
    bool named = false;
    for (size_t i = 0; i < fs->now.len; i++) {
        named = named || fs->now.table[i].file == file;
    }
    for (size_t i = 0; i < fs->stable.len; i++) {
        named = named || fs->stable.table[i].file == file;
    }
    for (size_t i = 0; i < fs->renamings_len; i++) {
        named = named || fs->renamings[i].file == file;
    }
    return named;
}

static void drop_changes(ps_sim_file *f, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        free(f->changes[i].data);
    }
    f->changes_len -= count;
    if (f->changes_len > 0) {
        memmove(f->changes, f->changes + count, f->changes_len * sizeof *f->changes);
    }
}

static void file_free(ps_sim_file *f)
{
    drop_changes(f, f->changes_len);
    free(f->changes);
    free(f->now.data);
    free(f->stable.data);
    *f = (ps_sim_file){0};
}

/* Files that nothing names can be read no more, whatever happens. */
static void sweep(ps_sim_files *fs)
{
    for (uint32_t i = 0; i < fs->len; i++) {
        if (fs->table[i].used && !is_named(fs, i)) {
            file_free(&fs->table[i]);
        }
    }
}

uint32_t ps_sim_files_make(ps_sim_files *fs, const char *name)
{
    uint32_t file = 0;
    while (file < fs->len && fs->table[file].used) {
        file++;
    }
    if (file == fs->len) {
        ps_sim_file *table = (ps_sim_file *)room(fs->table, fs->len, &fs->cap, sizeof *table);
        if (!table) {
            return PS_SIM_NONE;
        }
        fs->table = table;
        fs->table[fs->len++] = (ps_sim_file){0};
    }
    if (!names_change(fs, "", name, file)) {
        return PS_SIM_NONE;
    }
    fs->table[file].used = true;
    return file;
}

bool ps_sim_files_rename(ps_sim_files *fs, const char *from, const char *to)
{
    const uint32_t file = to ? ps_sim_files_find(fs, from) : PS_SIM_NONE;
    return names_change(fs, from, to ? to : "", file);
}

/* ---- changes of files ---- */

bool ps_sim_files_change(ps_sim_files *fs, uint32_t file, uint64_t offset, const void *data,
                         size_t len)
{
    ps_sim_file *f = &fs->table[file];
    const uint64_t end = data ? offset + len : offset;
    if (end < offset || !reserve(&f->now, end) || !reserve(&f->stable, end)) {
        return false;
    }
    ps_sim_change *changes =
        (ps_sim_change *)room(f->changes, f->changes_len, &f->changes_cap, sizeof *changes);
    if (!changes) {
        return false;
    }
    f->changes = changes;
    ps_sim_change change = {.offset = offset, .len = len};
    if (data) {
        change.data = (uint8_t *)malloc(len);
        if (!change.data) {
            return false;
        }
        memcpy(change.data, data, len);
    }
    change.seq = ++fs->seq;
    f->changes[f->changes_len++] = change;
    apply(&f->now, &change, 0, len);
    return true;
}

static size_t changes_until(const ps_sim_file *f, uint64_t seq)
{
    size_t count = 0;
    while (count < f->changes_len && f->changes[count].seq <= seq) {
        count++;
    }
    return count;
}

uint64_t ps_sim_files_unsynced(const ps_sim_files *fs, uint32_t file, uint64_t seq)
{
    uint64_t bytes = 0;
    for (uint32_t i = 0; i < fs->len; i++) {
        const ps_sim_file *f = &fs->table[i];
        const size_t count = file == i || file == PS_SIM_NONE ? changes_until(f, seq) : 0;
        for (size_t k = 0; k < count; k++) {
            bytes += f->changes[k].len;
        }
    }
    return bytes;
}

static void settle_names(ps_sim_files *fs, uint64_t seq, bool forget)
{
    size_t count = 0;
    while (count < fs->renamings_len && fs->renamings[count].seq <= seq) {
        if (!forget) {
            rename_in(&fs->stable, &fs->renamings[count]);
        }
        count++;
    }
    fs->renamings_len -= count;
    if (fs->renamings_len > 0) {
        memmove(fs->renamings, fs->renamings + count, fs->renamings_len * sizeof *fs->renamings);
    }
    sweep(fs);
}

void ps_sim_files_settle(ps_sim_files *fs, uint32_t file, uint64_t seq, bool forget)
{
    if (file == PS_SIM_NONE) {
        settle_names(fs, seq, forget);
        return;
    }
    ps_sim_file *f = &fs->table[file];
    const size_t count = changes_until(f, seq);
    for (size_t i = 0; i < count && !forget; i++) {
        apply(&f->stable, &f->changes[i], 0, f->changes[i].len);
    }
    drop_changes(f, count);
}

/* ---- cuts ---- */

static uint64_t scatter(ps_sim_bytes *b, const ps_sim_change *change, ps_sim_rng *rng)
{
    if (!change->data) {
        if (ps_sim_rng_below(rng, 2) == 0) {
            apply(b, change, 0, 0);
        }
        return 0;
    }
    uint64_t lost = 0;
    for (size_t from = 0, len; from < change->len; from += len) {
        /* Up to the end of the sector that it is in. */
        const uint64_t at = change->offset + from;
        const size_t left = change->len - from;
        len = PS_SIM_DISK_SECTOR - (size_t)(at % PS_SIM_DISK_SECTOR);
        len = left < len ? left : len;
        if (ps_sim_rng_below(rng, 2) == 0) {
            apply(b, change, from, len);
        } else {
            lost += len;
        }
    }
    return lost;
}

static uint64_t cut_file(ps_sim_file *f, ps_sim_disk_tail tail, ps_sim_rng *rng)
{
    uint64_t total = 0;
    for (size_t i = 0; i < f->changes_len; i++) {
        total += f->changes[i].len;
    }
    uint64_t left = 0;
    if (tail == PS_SIM_DISK_TORN && f->changes_len > 0) {
        left = ps_sim_rng_below(rng, total + 1);
    }
    uint64_t lost = tail == PS_SIM_DISK_SCATTERED ? 0 : total - left;
    for (size_t i = 0; i < f->changes_len && tail != PS_SIM_DISK_LOST; i++) {
        const ps_sim_change *change = &f->changes[i];
        if (tail == PS_SIM_DISK_SCATTERED) {
            lost += scatter(&f->stable, change, rng);
            continue;
        }
        const size_t len = change->len < left ? change->len : (size_t)left;
        apply(&f->stable, change, 0, len);
        left -= len;
        if (len < change->len) {
            break;
        }
    }
    drop_changes(f, f->changes_len);
    /* There is room: it was made for both at each change. */
    f->now.len = f->stable.len;
    if (f->now.len > 0) {
        memcpy(f->now.data, f->stable.data, f->now.len);
    }
    return lost;
}

uint64_t ps_sim_files_cut(ps_sim_files *fs, ps_sim_disk_tail tail, ps_sim_rng *rng)
{
    uint64_t lost = 0;
    for (uint32_t i = 0; i < fs->len; i++) {
        lost += fs->table[i].used ? cut_file(&fs->table[i], tail, rng) : 0;
    }
    size_t kept = 0;
    if (tail != PS_SIM_DISK_LOST && fs->renamings_len > 0) {
        kept = (size_t)ps_sim_rng_below(rng, fs->renamings_len + 1);
    }
    for (size_t i = 0; i < kept; i++) {
        rename_in(&fs->stable, &fs->renamings[i]);
    }
    fs->renamings_len = 0;
    fs->now.len = fs->stable.len;
    if (fs->now.len > 0) {
        memcpy(fs->now.table, fs->stable.table, fs->now.len * sizeof *fs->now.table);
    }
    sweep(fs);
    return lost;
}

void ps_sim_files_free(ps_sim_files *fs)
{
    for (uint32_t i = 0; i < fs->len; i++) {
        file_free(&fs->table[i]);
    }
    free(fs->table);
    free(fs->now.table);
    free(fs->stable.table);
    free(fs->renamings);
}
