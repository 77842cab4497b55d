#include "liars.h"

#include "peersync/crypto_sodium.h"
#include "world.h"
#include "xfer.h"

#define REQUIRE(condition) WORLD_REQUIRE(NULL, condition)
#define SECOND             UINT64_C(1000000)

static xfer *make(uint64_t seed, uint64_t length)
{
    ps_sim_config cfg;
    ps_sim_config_default(&cfg);
    cfg.seed = seed;
    cfg.link = (ps_sim_link){.latency_us = 3000, .jitter_us = 1000, .rate_bytes_s = 30000000};
    xfer *x = xfer_new(&cfg, ps_crypto_sodium(), &length, 1);
    x->plain = seed % 2 == 1;
    return x;
}

/* The source is not even asked. */
static void opens_nothing(xfer *x)
{
    xfer_start(x);
    xfer_run(x, 10 * SECOND);
    REQUIRE(x->sink.state == STREAM_END_FAILED && x->sink.error == PS_E_FILE_TICKET);
    REQUIRE(!x->files[0].opened && x->received == 0);
    xfer_free(x);
}

void liars_run(uint64_t seed)
{
    /* A ticket that was seen on its way, by somebody who has not its key. */
    xfer *x = make(seed, 20000);
    x->files[0].key[seed % PS_KEY_BYTES] ^= 1;
    opens_nothing(x);
    /* One that has ended. */
    x = make(seed, 20000);
    xfer_ticket(x, 0, XFER_WALL_S);
    opens_nothing(x);
    /* One wrong byte, in any of three pieces. */
    x = make(seed, 2 * PS_PIECE_BYTES + 5000);
    x->files[0].served[ps_sim_random(x->sim, x->files[0].length)] ^= 0x20;
    xfer_start(x);
    xfer_run(x, 60 * SECOND);
    REQUIRE(x->sink.state == STREAM_END_FAILED && x->sink.error == PS_E_MISMATCH);
    xfer_free(x);
}
