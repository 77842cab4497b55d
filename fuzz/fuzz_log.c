/* A line of the log with fields from anybody, as text and as JSON, read back by a reader of its
 * own: one line, which steers no terminal, with the fields that were given and no others. */
#include "text_world.h"

#include "common/log.h"
#include "common/text.h"
#include "peersync/posix.h"

enum { FIELDS = 8, TEXT_MAX = 2048, LINE = 4096 };

static const char *const keys[FIELDS] = {"a", "b", "user", "file", "path", "reason", "to", "x"};

/* A field of the text form: its value without quotes. @return what was read. */
static size_t text_value(const char *at, char *out)
{
    const char *from = at;
    if (*at != '"') {
        const size_t len = strcspn(at, " \n");
        memcpy(out, at, len);
        out[len] = '\0';
        must(memchr(at, '"', len) == NULL && memchr(at, '=', len) == NULL);
        return len;
    }
    for (at++; *at != '"'; at++) {
        if (*at == '\\') {
            at++;
        }
        must(*at != '\0' && *at != '\n');
        *out++ = *at;
    }
    *out = '\0';
    return (size_t)(at + 1 - from);
}

/* The value as text that a reader of this form gets. */
static void want_of(const ps_log_field *f, bool json, char *out, size_t cap)
{
    char room[PS_ADDR_TEXT];
    if (f->kind == PS_FIELD_NUMBER) {
        snprintf(out, cap, "%llu", (unsigned long long)f->number);
    } else if (f->kind == PS_FIELD_ADDR) {
        snprintf(out, cap, "%s", ps_addr_format(f->addr, room));
    } else if (json) {
        char value[1024];
        size_t len = 0;
        const size_t n = ps_text_json(value, sizeof value, f->span);
        must(json_read(value, n, (uint8_t *)out, &len) == n);
        out[len] = '\0';
    } else {
        ps_text_safe(out, 1024, f->span);
    }
}

/* What stands behind the time. */
static void check_text(const char *line, size_t cap, const ps_log_field *fields)
{
    char value[LINE], want[LINE];
    const char *at = strstr(line, " info event");
    if (at == NULL) {
        must(cap < 64);
        return;
    }
    at += strlen(" info event");
    for (const ps_log_field *f = fields; f->kind != PS_FIELD_END; f++) {
        const size_t key = strlen(f->key);
        if (at[0] == ' ' && strncmp(at + 1, f->key, key) == 0 && at[key + 1] == '=') {
            at += key + 2;
            at += text_value(at, value);
            want_of(f, false, want, sizeof want);
            must(strcmp(value, want) == 0);
        }
    }
    must(strcmp(at, "\n") == 0);
}

static void check_json(const char *line, size_t cap, const ps_log_field *fields)
{
    char want[LINE];
    uint8_t value[LINE];
    const char *end = line + strlen(line);
    const char *at = strstr(line, "\"info\",\"message\":\"event\"");
    if (at == NULL) {
        must(cap < 96);
        return;
    }
    at += strlen("\"info\",\"message\":\"event\"");
    for (const ps_log_field *f = fields; f->kind != PS_FIELD_END; f++) {
        const size_t key = strlen(f->key);
        if (strncmp(at, ",\"", 2) != 0 || strncmp(at + 2, f->key, key) != 0 ||
            strncmp(at + 2 + key, "\":", 2) != 0) {
            continue; /* It did not fit. */
        }
        size_t len = 0;
        at += key + 4;
        const bool quoted = f->kind != PS_FIELD_NUMBER;
        if (quoted) {
            must(*at++ == '"');
            at += json_read(at, (size_t)(end - at), value, &len);
            must(*at++ == '"');
        } else {
            len = strspn(at, "0123456789");
            memcpy(value, at, len);
            at += len;
        }
        value[len] = '\0';
        want_of(f, true, want, sizeof want);
        must(strcmp((const char *)value, want) == 0);
    }
    must(strcmp(at, "}\n") == 0);
}

static ps_log_field field_of(tape *t, size_t i, ps_addr *addr)
{
    const uint8_t kind = take8(t);
    if (kind % 4 == 0) {
        return PS_F_NUMBER(keys[i], take64(t) >> kind / 4);
    }
    if (kind % 4 == 1) {
        *addr = (ps_addr){.family = kind & 4u ? PS_ADDR_V4 : PS_ADDR_V6, .port = take8(t)};
        addr->ip[15] = take8(t);
        return PS_F_ADDR(keys[i], addr);
    }
    size_t len = kind / 4 > 60 ? take8(t) * 8u : kind / 4;
    len = len < t->left ? len : t->left;
    const ps_span span = {t->at, len};
    t->at += len;
    t->left -= len;
    return PS_F_SPAN(keys[i], span);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    ps_log_field fields[FIELDS + 1];
    ps_addr addrs[FIELDS];
    if (size < 4 || size > TEXT_MAX) {
        return 0;
    }
    uint8_t *exact = malloc(size);
    must(exact != NULL);
    memcpy(exact, data, size);
    tape t = {exact, size};
    const uint8_t shape = take8(&t);
    const size_t cap = (shape & 8u) != 0 ? LINE : take8(&t) * 4u;
    size_t count = 0;
    for (; count < shape % 8u && t.left > 0; count++) {
        fields[count] = field_of(&t, count, &addrs[count]);
    }
    fields[count] = PS_F_END;
    const uint64_t now = take64(&t);
    for (int format = PS_LOG_TEXT; format <= PS_LOG_JSON; format++) {
        char *out = malloc(cap + (cap == 0));
        must(out != NULL);
        const size_t len =
            ps_log_line(out, cap, (ps_log_format)format, now, PS_LOG_INFO, "event", fields);
        must(cap < 4 ? len == 0 : len < cap && strlen(out) == len && out[len - 1] == '\n');
        if (len > 0) {
            must_be_safe(out, len - 1);
            (format == PS_LOG_JSON ? check_json : check_text)(out, cap, fields);
        }
        free(out);
    }
    free(exact);
    return 0;
}
