#include "peersyncd/accounts.h"

#include "common/exit_codes.h"
#include "common/safe_write.h"
#include "common/text.h"
#include "peersync/crypto_openssl.h"
#include "peersync/posix.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Appends a word so that a shell reads it as one; what needs no quotes gets none. */
static size_t quote(char *out, size_t cap, const char *word)
{
    static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
                                "_-./+:,@%";
    const bool bare = word[0] != '\0' && strspn(word, plain) == strlen(word);
    size_t len = 0;
    if (bare) {
        const int n = snprintf(out, cap, "%s", word);
        return n > 0 && (size_t)n < cap ? (size_t)n : 0;
    }
    for (const char *at = word; len + 6 < cap; at++) {
        if (at == word) {
            out[len++] = '\'';
        }
        if (*at == '\0') {
            break;
        }
        if (*at == '\'') {
            memcpy(out + len, "'\\'", 3);
            len += 3;
        }
        out[len++] = *at;
    }
    out[len++] = '\'';
    out[len] = '\0';
    return len;
}

void ps_accounts_first_command(const ps_daemon_config *config, char *out, size_t cap)
{
    char program[PS_STATE_PATH_MAX];
    char value[PS_STATE_PATH_MAX + 256] = "";
    quote(program, sizeof program, config->program);
    if (config->credentials_value[0] != '\0') {
        quote(value, sizeof value, config->credentials_value);
    }
    snprintf(out, cap, "%s user add NAME%s%s", program, config->credentials_option, value);
}

int ps_accounts_read(const ps_daemon_config *config, ps_credentials *out, bool *missing,
                     char *message, size_t cap)
{
    char path[1024];
    uint8_t *bytes = NULL;
    size_t len = 0;
    ps_text_safe_string(path, sizeof path, config->credentials);
    *missing = false;
    if (ps_file_read(config->credentials, PS_CREDENTIALS_BYTES_MAX, &bytes, &len) != 0) {
        if (errno != ENOENT) {
            snprintf(message, cap, "%s: %s", path,
                     errno == EINVAL  ? "it is not a regular file"
                     : errno == EFBIG ? "the file is larger than 64 MiB"
                                      : strerror(errno));
            return PS_EXIT_CREDENTIALS;
        }
        *missing = true;
        len = 0;
    }
    ps_credentials_fault fault;
    const bool good = ps_credentials_parse((ps_span){bytes, len}, out, &fault);
    if (bytes != NULL) {
        explicit_bzero(bytes, len);
        free(bytes);
    }
    if (good) {
        return PS_EXIT_DONE;
    }
    if (fault.line > 0) {
        snprintf(message, cap, "%s:%u: %s", path, (unsigned)fault.line, fault.text);
    } else {
        snprintf(message, cap, "%s: %s", path, fault.text);
    }
    return PS_EXIT_CREDENTIALS;
}

int ps_accounts_load(const ps_daemon_config *config, ps_credentials *out, char *message, size_t cap)
{
    bool missing = false;
    int code = ps_accounts_read(config, out, &missing, message, cap);
    if (code != PS_EXIT_DONE) {
        return code;
    }
    if (out->count == 0) {
        char path[1024];
        char command[2 * PS_STATE_PATH_MAX + 512];
        ps_text_safe_string(path, sizeof path, config->credentials);
        ps_accounts_first_command(config, command, sizeof command);
        snprintf(message, cap, "%s %s. Make the first user with:\n  %s", path,
                 missing ? "does not exist, so nobody could log in" : "names no users yet",
                 command);
        ps_credentials_free(out);
        return PS_EXIT_CREDENTIALS;
    }
    uint8_t salt[PS_CREDENTIALS_SALT];
    if (ps_posix_entropy(salt, sizeof salt) != PS_OK) {
        snprintf(message, cap, "the system gives no random bytes");
        ps_credentials_free(out);
        return PS_EXIT_SYSTEM;
    }
    ps_credentials_seal(out, ps_crypto_openssl(), salt);
    explicit_bzero(salt, sizeof salt);
    return PS_EXIT_DONE;
}
