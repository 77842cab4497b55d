/* Parses a file of known servers, holds the table to what the bytes say, and edits the file: all
 * but the one line must stay as it was. */
#include "known_servers.h"

#include <stdlib.h>
#include <string.h>

#define REQUIRE(condition) ((condition) ? (void)0 : __builtin_trap())

/* The pairwise check is quadratic: no more than this many. */
#define PAIRS_MAX 64u

static void check_server(const struct known_servers *k, size_t i, ps_span file)
{
    const struct known_server *s = &k->items[i];
    REQUIRE(s->line_len > 0 && s->line_at + s->line_len <= file.len);
    REQUIRE(s->line_at == 0 || file.data[s->line_at - 1] == '\n');
    REQUIRE(memchr(file.data + s->line_at, '\n', s->line_len - 1) == NULL);
    REQUIRE(s->server.data >= file.data + s->line_at);
    REQUIRE(s->server.data + s->server.len < file.data + s->line_at + s->line_len);
    REQUIRE(memchr(s->server.data, ':', s->server.len) != NULL);
    REQUIRE(memchr(s->server.data, ' ', s->server.len) == NULL);
    for (size_t j = 0; j < i && j < PAIRS_MAX; j++) {
        const ps_span other = k->items[j].server;
        REQUIRE(k->items[j].line < s->line);
        REQUIRE(other.len != s->server.len || memcmp(other.data, s->server.data, other.len) != 0);
    }
}

static void check_fault(const struct known_servers_fault *fault, ps_span file)
{
    uint32_t lines = 1;
    for (size_t i = 0; i < file.len; i++) {
        lines += file.data[i] == '\n' ? 1u : 0u;
    }
    REQUIRE(fault->line >= 1 && fault->line <= lines);
    const size_t len = strnlen(fault->text, sizeof fault->text);
    REQUIRE(len > 0 && len < sizeof fault->text);
    for (size_t i = 0; i < len; i++) {
        REQUIRE((uint8_t)fault->text[i] >= 0x20 && fault->text[i] != 0x7f);
    }
}

/* Gives a server another key: the file reads as before but for that. */
static void check_edit(const struct known_servers *k, ps_span file, const char *server)
{
    struct known_servers after;
    struct known_servers_fault fault;
    uint8_t key[PS_KEY_BYTES];
    size_t len = 0;
    memset(key, 0xa5, sizeof key);
    uint8_t *edited = known_servers_edit(file, k, server, key, &len);
    REQUIRE(edited != NULL);
    REQUIRE(known_servers_parse((ps_span){edited, len}, &after, &fault));
    const struct known_server *old = known_servers_find(k, server);
    REQUIRE(after.count == k->count + (old == NULL ? 1u : 0u));
    for (size_t i = 0; i < k->count; i++) {
        const struct known_server *was = &k->items[i];
        const struct known_server *is = &after.items[i];
        REQUIRE(was->server.len == is->server.len && was->line == is->line);
        REQUIRE(memcmp(was->server.data, is->server.data, is->server.len) == 0);
        REQUIRE(memcmp(is->key, was == old ? key : was->key, sizeof key) == 0);
    }
    const struct known_server *found = known_servers_find(&after, server);
    REQUIRE(found != NULL && memcmp(found->key, key, sizeof key) == 0);
    known_servers_free(&after);
    free(edited);
}

/* The same with the name of a server of the file, the last one. */
static void check_edit_of_last(const struct known_servers *k, ps_span file)
{
    const ps_span last = k->items[k->count - 1].server;
    char *server = malloc(last.len + 1);
    if (server != NULL) {
        memcpy(server, last.data, last.len);
        server[last.len] = '\0';
        check_edit(k, file, server);
    }
    free(server);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    uint8_t *exact = malloc(len > 0 ? len : 1);
    struct known_servers table;
    struct known_servers_fault fault;
    if (exact == NULL) {
        return 0;
    }
    if (len > 0) {
        memcpy(exact, data, len);
    }
    const ps_span file = {exact, len};
    if (known_servers_parse(file, &table, &fault)) {
        for (size_t i = 0; i < table.count; i++) {
            check_server(&table, i, file);
        }
        check_edit(&table, file, "127.0.0.1:5000");
        if (table.count > 0) {
            check_edit_of_last(&table, file);
        }
        known_servers_free(&table);
    } else {
        check_fault(&fault, file);
    }
    free(exact);
    return 0;
}
