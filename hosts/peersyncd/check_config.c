#include "peersyncd/check_config.h"

#include "common/exit_codes.h"
#include "common/format.h"
#include "common/text.h"
#include "peersync/crypto_openssl.h"
#include "peersync/posix.h"
#include "peersyncd/accounts.h"
#include "peersyncd/store_load.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#define LINES_MAX 32u

/* What the larger configuration has more. Both have a capacity that is a power of two, where the
 * tables of buckets are exactly full: the padding of other capacities is not the record's. */
static uint64_t per_record(const ps_server_config *config, const ps_server_config *more)
{
    const size_t one = ps_server_size(config);
    const size_t two = ps_server_size(more);
    return one != 0 && two > one ? two - one : 0;
}

uint64_t ps_bytes_per_session(const ps_server_config *config)
{
    const uint32_t n = 65536;
    ps_server_config less = *config;
    less.max_sessions = less.max_users = less.max_devices = n;
    ps_server_config more = less;
    more.max_sessions = more.max_users = more.max_devices = 2 * n;
    return (per_record(&less, &more) + n - 1) / n;
}

uint64_t ps_bytes_per_publication(const ps_server_config *config)
{
    const uint32_t n = 65536;
    ps_server_config less = *config;
    less.max_publications = n;
    ps_server_config more = less;
    more.max_publications = 2 * n;
    return (per_record(&less, &more) + n - 1) / n;
}

static void print_number(FILE *out, const char *what, uint64_t value, const char *unit)
{
    fprintf(out, "  %-44s %12llu%s\n", what, (unsigned long long)value, unit);
}

static void print_settings(const ps_daemon_config *config, FILE *out)
{
    const ps_server_config *s = &config->server;
    char path[1024];
    fputs("configuration\n", out);
    for (size_t i = 0; i < config->listen_len; i++) {
        char addr[PS_ADDR_TEXT];
        fprintf(out, "  %-44s %s\n", "listen", ps_addr_format(&config->listen[i], addr));
    }
    ps_text_safe_string(path, sizeof path, config->credentials);
    fprintf(out, "  %-44s %s\n", "credentials", path);
    ps_text_safe_string(path, sizeof path, config->state != NULL ? config->state : "none");
    fprintf(out, "  %-44s %s\n", "state directory", path);
    fprintf(out, "  %-44s %s, %s\n", "log", ps_log_levels[config->log_level],
            ps_log_formats[config->log_format]);
    print_number(out, "max-sessions", s->max_sessions, "");
    print_number(out, "max-users", s->max_users, "");
    print_number(out, "max-publications", s->max_publications, "");
    print_number(out, "max-user-publications", s->max_user_publications, "");
    print_number(out, "max-logins", config->login_slots, "");
    print_number(out, "login-threads", config->login_threads, "");
    print_number(out, "ticket-hours", s->ticket_s / 3600u, "");
    print_number(out, "file-ticket-minutes", s->file_ticket_s / 60u, "");
    print_number(out, "max-handshakes", s->max_handshakes, "");
    print_number(out, "handshakes-per-second", s->handshakes_per_s, "");
    print_number(out, "open-handshakes-per-second", s->open_per_s, "");
    print_number(out, "network-handshakes-per-second", s->network_per_s, "");
    print_number(out, "name-bytes", s->name_bytes, "");
    print_number(out, "heartbeat", s->heartbeat_ms, " ms");
    print_number(out, "dead after a silence of", s->dead_ms, " ms");
    print_number(out, "an unanswered heartbeat is sent again after", s->resend_ms, " ms");
}

static void print_memory(const ps_server_config *config, FILE *out)
{
    ps_memory_line lines[LINES_MAX];
    char size[PS_FORMAT_SIZE_BYTES];
    size_t count = ps_server_memory(config, lines, LINES_MAX);
    count = count < LINES_MAX ? count : LINES_MAX;
    const uint64_t total = ps_server_size(config);
    uint64_t sum = 0;
    fprintf(out, "\nmemory\n  %-52s %12s %14s\n", "", "records", "bytes");
    for (size_t i = 0; i < count; i++) {
        fprintf(out, "  %-52s %12llu %14llu\n", lines[i].what, (unsigned long long)lines[i].count,
                (unsigned long long)lines[i].bytes);
        sum += lines[i].bytes;
    }
    if (sum != total) {
        fprintf(out, "  %-52s %12s %14llu\n", "padding", "", (unsigned long long)(total - sum));
    }
    fprintf(out, "  %-52s %12s %14llu  (%s)\n", "total", "", (unsigned long long)total,
            ps_format_size(size, total));
    fprintf(out, "\n  %-52s %12s %14llu\n", "a session, with its user and device", "",
            (unsigned long long)ps_bytes_per_session(config));
    fprintf(out, "  %-52s %12s %14llu\n", "a publication, with 28 bytes of its name", "",
            (unsigned long long)ps_bytes_per_publication(config));
}

static int print_log(int dir_fd, const char *path, FILE *out)
{
    uint8_t salt[PS_STORE_SALT];
    ps_store_posix log;
    ps_store_summary s = {.what = "open"};
    ps_store_result result = PS_STORE_FAILED;
    if (ps_posix_entropy(salt, sizeof salt) != PS_OK) {
        s.error = errno;
        s.what = "random bytes";
    } else {
        s.error = ps_store_posix_open(&log, dir_fd, true);
    }
    if (s.error == 0) {
        const ps_store_files files = ps_store_posix_files(&log);
        result = ps_store_examine(&files, ps_crypto_openssl(), salt, &s);
        ps_store_posix_close(&log);
    }
    if (result != PS_STORE_OK) {
        ps_store_words words;
        fprintf(stderr, "peersyncd: %s/%s%s\n", path, PS_STORE_NAME,
                ps_store_refusal(result, &s, words));
        return PS_EXIT_STATE;
    }
    print_number(out, "bytes", s.good + s.cut, "");
    print_number(out, "records", s.records, "");
    print_number(out, "records that are superseded", s.records - s.counting, "");
    if (s.cut > 0) {
        print_number(out, "bytes of a record that is not whole", s.cut, "");
    }
    return PS_EXIT_DONE;
}

/* Where publications last. A server may be running: nothing is locked, nothing is made. */
static int print_store(const ps_daemon_config *config, FILE *out)
{
    char path[1024];
    fputs("\nstore\n", out);
    if (config->state == NULL) {
        fputs("  none: without --state the server forgets publications when it ends\n", out);
        return PS_EXIT_DONE;
    }
    ps_text_safe_string(path, sizeof path, config->state);
    fprintf(out, "  %-44s %s/%s\n", "file", path, PS_STORE_NAME);
    const int fd = open(config->state, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0 && errno == ENOENT) {
        fputs("  the state directory does not exist yet\n", out);
        return PS_EXIT_DONE;
    }
    if (fd < 0) {
        fprintf(stderr, "peersyncd: %s: %s\n", path, strerror(errno));
        return PS_EXIT_STATE;
    }
    const int code = print_log(fd, path, out);
    close(fd);
    return code;
}

int ps_check_config(const ps_daemon_config *config, FILE *out)
{
    char message[PS_ACCOUNTS_MESSAGE];
    ps_credentials credentials;
    bool missing = false;
    print_settings(config, out);
    print_memory(&config->server, out);
    int code = print_store(config, out);
    fflush(out);
    if (code != PS_EXIT_DONE) {
        return code;
    }
    code = ps_accounts_read(config->credentials, &credentials, &missing, message, sizeof message);
    if (code != PS_EXIT_DONE) {
        fprintf(stderr, "peersyncd: %s\n", message);
        return code;
    }
    fprintf(out, "\nusers\n  %-44s %12lu\n", "in the credentials file",
            (unsigned long)credentials.count);
    fprintf(out, "  %-44s %12lu\n", "whose passwords stand there in clear",
            (unsigned long)(credentials.count - credentials.hashed_count));
    if (credentials.count == 0) {
        ps_accounts_command_line(config, "add NAME", message, sizeof message);
        fprintf(out, "  the server does not start without one; make the first with:\n    %s\n",
                message);
    }
    ps_credentials_free(&credentials);
    return PS_EXIT_DONE;
}
