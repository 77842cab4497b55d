/* What all commands need that edit the credentials file. */
#ifndef PS_PEERSYNCD_ACCOUNTS_EDIT_H
#define PS_PEERSYNCD_ACCOUNTS_EDIT_H

#include "peersyncd/config.h"

/* Prints "peersyncd: ..." on stderr. @return `code`. */
__attribute__((format(printf, 2, 3))) int ps_accounts_fail(int code, const char *format, ...);

/* As ps_file_lock(), and says so when it waits. */
int ps_accounts_lock(const char *file);

/* A file's new content, which grows. Starts as zeros. */
typedef struct ps_text_out {
    uint8_t *bytes;
    size_t len, cap;
    bool failed; /* There was not enough memory. */
} ps_text_out;

void ps_text_out_put(ps_text_out *out, ps_span text);
/* Ends a last line that has no newline. */
void ps_text_out_line(ps_text_out *out);
void ps_text_out_free(ps_text_out *out);

/* Replaces the credentials file as a whole, for nobody else to read, and frees the content.
 * @return a ps_exit; it has said why. */
int ps_accounts_save(const ps_daemon_config *config, ps_text_out *out);

/* accounts_import.c: `peersyncd user import [FILE]`. @return a ps_exit. */
int ps_accounts_import(const ps_daemon_config *config, const char *file);

#endif
