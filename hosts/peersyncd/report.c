/* What the operator reads on stderr. */
#include "peersyncd/daemon.h"

#include "peersyncd/accounts.h"

#include <stdio.h>

static void say_address(const ps_daemon *d, const ps_addr *addr)
{
    char text[PS_ADDR_TEXT];
    char message[PS_ADDR_TEXT + 16];
    snprintf(message, sizeof message, "listening on %s", ps_addr_format(addr, text));
    if (d->config->log_format == PS_LOG_JSON) {
        ps_log(PS_LOG_ERROR, message, (ps_log_field[]){PS_F_ADDR("address", addr), PS_F_END});
    } else {
        fprintf(stderr, "%s\n", message);
    }
}

void ps_daemon_report_ready(const ps_daemon *d)
{
    ps_addr bound[PS_OPTION_REPEATS_MAX];
    size_t count = d->transport.endpoints(d->transport.ctx, bound, PS_OPTION_REPEATS_MAX);
    char fingerprint[PS_FINGERPRINT_BYTES];
    count = count < d->config->listen_len ? count : d->config->listen_len;
    ps_accounts_warn(d->config, &d->credentials);
    if (d->journal != NULL) {
        ps_log(PS_LOG_WARNING, PS_JOURNAL_WARNING,
               (ps_log_field[]){PS_F_STRING("file", d->config->journal), PS_F_END});
    }
    ps_fingerprint_format(fingerprint, d->identity.public_key);
    ps_log(PS_LOG_INFO, "server key",
           (ps_log_field[]){PS_F_STRING("fingerprint", fingerprint), PS_F_END});
    ps_log(PS_LOG_DEBUG, "ready",
           (ps_log_field[]){PS_F_NUMBER("users", d->credentials.count),
                            PS_F_NUMBER("memory_bytes", d->slab_len), PS_F_END});
    for (size_t i = 0; i < count; i++) {
        say_address(d, &bound[i]);
    }
}

void ps_daemon_report_failure(ps_daemon *d)
{
    uint64_t held = 0;
    if (ps_rate_allow(&d->failures, d->transport.now_us(d->transport.ctx), &held)) {
        ps_log(PS_LOG_WARNING, "the network refused something; going on",
               (ps_log_field[]){PS_F_STRING("cause", ps_posix_udp_error(d->udp)->text),
                                PS_F_NUMBER("more", held), PS_F_END});
    }
}

void ps_daemon_report_journal(const char *cause)
{
    if (cause != NULL) {
        ps_log(PS_LOG_ERROR, "the journal has stopped; going on without",
               (ps_log_field[]){PS_F_STRING("cause", cause), PS_F_END});
    }
}

void ps_daemon_report_drops(ps_daemon *d)
{
    ps_server_stats stats;
    ps_log_field fields[PS_DROP_COUNT + 1];
    size_t n = 0;
    uint64_t total = 0;
    if (!ps_log_on(PS_LOG_DEBUG)) {
        return;
    }
    ps_server_stats_get(d->server, &stats);
    for (unsigned i = 0; i < PS_DROP_COUNT; i++) {
        total += stats.drops[i];
        if (stats.drops[i] > 0) {
            fields[n++] = PS_F_NUMBER(ps_drop_name((ps_drop)i), stats.drops[i]);
        }
    }
    fields[n] = PS_F_END;
    if (total != d->dropped) {
        d->dropped = total;
        ps_log(PS_LOG_DEBUG, "datagrams dropped so far", fields);
    }
}

void ps_daemon_report_end(const ps_daemon *d, const char *cause)
{
    ps_server_stats stats;
    ps_server_stats_get(d->server, &stats);
    ps_log(PS_LOG_INFO, "stopped",
           (ps_log_field[]){PS_F_STRING("cause", cause), PS_F_NUMBER("sessions", stats.sessions),
                            PS_F_NUMBER("publications", stats.publications),
                            PS_F_NUMBER("logins", stats.logins),
                            PS_F_NUMBER("datagrams_in", stats.datagrams_in),
                            PS_F_NUMBER("datagrams_out", stats.datagrams_out), PS_F_END});
}
