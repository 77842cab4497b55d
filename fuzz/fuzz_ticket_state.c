/* A ticket as the peer keeps it from run to run: only one that may still be shown is read, and what
 * is written reads equal until it is too old. */
#include "harness.h"

#include "tickets.h"

static size_t read_exact(const uint8_t *file, size_t len, uint64_t now_s, uint8_t *out)
{
    uint8_t *exact = malloc(len + (len == 0));
    must(exact != NULL);
    if (len > 0) {
        memcpy(exact, file, len);
    }
    const size_t n = ticket_file_read((ps_span){exact, len}, now_s, out);
    free(exact);
    return n;
}

static void check_written(uint64_t expires_s, uint64_t now_s, ps_span ticket)
{
    uint8_t file[TICKET_FILE_BYTES], out[PS_TICKET_MAX];
    const ps_event_ticket event = {.expires_s = expires_s, .ticket = ticket};
    const size_t len = ticket_file_write(&event, file);
    must((len == 0) == (ticket.len == 0 || ticket.len > PS_TICKET_MAX));
    if (len > 0) {
        const bool old = now_s > expires_s && now_s - expires_s > TICKETS_SHOWN_S;
        must(read_exact(file, len, now_s, out) == (old ? 0 : ticket.len));
        must(old || memcmp(out, ticket.data, ticket.len) == 0);
        must(read_exact(file, len, expires_s, out) == ticket.len);
        must(read_exact(file, len - 1, 0, out) == ticket.len - 1);
        file[0] ^= 1;
        must(read_exact(file, len, 0, out) == 0);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    uint8_t out[PS_TICKET_MAX];
    tape t = {data, size};
    if (size > 4096) {
        return 0;
    }
    const uint64_t now_s = take64(&t), shift = take8(&t);
    const size_t n = read_exact(t.at, t.left, now_s, out);
    must(n == 0 || (n == t.left - 9 && t.at[0] == 1 && memcmp(out, t.at + 9, n) == 0));
    check_written((now_s >> shift % 64) + shift, now_s, (ps_span){t.at, t.left});
    return 0;
}
