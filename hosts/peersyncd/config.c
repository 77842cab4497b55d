#include "peersyncd/config.h"

#include "common/address.h"
#include "common/exit_codes.h"
#include "common/suggest.h"
#include "common/text.h"
#include "peersync/pump.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define LOGIN_SLOTS   256u
#define LOGIN_THREADS 4
/* Logins of one batch that the host answers at once, beside those that it verifies. */
#define LOGINS_AT_ONCE PS_PUMP_BATCH

void ps_daemon_options_default(ps_daemon_options *options)
{
    *options = (ps_daemon_options){.log_level = PS_LOG_INFO, .log_format = PS_LOG_TEXT};
    options->name_bytes = UINT64_MAX;                 /* In proportion. */
    options->open_handshakes_per_second = UINT64_MAX; /* The machine's own. */
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
        c->max_users = (uint32_t)(users < 1 ? 1 : users < PS_RECORDS_MAX ? users : PS_RECORDS_MAX);
        c->max_devices = (uint32_t)(devices < 1                ? 1
                                    : devices < PS_RECORDS_MAX ? devices
                                                               : PS_RECORDS_MAX);
        c->max_sessions = (uint32_t)scale;
        if (scale > sessions) {
            const uint64_t handshakes = c->max_handshakes * scale / sessions;
            c->max_handshakes =
                (uint32_t)(handshakes < PS_HANDSHAKES_MAX ? handshakes : PS_HANDSHAKES_MAX);
            c->max_networks = (uint32_t)scale;
        }
    }
    if (o->max_users > 0) {
        const uint64_t devices = (uint64_t)c->max_devices * o->max_users / c->max_users;
        c->max_devices = (uint32_t)(devices < 1                ? 1
                                    : devices < PS_RECORDS_MAX ? devices
                                                               : PS_RECORDS_MAX);
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
    c->mem_is_zero = true;
}

/* What logins and handshakes may take. */
static void rates(const ps_daemon_options *o, ps_daemon_config *out)
{
    ps_server_config *c = &out->server;
    out->login_slots = o->max_logins > 0 ? (uint32_t)o->max_logins : LOGIN_SLOTS;
    c->max_pending_logins = out->login_slots + LOGINS_AT_ONCE;
    if (o->max_handshakes > 0) {
        c->max_handshakes = (uint32_t)o->max_handshakes;
    } else if (c->max_handshakes < 2 * c->max_pending_logins) {
        c->max_handshakes = 2 * c->max_pending_logins;
    }
    c->ticket_s = o->ticket_hours > 0 ? (uint32_t)o->ticket_hours * 3600u : c->ticket_s;
    if (o->file_ticket_minutes > 0) {
        c->file_ticket_s = (uint32_t)o->file_ticket_minutes * 60u;
    }
    if (o->handshakes_per_second > 0) {
        c->handshakes_per_s = (uint32_t)o->handshakes_per_second;
    }
    if (o->open_handshakes_per_second != UINT64_MAX) {
        c->open_per_s = (uint32_t)o->open_handshakes_per_second;
    }
    if (o->network_handshakes_per_second > 0) {
        c->network_per_s = (uint32_t)o->network_handshakes_per_second;
    }
    const long cores = sysconf(_SC_NPROCESSORS_ONLN);
    out->login_threads = o->login_threads > 0    ? (unsigned)o->login_threads
                         : cores < 1             ? 1
                         : cores > LOGIN_THREADS ? LOGIN_THREADS
                                                 : (unsigned)cores;
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
    snprintf(error, cap, "'%s' is neither a port from 0 to 65535 nor the command 'user' or 'key'%s",
             shown,
             ps_edit_distance(word, "user", 1) == 1  ? ": did you mean 'user'?"
             : ps_edit_distance(word, "key", 1) == 1 ? ": did you mean 'key'?"
                                                     : "");
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
    rates(options, out);
    out->server.records = out->state != NULL;
    if (out->server.max_handshakes < out->server.max_pending_logins) {
        snprintf(error, error_cap, "--max-handshakes must be at least %u: what logins may take",
                 (unsigned)out->server.max_pending_logins);
        return PS_EXIT_USAGE;
    }
    if (ps_server_size(&out->server) == 0) {
        snprintf(error, error_cap, "these capacities do not fit together or into memory");
        return PS_EXIT_USAGE;
    }
    return PS_EXIT_DONE;
}
