/* Scenario files as they are read: what they say, and what is said when they are wrong. */
#include "unit.h"

#include "scenario.h"
#include "swarm.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define S UINT64_C(1000000)

static scenario sc;
static scenario_error wrong;

/* In memory of exactly that size, so that a sanitizer sees who reads on. */
static bool parse_bytes(const char *text, size_t len)
{
    char *exact = malloc(len > 0 ? len : 1);
    assert_non_null(exact);
    memcpy(exact, text, len);
    const bool good = scenario_parse(exact, len, &sc, &wrong);
    free(exact);
    return good;
}

static void parse(const char *text)
{
    if (!parse_bytes(text, strlen(text))) {
        fail_msg("line %u: %s", (unsigned)wrong.line, wrong.text);
    }
}

/* It is refused, in that line, with these words. */
static void refuse(const char *text, uint32_t line, const char *words)
{
    assert_false(parse_bytes(text, strlen(text)));
    if (wrong.line != line || strstr(wrong.text, words) == NULL) {
        fail_msg("line %u: %s\n(expected in line %u: %s)", (unsigned)wrong.line, wrong.text,
                 (unsigned)line, words);
    }
    scenario_free(&sc);
}

static void the_shortest_has_defaults(void **state)
{
    (void)state;
    parse("swarm");
    assert_int_equal(sc.seed, 1);
    assert_int_equal(sc.peers, 10);
    assert_int_equal(sc.batch, 64);
    assert_int_equal(sc.length_us, 300 * S);
    assert_false(sc.cruel);
    assert_false(sc.idle);
    assert_int_equal(sc.link.latency_us, 20000);
    assert_int_equal(sc.link.jitter_us, 5000);
    assert_int_equal(sc.groups_len, 0);
    assert_int_equal(sc.events_len, 0);
    scenario_free(&sc);
}

static void the_swarm_is_what_its_line_says(void **state)
{
    (void)state;
    parse("# for people\r\n\n \t swarm seed=18446744073709551614 peers=1000 hours=1 minutes=2 "
          "seconds=3 batch=7 check-every=9 pace=4 mix=cruel users=idle heal-within=7.5s "
          "fetch-within=2m # and more\r\n");
    assert_true(sc.seed == UINT64_MAX - 1);
    assert_int_equal(sc.peers, 1000);
    assert_int_equal(sc.length_us, 3723 * S);
    assert_int_equal(sc.batch, 7);
    assert_int_equal(sc.check_every, 9);
    assert_int_equal(sc.pace, 4);
    assert_true(sc.cruel);
    assert_true(sc.idle);
    assert_int_equal(sc.heal_us, 7500000);
    assert_int_equal(sc.fetch_us, 120 * S);
    scenario_free(&sc);
}

static void ways_are_read(void **state)
{
    (void)state;
    parse("swarm\nnetwork latency=1500us jitter=2.5ms loss=0.0001% duplicate=1% reorder=2% "
          "reorder-by=1s rate=2M queue=3k burst=0.5% burst-end=10% truncate=100% corrupt=0% "
          "sever=1% spoil=2% streams=tcp");
    assert_int_equal(sc.link.latency_us, 1500);
    assert_int_equal(sc.link.jitter_us, 2500);
    assert_int_equal(sc.link.loss_ppm, 1);
    assert_int_equal(sc.link.duplicate_ppm, 10000);
    assert_int_equal(sc.link.reorder_ppm, 20000);
    assert_int_equal(sc.link.reorder_us, S);
    assert_int_equal(sc.link.rate_bytes_s, 2000000);
    assert_int_equal(sc.link.queue_bytes, 3000);
    assert_int_equal(sc.link.burst_ppm, 5000);
    assert_int_equal(sc.link.burst_end_ppm, 100000);
    assert_int_equal(sc.link.truncate_ppm, 1000000);
    assert_int_equal(sc.link.corrupt_ppm, 0);
    assert_int_equal(sc.link.stream_sever_ppm, 10000);
    assert_int_equal(sc.link.stream_corrupt_ppm, 20000);
    assert_int_equal(sc.link.stream_model, PS_SIM_STREAM_TCP);
    /* Nothing of it is a fault's when all is well. */
    const ps_sim_link fair = scenario_fair(&sc.link);
    assert_int_equal(fair.latency_us, 1500);
    assert_int_equal(fair.rate_bytes_s, 2000000);
    assert_int_equal(fair.loss_ppm + fair.duplicate_ppm + fair.reorder_ppm + fair.burst_ppm +
                         fair.truncate_ppm + fair.stream_sever_ppm + fair.stream_corrupt_ppm,
                     0);
    scenario_free(&sc);
}

static void groups_stand_behind_boxes(void **state)
{
    (void)state;
    parse("swarm peers=9\n"
          "network latency=7ms\n"
          "group name=a peers=0-2,8 nat=symmetric timeout=30s stream-timeout=1m ports=random "
          "hairpin refresh-inward refuse-streams forward\n"
          "group name=b peers=3 mapping=address-dependent filtering=endpoint-independent "
          "loss=1% up=100k down=1M\n"
          "group name=c-1_ peers=4-7 filtering=address-and-port-dependent\n");
    assert_int_equal(sc.groups_len, 3);
    const scenario_group *a = &sc.groups[0];
    assert_true(scenario_has(&a->nodes, 1) && scenario_has(&a->nodes, 3) &&
                scenario_has(&a->nodes, 9));
    assert_false(scenario_has(&a->nodes, 0) || scenario_has(&a->nodes, 4));
    assert_true(a->boxed && a->forwards && !a->has_link);
    assert_int_equal(a->nat.mapping, PS_SIM_NAT_BY_PORT);
    assert_int_equal(a->nat.filtering, PS_SIM_NAT_BY_PORT);
    assert_int_equal(a->nat.ports, PS_SIM_NAT_PORTS_RANDOM);
    assert_int_equal(a->nat.timeout_us, 30 * S);
    assert_int_equal(a->nat.stream_timeout_us, 60 * S);
    assert_true(a->nat.hairpin && a->nat.refreshed_inward && a->nat.refuses_streams);
    const scenario_group *b = &sc.groups[1];
    assert_true(b->boxed && b->has_link && !b->forwards);
    assert_int_equal(b->nat.mapping, PS_SIM_NAT_BY_ADDRESS);
    assert_int_equal(b->nat.filtering, PS_SIM_NAT_BY_NOTHING);
    assert_int_equal(b->link.latency_us, 7000);
    assert_int_equal(b->link.loss_ppm, 10000);
    assert_int_equal(b->rate.up_bytes_s, 100000);
    assert_int_equal(b->rate.down_bytes_s, 1000000);
    assert_int_equal(sc.groups[2].nat.filtering, PS_SIM_NAT_BY_PORT);
    scenario_free(&sc);
}

static void events_come_by_their_times(void **state)
{
    (void)state;
    parse("swarm peers=4 minutes=3\n"
          "group name=a peers=0,1\n"
          "at 2m heal\n"
          "at 10s cut from=a to=server,3 one-way for=1.5s\n"
          "at 10s crash nodes=server tail=torn for=2s\n"
          "at 1s weather nodes=all loss=50% for=1s\n"
          "at 5s clock nodes=server jump=-10m wall=+2h drift=-1% for=3s\n"
          "at 6s fault kind=server-wiped\n"
          "at 7s get nodes=a owner=3 file=13\n"
          "at 8s disk sync=1s rate=20k room=3k fail=5% forgets lies\n"
          "at 20s crash nodes=all,server\n");
    static const scenario_what order[] = {SCENARIO_WEATHER, SCENARIO_CLOCK, SCENARIO_FAULT,
                                          SCENARIO_GET,     SCENARIO_DISK,  SCENARIO_CUT,
                                          SCENARIO_CRASH,   SCENARIO_CRASH, SCENARIO_HEAL};
    assert_int_equal(sc.events_len, 9);
    for (uint32_t i = 0; i < 9; i++) {
        assert_int_equal(sc.events[i].what, order[i]);
    }
    assert_int_equal(sc.events[0].link.loss_ppm, 500000);
    assert_false(sc.events[0].everywhere);
    assert_true(sc.events[1].clock.jump_us == -(int64_t)(600 * S));
    assert_int_equal(sc.events[1].clock.wall_jump_s, 7200);
    assert_true(sc.events[1].clock.drift_ppm == -10000);
    assert_int_equal(sc.events[2].fault, FAULT_SERVER_WIPED);
    assert_int_equal(sc.events[3].owner, 3);
    assert_int_equal(sc.events[3].file, 13);
    const ps_sim_disk_config *disk = &sc.events[4].disk;
    assert_int_equal(disk->sync_us, S);
    assert_int_equal(disk->rate_bytes_s, 20000);
    assert_int_equal(disk->capacity_bytes, 3000);
    for (size_t i = 0; i < PS_SIM_DISK_OPS; i++) {
        assert_int_equal(disk->fail_ppm[i], 50000);
    }
    assert_true(disk->forgets && disk->lies);
    assert_int_equal(sc.events[4].for_us, 0);
    const scenario_event *cut = &sc.events[5];
    assert_int_equal(cut->at_us, 10 * S);
    assert_int_equal(cut->for_us, 1500000);
    assert_int_equal(cut->line, 4);
    assert_true(cut->one_way && scenario_has(&cut->nodes, 1) && scenario_has(&cut->nodes, 2) &&
                scenario_has(&cut->others, 0) && scenario_has(&cut->others, 4));
    assert_int_equal(sc.events[6].tail, FAULT_TAIL_TORN);
    assert_int_equal(sc.events[7].tail, FAULT_TAIL_KEPT);
    scenario_free(&sc);
}

static void a_disk_is_good_where_nothing_is_said(void **state)
{
    (void)state;
    const ps_sim_disk_config good = faults_good_disk();
    parse("swarm\nat 1s disk lies\nat 2s disk sync=0ms\nat 3s disk fail=100%\n"
          "at 4s fault kind=failing-disk");
    assert_true(sc.events[0].disk.lies);
    assert_int_equal(sc.events[0].disk.sync_us, good.sync_us);
    assert_int_equal(sc.events[0].disk.capacity_bytes, 0);
    assert_int_equal(sc.events[1].disk.sync_us, 0);
    assert_false(sc.events[1].disk.lies || sc.events[1].disk.forgets);
    assert_int_equal(sc.events[2].disk.fail_ppm[PS_SIM_DISK_SYNC], PS_SIM_PPM);
    assert_int_equal(sc.events[2].disk.sync_us, good.sync_us);
    assert_int_equal(sc.events[3].fault, FAULT_FAILING_DISK);
    scenario_free(&sc);
}

static void what_is_wrong_is_said(void **state)
{
    (void)state;
    refuse("", 0, "nothing is in it");
    refuse("# only words\n", 0, "nothing is in it");
    refuse("\nswram seed=1", 2, "no line begins with 'swram'; did you mean swarm?");
    refuse("zebra", 1, "it is swarm, network, group or at");
    refuse("network loss=1%", 1, "a scenario begins with a line: swarm");
    refuse("swarm\nswarm", 2, "comes too late");
    refuse("swarm\nat 1s heal\ngroup name=a peers=1", 3, "group comes too late");
    refuse("swarm sede=3", 1, "swarm: unknown word sede; did you mean seed?");
    refuse("swarm help", 1, "unknown word help");
    refuse("swarm --seed=3", 1, "swarm: write seed=3 without dashes");
    refuse("swarm seed", 1, "seed needs a value: seed=N");
    refuse("swarm peers=0", 1, "peers: '0' is not a number from 1 to 1000");
    refuse("swarm peers=1001", 1, "is not a number from 1 to 1000");
    refuse("swarm hours=24 seconds=1", 1, "it lives longer than a day");
    refuse("swarm mix=curel", 1, "did you mean cruel?");
    refuse("swarm heal-within=soon", 1, "heal-within: 'soon' is not a time");
    refuse("swarm\nnetwork latency=20", 2, "'20' is not a time");
    refuse("swarm\nnetwork latency=6s", 2, "latency: '6s' is not a time up to 5.000 s");
    refuse("swarm\nnetwork loss=101%", 2, "is not a share from 0% to 100%");
    refuse("swarm\nnetwork loss=1..5%", 2, "is not a share");
    refuse("swarm\nnetwork queue=1k", 2, "without a rate nothing waits");
    refuse("swarm\nnetwork rate=1", 2, "not a number of bytes from 500");
    refuse("swarm\nnetwork rate=99999999999999999999G", 2, "not a number of bytes");
}

static void wrong_groups_are_refused(void **state)
{
    (void)state;
    refuse("swarm\ngroup name=a", 2, "say name=NAME and peers=WHO");
    refuse("swarm\ngroup name=7up peers=1", 2, "the first a letter");
    refuse("swarm\ngroup name=server peers=1", 2, "'server' is taken");
    refuse("swarm\ngroup name=a peers=1\ngroup name=a peers=2", 3, "'a' is taken");
    refuse("swarm\ngroup name=a peers=1-3\ngroup name=b peers=3", 3, "3 is in a already");
    refuse("swarm\ngroup name=a peers=server", 2, "the server belongs to no group");
    refuse("swarm\ngroup name=a peers=10", 2, "is not a peer or a range of peers from 0 to 9");
    refuse("swarm\ngroup name=a peers=3-2", 2, "is not a peer or a range");
    refuse("swarm\ngroup name=a peers=1.5", 2, "is not a peer or a range");
    refuse("swarm\ngroup name=a peers=0.9-3", 2, "is not a peer or a range");
    refuse("swarm\ngroup name=a peers=1,,2", 2, "a name is missing");
    refuse("swarm\ngroup name=a peers=1 timeout=30s", 2, "there is no box");
    refuse("swarm\ngroup name=a peers=1 nat=cone", 2, "nat: there is no 'cone'");
    refuse("swarm\ngroup name=a peers=1 nat=symmetric timeout=1ms", 2, "a second at the least");
    refuse("swarm\ngroup name=a peers=1 forward=yes", 2, "forward takes no value");
}

static void wrong_events_are_refused(void **state)
{
    (void)state;
    refuse("swarm\nat 5s", 2, "say when, and what happens");
    refuse("swarm\nat 5s heel", 2, "called 'heel'; did you mean heal?");
    refuse("swarm\nat 5 heal", 2, "at: '5' is not a time");
    refuse("swarm\nat 300s heal", 2, "the swarm does not live so long");
    refuse("swarm\nat 5s cut from=server", 2, "say from=WHO and to=WHO");
    refuse("swarm\nat 5s cut from=1,2 to=2", 2, "somebody stands on both sides");
    refuse("swarm\ngroup name=office peers=1\nat 5s cut from=ofice to=2", 3,
           "there is no group 'ofice'; did you mean office?");
    refuse("swarm\nat 5s crash", 2, "crash: say nodes=WHO");
    refuse("swarm\nat 5s crash nodes=1 tail=lost", 2, "tail: is for nodes=server");
    refuse("swarm\nat 5s crash nodes=server,1 tail=lost", 2, "tail: is for nodes=server");
    refuse("swarm\nat 5s crash nodes=server tail=kept forget", 2, "and not with forget");
    refuse("swarm\nat 5s crash nodes=server tail=tron", 2, "did you mean torn?");
    refuse("swarm\nat 5s pause nodes=1", 2, "say for=TIME");
    refuse("swarm\nat 5s pause nodes=1 for=0s", 2, "for: it takes some time");
    refuse("swarm\nat 5s cut from=1 to=2 for=0s", 2, "for: it takes some time");
    refuse("swarm\nat 5s clock nodes=server wall=500ms", 2, "wall: whole seconds");
    refuse("swarm\nat 5s fault kind=second-device", 2, "with mix=cruel and 10 peers or more");
    refuse("swarm peers=9 mix=cruel\nat 5s fault kind=second-device", 2, "10 peers or more");
    refuse("swarm\nat 5s clock nodes=1", 2, "clock: say jump=TIME");
    refuse("swarm\nat 5s clock nodes=1 drift=11%", 2, "by 10% at the most");
    refuse("swarm\nat 5s clock nodes=1 wall=5s", 2, "only the server looks at that clock");
    refuse("swarm\nat 5s disk", 2, "disk: say sync=TIME, rate=BYTES");
    refuse("swarm\nat 5s disk fail", 2, "fail needs a value");
    refuse("swarm\nat 5s disk sync=601s", 2, "sync: '601s' is not a time");
    refuse("swarm\nat 5s disk rate=999", 2, "rate: '999' is not a number of bytes from 1000");
    refuse("swarm\nat 5s disk room=0", 2, "room: '0' is not a number of bytes from 1");
    refuse("swarm\nat 5s disk sync=1s forgets", 2, "forgets: is for a disk that fails");
    refuse("swarm\nat 5s move nodes=server", 2, "for peers alone");
    refuse("swarm\nat 5s fault", 2, "say kind=WORD");
    refuse("swarm\nat 5s fault kind=floot", 2, "did you mean flood?");
    refuse("swarm\nat 5s get nodes=1 file=2", 2, "say owner=N and file=N");
    refuse("swarm\nat 5s get nodes=1 file=2 owner=10", 2, "there is no peer 10");
    refuse("swarm\nat 5s publish nodes=1 file=14", 2, "is not a number from 0 to 13");
}

static void hostile_bytes_are_refused(void **state)
{
    (void)state;
    static char text[SCENARIO_BYTES_MAX + 2];
    assert_false(parse_bytes("swarm\0", 6));
    assert_non_null(strstr(wrong.text, "a zero byte"));
    scenario_free(&sc);
    /* What is shown of it cannot steer a terminal. */
    refuse("\x1b[2J\xff", 1, "\\x1b[2J\\xff");
    /* A long line, many words, a long file. */
    memset(text, 'a', 2000);
    text[2000] = '\0';
    refuse(text, 1, "longer than 1023 bytes");
    text[1023] = '\0';
    refuse(text, 1, "no line begins with");
    for (size_t i = 0; i < 33; i++) {
        memcpy(text + 2 * i, "a ", 3);
    }
    refuse(text, 1, "more than 32 words");
    memset(text, '\n', sizeof text - 1);
    text[sizeof text - 1] = '\0';
    refuse(text, 0, "longer than 1048576 bytes");
    /* Words that are as long as a line, and empty ones. */
    strcpy(text, "swarm\ngroup name=");
    memset(text + 17, 'n', 900);
    text[917] = '\0';
    refuse(text, 2, "say name=NAME and peers=WHO");
    refuse("swarm\nat 5s crash nodes=", 2, "a name is missing");
    refuse("swarm =1", 1, "unknown word");
    refuse("swarm --", 1, "unknown word");
    refuse("swarm -h", 1, "unknown word");
    /* More than there is room for. */
    strcpy(text, "swarm peers=40\n");
    for (size_t i = 0; i < 33; i++) {
        (void)snprintf(text + strlen(text), 64, "group name=g%zu peers=%zu\n", i, i);
    }
    refuse(text, 34, "more than 32 groups");
    strcpy(text, "swarm\n");
    for (size_t i = 0, at = 6; i < 4097; i++, at += 11) {
        memcpy(text + at, "at 5s heal\n", 12);
    }
    refuse(text, 4098, "more than 4096 events");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_shortest_has_defaults),
        cmocka_unit_test(the_swarm_is_what_its_line_says),
        cmocka_unit_test(ways_are_read),
        cmocka_unit_test(groups_stand_behind_boxes),
        cmocka_unit_test(events_come_by_their_times),
        cmocka_unit_test(a_disk_is_good_where_nothing_is_said),
        cmocka_unit_test(what_is_wrong_is_said),
        cmocka_unit_test(wrong_groups_are_refused),
        cmocka_unit_test(wrong_events_are_refused),
        cmocka_unit_test(hostile_bytes_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
