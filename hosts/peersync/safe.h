/* Text from elsewhere, made safe for a terminal, in one expression:
 *   out_fail(o, "there is no %s", SAFE(name));            a C string
 *   out_note(o, "%s is online", SAFE_SPAN(entry->user));  borrowed bytes
 * Each expression has a buffer of its own, alive to the end of the block. */
#ifndef PEERSYNC_SAFE_H
#define PEERSYNC_SAFE_H

#include "common/text.h"

/* A path of four kilobytes that needs escapes throughout is cut. */
#define SAFE_BYTES 4352u

struct safe {
    char text[SAFE_BYTES];
};

static inline const char *safe_span(struct safe *s, ps_span text)
{
    ps_text_safe(s->text, sizeof s->text, text);
    return s->text;
}

static inline const char *safe_string(struct safe *s, const char *text)
{
    ps_text_safe_string(s->text, sizeof s->text, text);
    return s->text;
}

#define SAFE(string)    safe_string(&(struct safe){.text = ""}, (string))
#define SAFE_SPAN(span) safe_span(&(struct safe){.text = ""}, (span))

#endif
