/* peersyncd user add|passwd|remove|list: edits the file's lines and leaves all others alone. */
#include "peersyncd/accounts.h"

#include "common/exit_codes.h"
#include "common/safe_write.h"
#include "common/suggest.h"
#include "common/terminal.h"
#include "common/text.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#define PASSWORD_BYTES (PS_PASSWORD_MAX + 2u)

__attribute__((format(printf, 2, 3))) static int fail(int code, const char *format, ...)
{
    va_list args;
    fputs("peersyncd: ", stderr);
    va_start(args, format);
    vfprintf(stderr, format, args);
    va_end(args);
    fputc('\n', stderr);
    return code;
}

/* Two editors at once would lose one's change. The directory is locked, because the file itself is
 * replaced. Returns a descriptor to close, or -1. */
static int lock_directory(const char *file)
{
    char dir[PS_STATE_PATH_MAX];
    const char *slash = strrchr(file, '/');
    snprintf(dir, sizeof dir, "%.*s", slash != NULL ? (int)(slash - file) + 1 : 1,
             slash != NULL ? file : ".");
    const int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd >= 0 && flock(fd, LOCK_EX) != 0) {
        const int error = errno;
        close(fd);
        errno = error;
        return -1;
    }
    return fd;
}

/* Asks for a new password, or takes the first line of standard input. */
static int new_password(char password[PASSWORD_BYTES])
{
    char again[PASSWORD_BYTES];
    const bool terminal = isatty(STDIN_FILENO) == 1;
    ssize_t len = terminal
                      ? ps_password_read(STDIN_FILENO, "New password: ", password, PASSWORD_BYTES)
                      : ps_line_read(STDIN_FILENO, password, PASSWORD_BYTES);
    if (len == -1) {
        return fail(PS_EXIT_USAGE, "no password was given");
    }
    const char *fault = len == -2 ? "it is longer than 128 bytes"
                                  : ps_password_fault((ps_span){(uint8_t *)password, (size_t)len});
    if (fault != NULL) {
        return fail(PS_EXIT_USAGE, "this password cannot be used: %s", fault);
    }
    if (terminal) {
        len = ps_password_read(STDIN_FILENO, "The same again: ", again, sizeof again);
        const bool same = len >= 0 && strcmp(password, again) == 0;
        explicit_bzero(again, sizeof again);
        if (!same) {
            return fail(PS_EXIT_USAGE, "the two passwords differ: nothing was changed");
        }
    }
    return PS_EXIT_DONE;
}

/* The file's new content: what stands before the line, the new line, what stands behind it. */
typedef struct edit {
    size_t keep;  /* Bytes in front that stay. */
    size_t after; /* Where the rest begins that stays. */
    const char *line;
} edit;

static int save(const ps_daemon_config *config, const ps_credentials *c, edit e)
{
    const size_t line_len = strlen(e.line);
    /* A last line without its newline gets one before something follows it. */
    const bool newline = line_len > 0 && e.keep > 0 && c->text[e.keep - 1] != '\n';
    const size_t len = e.keep + (newline ? 1 : 0) + line_len + (c->text_len - e.after);
    uint8_t *content = malloc(len + 1);
    if (content == NULL) {
        return fail(PS_EXIT_SYSTEM, "there is not enough memory");
    }
    uint8_t *at = content;
    memcpy(at, c->text, e.keep);
    at += e.keep;
    if (newline) {
        *at++ = '\n';
    }
    memcpy(at, e.line, line_len);
    memcpy(at + line_len, c->text + e.after, c->text_len - e.after);
    const int rc = ps_file_replace(config->credentials, (ps_span){content, len}, 0600);
    const int error = errno;
    explicit_bzero(content, len);
    free(content);
    if (rc != 0) {
        char path[1024];
        ps_text_safe_string(path, sizeof path, config->credentials);
        return fail(PS_EXIT_LOCAL_FILE, "%s cannot be written: %s", path, strerror(error));
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
    {.name = "list"}};
#define COMMANDS (sizeof commands / sizeof commands[0])

static const command *find_command(const ps_words *words)
{
    if (words->len < 1) {
        fail(PS_EXIT_USAGE, "'user' is followed by add, passwd, remove or list");
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
        fail(PS_EXIT_USAGE, "there is no 'user %s'; did you mean 'user %s'?", shown, s.best);
    } else {
        fail(PS_EXIT_USAGE, "there is no 'user %s': it is add, passwd, remove or list", shown);
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
    return fail(PS_EXIT_USAGE, "the user name '%s' cannot be used: %s", shown,
                span.len > PS_USER_MAX ? "it is longer than 64 bytes" : ps_name_fault_text(fault));
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
        return fail(PS_EXIT_NOT_FOUND, "there is no user %s; did you mean %s?", shown, near);
    }
    return fail(PS_EXIT_NOT_FOUND, "there is no user %s", shown);
}

/* Reads the file and looks whether the command can be done. On success the table is the caller's,
 * and *account the user's or NULL. */
static int prepare(const ps_daemon_config *config, const command *c, const char *name,
                   ps_credentials *table, const ps_account **account)
{
    char message[PS_ACCOUNTS_MESSAGE];
    bool missing = false;
    int code = ps_accounts_read(config, table, &missing, message, sizeof message);
    if (code != PS_EXIT_DONE) {
        return fail(code, "%s", message);
    }
    *account = ps_credentials_find(table, (ps_span){(const uint8_t *)name, strlen(name)});
    if (c->of_known_user && *account == NULL) {
        code = no_user(table, name);
    } else if (!c->of_known_user && *account != NULL) {
        code =
            fail(PS_EXIT_EXISTS,
                 "there is a user %s already; 'user passwd %s' changes the password", name, name);
    }
    if (code != PS_EXIT_DONE) {
        ps_credentials_free(table);
    }
    return code;
}

static int edit_locked(const ps_daemon_config *config, const command *c, const char *name,
                       const char *password)
{
    char line[PS_USER_MAX + PS_PASSWORD_MAX + 4u] = "";
    ps_credentials table;
    const ps_account *account = NULL;
    int code = prepare(config, c, name, &table, &account);
    if (code != PS_EXIT_DONE) {
        return code;
    }
    if (c->takes_password) {
        snprintf(line, sizeof line, "%s %s\n", name, password);
    }
    edit e = {.keep = table.text_len, .after = table.text_len, .line = line};
    if (account != NULL) {
        e.keep = account->line_at;
        e.after = (size_t)account->line_at + account->line_len;
    }
    code = save(config, &table, e);
    explicit_bzero(line, sizeof line);
    ps_credentials_free(&table);
    return code;
}

static int edit_file(const ps_daemon_config *config, const command *c, const char *name)
{
    char path[1024];
    char password[PASSWORD_BYTES] = "";
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
        code = new_password(password);
    }
    if (code == PS_EXIT_DONE) {
        const int lock = lock_directory(config->credentials);
        if (lock < 0) {
            return fail(PS_EXIT_LOCAL_FILE, "the directory of %s cannot be used: %s", path,
                        strerror(errno));
        }
        code = edit_locked(config, c, name, password);
        close(lock);
    }
    explicit_bzero(password, sizeof password);
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
    const int code = ps_accounts_read(config, &table, &missing, message, sizeof message);
    if (code != PS_EXIT_DONE) {
        return fail(code, "%s", message);
    }
    for (uint32_t i = 0; i < table.count; i++) {
        char shown[PS_TEXT_SAFE_BYTES(PS_USER_MAX)];
        ps_text_safe(shown, sizeof shown, ps_account_user(&table, &table.accounts[i]));
        puts(shown);
    }
    ps_credentials_free(&table);
    return PS_EXIT_DONE;
}

int ps_accounts_command(const ps_daemon_config *config, const ps_words *words)
{
    const command *c = find_command(words);
    if (c == NULL) {
        return PS_EXIT_USAGE;
    }
    if (words->len != (c->takes_name ? 2u : 1u)) {
        return fail(PS_EXIT_USAGE, "'user %s' takes %s", c->name,
                    c->takes_name ? "one name" : "no name");
    }
    if (!c->takes_name) {
        return list(config);
    }
    int code = check_name(words->items[1]);
    if (code == PS_EXIT_DONE && config->state != NULL) {
        ps_state_dir dir;
        if (ps_state_dir_open(&dir, config->state) != PS_STATE_OK) {
            return fail(PS_EXIT_STATE, "%s", dir.error);
        }
        ps_state_dir_close(&dir);
    }
    return code == PS_EXIT_DONE ? edit_file(config, c, words->items[1]) : code;
}
