/* What is on a disk: files as they are read and as a cut would leave them, and what lies between.
 */
#ifndef PS_SIM_DISK_FILES_H
#define PS_SIM_DISK_FILES_H

#include "peersync/sim_disk.h"
#include "sim/sim_internal.h"

typedef struct ps_sim_bytes {
    uint8_t *data;
    size_t len, cap;
} ps_sim_bytes;

/* A change of a file that is not durable: bytes at an offset, or (`data` NULL) a new length. */
typedef struct ps_sim_change {
    uint64_t seq;
    uint64_t offset;
    size_t len;
    uint8_t *data;
} ps_sim_change;

typedef struct ps_sim_file {
    bool used;
    ps_sim_bytes now, stable;
    ps_sim_change *changes;
    size_t changes_len, changes_cap;
} ps_sim_file;

typedef struct ps_sim_name {
    char name[PS_SIM_DISK_NAME_MAX + 1];
    uint32_t file;
} ps_sim_name;

typedef struct ps_sim_names {
    ps_sim_name *table;
    size_t len, cap;
} ps_sim_names;

/* `from` gone, or given to nobody (""); `to` names the file, or (PS_SIM_NONE) nothing does. */
typedef struct ps_sim_renaming {
    uint64_t seq;
    char from[PS_SIM_DISK_NAME_MAX + 1];
    char to[PS_SIM_DISK_NAME_MAX + 1];
    uint32_t file;
} ps_sim_renaming;

typedef struct ps_sim_files {
    ps_sim_file *table;
    uint32_t len;
    size_t cap;
    ps_sim_names now, stable;
    ps_sim_renaming *renamings;
    size_t renamings_len, renamings_cap;
    uint64_t seq; /* Of the last change. */
} ps_sim_files;

/* The file of that name, or PS_SIM_NONE. */
uint32_t ps_sim_files_find(const ps_sim_files *fs, const char *name);
/* An empty file of a new name; PS_SIM_NONE: no memory. */
uint32_t ps_sim_files_make(ps_sim_files *fs, const char *name);
/* Names without memory stay as they were: false. `to` NULL: removes. */
bool ps_sim_files_rename(ps_sim_files *fs, const char *from, const char *to);
/* Bytes, or (data NULL) a length. False: no memory, and nothing is changed. */
bool ps_sim_files_change(ps_sim_files *fs, uint32_t file, uint64_t offset, const void *data,
                         size_t len);
/* Bytes of a file's changes up to `seq`; of all (UINT32_MAX) files. */
uint64_t ps_sim_files_unsynced(const ps_sim_files *fs, uint32_t file, uint64_t seq);
/* What was changed up to `seq` is durable, or (`forget`) only taken for it. PS_SIM_NONE: names. */
void ps_sim_files_settle(ps_sim_files *fs, uint32_t file, uint64_t seq, bool forget);
/* A cut. Returns the bytes of which nothing is left. */
uint64_t ps_sim_files_cut(ps_sim_files *fs, ps_sim_disk_tail tail, ps_sim_rng *rng);
void ps_sim_files_free(ps_sim_files *fs);

#endif
