#include "known_servers.h"

#include "common/fingerprint.h"
#include "common/text.h"

#include <sodium.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BASE64          sodium_base64_VARIANT_ORIGINAL_NO_PADDING
#define KEY_TEXT_BYTES  sodium_base64_ENCODED_LEN(PS_KEY_BYTES, BASE64) /* With its NUL. */
#define SERVER_TEXT_MAX 320u
#define REMEDY          "correct the line or remove it"

__attribute__((format(printf, 3, 4))) static bool fail(struct known_servers_fault *fault,
                                                       uint32_t line, const char *format, ...)
{
    va_list args;
    fault->line = line;
    va_start(args, format);
    vsnprintf(fault->text, sizeof fault->text, format, args);
    va_end(args);
    return false;
}

static bool is_space(uint8_t c)
{
    return c == ' ' || c == '\t';
}

/* Takes the next word off the front of a line; empty at its end. */
static ps_span take_word(ps_span *line)
{
    while (line->len > 0 && is_space(line->data[0])) {
        line->data++;
        line->len--;
    }
    ps_span word = {line->data, 0};
    while (line->len > 0 && !is_space(line->data[0])) {
        line->data++;
        line->len--;
        word.len++;
    }
    return word;
}

static bool same(ps_span a, ps_span b)
{
    return a.len == b.len && memcmp(a.data, b.data, a.len) == 0;
}

/* "HOST:PORT" as far as it matters here: what nobody types is never found. */
static bool is_server(ps_span word)
{
    const uint8_t *colon = word.len > 0 ? memchr(word.data, ':', word.len) : NULL;
    if (colon == NULL || word.len > SERVER_TEXT_MAX) {
        return false;
    }
    for (size_t i = 0; i < word.len; i++) {
        if (word.data[i] < 0x20 || word.data[i] == 0x7f) {
            return false;
        }
    }
    return true;
}

static bool read_key(ps_span word, uint8_t key[PS_KEY_BYTES])
{
    size_t len = 0;
    return word.len == KEY_TEXT_BYTES - 1 &&
           sodium_base642bin(key, PS_KEY_BYTES, (const char *)word.data, word.len, NULL, &len, NULL,
                             BASE64) == 0 &&
           len == PS_KEY_BYTES;
}

static bool is_fingerprint(ps_span word, const uint8_t key[PS_KEY_BYTES])
{
    char right[PS_FINGERPRINT_BYTES];
    ps_fingerprint_format(right, key);
    return same(word, (ps_span){(const uint8_t *)right, PS_FINGERPRINT_BYTES - 1});
}

/* Reads the words of a line into `entry`, whose place is set already. */
static bool read_line(ps_span line, struct known_server *entry, struct known_servers_fault *fault)
{
    char shown[PS_TEXT_SAFE_BYTES(64)];
    entry->server = take_word(&line);
    const ps_span key = take_word(&line);
    const ps_span fingerprint = take_word(&line);
    const ps_span rest = take_word(&line);
    ps_text_safe(shown, sizeof shown, entry->server);
    if (!is_server(entry->server)) {
        return fail(fault, entry->line, "%s is no server's HOST:PORT: " REMEDY, shown);
    }
    if (!read_key(key, entry->key)) {
        return fail(fault, entry->line, "the key of %s is not 32 bytes in base64: " REMEDY, shown);
    }
    if (fingerprint.len > 0 && !is_fingerprint(fingerprint, entry->key)) {
        return fail(fault, entry->line,
                    "the fingerprint of %s is not the one of its key: ask the server's operator "
                    "for the output of " SERVER_KEY_SHOW ", and " REMEDY,
                    shown);
    }
    if (rest.len > 0) {
        return fail(fault, entry->line, "something follows the fingerprint of %s: " REMEDY, shown);
    }
    return true;
}

/* Looks for another line of the server of the last entry. */
static bool is_first(const struct known_servers *k, const struct known_server *entry,
                     struct known_servers_fault *fault)
{
    char shown[PS_TEXT_SAFE_BYTES(64)];
    for (size_t i = 0; i < k->count; i++) {
        if (same(k->items[i].server, entry->server)) {
            ps_text_safe(shown, sizeof shown, entry->server);
            return fail(fault, entry->line,
                        "%s stands on line %u already: remove the line that is wrong", shown,
                        (unsigned)k->items[i].line);
        }
    }
    return true;
}

static bool read_lines(ps_span file, struct known_servers *k, struct known_servers_fault *fault)
{
    uint32_t number = 1;
    for (size_t at = 0; at < file.len; number++) {
        const uint8_t *newline = memchr(file.data + at, '\n', file.len - at);
        const size_t end = newline != NULL ? (size_t)(newline - file.data) : file.len;
        ps_span line = {file.data + at, end - at};
        if (line.len > 0 && line.data[line.len - 1] == '\r') {
            line.len--;
        }
        struct known_server entry = {
            .line_at = at, .line_len = end - at + (newline != NULL ? 1u : 0u), .line = number};
        at = entry.line_at + entry.line_len;
        ps_span peek = line;
        const ps_span first = take_word(&peek);
        if (first.len == 0 || first.data[0] == '#') {
            continue;
        }
        if (!read_line(line, &entry, fault) || !is_first(k, &entry, fault)) {
            return false;
        }
        if (k->count == KNOWN_SERVERS_MAX) {
            return fail(fault, number, "there are more than %u servers: remove some",
                        KNOWN_SERVERS_MAX);
        }
        k->items[k->count++] = entry;
    }
    return true;
}

bool known_servers_parse(ps_span file, struct known_servers *out, struct known_servers_fault *fault)
{
    size_t lines = 1;
    *out = (struct known_servers){.items = NULL};
    if (file.len > KNOWN_SERVERS_BYTES_MAX) {
        return fail(fault, 0, "the file is larger than 1 MiB: remove what is not needed");
    }
    for (size_t i = 0; i < file.len && lines < KNOWN_SERVERS_MAX; i++) {
        lines += file.data[i] == '\n' ? 1u : 0u;
    }
    out->items = calloc(lines, sizeof *out->items);
    if (out->items == NULL) {
        return fail(fault, 0, "there is not enough memory");
    }
    if (!read_lines(file, out, fault)) {
        known_servers_free(out);
        return false;
    }
    return true;
}

void known_servers_free(struct known_servers *k)
{
    free(k->items);
    *k = (struct known_servers){.items = NULL};
}

const struct known_server *known_servers_find(const struct known_servers *k, const char *server)
{
    const ps_span wanted = {(const uint8_t *)server, strlen(server)};
    for (size_t i = 0; i < k->count; i++) {
        if (same(k->items[i].server, wanted)) {
            return &k->items[i];
        }
    }
    return NULL;
}

static uint8_t *append(uint8_t *to, const void *bytes, size_t len)
{
    if (len > 0) {
        memcpy(to, bytes, len);
    }
    return to + len;
}

uint8_t *known_servers_edit(ps_span file, const struct known_servers *k, const char *server,
                            const uint8_t key[PS_KEY_BYTES], size_t *len)
{
    char text[KEY_TEXT_BYTES];
    char fingerprint[PS_FINGERPRINT_BYTES];
    char line[SERVER_TEXT_MAX + KEY_TEXT_BYTES + PS_FINGERPRINT_BYTES + 8];
    sodium_bin2base64(text, sizeof text, key, PS_KEY_BYTES, BASE64);
    ps_fingerprint_format(fingerprint, key);
    const int line_len = snprintf(line, sizeof line, "%.*s %s %s\n", (int)SERVER_TEXT_MAX, server,
                                  text, fingerprint);
    const struct known_server *old = known_servers_find(k, server);
    const size_t before = old != NULL ? old->line_at : file.len;
    const size_t after = old != NULL ? old->line_at + old->line_len : file.len;
    const bool open_line = before > 0 && file.data[before - 1] != '\n';
    uint8_t *out = malloc(file.len + (size_t)line_len + 1);
    if (out == NULL) {
        return NULL;
    }
    uint8_t *end = append(out, file.data, before);
    end = append(end, "\n", open_line ? 1 : 0);
    end = append(end, line, (size_t)line_len);
    end = append(end, after < file.len ? file.data + after : NULL, file.len - after);
    *len = (size_t)(end - out);
    return out;
}
