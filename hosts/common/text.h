/* Text from the network or the disk on its way to a terminal or a log. */
#ifndef PS_COMMON_TEXT_H
#define PS_COMMON_TEXT_H

#include "peersync/base.h"

/* Room that is enough for any text of n bytes, with the final NUL. */
#define PS_TEXT_SAFE_BYTES(n) ((n)*4u + 1u)

/*
 * Writes `text` so that it cannot steer a terminal: control characters and bytes that are not
 * UTF-8 become `\xNN`; line separators, direction marks and other invisible format characters
 * become `\u{NNNN}`; the rest stays. NUL-ended; what does not fit is cut between characters and
 * the cut shows as "...". Returns the length without the NUL.
 */
size_t ps_text_safe(char *out, size_t cap, ps_span text);
/* The same of a C string. */
size_t ps_text_safe_string(char *out, size_t cap, const char *text);

/* Writes the text as the inside of a JSON string (RFC 8259), without the quotes; bytes that are
 * not UTF-8 become U+FFFD. Cut at `cap` between characters. Returns the length without the NUL. */
size_t ps_text_json(char *out, size_t cap, ps_span text);

/* Length in bytes of the well-formed UTF-8 sequence (RFC 3629) at the front, or 0; `*code` is its
 * character. */
size_t ps_utf8_next(ps_span text, uint32_t *code);

#endif
