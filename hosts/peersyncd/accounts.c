#include "peersyncd/accounts.h"

#include "common/exit_codes.h"
#include "common/safe_write.h"
#include "common/text.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

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

void ps_accounts_command_line(const ps_daemon_config *config, const char *what, char *out,
                              size_t cap)
{
    char program[PS_STATE_PATH_MAX];
    char value[PS_STATE_PATH_MAX + 256] = "";
    quote(program, sizeof program, config->program);
    if (config->credentials_value[0] != '\0') {
        quote(value, sizeof value, config->credentials_value);
    }
    snprintf(out, cap, "%s user %s%s%s", program, what, config->credentials_option, value);
}

int ps_accounts_read(const char *file, ps_credentials *out, bool *missing, char *message,
                     size_t cap)
{
    char path[1024];
    uint8_t *bytes = NULL;
    size_t len = 0;
    ps_text_safe_string(path, sizeof path, file);
    *missing = false;
    if (ps_file_read(file, PS_CREDENTIALS_BYTES_MAX, &bytes, &len) != 0) {
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

int ps_accounts_load(const ps_daemon_config *config, const uint8_t realm_secret[32],
                     ps_accounts_when when, ps_credentials *out, char *message, size_t cap)
{
    bool missing = false;
    int code = ps_accounts_read(config->credentials, out, &missing, message, cap);
    if (code != PS_EXIT_DONE) {
        return code;
    }
    /* A running server may lose its last user, but not its file. */
    if (missing || (out->count == 0 && when == PS_ACCOUNTS_START)) {
        char path[1024];
        char command[2 * PS_STATE_PATH_MAX + 512];
        ps_text_safe_string(path, sizeof path, config->credentials);
        ps_accounts_command_line(config, "add NAME", command, sizeof command);
        snprintf(message, cap, "%s %s. Make the first user with:\n  %s", path,
                 missing ? "does not exist, so nobody could log in" : "names no users yet",
                 command);
        ps_credentials_free(out);
        return PS_EXIT_CREDENTIALS;
    }
    ps_credentials_seal(out, realm_secret);
    return PS_EXIT_DONE;
}

void ps_accounts_warn(const ps_daemon_config *config, const ps_credentials *credentials)
{
    struct stat st;
    char command[2 * PS_STATE_PATH_MAX + 512];
    const uint32_t in_clear = credentials->count - credentials->hashed_count;
    if (stat(config->credentials, &st) == 0 && (st.st_mode & (S_IRWXG | S_IRWXO)) != 0) {
        ps_log(PS_LOG_WARNING, "others may read the credentials file: chmod 600 it",
               (ps_log_field[]){PS_F_STRING("file", config->credentials), PS_F_END});
    }
    if (credentials->count == 0) {
        ps_log(PS_LOG_WARNING, "the credentials file names no users: nobody can log in",
               (ps_log_field[]){PS_F_STRING("file", config->credentials), PS_F_END});
    }
    if (in_clear > 0) {
        ps_accounts_command_line(config, "import", command, sizeof command);
        ps_log(PS_LOG_WARNING, "passwords stand in the credentials file in clear: convert them",
               (ps_log_field[]){PS_F_NUMBER("users", in_clear), PS_F_STRING("command", command),
                                PS_F_END});
    }
    if (credentials->weak_count > 0) {
        ps_log(PS_LOG_WARNING,
               "argon2id strings are weaker than interactive: set those passwords anew with "
               "'user passwd'",
               (ps_log_field[]){PS_F_NUMBER("users", credentials->weak_count), PS_F_END});
    }
}
