/* What encoding and decoding cost, a message at a time, without its seal.
 *
 *     bench_codec [--operations=2000000] */
#include "fixture.h"

#include "wire/messages.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define TRIES 5u

static uint8_t packet[PS_DATAGRAM_MAX];
static volatile uint64_t sink; /* Keeps the compiler from skipping the work. */

static ps_writer writer(void)
{
    return (ps_writer){.base = packet, .cap = sizeof packet};
}

static const char name[] = "a photograph of the sea.jpeg";

/* Each of these is one operation: the packet's header and one message. They are not inlined, so
 * that callgrind can count them alone. */
#define OPERATION __attribute__((noinline)) static void

OPERATION encode_heartbeat(uint64_t i)
{
    ps_writer w = writer();
    const ps_heartbeat m = {.generation = i};
    ps_packet_encode(&w, 77, i);
    sink += ps_heartbeat_encode(&w, (uint32_t)i, &m) ? w.len : 0;
}

OPERATION encode_heartbeat_ok(uint64_t i)
{
    ps_writer w = writer();
    const ps_heartbeat_ok m = {.generation = i, .wall_s = 1};
    ps_packet_encode(&w, 77, i);
    sink += ps_heartbeat_ok_encode(&w, (uint32_t)i, &m) ? w.len : 0;
}

OPERATION encode_publish(uint64_t i)
{
    ps_writer w = writer();
    ps_changes_writer cw;
    const ps_publication m = {.name = {(const uint8_t *)name, sizeof name - 1},
                              .content = {.length = i}};
    ps_packet_encode(&w, 77, i);
    (void)ps_changes_begin(&w, &cw, PS_MSG_PUBLISH, (uint32_t)i, 1);
    (void)ps_changes_add(&w, &cw, &m);
    sink += ps_changes_end(&w, &cw) ? w.len : 0;
}

OPERATION encode_list(uint64_t i)
{
    ps_writer w = writer();
    const ps_list m = {.cursor = i};
    ps_packet_encode(&w, 77, i);
    sink += ps_list_encode(&w, PS_MSG_LIST_FILES, (uint32_t)i, &m) ? w.len : 0;
}

static size_t packet_len; /* Of the packet that the decoders below read. */

static bool open_packet(uint64_t i, ps_message *m)
{
    ps_packet p;
    ps_drop why;
    packet[9] = (uint8_t)i;
    if (!ps_packet_decode(packet, packet_len, &p, &why)) {
        return false;
    }
    ps_reader r = ps_reader_of((ps_span){p.body.data, p.body.len - PS_TAG_BYTES});
    return ps_message_decode(&r, m);
}

OPERATION decode_heartbeat(uint64_t i)
{
    ps_message m;
    ps_heartbeat heartbeat;
    sink += open_packet(i, &m) && ps_heartbeat_decode(m.body, &heartbeat) ? 1u : 0u;
}

OPERATION decode_heartbeat_ok(uint64_t i)
{
    ps_message m;
    ps_heartbeat_ok ok;
    sink += open_packet(i, &m) && ps_heartbeat_ok_decode(m.body, &ok) ? 1u : 0u;
}

OPERATION decode_publish(uint64_t i)
{
    ps_message m;
    ps_changes changes;
    ps_publication entry;
    sink += open_packet(i, &m) && ps_changes_decode(PS_MSG_PUBLISH, m.body, &changes) &&
                    ps_changes_next(PS_MSG_PUBLISH, &changes, &entry)
                ? 1u
                : 0u;
}

OPERATION decode_list(uint64_t i)
{
    ps_message m;
    ps_list list;
    sink += open_packet(i, &m) && ps_list_decode(PS_MSG_LIST_FILES, m.body, &list) ? 1u : 0u;
}

typedef struct codec {
    const char *name;
    void (*encode)(uint64_t i);
    void (*decode)(uint64_t i);
} codec;

static void time_one(const char *what, const char *message, void (*op)(uint64_t), uint64_t count)
{
    uint64_t best_ns = UINT64_MAX;
    for (unsigned t = 0; t < TRIES; t++) {
        const uint64_t start_ns = bench_wall_ns();
        for (uint64_t i = 0; i < count; i++) {
            op(i);
        }
        const uint64_t spent_ns = bench_wall_ns() - start_ns;
        best_ns = spent_ns < best_ns ? spent_ns : best_ns;
    }
    const uint64_t hundredths = best_ns * 100 / count;
    printf("%s %s operations=%" PRIu64 " ns=%" PRIu64 ".%02" PRIu64 "\n", what, message,
           count * TRIES, hundredths / 100, hundredths % 100);
}

int main(int argc, char **argv)
{
    static const codec codecs[] = {
        {"heartbeat", encode_heartbeat, decode_heartbeat},
        {"heartbeat_ok", encode_heartbeat_ok, decode_heartbeat_ok},
        {"publish", encode_publish, decode_publish},
        {"list_files", encode_list, decode_list},
    };
    const uint64_t count = bench_option(argc, argv, "--operations", 2000000);
    for (size_t c = 0; c < sizeof codecs / sizeof codecs[0]; c++) {
        time_one("encode", codecs[c].name, codecs[c].encode, count);
        /* The last packet encoded is what the decoder reads; its length is its header's, its
         * message's, the tag's and the body's. */
        packet_len = PS_PACKET_HEADER + PS_MESSAGE_HEADER + PS_TAG_BYTES;
        packet_len += ps_load16(packet + PS_PACKET_HEADER + 2);
        const uint64_t before = sink;
        codecs[c].decode(1);
        if (sink != before + 1) {
            fprintf(stderr, "bench_codec: %s was not decoded\n", codecs[c].name);
            return 1;
        }
        time_one("decode", codecs[c].name, codecs[c].decode, count);
    }
    return 0;
}
