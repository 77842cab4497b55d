/* One JSON object, written field by field into a line. */
#ifndef PEERSYNC_JSON_H
#define PEERSYNC_JSON_H

#include "kept.h"
#include "out.h"
#include "peersync/base.h"

struct json {
    char *text;
    size_t len, cap;
};

/* Start from JSON_BEGIN; json_keep() or json_print() ends the object and frees it. */
#define JSON_BEGIN ((struct json){.text = NULL, .len = 0, .cap = 0})

void json_span(struct json *j, const char *key, ps_span value);
void json_text(struct json *j, const char *key, const char *value);
void json_number(struct json *j, const char *key, uint64_t value);
void json_bool(struct json *j, const char *key, bool value);
/* "length" and "root". */
void json_content(struct json *j, const ps_content *content);
/* One line: kept for later, or at once on stdout. */
void json_keep(struct json *j, struct kept *kept);
void json_print(struct json *j, struct out *out);

#endif
