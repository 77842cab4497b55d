#include "server_key.h"

#include "app.h"
#include "common/fingerprint.h"
#include "common/terminal.h"
#include "known_servers_file.h"
#include "safe.h"
#include "trust.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define FILE_NAME  "known_servers"
#define PATH_BYTES (PS_STATE_PATH_MAX + sizeof FILE_NAME + 1u)
#define WHY_BYTES  2048u

static void make_path(const struct app *a, char path[PATH_BYTES])
{
    snprintf(path, PATH_BYTES, "%s/" FILE_NAME, a->state.dir.path);
}

/* The server's name is set. A person is asked only where the question is seen. */
static struct trust_facts facts_of(const struct app *a)
{
    return (struct trust_facts){.loopback = trust_is_loopback(a->server_key.server, &a->server),
                                .person = isatty(STDIN_FILENO) == 1 && isatty(STDERR_FILENO) == 1,
                                .accept_new = a->options.accept_new_key,
                                .named = a->options.server_key};
}

static void say_replaced(struct app *a, const struct known_servers_before *before)
{
    char fingerprint[PS_FINGERPRINT_BYTES];
    ps_fingerprint_format(fingerprint, before->key);
    out_note(a->out,
             "the server at %s is known by the key of --server-key from now on: the key known "
             "before was %s",
             SAFE(a->server_key.server), fingerprint);
}

/* A disk that takes nothing keeps nobody out: the next contact is a first one again. But another
 * key may have been remembered since we looked; only one that was named takes its place.
 * @return PS_EXIT_DONE; else everything was said. */
static ps_exit remember(struct app *a, const uint8_t key[PS_KEY_BYTES])
{
    struct known_servers_before before = {.found = false};
    const bool named = a->options.server_key != NULL;
    char path[PATH_BYTES];
    char why[WHY_BYTES];
    make_path(a, path);
    const ps_exit code = known_servers_remember(path, a->server_key.server, key,
                                                named ? &before : NULL, why, sizeof why);
    if (code == PS_EXIT_SERVER_KEY) {
        out_fail(a->out, "%s: your password was not sent", SAFE(why));
        return code;
    }
    if (code != PS_EXIT_DONE) {
        out_fail(a->out, "%s: the server's key is not remembered", SAFE(why));
    } else if (before.found) {
        say_replaced(a, &before);
    }
    return PS_EXIT_DONE;
}

ps_exit server_key_load(struct app *a)
{
    struct server_key *k = &a->server_key;
    char path[PATH_BYTES];
    char why[WHY_BYTES];
    uint8_t key[PS_KEY_BYTES];
    uint32_t line = 0;
    ps_address_canonical(a->options.server, k->server);
    const struct trust_facts facts = facts_of(a);
    make_path(a, path);
    const ps_exit code = known_servers_look_up(path, k->server, key, &line, why, sizeof why);
    if (code != PS_EXIT_DONE) {
        out_fail(a->out, "%s", SAFE(why));
        return code;
    }
    if (line > 0 && trust_remembered(&facts, key)) {
        memcpy(k->key, key, sizeof k->key);
        k->known = true;
        return PS_EXIT_DONE;
    }
    k->known = k->accepted;
    return k->accepted ? remember(a, k->key) : PS_EXIT_DONE;
}

/* Asks for the full word. The end of the input is a no. */
static bool ask(struct app *a, const char *fingerprint)
{
    char question[PS_ADDRESS_CANONICAL * 4 + PS_FINGERPRINT_BYTES + 128];
    char line[64];
    snprintf(question, sizeof question,
             "The server at %s is not known yet. Its key is %s. Trust it? [yes/no] ",
             SAFE(a->server_key.server), fingerprint);
    for (;;) {
        out_prompt(a->out, question);
        out_flush(a->out);
        const ssize_t n = ps_line_read(STDIN_FILENO, line, sizeof line);
        out_answered(a->out, n != -1);
        if (n == -1 || (n >= 0 && strcmp(line, "no") == 0)) {
            return false;
        }
        if (n >= 0 && strcmp(line, "yes") == 0) {
            return true;
        }
        out_fail(a->out, "please type the full word, yes or no");
    }
}

static ps_exit accept_key(struct app *a, const uint8_t key[PS_KEY_BYTES])
{
    const ps_exit code = remember(a, key);
    if (code == PS_EXIT_DONE) {
        memcpy(a->server_key.key, key, PS_KEY_BYTES);
        a->server_key.known = true;
        a->server_key.accepted = true;
    }
    return code;
}

ps_exit server_key_judge(struct app *a, const uint8_t key[PS_KEY_BYTES])
{
    const struct trust_facts facts = facts_of(a);
    const char *server = SAFE(a->server_key.server);
    char fingerprint[PS_FINGERPRINT_BYTES];
    ps_fingerprint_format(fingerprint, key);
    const enum trust_action action = trust_decide(&facts, key);
    switch (action) {
    case TRUST_SILENTLY:
    case TRUST_AND_SAY:
        break;
    case TRUST_IF_PERSON:
        if (!ask(a, fingerprint)) {
            out_fail(a->out, "the server's key was not accepted: your password was not sent");
            return PS_EXIT_SERVER_UNKNOWN;
        }
        break;
    case TRUST_NOT_NAMED:
        out_fail(a->out, "the server at %s has the key %s, not the one of --server-key", server,
                 fingerprint);
        out_fail(a->out, "somebody may be in between; your password was not sent. Ask the server's "
                         "operator for the output of " SERVER_KEY_SHOW);
        return PS_EXIT_SERVER_KEY;
    case TRUST_NOT_NEW:
    default:
        out_fail(a->out,
                 "the server at %s is not known yet, and there is nobody to ask. Its key "
                 "is %s",
                 server, fingerprint);
        out_fail(a->out,
                 "compare that with what " SERVER_KEY_SHOW " prints there, then give "
                 "--server-key %s, or --accept-new-key to trust a new server's key unseen",
                 fingerprint);
        return PS_EXIT_SERVER_UNKNOWN;
    }
    const ps_exit code = accept_key(a, key);
    if (code == PS_EXIT_DONE && action == TRUST_AND_SAY) {
        out_note(a->out, "the server at %s is new here: its key, %s, is trusted from now on",
                 server, fingerprint);
    }
    return code;
}

void server_key_say_changed(struct app *a)
{
    const struct server_key *k = &a->server_key;
    char path[PATH_BYTES];
    char why[WHY_BYTES];
    char fingerprint[PS_FINGERPRINT_BYTES];
    uint8_t key[PS_KEY_BYTES];
    uint32_t line = 0;
    ps_fingerprint_format(fingerprint, k->key);
    out_fail(a->out, "the server at %s does not have the key that is known for it, %s",
             SAFE(k->server), fingerprint);
    out_fail(a->out, "somebody may be in between; your password was not sent. Ask the server's "
                     "operator for the output of " SERVER_KEY_SHOW);
    make_path(a, path);
    if (known_servers_look_up(path, k->server, key, &line, why, sizeof why) == PS_EXIT_DONE &&
        line > 0) {
        out_fail(a->out, "if the server's key was changed on purpose, remove line %u of %s",
                 (unsigned)line, SAFE(path));
    }
}
