/* What the files of a swarm hold: real bytes, from a generator, and the contents that the product's
 * hasher makes of them, with the simulator's stand-in for SHA-256. */
#ifndef PS_SIM_FILES_H
#define PS_SIM_FILES_H

#include "peersync/transfer.h"

/* Versions of a file that are remembered, the newest ones. */
#define FILES_KEPT 16u
/* Of the longest file: two pieces. */
#define FILE_LENGTH_MAX (PS_PIECE_BYTES + PS_PIECE_BYTES / 5)

/* A version of a file of a peer. */
typedef struct file_id {
    uint32_t peer, k, version;
} file_id;

/* Seldom none, often a few, up to 200 KiB; now and then 1.2 MiB, which are two pieces. */
uint64_t file_length(file_id id);
/* Writes all of them. */
void file_bytes(file_id id, uint8_t *to);
/* Hashes them; the tree has ps_tree_nodes() nodes and may be NULL. */
ps_content file_hash(const uint8_t *bytes, uint64_t length, ps_node *tree);

/* A version that was published. */
typedef struct file_version {
    uint32_t version; /* 0: none. */
    uint64_t
        until_us; /* When it ceased to be what its user publishes; PS_TIME_NEVER: it has not. */
    ps_content content;
} file_version;

typedef struct files {
    uint32_t peers, names;
    file_version *versions; /* FILES_KEPT for each name of each peer, newest first. */
    uint8_t *room;          /* For the longest file. */
} files;

/* false: no memory. */
bool files_init(files *f, uint32_t peers, uint32_t names);
void files_free(files *f);
/* From now on the peer publishes this; nothing with version 0. */
void files_publish(files *f, file_id id, uint64_t now_us);
/* What it publishes under the name; NULL: nothing. */
const file_version *files_current(const files *f, uint32_t peer, uint32_t k);
/* A file with this content that the peer has published at any time since then. */
bool files_find(const files *f, uint32_t peer, const ps_content *content, uint64_t since_us,
                file_id *id);

#endif
