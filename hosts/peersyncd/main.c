/* peersyncd: the server's program. */
#include "common/exit_codes.h"
#include "common/secrecy.h"
#include "peersyncd/accounts.h"
#include "peersyncd/check_config.h"
#include "peersyncd/identity.h"
#include "peersyncd/loop.h"

#include <stdio.h>
#include <string.h>

#define ERROR_BYTES 1024

static int key_command(ps_daemon_options *options, const ps_words *line)
{
    static ps_words words;
    const ps_options_result result = ps_options_parse(
        &ps_key_line, (int)line->len, (char *const *)(uintptr_t)line->items, options, &words);
    if (result != PS_OPTIONS_OK) {
        return ps_options_answer(&ps_key_line, result, &words);
    }
    if (words.len != 1 || strcmp(words.items[0], "show") != 0) {
        fputs("peersyncd: 'key' is followed by show\n", stderr);
        return PS_EXIT_USAGE;
    }
    return ps_identity_show(options->state);
}

static int user_command(ps_daemon_options *options, const ps_words *line, const char *program)
{
    /* The words from "user" on are a line of their own, whose options may stand anywhere. (The
     * parser does not change what argv points to.) */
    static ps_words words;
    static ps_daemon_config config;
    const ps_options_result result = ps_options_parse(
        &ps_user_line, (int)line->len, (char *const *)(uintptr_t)line->items, options, &words);
    if (result != PS_OPTIONS_OK) {
        return ps_options_answer(&ps_user_line, result, &words);
    }
    config.program = program;
    config.state = options->state;
    config.strength = (ps_strength)options->strength;
    if (ps_daemon_credentials(options, &config) != 0) {
        fputs("peersyncd: the credentials file's path is too long\n", stderr);
        return PS_EXIT_USAGE;
    }
    return ps_accounts_command(&config, &words);
}

static int load_identity(const ps_state_dir *state, ps_identity *identity)
{
    static char message[PS_IDENTITY_MESSAGE];
    message[0] = '\0';
    const int code = state != NULL
                         ? ps_identity_load(state, identity, message, sizeof message)
                         : ps_identity_load_default(true, identity, message, sizeof message);
    if (code != PS_EXIT_DONE) {
        fprintf(stderr, "peersyncd: %s\n", message);
    } else if (message[0] != '\0') {
        ps_log(PS_LOG_WARNING, message, (ps_log_field[]){PS_F_END});
    }
    return code;
}

static int serve(const ps_daemon_config *config)
{
    static char message[PS_ACCOUNTS_MESSAGE];
    static ps_state_dir state;
    static ps_identity identity;
    const ps_state_dir *const dir = config->state != NULL ? &state : NULL;
    ps_credentials credentials;
    ps_daemon_hold_reload();
    if (dir != NULL && (ps_state_dir_open(&state, config->state) != PS_STATE_OK ||
                        ps_state_dir_lock(&state) != PS_STATE_OK)) {
        fprintf(stderr, "peersyncd: %s\n", state.error);
        return (int)ps_exit_of_errno(state.number, PS_EXIT_STATE);
    }
    int code = load_identity(dir, &identity);
    if (code == PS_EXIT_DONE) {
        code = ps_accounts_load(config, identity.realm_secret, PS_ACCOUNTS_START, &credentials,
                                message, sizeof message);
        if (code != PS_EXIT_DONE) {
            fprintf(stderr, "peersyncd: %s\n", message);
        } else {
            code = ps_daemon_run(config, dir, &identity, &credentials);
        }
    }
    ps_identity_wipe(&identity);
    if (dir != NULL) {
        ps_state_dir_close(&state);
    }
    return code;
}

int main(int argc, char **argv)
{
    static ps_daemon_options options;
    static ps_daemon_config config;
    static ps_words words;
    char error[ERROR_BYTES];
    ps_secrecy_begin();
    ps_daemon_options_default(&options);
    const ps_options_result result =
        ps_options_parse(&ps_daemon_line, argc, argv, &options, &words);
    if (result != PS_OPTIONS_OK) {
        return ps_options_answer(&ps_daemon_line, result, &words);
    }
    if (words.len > 0 && strcmp(words.items[0], "user") == 0) {
        return user_command(&options, &words, argv[0]);
    }
    if (words.len > 0 && strcmp(words.items[0], "key") == 0) {
        return key_command(&options, &words);
    }
    const int code = ps_daemon_configure(&options, &words, argv[0], &config, error, sizeof error);
    if (code != PS_EXIT_DONE) {
        fprintf(stderr, "peersyncd: %s\nTry 'peersyncd --help'.\n", error);
        return code;
    }
    ps_log_setup(config.log_level, config.log_format);
    return config.check_config ? ps_check_config(&config, stdout) : serve(&config);
}
