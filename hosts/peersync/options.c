#include "options.h"

#include "commands/command.h"
#include "common/exit_codes.h"
#include "common/fingerprint.h"

#include <string.h>

/* Where peersyncd listens when it is told nothing else. */
#define DEFAULT_SERVER "5000"

static const ps_option table[] = {
    {.name = "server",
     .kind = PS_OPTION_TEXT,
     .offset = offsetof(struct options, server),
     .argument = "HOST:PORT",
     .help = "The server (127.0.0.1:5000). SERVER_PORT alone means 127.0.0.1:SERVER_PORT."},
    {.name = "user",
     .kind = PS_OPTION_TEXT,
     .offset = offsetof(struct options, user),
     .argument = "NAME",
     .help = "Log in as NAME; asked for if not given."},
    {.name = "password-file",
     .kind = PS_OPTION_TEXT,
     .offset = offsetof(struct options, password_file),
     .argument = "FILE",
     .help = "The password is FILE's first line. Else it is PEERSYNC_PASSWORD of the\n"
             "environment, else it is asked for."},
    {.name = "server-key",
     .kind = PS_OPTION_TEXT,
     .offset = offsetof(struct options, server_key),
     .argument = "FINGERPRINT",
     .help = "Trust the server only if its key has this fingerprint, and remember it,\n"
             "also in the place of the key that it was known by.\n"
             "`peersyncd key show` (with the server's --state, if it has one) prints it."},
    {.name = "accept-new-key",
     .kind = PS_OPTION_FLAG,
     .offset = offsetof(struct options, accept_new_key),
     .help = "Trust a server that is not known yet. Without it: on the loopback address\n"
             "(as a number or localhost), else a terminal is asked. A key that has changed\n"
             "is refused, unless it is the one that --server-key names."},
    {.name = "listen",
     .kind = PS_OPTION_TEXT,
     .offset = offsetof(struct options, listen),
     .argument = "ADDR:PORT",
     .help = "Serve published files there. Without it: a free port, on the loopback\n"
             "address for a server there, else on all addresses."},
    {.name = "download-dir",
     .kind = PS_OPTION_TEXT,
     .offset = offsetof(struct options, download_dir),
     .argument = "DIR",
     .help = "Where `get` puts files; without it, the working directory."},
    {.name = "state",
     .kind = PS_OPTION_TEXT,
     .offset = offsetof(struct options, state),
     .argument = "DIR",
     .help = "Keep this installation's identity, publications and known servers there, one\n"
             "process at a time. Without it: $XDG_STATE_HOME/peersync/USER, or\n"
             "~/.local/state/peersync/USER."},
    {.name = "journal",
     .kind = PS_OPTION_TEXT,
     .offset = offsetof(struct options, journal),
     .argument = "FILE",
     .help = "Record every input of the session there for peersync-replay, once a second.\n"
             "The file holds passwords, tickets and keys. A journal that is there becomes\n"
             "FILE.1, also at a further login."},
    {.name = "max-uploads",
     .kind = PS_OPTION_NUMBER,
     .offset = offsetof(struct options, max_uploads),
     .argument = "N",
     .help = "Serve at most N files at once (16); 0 serves none.",
     .min = 0,
     .max = 4096},
    {.name = "plain-transfers",
     .kind = PS_OPTION_FLAG,
     .offset = offsetof(struct options, plain_transfers),
     .help = "Fetch files unsealed, from peers that have this option too, and serve them\n"
             "unsealed to peers that ask. Who reads the path then sees them; pieces are\n"
             "verified all the same."},
    {.name = "json",
     .kind = PS_OPTION_FLAG,
     .offset = offsetof(struct options, json),
     .help = "Print data as JSON, one object a line."},
    {.name = "quiet",
     .letter = 'q',
     .kind = PS_OPTION_FLAG,
     .offset = offsetof(struct options, quiet),
     .help = "Print data and errors only."},
    {.name = "no-progress",
     .kind = PS_OPTION_FLAG,
     .offset = offsetof(struct options, no_progress),
     .help = "Draw no progress, on terminals either."},
    {.name = NULL},
};

static bool is_port(const char *word)
{
    return word[0] != '\0' && strspn(word, "0123456789") == strlen(word);
}

/* From the first word on that is not the port, all belongs to a command. */
static bool begins_command(const char *word)
{
    return !is_port(word);
}

static const ps_option_set set = {
    .program = "peersync",
    .usage = "peersync [SERVER_PORT | --server HOST:PORT] [OPTION...] [COMMAND [ARG...]]",
    .summary = "Shares files with other people: lists who is online and what they publish, and\n"
               "fetches files straight from them. Without COMMAND it shows a prompt.",
    .epilogue = "commands:\n"
                "  lap | peers            users that are online now, yourself left out\n"
                "  lpf | files            all published files\n"
                "  sch | search TEXT      files of others whose name holds TEXT\n"
                "  get NAME... [-o PATH|-] [--root PREFIX] [--no-wait]\n"
                "                         fetch files; what was cut off goes on from where it was\n"
                "  verify FILE [--root PREFIX | NAME]\n"
                "                         print a local file's length and root, and tell whether\n"
                "                         it is the published one\n"
                "  pub | publish PATH...  publish files under their base names\n"
                "  unp | unpublish NAME...\n"
                "                         take publications back\n"
                "  share PATH...          publish files and serve them until Ctrl-C\n"
                "  status                 the connection, publications and transfers\n"
                "  help [COMMAND]         about the commands\n"
                "  xit | quit             leave the prompt",
    .version = PEERSYNC_VERSION,
    .options = table,
    .ends_options = begins_command,
};

static int refuse(struct options *o, const char *what)
{
    snprintf(o->line.error, sizeof o->line.error, "%s", what);
    return ps_options_answer(&set, PS_OPTIONS_BAD, &o->line);
}

int options_read(struct options *o, int argc, char *argv[])
{
    *o = (struct options){.max_uploads = 16};
    const ps_options_result result = ps_options_parse(&set, argc, argv, o, &o->line);
    if (result != PS_OPTIONS_OK) {
        return ps_options_answer(&set, result, &o->line);
    }
    o->words = o->line.items;
    o->word_count = o->line.len;
    if (o->word_count > 0 && is_port(o->words[0])) {
        if (o->server != NULL) {
            return refuse(o, "a server port and --server name two servers: give one");
        }
        uint64_t port = 0;
        if (!ps_number_parse(o->words[0], 1, 65535, &port)) {
            return refuse(o, "the server's port must be a number from 1 to 65535");
        }
        o->server = o->words[0];
        o->words++;
        o->word_count--;
    }
    if (o->server_key != NULL && !ps_fingerprint_well_formed(o->server_key)) {
        return refuse(o, "--server-key needs a fingerprint: SHA256: and 43 characters of base64");
    }
    if (o->server_key != NULL && o->accept_new_key) {
        return refuse(o, "--server-key and --accept-new-key exclude each other: give one");
    }
    if (o->server == NULL) {
        o->server = DEFAULT_SERVER;
    }
    if (o->user != NULL) {
        const ps_name_fault fault =
            ps_user_check((ps_span){(const uint8_t *)o->user, strlen(o->user)});
        if (fault != PS_NAME_OK) {
            char why[160];
            snprintf(why, sizeof why, "--user cannot be a user name: %s",
                     ps_name_fault_text(fault));
            return refuse(o, why);
        }
    }
    return -1;
}
