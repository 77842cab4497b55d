/**
 * @file sim_disk.h
 * Disks of a simulated network: slow, full, failing and lying ones, and what is left after power
 * has gone.
 *
 * A disk is one flat directory of files. Everything is written to a cache first: it is read back at
 * once, and outlives the process (ps_sim_crash() does not touch a disk), but only a sync that has
 * ended makes it outlive ps_sim_disk_cut(). Names are synced apart from what is in the files, as a
 * directory is: a file that was made, renamed or removed is so for good after a sync of the names.
 *
 * Nothing waits. What takes time says when it ends, by the simulator's clock, one thing after the
 * other; the host asks for a deadline then, or charges its node until then (ps_sim_charge()), as
 * its real counterpart works beside its disk or stands still. Writing is free until it is synced.
 *
 * Chance comes from a generator of the disk's own, made from the simulator's seed and the disk's
 * number: a disk more leaves all else as it was. Failures and cuts are in the trace.
 */
#ifndef PEERSYNC_SIM_DISK_H
#define PEERSYNC_SIM_DISK_H

#include "peersync/sim.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct ps_sim_disk ps_sim_disk;

/** Longest name, in bytes without the end. */
#define PS_SIM_DISK_NAME_MAX 63u
/** For ps_sim_disk_write(): after the last byte. */
#define PS_SIM_DISK_END UINT64_MAX
/** What a disk writes whole or not at all. */
#define PS_SIM_DISK_SECTOR 512u

typedef enum ps_sim_disk_result {
    PS_SIM_DISK_OK,
    PS_SIM_DISK_AGAIN,  /**< The sync has not ended. */
    PS_SIM_DISK_ABSENT, /**< No file of that name; a sync that is not known (any more). */
    PS_SIM_DISK_FULL,   /**< By capacity_bytes, or no memory: nothing was written. */
    PS_SIM_DISK_FAILED, /**< An error of the disk: nothing was done. */
    PS_SIM_DISK_INVALID /**< A bug of the caller: a null, a name that is empty or too long. */
} ps_sim_disk_result;

/** What can fail. */
typedef enum ps_sim_disk_op {
    PS_SIM_DISK_READ,
    PS_SIM_DISK_WRITE, /**< And cutting a file. */
    PS_SIM_DISK_NAME,  /**< Making (by a first write), renaming, removing. */
    PS_SIM_DISK_SYNC,
    PS_SIM_DISK_OPS
} ps_sim_disk_op;

/** What a cut leaves of what was not synced. */
typedef enum ps_sim_disk_tail {
    PS_SIM_DISK_LOST, /**< Nothing. */
    PS_SIM_DISK_TORN, /**< What was written first, up to any byte; of each file its own. Names up
                           to any of their changes. */
    PS_SIM_DISK_SCATTERED /**< Of each write each sector or not, by the toss of a coin: as a disk
                               does that writes in its own order. Names as with TORN. */
} ps_sim_disk_tail;

/** A disk's manners; all can change at any time. All zero but `size`: endless, fast and honest. */
typedef struct ps_sim_disk_config {
    size_t size;             /**< sizeof(ps_sim_disk_config). */
    uint64_t capacity_bytes; /**< Of all files together; 0: endless. */
    uint64_t rate_bytes_s;   /**< Of reads, and of what a sync has to write; 0: no time. */
    uint32_t read_us;        /**< Before each read. */
    uint32_t sync_us;        /**< Before each sync. */
    uint64_t fails_until_us; /**< Everything that ends before this fails. */
    uint32_t fail_ppm[PS_SIM_DISK_OPS]; /**< Of these operations, those that fail. */
    uint32_t fail_at[PS_SIM_DISK_OPS];  /**< From now on the k-th such operation fails, once; 0:
                                             none. For sweeps: k = 1, 2, ... until none fires. */
    bool lies;    /**< A sync says that all went well, and has written nothing. */
    bool forgets; /**< What a failed sync should have written is taken for written: the next sync
                       says that all went well, and a cut takes it (as Linux did: "fsyncgate"). */
} ps_sim_disk_config;

/** A sync under way. */
typedef struct ps_sim_disk_ticket {
    uint64_t id;
    uint64_t done_us; /**< When ps_sim_disk_synced() knows. */
} ps_sim_disk_ticket;

/** Counters since the beginning, and sizes now. */
typedef struct ps_sim_disk_stats {
    uint64_t ops[PS_SIM_DISK_OPS];    /**< Those that failed too. */
    uint64_t failed[PS_SIM_DISK_OPS]; /**< Of them. */
    uint64_t full;                    /**< Writes refused by capacity_bytes. */
    uint64_t lied;                    /**< Syncs. */
    uint64_t cuts;
    uint64_t lost_bytes;     /**< Written bytes of which a cut left nothing. */
    uint64_t used_bytes;     /**< Of all files now. */
    uint64_t unsynced_bytes; /**< What a cut would touch now. */
} ps_sim_disk_stats;

/**
 * Makes an empty disk; ps_sim_destroy() frees it.
 * @return PS_OK; PS_INVALID a wrong configuration; PS_FAILED no memory.
 */
ps_status ps_sim_disk_create(ps_sim *sim, const ps_sim_disk_config *cfg, ps_sim_disk **out);
/** Other manners from now on. @return PS_OK; PS_INVALID a wrong configuration. */
ps_status ps_sim_disk_set(ps_sim_disk *disk, const ps_sim_disk_config *cfg);

/**
 * Writes at an offset, making the file if it is not there; a gap before it is zeros.
 * @return OK; FULL; FAILED; INVALID.
 */
ps_sim_disk_result ps_sim_disk_write(ps_sim_disk *disk, const char *name, uint64_t offset,
                                     const void *data, size_t len);
/** Makes a file that long: cuts it, or adds zeros. @return OK; ABSENT; FULL; FAILED; INVALID. */
ps_sim_disk_result ps_sim_disk_truncate(ps_sim_disk *disk, const char *name, uint64_t len);
/**
 * Reads what is there, at most cap bytes.
 * @param n how many; less than cap at the end. @param done_us when they are there; may be NULL.
 * @return OK; ABSENT; FAILED (after its time); INVALID.
 */
ps_sim_disk_result ps_sim_disk_read(ps_sim_disk *disk, const char *name, uint64_t offset, void *buf,
                                    size_t cap, size_t *n, uint64_t *done_us);
/** A file's length. @return OK; ABSENT; INVALID. */
ps_sim_disk_result ps_sim_disk_length(ps_sim_disk *disk, const char *name, uint64_t *len);
/** The name of file i, in the order in which they got it; NULL after the last. */
const char *ps_sim_disk_name(ps_sim_disk *disk, size_t i);
/** Renames at a stroke; what had the name is gone. @return OK; ABSENT; FAILED; FULL; INVALID. */
ps_sim_disk_result ps_sim_disk_rename(ps_sim_disk *disk, const char *from, const char *to);
/** Removes. @return OK; ABSENT; FAILED; FULL; INVALID. */
ps_sim_disk_result ps_sim_disk_remove(ps_sim_disk *disk, const char *name);

/**
 * Begins to make durable what was written to a file until now, or (name NULL) what happened to the
 * names. @return OK, and a ticket; ABSENT; FULL no memory; INVALID.
 */
ps_sim_disk_result ps_sim_disk_sync(ps_sim_disk *disk, const char *name,
                                    ps_sim_disk_ticket *ticket);
/**
 * Syncs for a host that stands still meanwhile, as at its start: says at once how it ends.
 * @param done_us when it ends, as of a read; may be NULL.
 * @return OK it is durable (or the disk lies); FAILED; ABSENT; FULL no memory; INVALID.
 */
ps_sim_disk_result ps_sim_disk_flush(ps_sim_disk *disk, const char *name, uint64_t *done_us);
/**
 * How a sync ended. Ask each until it says something else than AGAIN: then it is forgotten.
 * @return OK it is durable (or the disk lies); AGAIN; FAILED; ABSENT (a cut ended it).
 */
ps_sim_disk_result ps_sim_disk_synced(ps_sim_disk *disk, uint64_t id);

/** The power goes and comes back: what was not synced is treated so, syncs under way end. */
void ps_sim_disk_cut(ps_sim_disk *disk, ps_sim_disk_tail tail);

/** Copies the counters. */
void ps_sim_disk_stats_get(ps_sim_disk *disk, ps_sim_disk_stats *stats);

#ifdef __cplusplus
}
#endif

#endif
