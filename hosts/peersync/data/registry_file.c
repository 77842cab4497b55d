#include "registry_file.h"

#include "alloc.h"
#include "hex.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FIRST_LINE "peersync-published 1"

/* Room for the numbers of a line, its root, and what divides them. */
#define LINE_NUMBERS_BYTES (5u * 21u + 2u * PS_ROOT_BYTES + 4u)

/* What follows writes at `to`, where there is room, and returns the end: all is written again for
 * each change, so a line must cost little. */
static char *put_escaped(char *to, const char *text)
{
    static const char digits[] = "0123456789abcdef";
    for (const unsigned char *p = (const unsigned char *)text; *p; p++) {
        if (*p <= ' ' || *p == '%' || *p == 0x7f) {
            *to++ = '%';
            *to++ = digits[*p >> 4];
            *to++ = digits[*p & 15];
        } else {
            *to++ = (char)*p;
        }
    }
    return to;
}

static char *put_unsigned(char *to, uint64_t n)
{
    char digits[20];
    size_t count = 0;
    do {
        digits[count++] = (char)('0' + n % 10);
        n /= 10;
    } while (n > 0);
    while (count > 0) {
        *to++ = digits[--count];
    }
    *to++ = ' ';
    return to;
}

static char *put_signed(char *to, int64_t n)
{
    if (n < 0) {
        *to++ = '-';
    }
    return put_unsigned(to, n < 0 ? 0 - (uint64_t)n : (uint64_t)n);
}

static char *put_line(char *to, const struct entry *e)
{
    to = put_unsigned(to, e->content.length);
    hex_write(to, e->content.root, PS_ROOT_BYTES);
    to += 2u * PS_ROOT_BYTES;
    *to++ = ' ';
    to = put_unsigned(to, e->file.device);
    to = put_unsigned(to, e->file.inode);
    to = put_signed(to, e->file.mtime_ns);
    to = put_signed(to, e->file.ctime_ns);
    to = put_escaped(to, e->name);
    *to++ = ' ';
    to = put_escaped(to, e->path);
    *to++ = '\n';
    return to;
}

char *registry_text(struct entry *const entries[], size_t count, size_t *len)
{
    size_t cap = 4096;
    char *text = data_alloc(1, cap);
    char *to = text + snprintf(text, cap, FIRST_LINE "\n");
    for (size_t i = 0; i < count; i++) {
        const size_t used = (size_t)(to - text);
        const size_t line =
            LINE_NUMBERS_BYTES + 3 * (strlen(entries[i]->name) + strlen(entries[i]->path));
        /* The last line needs some room, too. */
        if (cap - used < line + 64) {
            cap = 2 * cap + line;
            text = data_grow(text, cap, 1);
            to = text + used;
        }
        to = put_line(to, entries[i]);
    }
    to += snprintf(to, cap - (size_t)(to - text), "end %zu\n", count);
    *len = (size_t)(to - text);
    return text;
}

/* The next word of *at, which is cut off there; NULL when there is none. */
static char *next_word(char **at)
{
    char *word = *at;
    if (!word || *word == '\0') {
        return NULL;
    }
    char *space = strchr(word, ' ');
    if (space) {
        *space = '\0';
    }
    *at = space ? space + 1 : NULL;
    return word;
}

static bool read_unsigned(char **at, uint64_t *out)
{
    const char *word = next_word(at);
    if (!word || word[0] < '0' || word[0] > '9') {
        return false;
    }
    char *end = NULL;
    errno = 0;
    *out = strtoull(word, &end, 10);
    return errno == 0 && *end == '\0';
}

static bool read_signed(char **at, int64_t *out)
{
    const char *word = next_word(at);
    if (!word || (word[0] != '-' && (word[0] < '0' || word[0] > '9'))) {
        return false;
    }
    char *end = NULL;
    errno = 0;
    *out = strtoll(word, &end, 10);
    return errno == 0 && *end == '\0';
}

/* Takes the escapes out, in place. A NUL cannot stand in a name. */
static bool unescape(char *text)
{
    char *to = text;
    for (const char *from = text; *from; from++) {
        uint8_t byte = (uint8_t)*from;
        if (byte == '%') {
            if (!hex_read(&byte, from + 1, 1) || byte == 0) {
                return false;
            }
            from += 2;
        }
        *to++ = (char)byte;
    }
    *to = '\0';
    return true;
}

/* NULL, or what is wrong with the line. `text` is changed. */
static const char *parse_line(char *text, struct registry_line *line)
{
    char *at = text;
    if (!read_unsigned(&at, &line->content.length) || line->content.length > PS_FILE_MAX) {
        return "the length is not a number of bytes";
    }
    const char *root = next_word(&at);
    if (!root || strlen(root) != (size_t)(2 * PS_ROOT_BYTES) ||
        !hex_read(line->content.root, root, PS_ROOT_BYTES)) {
        return "the root is not 64 hex digits";
    }
    line->file.size = line->content.length;
    if (!read_unsigned(&at, &line->file.device) || !read_unsigned(&at, &line->file.inode) ||
        !read_signed(&at, &line->file.mtime_ns) || !read_signed(&at, &line->file.ctime_ns)) {
        return "a number is missing";
    }
    char *name = next_word(&at);
    if (!name || !unescape(name) ||
        ps_name_check((ps_span){(const uint8_t *)name, strlen(name)}) != PS_NAME_OK) {
        return "the name cannot be used";
    }
    char *path = next_word(&at);
    if (!path || at || !unescape(path) || path[0] != '/') {
        return "the path is not absolute";
    }
    line->name = data_strdup(name);
    line->path = data_strdup(path);
    return NULL;
}

static void set_broken(struct registry_lines *out, size_t number, const char *what)
{
    if (what && out->broken_line == 0) {
        out->broken_line = number;
        out->broken = what;
    }
}

static bool is_end(const char *text, size_t count)
{
    char expected[32];
    (void)snprintf(expected, sizeof expected, "end %zu", count);
    return strcmp(text, expected) == 0;
}

void registry_parse(const char *text, size_t len, struct registry_lines *out)
{
    *out = (struct registry_lines){0};
    size_t number = 0, cap = 0;
    bool ended = false;
    for (size_t at = 0; at < len;) {
        const char *newline = memchr(text + at, '\n', len - at);
        size_t line_len = newline ? (size_t)(newline - (text + at)) : len - at;
        char *line = data_alloc(1, line_len + 1);
        memcpy(line, text + at, line_len);
        at += line_len + 1;
        number++;
        struct registry_line parsed = {0};
        const char *fault = NULL;
        if (number == 1) {
            fault = strcmp(line, FIRST_LINE) != 0 ? "it is not a registry of this version" : NULL;
        } else if (ended) {
            fault = "there is more after the end";
        } else if (strncmp(line, "end ", 4) == 0) {
            ended = true;
            fault = is_end(line, out->count) ? NULL : "the count of entries is another";
        } else if (memchr(line, '\0', line_len)) {
            fault = "it holds a NUL byte";
        } else {
            fault = parse_line(line, &parsed);
        }
        if (parsed.path) {
            if (out->count == cap) {
                cap = cap > 0 ? 2 * cap : 64;
                out->lines = data_grow(out->lines, cap, sizeof *out->lines);
            }
            out->lines[out->count++] = parsed;
        }
        set_broken(out, number, fault);
        free(line);
        if (number == 1 && fault) {
            return;
        }
    }
    set_broken(out, number + 1, ended ? NULL : "its end is missing");
}

void registry_lines_free(struct registry_lines *lines)
{
    for (size_t i = 0; i < lines->count; i++) {
        free(lines->lines[i].name);
        free(lines->lines[i].path);
    }
    free(lines->lines);
    *lines = (struct registry_lines){0};
}
