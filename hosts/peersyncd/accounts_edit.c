#include "peersyncd/accounts_edit.h"

#include "common/exit_codes.h"
#include "common/safe_write.h"
#include "common/text.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

int ps_accounts_fail(int code, const char *format, ...)
{
    va_list args;
    fputs("peersyncd: ", stderr);
    va_start(args, format);
    vfprintf(stderr, format, args);
    va_end(args);
    fputc('\n', stderr);
    return code;
}

static void say_waiting(const char *file)
{
    char path[1024];
    ps_text_safe_string(path, sizeof path, file);
    fprintf(stderr, "waiting for %s, which another command edits ...\n", path);
}

int ps_accounts_lock(const char *file)
{
    return ps_file_lock(file, say_waiting);
}

void ps_text_out_put(ps_text_out *out, ps_span text)
{
    if (out->failed || text.len == 0) {
        return;
    }
    if (text.len > out->cap - out->len) {
        /* Not by realloc(), which leaves a copy of passwords behind. */
        const size_t cap = 2 * (out->len + text.len);
        uint8_t *larger = malloc(cap);
        if (larger == NULL) {
            out->failed = true;
            return;
        }
        if (out->len > 0) {
            memcpy(larger, out->bytes, out->len);
            explicit_bzero(out->bytes, out->len);
        }
        free(out->bytes);
        out->bytes = larger;
        out->cap = cap;
    }
    memcpy(out->bytes + out->len, text.data, text.len);
    out->len += text.len;
}

void ps_text_out_line(ps_text_out *out)
{
    if (out->len > 0 && out->bytes[out->len - 1] != '\n') {
        ps_text_out_put(out, (ps_span){(const uint8_t *)"\n", 1});
    }
}

void ps_text_out_free(ps_text_out *out)
{
    if (out->bytes != NULL) {
        explicit_bzero(out->bytes, out->len);
    }
    free(out->bytes);
    *out = (ps_text_out){.bytes = NULL};
}

int ps_accounts_save(const ps_daemon_config *config, ps_text_out *out)
{
    const bool whole = !out->failed;
    int rc = -1;
    int error = ENOMEM;
    if (whole) {
        rc = ps_file_replace(config->credentials, (ps_span){out->bytes, out->len}, 0600);
        error = errno;
    }
    ps_text_out_free(out);
    if (rc != 0) {
        char path[1024];
        ps_text_safe_string(path, sizeof path, config->credentials);
        return ps_accounts_fail(whole ? PS_EXIT_LOCAL_FILE : PS_EXIT_SYSTEM,
                                "%s cannot be written: %s", path, strerror(error));
    }
    return PS_EXIT_DONE;
}
