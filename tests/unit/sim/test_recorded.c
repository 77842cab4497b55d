/* Boxes, rates, streams that lose and disks together: the same trace twice, and on every machine.
 * The constant is recorded; look at what the test prints before it is changed. */
#include "nat_fixture.h"

#include "peersync/sim_disk.h"

#include <inttypes.h>
#include <stdio.h>

#define RECORDED UINT64_C(0x99ec96a84b3545f7)

#define STREAMS 3u

typedef struct world {
    ps_sim *sim;
    ps_sim_disk *disk;
    uint32_t from[STREAMS];
    ps_stream a[STREAMS], b[STREAMS];
} world;

static ps_sim *make(uint64_t seed)
{
    const ps_sim_link link = {.latency_us = 20000,
                              .jitter_us = 7000,
                              .loss_ppm = 20000,
                              .duplicate_ppm = 10000,
                              .burst_ppm = 1000,
                              .burst_end_ppm = 300000,
                              .corrupt_ppm = 20000,
                              .stream_model = PS_SIM_STREAM_TCP,
                              .stream_sever_ppm = 20000,
                              .stream_corrupt_ppm = 50000};
    const ps_sim_rate rate = {200000, 200000, 500, 500};
    const ps_sim_config cfg = test_config(seed, link);
    ps_sim *sim = test_network(&cfg, 4);
    ps_sim_nat nat;
    uint32_t box;
    ps_sim_nat_default(&nat, PS_SIM_NAT_SYMMETRIC);
    nat.ports = PS_SIM_NAT_PORTS_RANDOM;
    nat.timeout_us = 50000;
    assert_int_equal(ps_sim_add_nat(sim, &nat, &box), PS_OK);
    assert_int_equal(ps_sim_put_behind(sim, INSIDE, box), PS_OK);
    assert_int_equal(ps_sim_put_behind(sim, SISTER, box), PS_OK);
    for (uint32_t i = 1; i <= BOX; i++) {
        assert_int_equal(ps_sim_set_rate(sim, i, &rate), PS_OK);
    }
    return sim;
}

/* Dials again what broke, writes and reads what it can. */
static void tend(world *w, uint32_t i)
{
    static uint8_t buf[65536];
    const ps_stream_transport *ta = ps_sim_stream_transport(w->sim, w->from[i]);
    const ps_stream_transport *tb = ps_sim_stream_transport(w->sim, OTHER);
    const ps_addr to = ps_sim_addr(w->sim, OTHER);
    size_t n;
    ps_addr from;
    if (w->a[i] != 0 && (ta->ready(ta->ctx, w->a[i], 0) & PS_BROKEN) != 0) {
        ta->close(ta->ctx, w->a[i]);
        w->a[i] = 0;
    }
    if (w->b[i] != 0 && (tb->ready(tb->ctx, w->b[i], 0) & PS_BROKEN) != 0) {
        tb->close(tb->ctx, w->b[i]);
        w->b[i] = 0;
    }
    if (w->a[i] == 0) {
        (void)ta->dial(ta->ctx, &to, &w->a[i]);
    }
    if (w->b[i] == 0) {
        (void)tb->accept(tb->ctx, &w->b[i], &from);
    }
    (void)test_write(w->sim, w->from[i], w->a[i], buf, sizeof buf, &n);
    while (test_read(w->sim, OTHER, w->b[i], buf, sizeof buf, &n) == PS_OK && n > 0) {
        (void)ps_sim_disk_write(w->disk, "got", PS_SIM_DISK_END, buf, n % 1000);
    }
    memset(buf, (int)(i + 1), sizeof buf);
}

static uint64_t run(uint64_t seed)
{
    world w = {.sim = make(seed), .from = {INSIDE, SISTER, OUTSIDE}};
    ps_sim_disk_config disk = {.size = sizeof disk, .rate_bytes_s = 5000000, .sync_us = 3000};
    disk.fail_ppm[PS_SIM_DISK_SYNC] = 200000;
    assert_int_equal(ps_sim_disk_create(w.sim, &disk, &w.disk), PS_OK);
    for (uint32_t step = 0; step < 3000; step++) {
        const uint32_t from = (uint32_t)ps_sim_random(w.sim, 4);
        const uint32_t to = (uint32_t)ps_sim_random(w.sim, 4);
        uint8_t data[500];
        memset(data, (int)step, sizeof data);
        test_send(w.sim, from, to, data, 1 + (size_t)ps_sim_random(w.sim, sizeof data));
        ps_addr knock = ps_sim_addr(w.sim, BOX);
        knock.port = (uint16_t)(1024 + ps_sim_random(w.sim, 64512));
        assert_int_equal(ps_sim_send_as(w.sim, OUTSIDE, &knock, &knock, data, 1), PS_OK);
        tend(&w, step % STREAMS);
        (void)test_receive_all(w.sim, to);
        ps_sim_disk_ticket ticket;
        if (step % 40 == 39 &&
            ps_sim_disk_sync(w.disk, step % 80 == 39 ? NULL : "got", &ticket) == PS_SIM_DISK_OK) {
            ps_sim_run_until(w.sim, ticket.done_us);
            const uint8_t result = (uint8_t)ps_sim_disk_synced(w.disk, ticket.id);
            ps_sim_note(w.sim, OTHER, &result, 1);
        }
        if (step % 400 == 380) {
            ps_sim_disk_cut(w.disk, (ps_sim_disk_tail)(step % 3));
            ps_sim_crash(w.sim, BOX);
            ps_sim_restart(w.sim, BOX);
        }
        ps_sim_run_until(w.sim, ps_sim_now_us(w.sim) + 5000);
    }
    ps_sim_sever(w.sim, OTHER);
    ps_sim_run_until(w.sim, ps_sim_now_us(w.sim) + 1000000);
    const ps_sim_stats s = test_stats(w.sim);
    const uint64_t lost = s.nat_blocked * s.link_full * s.severed * s.spoiled * s.corrupted;
    assert_true(lost > 0); /* All of it happened. */
    assert_true(nat_load(w.sim).expired > 0 && s.stream_bytes > 100000);
    ps_sim_disk_stats ds;
    ps_sim_disk_stats_get(w.disk, &ds);
    assert_true(ds.lost_bytes > 0 && ds.failed[PS_SIM_DISK_SYNC] > 0);
    const uint64_t lost_bytes[2] = {ds.lost_bytes, ds.used_bytes};
    for (int i = 0; i < 2; i++) { /* As text: numbers have another order of bytes elsewhere. */
        char text[24];
        (void)snprintf(text, sizeof text, "%" PRIu64, lost_bytes[i]);
        ps_sim_note(w.sim, OTHER, text, strlen(text));
    }
    const uint64_t hash = ps_sim_hash(w.sim);
    ps_sim_destroy(w.sim);
    return hash;
}

static void a_run_is_its_seed_everywhere(void **state)
{
    (void)state;
    const uint64_t hash = run(1);
    print_message("%016" PRIx64 "\n", hash);
    assert_true(hash == run(1));
    assert_true(hash != run(2));
    assert_true(hash == RECORDED);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(a_run_is_its_seed_everywhere)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
