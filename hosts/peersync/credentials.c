#include "credentials.h"

#include "common/safe_write.h"
#include "common/terminal.h"
#include "safe.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* What one question came to. */
enum answer { ANSWER_OK, ANSWER_BAD, ANSWER_END };

#define ANSWER_BYTES 1024u

/* Asks until there is a usable user name. */
static enum answer ask_user(struct app *a, char user[PS_USER_MAX + 1])
{
    char line[ANSWER_BYTES];
    out_prompt(a->out, "Enter username: ");
    out_flush(a->out);
    const ssize_t n = ps_line_read(STDIN_FILENO, line, sizeof line);
    out_answered(a->out, n != -1 && isatty(STDIN_FILENO) == 1);
    if (n == -1) {
        return ANSWER_END;
    }
    const ps_span span = {(const uint8_t *)line, n < 0 ? 0 : (size_t)n};
    const ps_name_fault fault = n < 0 ? PS_NAME_TOO_LONG : ps_user_check(span);
    if (fault != PS_NAME_OK) {
        out_fail(a->out, "this cannot be a user name: %s", ps_name_fault_text(fault));
        return ANSWER_BAD;
    }
    memcpy(user, line, (size_t)n + 1);
    return ANSWER_OK;
}

static bool take_password(struct app *a, const char *text, size_t len, const char *from, char *to)
{
    if (len > PS_PASSWORD_MAX) {
        out_fail(a->out, "the password%s is longer than %u bytes", from, PS_PASSWORD_MAX);
        return false;
    }
    memcpy(to, text, len);
    to[len] = '\0';
    return true;
}

static enum answer ask_password(struct app *a, char password[PS_PASSWORD_MAX + 1])
{
    static const char question[] = "Enter password: ";
    char line[ANSWER_BYTES];
    ssize_t n;
    if (isatty(STDIN_FILENO) == 1) {
        out_flush(a->out);
        n = ps_password_read(STDIN_FILENO, question, line, sizeof line);
    } else {
        out_prompt(a->out, question);
        n = ps_line_read(STDIN_FILENO, line, sizeof line);
        out_answered(a->out, false);
    }
    if (n == -1) {
        return ANSWER_END;
    }
    const bool taken = take_password(a, line, n < 0 ? SIZE_MAX : (size_t)n, "", password);
    explicit_bzero(line, sizeof line);
    return taken ? ANSWER_OK : ANSWER_BAD;
}

/* The first line of a file. */
static ps_exit read_password(struct app *a, const char *path, char password[PS_PASSWORD_MAX + 1])
{
    uint8_t *bytes = NULL;
    size_t len = 0;
    if (ps_file_read(path, 65536, &bytes, &len) != 0) {
        out_fail(a->out, "the password file %s cannot be read: %s", SAFE(path), strerror(errno));
        return PS_EXIT_LOCAL_FILE;
    }
    const size_t line = strcspn((const char *)bytes, "\r\n");
    const bool well = take_password(a, (const char *)bytes, line, " in the file", password);
    explicit_bzero(bytes, len);
    free(bytes);
    return well ? PS_EXIT_DONE : PS_EXIT_CREDENTIALS;
}

/* A given password, if there is one: *given. */
static ps_exit given_password(struct app *a, struct credentials *c, bool *given)
{
    *given = true;
    if (a->options.password_file != NULL) {
        return read_password(a, a->options.password_file, c->password);
    }
    const char *text = getenv("PEERSYNC_PASSWORD");
    if (text == NULL) {
        *given = false;
        return PS_EXIT_DONE;
    }
    return take_password(a, text, strlen(text), " in PEERSYNC_PASSWORD", c->password)
               ? PS_EXIT_DONE
               : PS_EXIT_CREDENTIALS;
}

ps_exit credentials_get(struct app *a, struct credentials *c)
{
    bool given = false;
    *c = (struct credentials){.asked = false};
    const ps_exit code = given_password(a, c, &given);
    if (code != PS_EXIT_DONE) {
        return code;
    }
    c->asked = !given || a->options.user == NULL;
    for (;;) {
        enum answer answer = ANSWER_OK;
        if (a->options.user != NULL) {
            snprintf(c->user, sizeof c->user, "%s", a->options.user);
        } else {
            answer = ask_user(a, c->user);
        }
        if (answer == ANSWER_OK && !given) {
            answer = ask_password(a, c->password);
        }
        if (answer == ANSWER_OK) {
            return PS_EXIT_DONE;
        }
        if (answer == ANSWER_END) {
            return PS_EXIT_CREDENTIALS;
        }
    }
}
