#include "json.h"

#include "common/format.h"
#include "common/text.h"
#include "data/alloc.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A byte becomes six at most: \u001f. */
#define ESCAPED_BYTES(n) ((n)*6u + 1u)

static char *room(struct json *j, size_t n)
{
    if (j->cap - j->len < n) {
        j->cap = (j->cap + n) * 2;
        j->text = data_grow(j->text, j->cap, 1);
    }
    return j->text + j->len;
}

static void add(struct json *j, const char *text)
{
    const size_t len = strlen(text);
    memcpy(room(j, len), text, len);
    j->len += len;
}

/* Keys are constants of this program and need no escapes. */
static void add_key(struct json *j, const char *key)
{
    add(j, j->len == 0 ? "{\"" : ",\"");
    add(j, key);
    add(j, "\":");
}

void json_span(struct json *j, const char *key, ps_span value)
{
    add_key(j, key);
    add(j, "\"");
    const size_t cap = ESCAPED_BYTES(value.len);
    char *to = room(j, cap);
    j->len += ps_text_json(to, cap, value);
    add(j, "\"");
}

void json_text(struct json *j, const char *key, const char *value)
{
    json_span(j, key, (ps_span){(const uint8_t *)value, strlen(value)});
}

void json_number(struct json *j, const char *key, uint64_t value)
{
    char digits[24];
    add_key(j, key);
    snprintf(digits, sizeof digits, "%" PRIu64, value);
    add(j, digits);
}

void json_bool(struct json *j, const char *key, bool value)
{
    add_key(j, key);
    add(j, value ? "true" : "false");
}

void json_content(struct json *j, const ps_content *content)
{
    char root[PS_FORMAT_ROOT_BYTES];
    json_number(j, "length", content->length);
    json_text(j, "root", ps_format_root(root, content->root));
}

void json_keep(struct json *j, struct kept *kept)
{
    add(j, j->len == 0 ? "{}\n" : "}\n");
    kept_add(kept, j->text, j->len);
    free(j->text);
    *j = JSON_BEGIN;
}

void json_print(struct json *j, struct out *out)
{
    struct kept line = {.bytes = NULL};
    json_keep(j, &line);
    kept_print(&line, out);
}
