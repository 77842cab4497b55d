#include "known_servers_file.h"

#include "common/safe_write.h"
#include "common/text.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* A file that was read. */
struct content {
    uint8_t *bytes;
    size_t len;
    struct known_servers table;
};

static ps_exit refuse(const char *path, uint32_t line, const char *reason, char *why,
                      size_t why_cap)
{
    char shown[1024];
    char place[16] = "";
    ps_text_safe_string(shown, sizeof shown, path);
    if (line > 0) {
        snprintf(place, sizeof place, ":%u", (unsigned)line);
    }
    snprintf(why, why_cap, "the known servers cannot be used: %s%s: %s", shown, place, reason);
    return PS_EXIT_STATE;
}

static void content_free(struct content *c)
{
    known_servers_free(&c->table);
    free(c->bytes);
}

/* A file that is not there is an empty one. */
static ps_exit content_read(const char *path, struct content *c, char *why, size_t why_cap)
{
    struct known_servers_fault fault;
    *c = (struct content){.bytes = NULL};
    if (ps_file_read(path, KNOWN_SERVERS_BYTES_MAX, &c->bytes, &c->len) != 0 && errno != ENOENT) {
        const char *reason = errno == EFBIG    ? "the file is larger than 1 MiB"
                             : errno == EINVAL ? "it is not a regular file"
                                               : strerror(errno);
        return refuse(path, 0, reason, why, why_cap);
    }
    if (!known_servers_parse((ps_span){c->bytes, c->len}, &c->table, &fault)) {
        free(c->bytes);
        return refuse(path, fault.line, fault.text, why, why_cap);
    }
    return PS_EXIT_DONE;
}

ps_exit known_servers_look_up(const char *path, const char *server, uint8_t key[PS_KEY_BYTES],
                              uint32_t *line, char *why, size_t why_cap)
{
    struct content c;
    *line = 0;
    const ps_exit code = content_read(path, &c, why, why_cap);
    if (code != PS_EXIT_DONE) {
        return code;
    }
    const struct known_server *found = known_servers_find(&c.table, server);
    if (found != NULL) {
        *line = found->line;
        memcpy(key, found->key, PS_KEY_BYTES);
    }
    content_free(&c);
    return PS_EXIT_DONE;
}

static ps_exit change(const char *path, const char *server, const uint8_t key[PS_KEY_BYTES],
                      char *why, size_t why_cap)
{
    struct content c;
    ps_exit code = content_read(path, &c, why, why_cap);
    if (code != PS_EXIT_DONE) {
        return code;
    }
    size_t len = 0;
    uint8_t *bytes = known_servers_edit((ps_span){c.bytes, c.len}, &c.table, server, key, &len);
    if (bytes == NULL || ps_file_replace(path, (ps_span){bytes, len}, 0600) != 0) {
        code = refuse(path, 0, strerror(bytes == NULL ? ENOMEM : errno), why, why_cap);
    }
    free(bytes);
    content_free(&c);
    return code;
}

ps_exit known_servers_remember(const char *path, const char *server,
                               const uint8_t key[PS_KEY_BYTES], char *why, size_t why_cap)
{
    const int lock = ps_file_lock(path, NULL);
    if (lock < 0) {
        return refuse(path, 0, strerror(errno), why, why_cap);
    }
    const ps_exit code = change(path, server, key, why, why_cap);
    close(lock);
    return code;
}
