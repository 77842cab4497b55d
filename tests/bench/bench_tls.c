/* Bytes under TLS through a stream in memory, against AES-128-GCM alone: seal and open of the same
 * bytes in records of 16 KiB, and against the same stream without TLS. They take turns on one core.
 * The ratio is what is left of the cipher's speed when the stream's own copies are not counted.
 *
 *     bench_tls [--mib=N] [--rounds=N] [--write=KIB] [--read=KIB] */
#include "peersync/tls.h"

#include <inttypes.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fixture.h"
#include "pipe.h"

#define RECORD 16384u

typedef struct bench {
    test_pipe pipe;
    ps_stream_transport io;
    ps_tls *server;
    ps_tls *client;
    uint64_t length;
    size_t write_len;
    size_t read_len;
    uint8_t *from;
    uint8_t *to;
} bench;

static void require(bool condition, const char *what)
{
    if (!condition) {
        fprintf(stderr, "bench_tls: %s\n", what);
        exit(1);
    }
}

static bool find(void *ctx, ps_span ticket, uint8_t key[PS_KEY_BYTES])
{
    (void)ctx;
    (void)ticket;
    memset(key, 7, PS_KEY_BYTES);
    return true;
}

static uint64_t bare_ns(const bench *b)
{
    uint8_t key[16] = {1};
    uint8_t iv[12] = {0};
    uint8_t tag[16];
    int n = 0;
    EVP_CIPHER_CTX *seal = EVP_CIPHER_CTX_new();
    EVP_CIPHER_CTX *open = EVP_CIPHER_CTX_new();
    require(seal && open && EVP_EncryptInit_ex(seal, EVP_aes_128_gcm(), NULL, key, iv) == 1 &&
                EVP_DecryptInit_ex(open, EVP_aes_128_gcm(), NULL, key, iv) == 1,
            "no AES-128-GCM");
    const uint64_t start = bench_cpu_ns();
    for (uint64_t at = 0; at < b->length; at += RECORD) {
        const uint8_t *text = b->from + at % b->write_len;
        uint8_t *sealed = b->to;
        memcpy(iv, &at, sizeof at);
        (void)EVP_EncryptInit_ex(seal, NULL, NULL, NULL, iv);
        (void)EVP_EncryptUpdate(seal, sealed, &n, text, RECORD);
        (void)EVP_EncryptFinal_ex(seal, sealed, &n);
        (void)EVP_CIPHER_CTX_ctrl(seal, EVP_CTRL_AEAD_GET_TAG, 16, tag);
        (void)EVP_DecryptInit_ex(open, NULL, NULL, NULL, iv);
        (void)EVP_DecryptUpdate(open, sealed, &n, sealed, RECORD);
        (void)EVP_CIPHER_CTX_ctrl(open, EVP_CTRL_AEAD_SET_TAG, 16, tag);
        require(EVP_DecryptFinal_ex(open, sealed, &n) == 1, "a tag is wrong");
    }
    const uint64_t took = bench_cpu_ns() - start;
    EVP_CIPHER_CTX_free(seal);
    EVP_CIPHER_CTX_free(open);
    return took;
}

/* Both ends take turns: as much as goes is written, then all of it is read. */
static uint64_t stream_ns(bench *b, bool tls)
{
    uint64_t written = 0;
    uint64_t read = 0;
    const uint64_t start = bench_cpu_ns();
    while (read < b->length) {
        size_t n = 0;
        const ps_span part = {b->from, b->write_len};
        while (written < b->length) {
            const ps_status status = tls ? ps_tls_write(b->server, &part, 1, &n)
                                         : b->io.write(b->io.ctx, 2, &part, 1, &n);
            if (status != PS_OK) {
                break;
            }
            written += n;
        }
        require(!tls || ps_tls_flush(b->server) != PS_FAILED, "flush");
        while ((tls ? ps_tls_read(b->client, b->to, b->read_len, &n)
                    : b->io.read(b->io.ctx, 1, b->to, b->read_len, &n)) == PS_OK) {
            read += n;
        }
    }
    return bench_cpu_ns() - start;
}

static void connect_ends(bench *b)
{
    uint8_t key[PS_KEY_BYTES];
    uint8_t ticket[186] = {1};
    memset(key, 7, sizeof key);
    require(test_pipe_open(&b->pipe), "out of memory");
    b->io = test_pipe_transport(&b->pipe);
    b->pipe.way[1].limit = 262144;
    b->server = ps_tls_serve(ps_tls_context_new(find, NULL), &b->io, 2);
    b->client = ps_tls_fetch(ps_tls_context_new(NULL, NULL), &b->io, 1,
                             (ps_span){ticket, sizeof ticket}, key);
    for (unsigned i = 0; i < 4; i++) {
        (void)ps_tls_handshake(b->client);
        (void)ps_tls_handshake(b->server);
    }
    require(ps_tls_handshake(b->client) == PS_OK && ps_tls_handshake(b->server) == PS_OK,
            "no handshake");
}

static double gb_s(const bench *b, uint64_t ns)
{
    return (double)b->length / (double)ns;
}

int main(int argc, char **argv)
{
    static bench b;
    b.length = bench_option(argc, argv, "--mib", 512) << 20;
    b.write_len = bench_option(argc, argv, "--write", 128) << 10;
    b.read_len = bench_option(argc, argv, "--read", 1024) << 10;
    const uint64_t rounds = bench_option(argc, argv, "--rounds", 7);
    require(b.write_len >= RECORD && b.read_len >= RECORD, "16 KiB or more a call");
    b.from = calloc(1, b.write_len);
    b.to = calloc(1, b.read_len);
    require(b.from && b.to, "out of memory");
    bench_pin(0);
    connect_ends(&b);
    uint64_t best[3] = {UINT64_MAX, UINT64_MAX, UINT64_MAX};
    for (uint64_t i = 0; i < rounds; i++) {
        const uint64_t ns[3] = {bare_ns(&b), stream_ns(&b, false), stream_ns(&b, true)};
        for (unsigned k = 0; k < 3; k++) {
            best[k] = ns[k] < best[k] ? ns[k] : best[k];
        }
    }
    printf("tls: %s, seal and open %.2f GB/s a core; AES-128-GCM alone %.2f GB/s, the stream alone "
           "%.2f GB/s, ratio %.3f (best of %" PRIu64 ")\n",
           ps_tls_cipher(b.client), gb_s(&b, best[2]), gb_s(&b, best[0]), gb_s(&b, best[1]),
           (double)best[0] / (double)(best[2] - best[1]), rounds);
    return 0;
}
