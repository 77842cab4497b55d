#include "peersyncd/config.h"

#include "common/address.h"
#include "common/exit_codes.h"
#include "common/suggest.h"
#include "common/text.h"

#include <stdio.h>
#include <string.h>

#define RECORDS_MAX (UINT64_C(1) << 24)

#define CREDENTIALS_HELP                                                                           \
    "The users: 'username password', a line each; '#'\n"                                           \
    "begins a comment line. Default: credentials.txt in\n"                                         \
    "the --state directory, else in the working directory."

static const ps_option daemon_options[] = {
    {.name = "listen",
     .kind = PS_OPTION_LIST,
     .offset = offsetof(ps_daemon_options, listen),
     .argument = "ADDR[:PORT]",
     .help = "Listen there instead of on 127.0.0.1; may be given\n"
             "again. 0.0.0.0 and [::] mean every address."},
    {.name = "credentials",
     .kind = PS_OPTION_TEXT,
     .offset = offsetof(ps_daemon_options, credentials),
     .argument = "FILE",
     .help = CREDENTIALS_HELP},
    {.name = "state",
     .kind = PS_OPTION_TEXT,
     .offset = offsetof(ps_daemon_options, state),
     .argument = "DIR",
     .help = "A directory of the server's own, made where it is\n"
             "missing; one server at a time may use it. What is\n"
             "published lasts there; without it, as long as the\n"
             "server runs."},
    {.name = "journal",
     .kind = PS_OPTION_TEXT,
     .offset = offsetof(ps_daemon_options, journal),
     .argument = "FILE",
     .help = "Record every input there for peersync-replay, once\n"
             "a second. The file holds passwords. A journal that\n"
             "is there becomes FILE.1."},
    {.name = "check-config",
     .kind = PS_OPTION_FLAG,
     .offset = offsetof(ps_daemon_options, check_config),
     .help = "Show what would be used, with the sum of the\n"
             "memory, and end."},
    {.name = "log-level",
     .kind = PS_OPTION_CHOICE,
     .offset = offsetof(ps_daemon_options, log_level),
     .argument = "LEVEL",
     .help = "error, warning, info (the default) or debug.",
     .choices = ps_log_levels},
    {.name = "log-format",
     .kind = PS_OPTION_CHOICE,
     .offset = offsetof(ps_daemon_options, log_format),
     .argument = "FORMAT",
     .help = "text (the default) or json, a line each, on stderr.",
     .choices = ps_log_formats},
    {.name = "max-sessions",
     .kind = PS_OPTION_NUMBER,
     .offset = offsetof(ps_daemon_options, max_sessions),
     .argument = "N",
     .help = "Users online at a time (4096).",
     .min = 1,
     .max = RECORDS_MAX},
    {.name = "max-users",
     .kind = PS_OPTION_NUMBER,
     .offset = offsetof(ps_daemon_options, max_users),
     .argument = "N",
     .help = "Users who are online or have published something.\n"
             "Default: as many as sessions need.",
     .min = 1,
     .max = RECORDS_MAX},
    {.name = "max-publications",
     .kind = PS_OPTION_NUMBER,
     .offset = offsetof(ps_daemon_options, max_publications),
     .argument = "N",
     .help = "Published names in all (65536).",
     .min = 1,
     .max = RECORDS_MAX},
    {.name = "max-user-publications",
     .kind = PS_OPTION_NUMBER,
     .offset = offsetof(ps_daemon_options, max_user_publications),
     .argument = "N",
     .help = "The quota of one user. Default: all of them.",
     .min = 1,
     .max = RECORDS_MAX},
    {.name = "max-logins",
     .kind = PS_OPTION_NUMBER,
     .offset = offsetof(ps_daemon_options, max_logins),
     .argument = "N",
     .help = "Passwords under verification at a time.",
     .min = 1,
     .max = RECORDS_MAX},
    {.name = "name-bytes",
     .kind = PS_OPTION_NUMBER,
     .offset = offsetof(ps_daemon_options, name_bytes),
     .argument = "N",
     .help = "Room for what names have beyond 28 bytes each.\n"
             "Default: in proportion to the publications.",
     .min = 0,
     .max = RECORDS_MAX * PS_NAME_MAX},
    {.name = NULL}};

static bool is_user_command(const char *word)
{
    return strcmp(word, "user") == 0;
}

const ps_option_set ps_daemon_line = {
    .program = "peersyncd",
    .usage = "peersyncd [PORT] [OPTION...]\n"
             "peersyncd user add|passwd|remove NAME [--credentials FILE]\n"
             "peersyncd user list [--credentials FILE]",
    .summary = "The PeerSync server: it knows who is online and who publishes what. It listens on\n"
               "127.0.0.1:PORT (5000 where none is given; 0 takes a free one) and says so on\n"
               "stderr when it is ready. SIGHUP reads the credentials again; SIGTERM and SIGINT\n"
               "end it.",
    .epilogue =
        "Passwords stand in the credentials file in clear: keep it readable for the server\n"
        "only. Packets are not sealed yet: whoever can watch the network can read them.",
    .version = PEERSYNC_VERSION,
    .options = daemon_options,
    .ends_options = is_user_command};

static const ps_option user_options[] = {{.name = "credentials",
                                          .kind = PS_OPTION_TEXT,
                                          .offset = offsetof(ps_daemon_options, credentials),
                                          .argument = "FILE",
                                          .help = CREDENTIALS_HELP},
                                         {.name = "state",
                                          .kind = PS_OPTION_TEXT,
                                          .offset = offsetof(ps_daemon_options, state),
                                          .argument = "DIR",
                                          .help = "The server's state directory."},
                                         {.name = NULL}};

const ps_option_set ps_user_line = {
    .program = "peersyncd user",
    .usage = "peersyncd user add NAME\n"
             "peersyncd user passwd NAME\n"
             "peersyncd user remove NAME\n"
             "peersyncd user list",
    .summary = "Edits the credentials file; its comments and its order stay. A new password is\n"
               "asked for twice at a terminal, else it is the first line of standard input. It is\n"
               "kept in clear. A running server takes changes up on SIGHUP.",
    .options = user_options};

void ps_daemon_options_default(ps_daemon_options *options)
{
    *options = (ps_daemon_options){.log_level = PS_LOG_INFO, .log_format = PS_LOG_TEXT};
    options->name_bytes = UINT64_MAX; /* In proportion. */
}

int ps_daemon_credentials(const ps_daemon_options *options, ps_daemon_config *out)
{
    const char *dir = options->credentials == NULL ? options->state : NULL;
    const char *file = options->credentials != NULL ? options->credentials : "credentials.txt";
    out->credentials_option = "";
    out->credentials_value[0] = '\0';
    int n = 0;
    if (dir != NULL || options->credentials != NULL) {
        out->credentials_option = dir != NULL ? " --state " : " --credentials ";
        n = snprintf(out->credentials_value, sizeof out->credentials_value, "%s",
                     dir != NULL ? dir : file);
    }
    if (n < 0 || (size_t)n >= sizeof out->credentials_value) {
        return -1;
    }
    n = snprintf(out->credentials, sizeof out->credentials, "%s%s%s", dir != NULL ? dir : "",
                 dir != NULL ? "/" : "", file);
    return n > 0 && (size_t)n < sizeof out->credentials ? 0 : -1;
}

/* Capacities that were not typed follow those that were. */
static void capacities(const ps_daemon_options *o, ps_server_config *c)
{
    ps_server_config_default(c);
    if (o->max_sessions > 0) {
        const uint64_t scale = o->max_sessions;
        const uint64_t sessions = c->max_sessions;
        const uint64_t users = c->max_users * scale / sessions;
        const uint64_t devices = c->max_devices * scale / sessions;
        c->max_users = (uint32_t)(users < 1 ? 1 : users < RECORDS_MAX ? users : RECORDS_MAX);
        c->max_devices = (uint32_t)(devices < 1             ? 1
                                    : devices < RECORDS_MAX ? devices
                                                            : RECORDS_MAX);
        c->max_sessions = (uint32_t)scale;
    }
    if (o->max_users > 0) {
        const uint64_t devices = (uint64_t)c->max_devices * o->max_users / c->max_users;
        c->max_devices = (uint32_t)(devices < 1             ? 1
                                    : devices < RECORDS_MAX ? devices
                                                            : RECORDS_MAX);
        c->max_users = (uint32_t)o->max_users;
    }
    if (o->max_publications > 0) {
        c->name_bytes = c->name_bytes * o->max_publications / c->max_publications;
        c->max_publications = (uint32_t)o->max_publications;
        c->max_user_publications = c->max_publications;
    }
    if (o->name_bytes != UINT64_MAX) {
        c->name_bytes = o->name_bytes;
    }
    if (o->max_user_publications > 0) {
        c->max_user_publications = (uint32_t)o->max_user_publications;
    }
    if (c->max_user_publications > c->max_publications) {
        c->max_user_publications = c->max_publications;
    }
    if (o->max_logins > 0) {
        c->max_pending_logins = (uint32_t)o->max_logins;
    }
    c->mem_is_zero = true;
}

/* "ADDR" without a port takes the common one: "0.0.0.0", "[::]". */
static const char *parse_listen(const char *text, unsigned port, ps_addr *out)
{
    char full[128];
    const size_t len = strlen(text);
    const bool digits = strspn(text, "0123456789") == len;
    const bool bare =
        len > 0 && (text[0] == '[' ? text[len - 1] == ']' : !digits && strchr(text, ':') == NULL);
    if (!bare) {
        return ps_address_parse(text, out);
    }
    const int n = snprintf(full, sizeof full, "%s:%u", text, port);
    return n > 0 && (size_t)n < sizeof full ? ps_address_parse(full, out) : "it is too long";
}

static int bad_word(const char *word, char *error, size_t cap)
{
    char shown[256];
    ps_text_safe_string(shown, sizeof shown, word);
    snprintf(error, cap, "'%s' is neither a port from 0 to 65535 nor the command 'user'%s", shown,
             ps_edit_distance(word, "user", 1) == 1 ? ": did you mean 'user'?" : "");
    return PS_EXIT_USAGE;
}

int ps_daemon_configure(const ps_daemon_options *options, const ps_words *words,
                        const char *program, ps_daemon_config *out, char *error, size_t error_cap)
{
    uint64_t port = PS_DEFAULT_PORT;
    char shown[256];
    *out = (ps_daemon_config){.program = program,
                              .state = options->state,
                              .journal = options->journal,
                              .check_config = options->check_config,
                              .log_level = (ps_log_level)options->log_level,
                              .log_format = (ps_log_format)options->log_format};
    if (words->len > 0 && !ps_number_parse(words->items[0], 0, UINT16_MAX, &port)) {
        return bad_word(words->items[0], error, error_cap);
    }
    if (words->len > 1) {
        ps_text_safe_string(shown, sizeof shown, words->items[1]);
        snprintf(error, error_cap, "one port is enough: what is '%s'?", shown);
        return PS_EXIT_USAGE;
    }
    for (size_t i = 0; i < options->listen.len; i++) {
        const char *text = options->listen.items[i];
        const char *fault = parse_listen(text, (unsigned)port, &out->listen[i]);
        if (fault != NULL) {
            ps_text_safe_string(shown, sizeof shown, text);
            snprintf(error, error_cap, "--listen '%s': %s", shown, fault);
            return PS_EXIT_USAGE;
        }
    }
    out->listen_len = options->listen.len;
    if (out->listen_len == 0) {
        out->listen[0] =
            (ps_addr){.ip = {127, 0, 0, 1}, .port = (uint16_t)port, .family = PS_ADDR_V4};
        out->listen_len = 1;
    }
    if (ps_daemon_credentials(options, out) != 0) {
        snprintf(error, error_cap, "the credentials file's path is too long");
        return PS_EXIT_USAGE;
    }
    capacities(options, &out->server);
    out->server.records = out->state != NULL;
    if (ps_server_size(&out->server) == 0) {
        snprintf(error, error_cap, "these capacities do not fit together or into memory");
        return PS_EXIT_USAGE;
    }
    return PS_EXIT_DONE;
}
