#include "peersyncd/store_index.h"

#include <stdlib.h>
#include <string.h>

#define KEY_BYTES 16u

/* A device or a publication. 128 bits of a salted SHA-256 stand for its names. */
struct ps_store_entry {
    uint8_t key[KEY_BYTES];
    uint64_t at;    /* Of the last record; 0: the entry is free. */
    uint64_t value; /* A device: its index. A publication: whether it is published. */
};

struct ps_store_device {
    uint64_t generation; /* Of the last record. */
    uint64_t born;       /* Records before this offset belong to a log that was forgotten. */
    uint64_t published;  /* How many names are. */
};

void ps_store_index_init(ps_store_index *x, const ps_crypto *crypto,
                         const uint8_t salt[PS_STORE_SALT])
{
    *x = (ps_store_index){.crypto = crypto};
    memcpy(x->salt, salt, PS_STORE_SALT);
}

void ps_store_index_free(ps_store_index *x)
{
    free(x->table);
    free(x->devices);
    *x = (ps_store_index){0};
}

/* `name` is empty for the device itself: a publication's never is. */
static void key_of(const ps_store_index *x, const ps_input_restore *record, ps_span name,
                   uint8_t key[KEY_BYTES])
{
    ps_sha256 state;
    uint8_t digest[32];
    x->crypto->sha256_init(&state);
    x->crypto->sha256_update(&state, x->salt, PS_STORE_SALT);
    x->crypto->sha256_update(&state, record->device, PS_DEVICE_BYTES);
    x->crypto->sha256_update(&state, &(uint8_t){(uint8_t)record->user.len}, 1);
    x->crypto->sha256_update(&state, record->user.data, record->user.len);
    if (name.len > 0) {
        x->crypto->sha256_update(&state, name.data, name.len);
    }
    x->crypto->sha256_final(&state, digest);
    memcpy(key, digest, KEY_BYTES);
}

/* The entry of this key, or the free one where it belongs. */
static ps_store_entry *find(ps_store_entry *table, size_t cap, const uint8_t key[KEY_BYTES])
{
    uint64_t hash = 0;
    memcpy(&hash, key, sizeof hash);
    size_t i = (size_t)hash & (cap - 1);
    while (table[i].at != 0 && memcmp(table[i].key, key, KEY_BYTES) != 0) {
        i = (i + 1) & (cap - 1);
    }
    return &table[i];
}

/* Room for two entries more, at most three quarters full. */
static bool grow_table(ps_store_index *x)
{
    if (x->len + 2 <= x->cap / 4 * 3) {
        return true;
    }
    const size_t cap = x->cap != 0 ? 2 * x->cap : 64;
    ps_store_entry *table = calloc(cap, sizeof *table);
    if (table == NULL) {
        return false;
    }
    for (size_t i = 0; i < x->cap; i++) {
        if (x->table[i].at != 0) {
            *find(table, cap, x->table[i].key) = x->table[i];
        }
    }
    free(x->table);
    x->table = table;
    x->cap = cap;
    return true;
}

static bool grow_devices(ps_store_index *x)
{
    if (x->devices_len < x->devices_cap) {
        return true;
    }
    const size_t cap = x->devices_cap != 0 ? 2 * x->devices_cap : 16;
    ps_store_device *devices = reallocarray(x->devices, cap, sizeof *devices);
    if (devices == NULL) {
        return false;
    }
    x->devices = devices;
    x->devices_cap = cap;
    return true;
}

/* The device's entry, made where it is missing. */
static ps_store_entry *device_of(ps_store_index *x, const ps_input_restore *record)
{
    uint8_t key[KEY_BYTES];
    key_of(x, record, (ps_span){0}, key);
    ps_store_entry *entry = find(x->table, x->cap, key);
    if (entry->at == 0) {
        memcpy(entry->key, key, KEY_BYTES);
        entry->value = x->devices_len;
        x->devices[x->devices_len++] = (ps_store_device){0};
        x->len++;
    }
    return entry;
}

bool ps_store_index_add(ps_store_index *x, const ps_input_restore *record, uint64_t at)
{
    if (!grow_table(x) || !grow_devices(x)) {
        return false;
    }
    ps_store_entry *entry = device_of(x, record);
    ps_store_device *device = &x->devices[entry->value];
    if (entry->at == 0 || record->generation <= device->generation) {
        /* The server knew nothing of this device, and it began anew. */
        *device = (ps_store_device){.born = at};
    }
    entry->at = at;
    device->generation = record->generation;

    uint8_t key[KEY_BYTES];
    key_of(x, record, record->name, key);
    entry = find(x->table, x->cap, key);
    if (entry->at == 0) {
        memcpy(entry->key, key, KEY_BYTES);
        x->len++;
    } else if (entry->at >= device->born && entry->value != 0) {
        device->published--;
    }
    entry->at = at;
    entry->value = record->published;
    device->published += entry->value;
    return true;
}

bool ps_store_index_counts(const ps_store_index *x, const ps_input_restore *record, uint64_t at)
{
    uint8_t key[KEY_BYTES];
    if (x->cap == 0) {
        return false;
    }
    key_of(x, record, (ps_span){0}, key);
    const ps_store_entry *entry = find(x->table, x->cap, key);
    if (entry->at == 0) {
        return false;
    }
    const ps_store_device *device = &x->devices[entry->value];
    if (at < device->born || device->published == 0) {
        return false;
    }
    if (entry->at == at) {
        return true;
    }
    key_of(x, record, record->name, key);
    entry = find(x->table, x->cap, key);
    return entry->at == at && entry->value != 0;
}
