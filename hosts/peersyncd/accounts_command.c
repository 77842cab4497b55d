/* peersyncd user add|passwd|remove|import|list: edits the file's lines and leaves all others alone.
 */
#include "peersyncd/accounts.h"
#include "peersyncd/accounts_edit.h"

#include "common/exit_codes.h"
#include "common/suggest.h"
#include "common/terminal.h"
#include "common/text.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define PASSWORD_BYTES (PS_PASSWORD_MAX + 2u)

/* Asks for a new password, or takes the first line of standard input. */
static int new_password(char password[PASSWORD_BYTES])
{
    char again[PASSWORD_BYTES];
    const bool terminal = isatty(STDIN_FILENO) == 1;
    ssize_t len = terminal
                      ? ps_password_read(STDIN_FILENO, "New password: ", password, PASSWORD_BYTES)
                      : ps_line_read(STDIN_FILENO, password, PASSWORD_BYTES);
    if (len == -1) {
        return ps_accounts_fail(PS_EXIT_USAGE, "no password was given");
    }
    const char *fault = len == -2 ? "it is longer than 128 bytes"
                                  : ps_password_fault((ps_span){(uint8_t *)password, (size_t)len});
    if (fault != NULL) {
        return ps_accounts_fail(PS_EXIT_USAGE, "this password cannot be used: %s", fault);
    }
    if (terminal) {
        len = ps_password_read(STDIN_FILENO, "The same again: ", again, sizeof again);
        const bool same = len >= 0 && strcmp(password, again) == 0;
        explicit_bzero(again, sizeof again);
        if (!same) {
            return ps_accounts_fail(PS_EXIT_USAGE, "the two passwords differ: nothing was changed");
        }
    }
    return PS_EXIT_DONE;
}

/* What a command needs and does. */
typedef struct command {
    const char *name;
    const char *done;    /* "added": what is said afterwards. */
    bool takes_name;     /* And edits the file. */
    bool takes_password; /* Asks for one and writes a line. */
    bool of_known_user;  /* The user must be there; else it must not. */
} command;

static const command commands[] = {
    {.name = "add", .done = "added", .takes_name = true, .takes_password = true},
    {.name = "passwd",
     .done = "changed the password of",
     .takes_name = true,
     .takes_password = true,
     .of_known_user = true},
    {.name = "remove", .done = "removed", .takes_name = true, .of_known_user = true},
    {.name = "import"},
    {.name = "list"}};
#define COMMANDS (sizeof commands / sizeof commands[0])

static const command *find_command(const ps_words *words)
{
    if (words->len < 1) {
        ps_accounts_fail(PS_EXIT_USAGE,
                         "'user' is followed by add, passwd, remove, import or list");
        return NULL;
    }
    ps_suggest s = ps_suggest_begin(words->items[0]);
    for (size_t i = 0; i < COMMANDS; i++) {
        if (strcmp(words->items[0], commands[i].name) == 0) {
            return &commands[i];
        }
        ps_suggest_offer(&s, commands[i].name);
    }
    char shown[256];
    ps_text_safe_string(shown, sizeof shown, words->items[0]);
    if (s.best != NULL) {
        ps_accounts_fail(PS_EXIT_USAGE, "there is no 'user %s'; did you mean 'user %s'?", shown,
                         s.best);
    } else {
        ps_accounts_fail(PS_EXIT_USAGE,
                         "there is no 'user %s': it is add, passwd, remove, import or list", shown);
    }
    return NULL;
}

static int check_name(const char *name)
{
    const ps_span span = {(const uint8_t *)name, strlen(name)};
    const ps_name_fault fault = ps_user_check(span);
    if (fault == PS_NAME_OK) {
        return PS_EXIT_DONE;
    }
    char shown[256];
    ps_text_safe_string(shown, sizeof shown, name);
    return ps_accounts_fail(PS_EXIT_USAGE, "the user name '%s' cannot be used: %s", shown,
                            span.len > PS_USER_MAX ? "it is longer than 64 bytes"
                                                   : ps_name_fault_text(fault));
}

static int no_user(const ps_credentials *c, const char *name)
{
    char best[PS_USER_MAX + 1] = "";
    ps_suggest s = ps_suggest_begin(name);
    for (uint32_t i = 0; i < c->count; i++) {
        char candidate[PS_USER_MAX + 1];
        const ps_span user = ps_account_user(c, &c->accounts[i]);
        memcpy(candidate, user.data, user.len);
        candidate[user.len] = '\0';
        const size_t before = s.distance;
        ps_suggest_offer(&s, candidate);
        if (s.distance < before) {
            memcpy(best, candidate, user.len + 1u);
        }
    }
    char shown[PS_TEXT_SAFE_BYTES(PS_USER_MAX)];
    char near[PS_TEXT_SAFE_BYTES(PS_USER_MAX)];
    ps_text_safe_string(shown, sizeof shown, name);
    ps_text_safe_string(near, sizeof near, best);
    if (best[0] != '\0') {
        return ps_accounts_fail(PS_EXIT_NOT_FOUND, "there is no user %s; did you mean %s?", shown,
                                near);
    }
    return ps_accounts_fail(PS_EXIT_NOT_FOUND, "there is no user %s", shown);
}

/* Reads the file and looks whether the command can be done. On success the table is the caller's,
 * and *account the user's or NULL. */
static int prepare(const ps_daemon_config *config, const command *c, const char *name,
                   ps_credentials *table, const ps_account **account)
{
    char message[PS_ACCOUNTS_MESSAGE];
    bool missing = false;
    int code = ps_accounts_read(config->credentials, table, &missing, message, sizeof message);
    if (code != PS_EXIT_DONE) {
        return ps_accounts_fail(code, "%s", message);
    }
    *account = ps_credentials_find(table, (ps_span){(const uint8_t *)name, strlen(name)});
    if (c->of_known_user && *account == NULL) {
        code = no_user(table, name);
    } else if (!c->of_known_user && *account != NULL) {
        code = ps_accounts_fail(PS_EXIT_EXISTS,
                                "there is a user %s already; 'user passwd %s' changes the password",
                                name, name);
    }
    if (code != PS_EXIT_DONE) {
        ps_credentials_free(table);
    }
    return code;
}

static int edit_locked(const ps_daemon_config *config, const command *c, const char *name,
                       const char *stored)
{
    char line[PS_USER_MAX + PS_PASSWORD_STORED + 4u] = "";
    ps_credentials table;
    const ps_account *account = NULL;
    int code = prepare(config, c, name, &table, &account);
    if (code != PS_EXIT_DONE) {
        return code;
    }
    if (c->takes_password) {
        snprintf(line, sizeof line, "%s %s\n", name, stored);
    }
    size_t keep = table.text_len;
    size_t after = keep;
    if (account != NULL) {
        keep = account->line_at;
        after = (size_t)account->line_at + account->line_len;
    }
    ps_text_out out = {.bytes = NULL};
    ps_text_out_put(&out, (ps_span){table.text, keep});
    if (line[0] != '\0') {
        ps_text_out_line(&out);
        ps_text_out_put(&out, (ps_span){(const uint8_t *)line, strlen(line)});
    }
    ps_text_out_put(&out, (ps_span){table.text + after, table.text_len - after});
    code = ps_accounts_save(config, &out);
    ps_credentials_free(&table);
    return code;
}

/* Asks for a password and makes its string. */
static int new_string(const ps_daemon_config *config, char stored[PS_PASSWORD_STORED])
{
    char password[PASSWORD_BYTES] = "";
    int code = new_password(password);
    if (code == PS_EXIT_DONE && !ps_password_hash((ps_span){(uint8_t *)password, strlen(password)},
                                                  config->strength, stored)) {
        code = ps_accounts_fail(PS_EXIT_SYSTEM, "there is not enough memory for this strength");
    }
    explicit_bzero(password, sizeof password);
    return code;
}

static int edit_file(const ps_daemon_config *config, const command *c, const char *name)
{
    char path[1024];
    char stored[PS_PASSWORD_STORED] = "";
    ps_credentials table;
    const ps_account *account = NULL;
    ps_text_safe_string(path, sizeof path, config->credentials);
    /* Looks first, so that nobody types a password for nothing; looks again under the lock, which
     * is not held while a person types. */
    int code = prepare(config, c, name, &table, &account);
    if (code != PS_EXIT_DONE) {
        return code;
    }
    ps_credentials_free(&table);
    if (c->takes_password) {
        code = new_string(config, stored);
    }
    if (code == PS_EXIT_DONE) {
        const int lock = ps_accounts_lock(config->credentials);
        if (lock < 0) {
            return ps_accounts_fail(PS_EXIT_LOCAL_FILE, "the directory of %s cannot be used: %s",
                                    path, strerror(errno));
        }
        code = edit_locked(config, c, name, stored);
        close(lock);
    }
    if (code == PS_EXIT_DONE) {
        fprintf(stderr, "%s %s: %s (a running server takes it up on SIGHUP)\n", c->done, name,
                path);
    }
    return code;
}

static int list(const ps_daemon_config *config)
{
    char message[PS_ACCOUNTS_MESSAGE];
    ps_credentials table;
    bool missing = false;
    const int code =
        ps_accounts_read(config->credentials, &table, &missing, message, sizeof message);
    if (code != PS_EXIT_DONE) {
        return ps_accounts_fail(code, "%s", message);
    }
    for (uint32_t i = 0; i < table.count; i++) {
        char shown[PS_TEXT_SAFE_BYTES(PS_USER_MAX)];
        ps_text_safe(shown, sizeof shown, ps_account_user(&table, &table.accounts[i]));
        puts(shown);
    }
    ps_credentials_free(&table);
    return PS_EXIT_DONE;
}

/* Where the file is to stand in a state directory, that is made. */
static int make_place(const ps_daemon_config *config)
{
    ps_state_dir dir;
    if (config->state == NULL) {
        return PS_EXIT_DONE;
    }
    if (ps_state_dir_open(&dir, config->state) != PS_STATE_OK) {
        return ps_accounts_fail((int)ps_exit_of_errno(dir.number, PS_EXIT_STATE), "%s", dir.error);
    }
    ps_state_dir_close(&dir);
    return PS_EXIT_DONE;
}

int ps_accounts_command(const ps_daemon_config *config, const ps_words *words)
{
    const command *c = find_command(words);
    if (c == NULL) {
        return PS_EXIT_USAGE;
    }
    const bool import = strcmp(c->name, "import") == 0;
    if (import ? words->len > 2 : words->len != (c->takes_name ? 2u : 1u)) {
        return ps_accounts_fail(PS_EXIT_USAGE, "'user %s' takes %s", c->name,
                                import          ? "one file at most"
                                : c->takes_name ? "one name"
                                                : "no name");
    }
    if (!c->takes_name && !import) {
        return list(config);
    }
    int code = import ? PS_EXIT_DONE : check_name(words->items[1]);
    if (code == PS_EXIT_DONE) {
        code = make_place(config);
    }
    if (code != PS_EXIT_DONE) {
        return code;
    }
    return import ? ps_accounts_import(config, words->len > 1 ? words->items[1] : NULL)
                  : edit_file(config, c, words->items[1]);
}
