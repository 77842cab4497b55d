/* peersyncd user import: passwords in clear become argon2id strings. */
#include "common/exit_codes.h"
#include "common/text.h"
#include "peersyncd/accounts.h"
#include "peersyncd/accounts_edit.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* So many take long enough for a word before. */
#define MANY 50u

#define SIGHUP_WORDS "(a running server takes it up on SIGHUP)"

static int read_table(const char *file, bool must_exist, ps_credentials *out)
{
    char message[PS_ACCOUNTS_MESSAGE];
    bool missing = false;
    const int code = ps_accounts_read(file, out, &missing, message, sizeof message);
    if (code != PS_EXIT_DONE) {
        return ps_accounts_fail(code, "%s", message);
    }
    if (missing && must_exist) {
        ps_text_safe_string(message, sizeof message, file);
        ps_credentials_free(out);
        return ps_accounts_fail(PS_EXIT_CREDENTIALS, "%s does not exist", message);
    }
    return PS_EXIT_DONE;
}

static void announce(uint32_t in_clear)
{
    if (in_clear >= MANY) {
        fprintf(stderr, "converting %lu passwords; this takes a while\n", (unsigned long)in_clear);
    }
}

/* What is to stand in the file for the account: its string, or a new one of its password. */
static void put_stored(const ps_daemon_config *config, const ps_credentials *table,
                       const ps_account *a, ps_text_out *out)
{
    char made[PS_PASSWORD_STORED];
    ps_span stored = ps_account_stored(table, a);
    if (!a->hashed) {
        if (!ps_password_hash(stored, config->strength, made)) {
            out->failed = true;
            return;
        }
        stored = (ps_span){(const uint8_t *)made, strlen(made)};
    }
    ps_text_out_put(out, stored);
}

/* All but the passwords stays as it is. */
static int convert(const ps_daemon_config *config, const ps_credentials *table)
{
    ps_text_out out = {.bytes = NULL};
    size_t at = 0;
    announce(table->count - table->hashed_count);
    for (uint32_t i = 0; i < table->count && !out.failed; i++) {
        const ps_account *a = &table->accounts[i];
        ps_text_out_put(&out, (ps_span){table->text + at, a->password_at - at});
        put_stored(config, table, a, &out);
        at = (size_t)a->password_at + a->password_len;
    }
    ps_text_out_put(&out, (ps_span){table->text + at, table->text_len - at});
    return ps_accounts_save(config, &out);
}

static int convert_locked(const ps_daemon_config *config, const char *path)
{
    ps_credentials table;
    int code = read_table(config->credentials, true, &table);
    if (code != PS_EXIT_DONE) {
        return code;
    }
    const unsigned long in_clear = table.count - table.hashed_count;
    if (in_clear > 0) {
        code = convert(config, &table);
    }
    ps_credentials_free(&table);
    if (code == PS_EXIT_DONE && in_clear > 0) {
        fprintf(stderr, "converted the passwords of %lu users: %s " SIGHUP_WORDS "\n", in_clear,
                path);
    } else if (code == PS_EXIT_DONE) {
        fprintf(stderr, "no password stands in clear: %s\n", path);
    }
    return code;
}

/* Adds the users of `from` who are not there yet. */
static int add(const ps_daemon_config *config, const ps_credentials *table,
               const ps_credentials *from, unsigned long *added)
{
    ps_text_out out = {.bytes = NULL};
    announce(from->count - from->hashed_count);
    ps_text_out_put(&out, (ps_span){table->text, table->text_len});
    for (uint32_t i = 0; i < from->count && !out.failed; i++) {
        const ps_account *a = &from->accounts[i];
        const ps_span user = ps_account_user(from, a);
        if (ps_credentials_find(table, user) == NULL) {
            ps_text_out_line(&out);
            ps_text_out_put(&out, user);
            ps_text_out_put(&out, (ps_span){(const uint8_t *)" ", 1});
            put_stored(config, from, a, &out);
            ps_text_out_put(&out, (ps_span){(const uint8_t *)"\n", 1});
            ++*added;
        }
    }
    return ps_accounts_save(config, &out);
}

static int add_locked(const ps_daemon_config *config, const ps_credentials *from, const char *path)
{
    ps_credentials table;
    unsigned long added = 0;
    int code = read_table(config->credentials, false, &table);
    if (code == PS_EXIT_DONE) {
        code = add(config, &table, from, &added);
        ps_credentials_free(&table);
    }
    if (code == PS_EXIT_DONE) {
        fprintf(stderr, "added %lu users, and left %lu as they were: %s " SIGHUP_WORDS "\n", added,
                from->count - added, path);
    }
    return code;
}

int ps_accounts_import(const ps_daemon_config *config, const char *file)
{
    char path[1024];
    ps_credentials from = {.text = NULL};
    ps_text_safe_string(path, sizeof path, config->credentials);
    int code = file != NULL ? read_table(file, true, &from) : PS_EXIT_DONE;
    if (code != PS_EXIT_DONE) {
        return code;
    }
    const int lock = ps_accounts_lock(config->credentials);
    if (lock < 0) {
        code = ps_accounts_fail(PS_EXIT_LOCAL_FILE, "the directory of %s cannot be used: %s", path,
                                strerror(errno));
    } else {
        code = file != NULL ? add_locked(config, &from, path) : convert_locked(config, path);
        close(lock);
    }
    ps_credentials_free(&from);
    return code;
}
