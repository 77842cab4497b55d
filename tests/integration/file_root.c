/* Prints what a peer's library makes of files, a line each: length, root, and the SHA-256 of the
 * piece layer, or "-" where there is none.
 *
 *     file_root FILE... */
#include "library.h"

#include "hex.h"
#include "peersync/crypto_openssl.h"

#include <inttypes.h>
#include <stdio.h>
#include <unistd.h>

static int woken[2];

static void wake(void *ctx)
{
    (void)ctx;
    (void)!write(woken[1], "", 1);
}

static struct data_event *next_event(struct events *events)
{
    for (;;) {
        char byte;
        struct data_event *event = events_next(events);
        if (event && event->type != DATA_HASH_PROGRESS) {
            return event;
        }
        if (event) {
            data_event_free(event);
        } else {
            (void)!read(woken[0], &byte, 1);
        }
    }
}

static void print_hex(const uint8_t bytes[32])
{
    char text[65] = "";
    hex_write(text, bytes, 32);
    printf(" %s", text);
}

static void print(struct library *library, const struct data_event *event)
{
    const ps_crypto *crypto = ps_crypto_openssl();
    struct entry *e = NULL;
    printf("%" PRIu64, event->content.length);
    print_hex(event->content.root);
    if (library_find(library, &event->content, &e) == PS_E_NONE && e->tree) {
        ps_sha256 sha;
        uint8_t digest[32];
        crypto->sha256_init(&sha);
        crypto->sha256_update(&sha, e->tree,
                              ps_piece_count(event->content.length) * sizeof(ps_node));
        crypto->sha256_final(&sha, digest);
        print_hex(digest);
    } else {
        printf(" -");
    }
    printf("\n");
    entry_drop(e);
}

int main(int argc, char **argv)
{
    static struct events events;
    static struct library library;
    char why[256] = "";
    int failed = 0;
    const struct data_config cfg = {.crypto = ps_crypto_openssl(), .progress_ms = 200};
    events_init(&events, wake, NULL);
    if (pipe(woken) != 0 || !library_open(&library, &cfg, &events, why, sizeof why)) {
        fprintf(stderr, "file_root: %s\n", why);
        return 1;
    }
    for (int i = 1; i < argc && !failed; i++) {
        library_publish(&library, (uint64_t)i, argv[i], NULL);
        struct data_event *event = next_event(&events);
        failed = event->type != DATA_FILE_READY;
        if (failed) {
            fprintf(stderr, "file_root: %s: %s\n", argv[i], event->text);
        } else {
            print(&library, event);
        }
        data_event_free(event);
    }
    library_close(&library);
    events_destroy(&events);
    return failed;
}
