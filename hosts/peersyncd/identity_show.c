/* peersyncd key show. */
#include "peersyncd/identity.h"

#include "common/exit_codes.h"
#include "common/text.h"

#include <stdio.h>

int ps_identity_show(const char *state)
{
    static char message[PS_IDENTITY_MESSAGE];
    static ps_state_dir dir;
    static ps_identity identity;
    int code = PS_EXIT_DONE;
    if (state == NULL) {
        code = ps_identity_load_default(false, &identity, message, sizeof message);
    } else if (ps_state_dir_open(&dir, state) != PS_STATE_OK) {
        fprintf(stderr, "peersyncd: %s\n", dir.error);
        return (int)ps_exit_of_errno(dir.number, PS_EXIT_STATE);
    } else {
        code = ps_identity_load(&dir, &identity, message, sizeof message);
        ps_state_dir_close(&dir);
    }
    if (code != PS_EXIT_DONE) {
        fprintf(stderr, "peersyncd: %s\n", message);
        return code;
    }
    char fingerprint[PS_FINGERPRINT_BYTES];
    char path[1024];
    ps_fingerprint_format(fingerprint, identity.public_key);
    ps_text_safe_string(path, sizeof path, identity.path);
    ps_identity_wipe(&identity);
    fprintf(stderr, "the server's key, %s %s:\n",
            identity.made ? "which was made just now, for there was none in" : "kept in", path);
    if (state == NULL) {
        fputs("(a server that runs with --state DIR has another: add --state DIR here too)\n",
              stderr);
    }
    return puts(fingerprint) >= 0 && fflush(stdout) == 0 ? PS_EXIT_DONE : PS_EXIT_LOCAL_FILE;
}
