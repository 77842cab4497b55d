/* A disk in memory that delays, fails at the k-th call, and forgets what was not synced. */
#ifndef PS_TESTS_FAKE_DISK_H
#define PS_TESTS_FAKE_DISK_H

#include "unit.h"

#include "peersyncd/store_files.h"

#include "random.h"

typedef struct fake_file {
    bool exists;
    uint8_t *now; /* As the program sees it. */
    size_t now_len;
    uint8_t *durable; /* As a crash leaves it at least. */
    size_t durable_len;
} fake_file;

typedef enum fake_fault {
    FAKE_ERROR, /* The call answers `error` and does nothing. */
    FAKE_SHORT, /* A write takes half, and the next one fails. */
    FAKE_ZERO   /* A write takes nothing. */
} fake_fault;

typedef struct fake_disk {
    fake_file files[2]; /* By ps_store_which. */
    fake_file before;   /* The log's old content, while its new name is not synced. */
    bool renamed;
    size_t cap;  /* Of each file. */
    size_t room; /* Bytes that a file can have before ENOSPC. */
    unsigned calls;
    unsigned fail_at;  /* 0: never. */
    unsigned fail_for; /* Calls in a row that fail. */
    unsigned failed;
    bool failed_write; /* One of them was a write: for others every fake_fault is the same. */
    fake_fault fault;
    int error;
    unsigned error_chance; /* In percent, instead of fail_at. */
    test_random random;
} fake_disk;

/* An empty disk whose files hold `cap` bytes at most; `seed` decides what luck decides. */
void fake_disk_make(fake_disk *d, size_t cap, uint64_t seed);
void fake_disk_free(fake_disk *d);
ps_store_files fake_files(fake_disk *d);

/* Power fails. Of what was not synced a part may have come to the disk; a new name that was not
 * synced may be lost. The disk works again. */
void fake_crash(fake_disk *d);

#endif
