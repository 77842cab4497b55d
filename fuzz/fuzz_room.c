/* Packets and numbers written into room of any size: whole, or not at all. */
#include "harness.h"
#include "wire/messages.h"

enum { REQUEST = 0x01020304 };

/* Into less room than a packet or a number needs, nothing is written. */
static void short_packet(tape *t)
{
    static const uint8_t zeros[PS_INITIATE_BYTES];
    const uint8_t kind = take8(t);
    const size_t cap = take8(t);
    static const size_t needs[] = {PS_INITIATE_BYTES,
                                   PS_RESPOND_BYTES,
                                   PS_RETRY_BYTES,
                                   PS_VERSIONS_HEADER + 1,
                                   PS_PACKET_HEADER,
                                   PS_PACKET_HEADER,
                                   1,
                                   2,
                                   4,
                                   8,
                                   16,
                                   PS_MESSAGE_HEADER};
    const size_t need = needs[kind % 12u];
    uint8_t *room = malloc(cap + 1);
    must(room != NULL);
    memset(room, 0xa7, cap + 1);
    ps_writer w = {.base = room, .cap = cap, .full = kind >= 240};
    const bool fits = cap >= need && !w.full;
    ps_message_mark mark;
    bool ended = true;
    switch (kind % 12u) {
    case 0:
        must((ps_initiate_encode(&w, 7, NULL) != NULL) == fits);
        break;
    case 1:
        must((ps_respond_encode(&w, 7) != NULL) == fits);
        break;
    case 2:
        ps_retry_encode(&w, 7, zeros, zeros);
        break;
    case 3:
        ps_versions_encode(&w, 7);
        break;
    case 4:
        ps_packet_encode(&w, 7, 8);
        break;
    case 5:
        ps_reset_encode(&w, 7, 8);
        break;
    case 6:
        ps_write8(&w, 1);
        break;
    case 7:
        ps_write16(&w, 1);
        break;
    case 8:
        ps_write32(&w, 1);
        break;
    case 9:
        ps_write64(&w, 1);
        break;
    case 10:
        ps_write_bytes(&w, zeros, need);
        break;
    default:
        mark = ps_message_begin(&w, PS_MSG_LOGOUT, REQUEST);
        ended = ps_message_end(&w, mark);
        break;
    }
    must(ended == fits || kind % 12u != 11);
    must(w.len == (fits ? need : 0));
    must(w.full == (kind % 12u == 11 ? kind >= 240 : !fits) && room[cap] == 0xa7);
    free(room);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    tape t = {data, size};
    short_packet(&t);
    return 0;
}
