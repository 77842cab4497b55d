/* Text from anybody on its way to a terminal, to JSON and into a table's column, and numbers for
 * people. What comes out is read back by readers of its own (text_world.h): it steers no terminal,
 * holds what went in, and where it was cut it is a front of what would have come. */
#include "text_world.h"

#include "common/format.h"
#include "common/text.h"
#include "json.h"
#include "width.h"

#include <locale.h>

#define TEXT_MAX 4096u

/* A block of exactly so many bytes. */
static char *block(size_t len)
{
    char *at = malloc(len + (len == 0));
    must(at != NULL);
    return at;
}

/* Safe text in less room: a front of the whole, and dots. */
static void check_safe_cut(ps_span text, const char *whole, size_t whole_len, size_t cap)
{
    char *out = block(cap);
    const size_t len = ps_text_safe(out, cap, text);
    if (cap == 0) {
        must(len == 0);
    } else if (whole_len < cap) {
        must(len == whole_len && memcmp(out, whole, len + 1) == 0);
    } else {
        const size_t dots = cap - 1 < 3 ? cap - 1 : 3;
        must(len < cap && out[len] == '\0' && len >= dots);
        must(memcmp(out + len - dots, "...", dots) == 0);
        must(memcmp(out, whole, len - dots) == 0);
        must_be_safe(out, len);
    }
    free(out);
}

static void check_safe(ps_span text, size_t cap)
{
    const size_t room = PS_TEXT_SAFE_BYTES(text.len);
    char *out = block(room), *again = block(4 * room + 1);
    const size_t len = ps_text_safe(out, room, text);
    must(len < room && strlen(out) == len && len >= text.len);
    must_be_safe(out, len);
    must(ps_text_safe_string(again, 4 * room + 1, out) == len && strcmp(out, again) == 0);
    check_safe_cut(text, out, len, cap);
    free(again);
    free(out);
}

static void check_json(ps_span text, size_t cap)
{
    const size_t room = text.len * 6 + 1;
    char *out = block(room), *cut = block(cap);
    uint8_t *back = (uint8_t *)block(room), *want = (uint8_t *)block(3 * text.len);
    size_t back_len = 0;
    const size_t len = ps_text_json(out, room, text);
    must(len < room && strlen(out) == len);
    must_be_safe(out, len);
    must(json_read(out, len, back, &back_len) == len);
    must(back_len == json_mends(text.data, text.len, want));
    must(memcmp(back, want, back_len) == 0);
    const size_t cut_len = ps_text_json(cut, cap, text);
    must(cap == 0 ? cut_len == 0 : cut_len < cap && cut[cut_len] == '\0');
    must(memcmp(cut, out, cut_len) == 0 && (cap <= len || cut_len == len));
    must(json_read(cut, cut_len, back, &back_len) == cut_len); /* Not in an escape. */
    must_be_safe(cut, cut_len);
    free(want);
    free(back);
    free(cut);
    free(out);
}

/* An object of several fields, as --json prints it. */
static void check_object(ps_span text, uint64_t number)
{
    struct json j = JSON_BEGIN;
    struct kept kept = {.bytes = NULL};
    char digits[64];
    uint8_t *back = (uint8_t *)block(6 * text.len + 1), *want = (uint8_t *)block(3 * text.len);
    size_t back_len = 0;
    json_span(&j, "name", text);
    json_number(&j, "n", number);
    json_bool(&j, "b", (number & 1u) != 0);
    json_span(&j, "again", text);
    json_keep(&j, &kept);
    const int n = snprintf(digits, sizeof digits, "\",\"n\":%llu,\"b\":%s,\"again\":\"",
                           (unsigned long long)number, number & 1u ? "true" : "false");
    const char *at = kept.bytes, *end = kept.bytes + kept.len;
    const size_t want_len = json_mends(text.data, text.len, want);
    must(kept.len > 9 && memcmp(at, "{\"name\":\"", 9) == 0);
    at += 9;
    at += json_read(at, (size_t)(end - at), back, &back_len);
    must(back_len == want_len && memcmp(back, want, back_len) == 0);
    must(end - at > n && memcmp(at, digits, (size_t)n) == 0);
    at += n;
    at += json_read(at, (size_t)(end - at), back, &back_len);
    must(back_len == want_len && memcmp(back, want, back_len) == 0);
    must(end - at == 3 && memcmp(at, "\"}\n", 3) == 0);
    kept_clear(&kept);
    free(kept.bytes);
    free(want);
    free(back);
}

/* Safe text in a column: never wider; a front and a back that do not meet, or a front alone. */
static void check_width(ps_span text, size_t cap, size_t columns)
{
    const size_t room = PS_TEXT_SAFE_BYTES(text.len);
    char *safe = block(room), *out = block(cap);
    const size_t len = ps_text_safe(safe, room, text);
    const size_t wide = width_fit(out, cap, safe, columns);
    const size_t whole = width_of(safe);
    must(whole <= len);
    if (cap > 0) {
        const size_t out_len = strlen(out);
        must(out_len < cap && wide <= columns && wide == width_of(out));
        must_be_safe(out, out_len);
        if (whole <= columns && len < cap) {
            must(strcmp(out, safe) == 0);
        }
        size_t front = 0;
        while (front < out_len && out[front] == safe[front]) {
            front++;
        }
        if (front < out_len) {
            /* The dots may begin before the first difference, where the text has some, too. */
            bool fits = false;
            for (size_t f = 0; f <= front && !fits; f++) {
                const size_t back = out_len - f - 3;
                fits = out_len >= f + 3 && memcmp(out + f, "...", 3) == 0 && f + back <= len &&
                       memcmp(out + f + 3, safe + len - back, back) == 0;
            }
            must(fits);
        }
    }
    width_cut(safe, columns);
    must(width_of(safe) <= columns && strlen(safe) <= len);
    must_be_safe(safe, strlen(safe));
    free(out);
    free(safe);
}

static void check_numbers(uint64_t n)
{
    char out[PS_FORMAT_TIME_BYTES], count[PS_FORMAT_COUNT_BYTES], unit[8] = "";
    uint64_t back = 0, whole = 0;
    unsigned tenths = 0;
    for (const char *at = ps_format_count(count, n); *at != '\0'; at++) {
        must((*at >= '0' && *at <= '9') || *at == ',');
        back = *at == ',' ? back : back * 10 + (uint64_t)(*at - '0');
    }
    must(back == n);
    ps_format_size(out, n);
    must(strlen(out) < PS_FORMAT_SIZE_BYTES);
    if (n < 1024) {
        must(sscanf(out, "%lu %7s", &whole, unit) == 2 && whole == n && strcmp(unit, "B") == 0);
    } else {
        static const char units[] = "KMGTPE";
        must(sscanf(out, "%lu.%u %7s", &whole, &tenths, unit) == 3);
        const char *at = strchr(units, unit[0]);
        must(at != NULL && *at != '\0' && strcmp(unit + 1, "iB") == 0);
        must(whole >= 1 && whole < 1024 && tenths < 10);
        /* Rounded to the nearest tenth, but where that is the next unit. */
        const double scale = (double)(UINT64_C(1) << (10 * (at - units + 1)));
        const double is = (double)whole + tenths / 10.0, was = (double)n / scale;
        must(is - was < 0.0511 && was - is < 0.0511);
    }
    ps_format_duration(out, n);
    must(strlen(out) > 0 && strlen(out) < PS_FORMAT_SPAN_BYTES);
    must_be_safe(out, strlen(out));
    ps_format_time(out, n);
    must(strlen(out) == 24 || strcmp(out, "unknown") == 0);
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    (void)argc;
    (void)argv;
    must(setlocale(LC_CTYPE, "C.UTF-8") != NULL); /* Or nothing has a width. */
    return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    tape t = {data, size};
    const size_t cap = (size_t)(take8(&t) * 256u + take8(&t)) % (2 * TEXT_MAX);
    const size_t columns = take8(&t);
    const uint64_t number = take64(&t);
    if (t.left > TEXT_MAX) {
        return 0;
    }
    char *exact = block(t.left);
    memcpy(exact, t.at, t.left);
    const ps_span text = {(const uint8_t *)exact, t.left};
    check_safe(text, cap % (PS_TEXT_SAFE_BYTES(t.left) + 2));
    check_json(text, cap % (6 * t.left + 3));
    check_object(text, number);
    check_width(text, cap % (PS_TEXT_SAFE_BYTES(t.left) + 2), columns);
    check_numbers(number >> number % 64);
    free(exact);
    return 0;
}
