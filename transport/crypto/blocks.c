/* SHA-256 of many blocks at once by IPsec-MB, which interleaves them: the rounds of one block wait
 * for each other, those of several do not. Some twice what one after the other gives. */
#include "crypto/crypto_internal.h"

#include <intel-ipsec-mb.h>
#include <pthread.h>
#include <string.h>

/* A manager is one thread's. */
static pthread_key_t managers;
static pthread_once_t once = PTHREAD_ONCE_INIT;
static bool has_key;

static void free_manager(void *manager)
{
    free_mb_mgr(manager);
}

static void make_key(void)
{
    has_key = pthread_key_create(&managers, free_manager) == 0;
}

/* This thread's; NULL where it cannot be had. */
static IMB_MGR *manager_here(void)
{
    (void)pthread_once(&once, make_key);
    IMB_MGR *manager = has_key ? pthread_getspecific(managers) : NULL;
    if (!manager && has_key && (manager = alloc_mb_mgr(0)) != NULL) {
        init_mb_mgr_auto(manager, NULL);
        ps_crypto_written(manager, sizeof *manager);
        if (imb_get_errno(manager) != 0 || pthread_setspecific(managers, manager) != 0) {
            free_mb_mgr(manager);
            manager = NULL;
        }
    }
    return manager;
}

static void one_by_one(const uint8_t *data, size_t len, size_t count, uint8_t *digests)
{
    for (size_t i = 0; i < count; i++) {
        ps_sha256 sha;
        ps_openssl_sha256_init(&sha);
        ps_openssl_sha256_update(&sha, data + i * len, len);
        ps_openssl_sha256_final(&sha, digests + i * 32);
    }
}

void ps_blocks_sha256(const uint8_t *data, size_t len, size_t count, uint8_t *digests)
{
    IMB_MGR *manager = len > 0 ? manager_here() : NULL;
    size_t done = 0;
    for (size_t i = 0; i < count && manager; i++) {
        IMB_JOB *job = IMB_GET_NEXT_JOB(manager);
        memset(job, 0, sizeof *job);
        job->cipher_mode = IMB_CIPHER_NULL;
        job->cipher_direction = IMB_DIR_ENCRYPT;
        job->chain_order = IMB_ORDER_HASH_CIPHER;
        job->hash_alg = IMB_AUTH_SHA_256;
        job->src = data + i * len;
        job->msg_len_to_hash_in_bytes = len;
        job->auth_tag_output = digests + i * 32;
        job->auth_tag_output_len_in_bytes = 32;
        for (job = IMB_SUBMIT_JOB(manager); job; job = IMB_GET_COMPLETED_JOB(manager)) {
            done += job->status == IMB_STATUS_COMPLETED;
        }
    }
    for (const IMB_JOB *job; manager && (job = IMB_FLUSH_JOB(manager)) != NULL;) {
        done += job->status == IMB_STATUS_COMPLETED;
    }
    if (done < count) {
        one_by_one(data, len, count, digests);
    }
    ps_crypto_written(digests, count * 32);
}
