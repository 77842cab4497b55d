/* Disks: what takes how long, what fails, and when it is durable. */
#include "sim/disk_files.h"

#include <stdlib.h>
#include <string.h>

/* Another number of the same seed: "disk", in ASCII. */
#define DISK_SEED UINT64_C(0x6469736b)

/* A sync under way, or of which nobody has asked yet how it ended. */
typedef struct sync_job {
    uint64_t id, done_us;
    uint32_t file; /* PS_SIM_NONE: the names. */
    uint64_t seq;  /* What was changed up to here. */
    ps_sim_disk_result result;
} sync_job;

struct ps_sim_disk {
    ps_sim *sim;
    ps_sim_disk *next; /* Of the simulator's. */
    uint32_t id;
    ps_sim_disk_config cfg;
    ps_sim_rng rng;
    ps_sim_files files;
    uint64_t busy_until_us;
    sync_job *jobs;
    size_t jobs_len, jobs_cap;
    uint64_t job_ids;
    ps_sim_disk_stats stats;
};

static bool possible(const ps_sim_disk_config *cfg)
{
    return cfg && cfg->size == sizeof *cfg;
}

ps_status ps_sim_disk_create(ps_sim *sim, const ps_sim_disk_config *cfg, ps_sim_disk **out)
{
    if (!sim || !out || !possible(cfg)) {
        return PS_INVALID;
    }
    ps_sim_disk *disk = (ps_sim_disk *)calloc(1, sizeof *disk);
    if (!disk) {
        return PS_FAILED;
    }
    disk->sim = sim;
    disk->id = sim->disks ? sim->disks->id + 1 : 0;
    disk->cfg = *cfg;
    ps_sim_rng_seed(&disk->rng, sim->cfg.seed ^ ps_sim_mix(DISK_SEED + disk->id));
    disk->next = sim->disks;
    sim->disks = disk;
    *out = disk;
    return PS_OK;
}

void ps_sim_disks_free(ps_sim *sim)
{
    while (sim->disks) {
        ps_sim_disk *disk = sim->disks;
        sim->disks = disk->next;
        ps_sim_files_free(&disk->files);
        free(disk->jobs);
        free(disk);
    }
}

/* ---- failures and times ---- */

/* Whether an operation that ends at `at_us` fails. Always one draw where there is a chance. */
static bool fails(ps_sim_disk *disk, ps_sim_disk_op op, uint64_t at_us)
{
    disk->stats.ops[op]++;
    bool failed = at_us < disk->cfg.fails_until_us;
    if (disk->cfg.fail_at[op] > 0) {
        disk->cfg.fail_at[op]--;
        failed = failed || disk->cfg.fail_at[op] == 0;
    }
    if (disk->cfg.fail_ppm[op] > 0) {
        failed = ps_sim_rng_chance(&disk->rng, disk->cfg.fail_ppm[op]) || failed;
    }
    if (failed) {
        disk->stats.failed[op]++;
        ps_sim_trace(disk->sim, PS_SIM_DISK_ERROR, disk->id, (uint32_t)op, NULL, 0);
    }
    return failed;
}

/* When this is done too. */
static uint64_t takes(ps_sim_disk *disk, uint64_t us, uint64_t bytes)
{
    const uint64_t now_us = disk->sim->now_us;
    if (disk->cfg.rate_bytes_s > 0) {
        us += ps_sim_transmit_us(disk->cfg.rate_bytes_s, bytes);
    }
    disk->busy_until_us = (disk->busy_until_us > now_us ? disk->busy_until_us : now_us) + us;
    return disk->busy_until_us;
}

static void end_sync(ps_sim_disk *disk, sync_job *job)
{
    if (fails(disk, PS_SIM_DISK_SYNC, job->done_us)) {
        job->result = PS_SIM_DISK_FAILED;
        if (disk->cfg.forgets) {
            ps_sim_files_settle(&disk->files, job->file, job->seq, true);
        }
        return;
    }
    job->result = PS_SIM_DISK_OK;
    if (disk->cfg.lies) {
        disk->stats.lied++;
    } else {
        ps_sim_files_settle(&disk->files, job->file, job->seq, false);
    }
}

/* Syncs whose time has come end, in order. */
static void work(ps_sim_disk *disk)
{
    for (size_t i = 0; i < disk->jobs_len; i++) {
        sync_job *job = &disk->jobs[i];
        if (job->result == PS_SIM_DISK_AGAIN && job->done_us <= disk->sim->now_us) {
            end_sync(disk, job);
        }
    }
}

ps_status ps_sim_disk_set(ps_sim_disk *disk, const ps_sim_disk_config *cfg)
{
    if (!disk || !possible(cfg)) {
        return PS_INVALID;
    }
    work(disk); /* What has ended did so under the old ones. */
    disk->cfg = *cfg;
    return PS_OK;
}

/* ---- files ---- */

static bool is_name(const char *name)
{
    size_t len = 0;
    while (name && len <= PS_SIM_DISK_NAME_MAX && name[len] != '\0') {
        len++;
    }
    return len >= 1 && len <= PS_SIM_DISK_NAME_MAX;
}

static uint64_t used(const ps_sim_disk *disk)
{
    uint64_t bytes = 0;
    for (size_t i = 0; i < disk->files.now.len; i++) {
        bytes += disk->files.table[disk->files.now.table[i].file].now.len;
    }
    return bytes;
}

static bool fits(ps_sim_disk *disk, uint64_t len, uint64_t grown)
{
    const bool full = grown > len && disk->cfg.capacity_bytes > 0 &&
                      used(disk) + (grown - len) > disk->cfg.capacity_bytes;
    disk->stats.full += full ? 1u : 0u;
    return !full;
}

/* Bytes, or (data NULL) a new length, for a file that is there. */
static ps_sim_disk_result change(ps_sim_disk *disk, uint32_t file, uint64_t offset,
                                 const void *data, size_t len)
{
    const uint64_t old = disk->files.table[file].now.len;
    if (fails(disk, PS_SIM_DISK_WRITE, disk->sim->now_us)) {
        return PS_SIM_DISK_FAILED;
    }
    if (offset + len < offset || !fits(disk, old, offset + len) ||
        !ps_sim_files_change(&disk->files, file, offset, data, len)) {
        return PS_SIM_DISK_FULL;
    }
    return PS_SIM_DISK_OK;
}

ps_sim_disk_result ps_sim_disk_write(ps_sim_disk *disk, const char *name, uint64_t offset,
                                     const void *data, size_t len)
{
    if (!disk || !is_name(name) || (!data && len > 0)) {
        return PS_SIM_DISK_INVALID;
    }
    work(disk);
    uint32_t file = ps_sim_files_find(&disk->files, name);
    if (file == PS_SIM_NONE) {
        if (fails(disk, PS_SIM_DISK_NAME, disk->sim->now_us)) {
            return PS_SIM_DISK_FAILED;
        }
        file = ps_sim_files_make(&disk->files, name);
        if (file == PS_SIM_NONE) {
            return PS_SIM_DISK_FULL;
        }
    }
    const uint64_t at = offset == PS_SIM_DISK_END ? disk->files.table[file].now.len : offset;
    return len > 0 ? change(disk, file, at, data, len) : PS_SIM_DISK_OK;
}

ps_sim_disk_result ps_sim_disk_truncate(ps_sim_disk *disk, const char *name, uint64_t len)
{
    if (!disk || !is_name(name)) {
        return PS_SIM_DISK_INVALID;
    }
    work(disk);
    const uint32_t file = ps_sim_files_find(&disk->files, name);
    return file == PS_SIM_NONE ? PS_SIM_DISK_ABSENT : change(disk, file, len, NULL, 0);
}

ps_sim_disk_result ps_sim_disk_read(ps_sim_disk *disk, const char *name, uint64_t offset, void *buf,
                                    size_t cap, size_t *n, uint64_t *done_us)
{
    if (!disk || !is_name(name) || !n || (!buf && cap > 0)) {
        return PS_SIM_DISK_INVALID;
    }
    work(disk);
    *n = 0;
    const uint32_t file = ps_sim_files_find(&disk->files, name);
    if (file == PS_SIM_NONE) {
        return PS_SIM_DISK_ABSENT;
    }
    const ps_sim_bytes *b = &disk->files.table[file].now;
    const size_t there = offset < b->len ? b->len - (size_t)offset : 0;
    const size_t len = there < cap ? there : cap;
    const uint64_t end_us = takes(disk, disk->cfg.read_us, len);
    if (done_us) {
        *done_us = end_us;
    }
    if (fails(disk, PS_SIM_DISK_READ, end_us)) {
        return PS_SIM_DISK_FAILED;
    }
    if (len > 0) {
        memcpy(buf, b->data + offset, len);
    }
    *n = len;
    return PS_SIM_DISK_OK;
}

ps_sim_disk_result ps_sim_disk_length(ps_sim_disk *disk, const char *name, uint64_t *len)
{
    if (!disk || !is_name(name) || !len) {
        return PS_SIM_DISK_INVALID;
    }
    const uint32_t file = ps_sim_files_find(&disk->files, name);
    if (file == PS_SIM_NONE) {
        return PS_SIM_DISK_ABSENT;
    }
    *len = disk->files.table[file].now.len;
    return PS_SIM_DISK_OK;
}

const char *ps_sim_disk_name(ps_sim_disk *disk, size_t i)
{
    return disk && i < disk->files.now.len ? disk->files.now.table[i].name : NULL;
}

static ps_sim_disk_result rename_file(ps_sim_disk *disk, const char *from, const char *to)
{
    work(disk);
    if (ps_sim_files_find(&disk->files, from) == PS_SIM_NONE) {
        return PS_SIM_DISK_ABSENT;
    }
    if (fails(disk, PS_SIM_DISK_NAME, disk->sim->now_us)) {
        return PS_SIM_DISK_FAILED;
    }
    return ps_sim_files_rename(&disk->files, from, to) ? PS_SIM_DISK_OK : PS_SIM_DISK_FULL;
}

ps_sim_disk_result ps_sim_disk_rename(ps_sim_disk *disk, const char *from, const char *to)
{
    return disk && is_name(from) && is_name(to) ? rename_file(disk, from, to) : PS_SIM_DISK_INVALID;
}

ps_sim_disk_result ps_sim_disk_remove(ps_sim_disk *disk, const char *name)
{
    return disk && is_name(name) ? rename_file(disk, name, NULL) : PS_SIM_DISK_INVALID;
}

/* ---- syncs ---- */

static bool jobs_grow(ps_sim_disk *disk)
{
    if (disk->jobs_len < disk->jobs_cap) {
        return true;
    }
    const size_t cap = disk->jobs_cap > 0 ? 2 * disk->jobs_cap : 8;
    sync_job *jobs = (sync_job *)realloc(disk->jobs, cap * sizeof *jobs);
    if (!jobs) {
        return false;
    }
    disk->jobs = jobs;
    disk->jobs_cap = cap;
    return true;
}

ps_sim_disk_result ps_sim_disk_sync(ps_sim_disk *disk, const char *name, ps_sim_disk_ticket *ticket)
{
    if (!disk || !ticket || (name && !is_name(name))) {
        return PS_SIM_DISK_INVALID;
    }
    work(disk);
    const uint32_t file = name ? ps_sim_files_find(&disk->files, name) : PS_SIM_NONE;
    if (name && file == PS_SIM_NONE) {
        return PS_SIM_DISK_ABSENT;
    }
    if (!jobs_grow(disk)) {
        return PS_SIM_DISK_FULL;
    }
    const uint64_t seq = disk->files.seq;
    const uint64_t bytes = name ? ps_sim_files_unsynced(&disk->files, file, seq) : 0;
    *ticket = (ps_sim_disk_ticket){disk->job_ids++, takes(disk, disk->cfg.sync_us, bytes)};
    disk->jobs[disk->jobs_len++] =
        (sync_job){ticket->id, ticket->done_us, file, seq, PS_SIM_DISK_AGAIN};
    return PS_SIM_DISK_OK;
}

ps_sim_disk_result ps_sim_disk_flush(ps_sim_disk *disk, const char *name, uint64_t *done_us)
{
    ps_sim_disk_ticket ticket;
    const ps_sim_disk_result result = ps_sim_disk_sync(disk, name, &ticket);
    if (result != PS_SIM_DISK_OK) {
        return result;
    }
    sync_job job = disk->jobs[--disk->jobs_len];
    end_sync(disk, &job);
    if (done_us) {
        *done_us = job.done_us;
    }
    return job.result;
}

ps_sim_disk_result ps_sim_disk_synced(ps_sim_disk *disk, uint64_t id)
{
    if (!disk) {
        return PS_SIM_DISK_INVALID;
    }
    work(disk);
    for (size_t i = 0; i < disk->jobs_len; i++) {
        const ps_sim_disk_result result = disk->jobs[i].result;
        if (disk->jobs[i].id != id) {
            continue;
        }
        if (result != PS_SIM_DISK_AGAIN) {
            disk->jobs_len--;
            memmove(&disk->jobs[i], &disk->jobs[i + 1], (disk->jobs_len - i) * sizeof *disk->jobs);
        }
        return result;
    }
    return PS_SIM_DISK_ABSENT;
}

void ps_sim_disk_cut(ps_sim_disk *disk, ps_sim_disk_tail tail)
{
    work(disk);
    ps_sim_trace(disk->sim, PS_SIM_DISK_CUT, disk->id, (uint32_t)tail, NULL, 0);
    disk->stats.cuts++;
    disk->stats.lost_bytes += ps_sim_files_cut(&disk->files, tail, &disk->rng);
    disk->jobs_len = 0;
    disk->busy_until_us = 0;
}

void ps_sim_disk_stats_get(ps_sim_disk *disk, ps_sim_disk_stats *stats)
{
    work(disk);
    *stats = disk->stats;
    stats->used_bytes = used(disk);
    stats->unsynced_bytes = ps_sim_files_unsynced(&disk->files, PS_SIM_NONE, UINT64_MAX);
}
