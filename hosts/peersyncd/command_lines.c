/* The server's command lines: what may be typed, and the help. */
#include "peersyncd/config.h"

#include <string.h>

#define RATE_MAX         UINT64_C(1000000)
#define TICKET_HOURS_MAX UINT64_C(8760) /* A year. */

#define CREDENTIALS_HELP                                                                           \
    "The users, a line each, as 'peersyncd user' keeps\n"                                          \
    "them; '#' begins a comment line. Default:\n"                                                  \
    "credentials.txt in the --state directory, else in\n"                                          \
    "the working directory."

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
             "server runs. The server's keys are there too;\n"
             "without it, in the user's own state directory."},
    {.name = "journal",
     .kind = PS_OPTION_TEXT,
     .offset = offsetof(ps_daemon_options, journal),
     .argument = "FILE",
     .help = "Record every input there for peersync-replay, once\n"
             "a second. The file holds passwords and keys. A\n"
             "journal that is there becomes FILE.1."},
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
     .max = PS_RECORDS_MAX},
    {.name = "max-users",
     .kind = PS_OPTION_NUMBER,
     .offset = offsetof(ps_daemon_options, max_users),
     .argument = "N",
     .help = "Users who are online or have published something.\n"
             "Default: as many as sessions need.",
     .min = 1,
     .max = PS_RECORDS_MAX},
    {.name = "max-publications",
     .kind = PS_OPTION_NUMBER,
     .offset = offsetof(ps_daemon_options, max_publications),
     .argument = "N",
     .help = "Published names in all (65536).",
     .min = 1,
     .max = PS_RECORDS_MAX},
    {.name = "max-user-publications",
     .kind = PS_OPTION_NUMBER,
     .offset = offsetof(ps_daemon_options, max_user_publications),
     .argument = "N",
     .help = "The quota of one user. Default: all of them.",
     .min = 1,
     .max = PS_RECORDS_MAX},
    {.name = "max-logins",
     .kind = PS_OPTION_NUMBER,
     .offset = offsetof(ps_daemon_options, max_logins),
     .argument = "N",
     .help = "Passwords that wait or are under verification at a\n"
             "time (256).",
     .min = 1,
     .max = PS_LOGIN_SLOTS_MAX},
    {.name = "login-threads",
     .kind = PS_OPTION_NUMBER,
     .offset = offsetof(ps_daemon_options, login_threads),
     .argument = "N",
     .help = "Threads that verify passwords; each takes the memory\n"
             "of one (64 MiB). Default: one a processor, up to 4.",
     .min = 1,
     .max = PS_LOGIN_THREADS_MAX},
    {.name = "ticket-hours",
     .kind = PS_OPTION_NUMBER,
     .offset = offsetof(ps_daemon_options, ticket_hours),
     .argument = "N",
     .help = "How long a client may come back without its\n"
             "password (24).",
     .min = 1,
     .max = TICKET_HOURS_MAX},
    {.name = "file-ticket-minutes",
     .kind = PS_OPTION_NUMBER,
     .offset = offsetof(ps_daemon_options, file_ticket_minutes),
     .argument = "N",
     .help = "How long after asking the server a download may\n"
             "begin or go on at a source (60).",
     .min = 1,
     .max = PS_FILE_EPOCH_S / 60u},
    {.name = "max-handshakes",
     .kind = PS_OPTION_NUMBER,
     .offset = offsetof(ps_daemon_options, max_handshakes),
     .argument = "N",
     .help = "Handshakes and logins under way at a time. Default:\n"
             "half as many as sessions, and 2048 or more.",
     .min = 1,
     .max = PS_HANDSHAKES_MAX},
    {.name = "handshakes-per-second",
     .kind = PS_OPTION_NUMBER,
     .offset = offsetof(ps_daemon_options, handshakes_per_second),
     .argument = "N",
     .help = "Handshakes in all (6000).",
     .min = 1,
     .max = RATE_MAX},
    {.name = "open-handshakes-per-second",
     .kind = PS_OPTION_NUMBER,
     .offset = offsetof(ps_daemon_options, open_handshakes_per_second),
     .argument = "N",
     .help = "Of those, without a cookie, which proves the\n"
             "client's address (200).",
     .min = 0,
     .max = RATE_MAX},
    {.name = "network-handshakes-per-second",
     .kind = PS_OPTION_NUMBER,
     .offset = offsetof(ps_daemon_options, network_handshakes_per_second),
     .argument = "N",
     .help = "Handshakes from one network with a cookie (50).",
     .min = 1,
     .max = RATE_MAX},
    {.name = "name-bytes",
     .kind = PS_OPTION_NUMBER,
     .offset = offsetof(ps_daemon_options, name_bytes),
     .argument = "N",
     .help = "Room for what names have beyond 28 bytes each.\n"
             "Default: in proportion to the publications.",
     .min = 0,
     .max = PS_RECORDS_MAX * PS_NAME_MAX},
    {.name = NULL}};

static bool is_command(const char *word)
{
    return strcmp(word, "user") == 0 || strcmp(word, "key") == 0;
}

const ps_option_set ps_daemon_line = {
    .program = "peersyncd",
    .usage = "peersyncd [PORT] [OPTION...]\n"
             "peersyncd user add|passwd|remove NAME [--credentials FILE]\n"
             "peersyncd user import [FILE] [--credentials FILE]\n"
             "peersyncd user list [--credentials FILE]\n"
             "peersyncd key show [--state DIR]",
    .summary = "The PeerSync server: it knows who is online and who publishes what. It listens on\n"
               "127.0.0.1:PORT (5000 where none is given; 0 takes a free one) and says so on\n"
               "stderr when it is ready. SIGHUP reads the credentials again; SIGTERM and SIGINT\n"
               "end it.",
    .epilogue =
        "Control packets are sealed; clients know the server by its key ('peersyncd key show').\n"
        "Files that peers send each other are not sealed yet.",
    .version = PEERSYNC_VERSION,
    .options = daemon_options,
    .ends_options = is_command};

#define STRENGTH_HELP                                                                              \
    "What a login costs the server, and a thief who tries\n"                                       \
    "passwords: interactive (64 MiB, the default),\n"                                              \
    "moderate (256 MiB) or sensitive (1 GiB)."

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
                                         {.name = "strength",
                                          .kind = PS_OPTION_CHOICE,
                                          .offset = offsetof(ps_daemon_options, strength),
                                          .argument = "WORD",
                                          .help = STRENGTH_HELP,
                                          .choices = ps_strengths},
                                         {.name = NULL}};

const ps_option_set ps_user_line = {
    .program = "peersyncd user",
    .usage = "peersyncd user add NAME\n"
             "peersyncd user passwd NAME\n"
             "peersyncd user remove NAME\n"
             "peersyncd user import [FILE]\n"
             "peersyncd user list",
    .summary = "Edits the credentials file; its comments and its order stay. A new password is\n"
               "asked for twice at a terminal, else it is the first line of standard input. It is\n"
               "kept as an argon2id string. 'import' makes such strings of passwords in clear: of\n"
               "those in the credentials file, or of the users of another FILE, who are added. A\n"
               "running server takes changes up on SIGHUP.",
    .options = user_options};

static const ps_option key_options[] = {{.name = "state",
                                         .kind = PS_OPTION_TEXT,
                                         .offset = offsetof(ps_daemon_options, state),
                                         .argument = "DIR",
                                         .help = "The server's state directory."},
                                        {.name = NULL}};

const ps_option_set ps_key_line = {
    .program = "peersyncd key",
    .usage = "peersyncd key show [--state DIR]",
    .summary = "Prints the fingerprint that clients know the server by (--server-key), and makes\n"
               "the keys where there are none yet.",
    .options = key_options};
