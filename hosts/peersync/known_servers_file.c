#include "known_servers_file.h"

#include "common/fingerprint.h"
#include "common/safe_write.h"
#include "common/text.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
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

/* Whoever may write there decides which servers are trusted.
 * @return NULL, or why the file is not to be used. */
static const char *not_ours(const char *path)
{
    struct stat st;
    if (stat(path, &st) != 0) {
        return NULL; /* Reading says why. */
    }
    if (st.st_uid != geteuid()) {
        return "it belongs to another user: make it your own, or remove it";
    }
    if ((st.st_mode & (S_IWGRP | S_IWOTH)) != 0) {
        return "others can write it: look whether its keys are right, then chmod 600";
    }
    return NULL;
}

/* A file that is not there is an empty one. */
static ps_exit content_read(const char *path, struct content *c, char *why, size_t why_cap)
{
    struct known_servers_fault fault;
    *c = (struct content){.bytes = NULL};
    const char *fault_of_file = not_ours(path);
    if (fault_of_file != NULL) {
        return refuse(path, 0, fault_of_file, why, why_cap);
    }
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

/* What the line of a server holds besides this key. */
static struct known_servers_before look_before(const struct content *c, const char *server,
                                               const uint8_t key[PS_KEY_BYTES])
{
    struct known_servers_before before = {.found = false};
    const struct known_server *line = known_servers_find(&c->table, server);
    if (line != NULL && memcmp(line->key, key, PS_KEY_BYTES) != 0) {
        before.found = true;
        memcpy(before.key, line->key, PS_KEY_BYTES);
    }
    return before;
}

static ps_exit refuse_other(const char *server, const uint8_t other[PS_KEY_BYTES], char *why,
                            size_t why_cap)
{
    char shown[1024];
    char fingerprint[PS_FINGERPRINT_BYTES];
    ps_text_safe_string(shown, sizeof shown, server);
    ps_fingerprint_format(fingerprint, other);
    snprintf(why, why_cap, "another key of the server at %s, %s, was remembered meanwhile", shown,
             fingerprint);
    return PS_EXIT_SERVER_KEY;
}

static ps_exit write_key(const char *path, const struct content *c, const char *server,
                         const uint8_t key[PS_KEY_BYTES], char *why, size_t why_cap)
{
    ps_exit code = PS_EXIT_DONE;
    size_t len = 0;
    uint8_t *bytes = known_servers_edit((ps_span){c->bytes, c->len}, &c->table, server, key, &len);
    if (bytes == NULL || ps_file_replace(path, (ps_span){bytes, len}, 0600) != 0) {
        code = refuse(path, 0, strerror(bytes == NULL ? ENOMEM : errno), why, why_cap);
    }
    free(bytes);
    return code;
}

static ps_exit change(const char *path, const char *server, const uint8_t key[PS_KEY_BYTES],
                      struct known_servers_before *before, char *why, size_t why_cap)
{
    struct content c;
    ps_exit code = content_read(path, &c, why, why_cap);
    if (code != PS_EXIT_DONE) {
        return code;
    }
    const struct known_servers_before other = look_before(&c, server, key);
    if (before == NULL && other.found) {
        code = refuse_other(server, other.key, why, why_cap);
    } else {
        code = write_key(path, &c, server, key, why, why_cap);
    }
    if (before != NULL) {
        *before = other;
    }
    content_free(&c);
    return code;
}

ps_exit known_servers_remember(const char *path, const char *server,
                               const uint8_t key[PS_KEY_BYTES], struct known_servers_before *before,
                               char *why, size_t why_cap)
{
    if (before != NULL) {
        before->found = false;
    }
    const int lock = ps_file_lock(path, NULL);
    if (lock < 0) {
        return refuse(path, 0, strerror(errno), why, why_cap);
    }
    const ps_exit code = change(path, server, key, before, why, why_cap);
    close(lock);
    return code;
}
