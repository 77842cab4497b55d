#include "state.h"

#include "common/safe_write.h"
#include "common/text.h"
#include "peersync/posix.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define DEVICE_FILE "device"
#define LOCK_FILE   "lock"

/* "DIR/device" */
static bool device_path(const struct state *s, char *out, size_t cap)
{
    const int n = snprintf(out, cap, "%s/" DEVICE_FILE, s->dir.path);
    return n > 0 && (size_t)n < cap;
}

/* `number` is the cause's errno, or 0. */
static ps_exit no_device(const struct state *s, char *why, size_t why_cap, int number,
                         const char *reason)
{
    char path[1024];
    ps_text_safe_string(path, sizeof path, s->dir.path);
    snprintf(why, why_cap, "the device id in %s cannot be used: %s", path,
             reason != NULL ? reason : strerror(number));
    return ps_exit_of_errno(number, PS_EXIT_STATE);
}

/* Reads the device id; makes it where there is none. */
static ps_exit load_device(struct state *s, char *why, size_t why_cap)
{
    char path[PS_STATE_PATH_MAX + sizeof DEVICE_FILE + 1];
    if (!device_path(s, path, sizeof path)) {
        return no_device(s, why, why_cap, ENAMETOOLONG, NULL);
    }
    uint8_t *bytes = NULL;
    size_t len = 0;
    if (ps_file_read(path, PS_DEVICE_BYTES, &bytes, &len) == 0) {
        const bool whole = len == PS_DEVICE_BYTES;
        if (whole) {
            memcpy(s->device, bytes, PS_DEVICE_BYTES);
        }
        free(bytes);
        return whole ? PS_EXIT_DONE
                     : no_device(s, why, why_cap, 0,
                                 "it is not 16 bytes; remove it to get a new one");
    }
    if (errno == EFBIG) {
        return no_device(s, why, why_cap, 0, "it is not 16 bytes; remove it to get a new one");
    }
    if (errno != ENOENT) {
        return no_device(s, why, why_cap, errno, NULL);
    }
    if (ps_posix_entropy(s->device, PS_DEVICE_BYTES) != PS_OK) {
        return no_device(s, why, why_cap, 0, "the system gives no random bytes");
    }
    const ps_span content = {s->device, PS_DEVICE_BYTES};
    if (ps_file_replace(path, content, 0600) != 0) {
        return no_device(s, why, why_cap, errno, NULL);
    }
    return PS_EXIT_DONE;
}

/* Says who holds the lock: its process id stands in the lock file. */
static void name_holder(const char *path, const char *user, char *why, size_t why_cap)
{
    char file[PS_STATE_PATH_MAX + sizeof LOCK_FILE + 1];
    uint8_t *bytes = NULL;
    size_t len = 0;
    snprintf(file, sizeof file, "%s/" LOCK_FILE, path);
    if (ps_file_read(file, 32, &bytes, &len) != 0) {
        return;
    }
    char *end = NULL;
    const long pid = strtol((const char *)bytes, &end, 10);
    if (pid > 0 && *end == '\n') {
        snprintf(why, why_cap,
                 "another peersync of %s is running (pid %ld): use that one or end it, or choose "
                 "another directory with --state",
                 user, pid);
    }
    free(bytes);
}

ps_exit state_open(struct state *s, const char *path, const char *user, char *why, size_t why_cap)
{
    char place[PS_STATE_PATH_MAX];
    *s = (struct state){.open = false};
    if (path == NULL) {
        if (ps_state_dir_default(place, sizeof place, user) != 0) {
            snprintf(why, why_cap,
                     "there is no home directory for the state: name one with --state");
            return PS_EXIT_STATE;
        }
        path = place;
    }
    struct stat before;
    s->fresh = stat(path, &before) != 0 && errno == ENOENT;
    ps_state_result result = ps_state_dir_open(&s->dir, path);
    if (result == PS_STATE_OK) {
        result = ps_state_dir_lock(&s->dir);
    }
    if (result != PS_STATE_OK) {
        snprintf(why, why_cap, "%s", s->dir.error);
        if (result == PS_STATE_IN_USE) {
            name_holder(path, user, why, why_cap);
        }
        return ps_exit_of_errno(s->dir.number, PS_EXIT_STATE);
    }
    s->open = true;
    if (ftruncate(s->dir.lock_fd, 0) != 0 || dprintf(s->dir.lock_fd, "%ld\n", (long)getpid()) < 0) {
        /* Only the message to a second process loses its number. */
        errno = 0;
    }
    const ps_exit code = load_device(s, why, why_cap);
    if (code != PS_EXIT_DONE) {
        state_close(s, false);
    }
    return code;
}

void state_close(struct state *s, bool discard)
{
    if (!s->open) {
        return;
    }
    if (discard && s->fresh) {
        /* Not known_servers: what was said to be trusted is so. Then the directory stays, too. */
        static const char *const files[] = {DEVICE_FILE, "library.db", LOCK_FILE};
        for (size_t i = 0; i < sizeof files / sizeof files[0]; i++) {
            (void)unlinkat(s->dir.dir_fd, files[i], 0);
        }
        (void)rmdir(s->dir.path);
    }
    ps_state_dir_close(&s->dir);
    s->open = false;
}
