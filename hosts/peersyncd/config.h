/* The server's configuration, from its command line. */
#ifndef PS_PEERSYNCD_CONFIG_H
#define PS_PEERSYNCD_CONFIG_H

#include "common/log.h"
#include "common/options.h"
#include "common/state_dir.h"
#include "peersync/server.h"
#include "peersyncd/password.h"

#define PS_DEFAULT_PORT 5000u
/* The core's own bounds. */
#define PS_RECORDS_MAX    (UINT64_C(1) << 24)
#define PS_HANDSHAKES_MAX (UINT64_C(1) << 20)
/* Most passwords that may wait. */
#define PS_LOGIN_SLOTS_MAX   (UINT32_C(1) << 16)
#define PS_LOGIN_THREADS_MAX 256u

/* As typed. */
typedef struct ps_daemon_options {
    ps_string_list listen;
    const char *credentials;
    const char *state;
    const char *journal;
    bool check_config;
    unsigned log_level;
    unsigned log_format;
    uint64_t max_sessions;
    uint64_t max_users;
    uint64_t max_publications;
    uint64_t max_user_publications;
    uint64_t max_logins;
    uint64_t name_bytes;
    uint64_t login_threads;
    uint64_t ticket_hours;
    uint64_t file_ticket_minutes;
    uint64_t max_handshakes;
    uint64_t handshakes_per_second;
    uint64_t open_handshakes_per_second;
    uint64_t network_handshakes_per_second;
    unsigned strength;
} ps_daemon_options;

/* As used. */
typedef struct ps_daemon_config {
    const char *program; /* As it was called, for commands that people are told to type. */
    ps_addr listen[PS_OPTION_REPEATS_MAX];
    size_t listen_len;
    char credentials[PS_STATE_PATH_MAX]; /* The file's path. */
    const char *credentials_option;      /* What names this file on a command line, or "". */
    char credentials_value[PS_STATE_PATH_MAX];
    const char *state;   /* NULL: none. */
    const char *journal; /* NULL: none. */
    bool check_config;
    ps_log_level log_level;
    ps_log_format log_format;
    ps_server_config server; /* Without its crypto and its secrets. */
    uint32_t login_slots;    /* Passwords that wait or are under verification. */
    unsigned login_threads;
    ps_strength strength; /* Of the strings that `user` makes. */
} ps_daemon_config;

/* command_lines.c: the program's line, and those of `peersyncd user ...` and `peersyncd key ...`.
 */
extern const ps_option_set ps_daemon_line;
extern const ps_option_set ps_user_line;
extern const ps_option_set ps_key_line;

/* The defaults of what may be typed. */
void ps_daemon_options_default(ps_daemon_options *options);

/* Makes the configuration of options and words. Returns a ps_exit; on failure `error` says why. */
int ps_daemon_configure(const ps_daemon_options *options, const ps_words *words,
                        const char *program, ps_daemon_config *out, char *error, size_t error_cap);

/* Which credentials file is meant (part of ps_daemon_configure(), and for `user`). 0, or -1. */
int ps_daemon_credentials(const ps_daemon_options *options, ps_daemon_config *out);

#endif
