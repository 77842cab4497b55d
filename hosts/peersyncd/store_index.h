/* Which records of a log still count: for each device the last one of every name that it publishes,
 * and its last one of all, which says where its log stands. Built from a first walk over the log,
 * asked in a second one. */
#ifndef PS_PEERSYNCD_STORE_INDEX_H
#define PS_PEERSYNCD_STORE_INDEX_H

#include "peersync/crypto.h"
#include "peersync/server.h"

#define PS_STORE_SALT 16u

typedef struct ps_store_entry ps_store_entry;
typedef struct ps_store_device ps_store_device;

typedef struct ps_store_index {
    const ps_crypto *crypto;
    uint8_t salt[PS_STORE_SALT];
    ps_store_entry *table; /* `cap` entries, a power of two; open addressing. */
    size_t cap;
    size_t len;
    ps_store_device *devices;
    size_t devices_cap;
    size_t devices_len;
} ps_store_index;

/* `salt` is random and keeps chosen names from meeting in the table. */
void ps_store_index_init(ps_store_index *x, const ps_crypto *crypto,
                         const uint8_t salt[PS_STORE_SALT]);
void ps_store_index_free(ps_store_index *x);

/* Adds the record at offset `at` (not 0), behind all that were added. @return false: there is not
 * enough memory. */
bool ps_store_index_add(ps_store_index *x, const ps_input_restore *record, uint64_t at);
/* Whether the record at `at`, which was added, counts. */
bool ps_store_index_counts(const ps_store_index *x, const ps_input_restore *record, uint64_t at);

#endif
