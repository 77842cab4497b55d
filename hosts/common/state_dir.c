#include "common/state_dir.h"

#include "common/text.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

int ps_state_dir_of(char *out, size_t cap, const char *program, const char *below)
{
    const char *base = getenv("XDG_STATE_HOME");
    const char *middle = "";
    /* The XDG base directory specification: a relative path counts as not set. */
    if (base == NULL || base[0] != '/') {
        base = getenv("HOME");
        middle = "/.local/state";
    }
    if (base == NULL || base[0] != '/') {
        return -1;
    }
    const int n = snprintf(out, cap, "%s%s/%s%s%s", base, middle, program, below != NULL ? "/" : "",
                           below != NULL ? below : "");
    return n > 0 && (size_t)n < cap ? 0 : -1;
}

int ps_state_dir_default(char *out, size_t cap, const char *below)
{
    return ps_state_dir_of(out, cap, "peersync", below);
}

static ps_state_result fail(ps_state_dir *s, const char *what, int error)
{
    char path[1024];
    ps_text_safe_string(path, sizeof path, s->path);
    s->number = error;
    snprintf(s->error, sizeof s->error, "the state directory %s %s: %s", path, what,
             strerror(error));
    ps_state_dir_close(s);
    return PS_STATE_FAILED;
}

/* mkdir -p with 0700 for what is missing. */
static int make_parents(char *path)
{
    for (char *at = path + 1;; at++) {
        if (*at != '/' && *at != '\0') {
            continue;
        }
        const char c = *at;
        *at = '\0';
        const int rc = mkdir(path, 0700);
        const int error = errno;
        *at = c;
        if (rc != 0 && error != EEXIST && (c == '\0' || error != EROFS)) {
            errno = error;
            return -1;
        }
        if (c == '\0') {
            return 0;
        }
    }
}

ps_state_result ps_state_dir_open(ps_state_dir *s, const char *path)
{
    s->dir_fd = -1;
    s->lock_fd = -1;
    s->number = 0;
    s->error[0] = '\0';
    const size_t len = strlen(path);
    if (len == 0 || len >= sizeof s->path) {
        s->path[0] = '\0';
        return fail(s, "cannot be used", len == 0 ? ENOENT : ENAMETOOLONG);
    }
    memcpy(s->path, path, len + 1);
    if (make_parents(s->path) != 0) {
        return fail(s, "cannot be made", errno);
    }
    s->dir_fd = open(s->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (s->dir_fd < 0) {
        return fail(s, "cannot be opened", errno);
    }
    return PS_STATE_OK;
}

ps_state_result ps_state_dir_lock(ps_state_dir *s)
{
    s->lock_fd = openat(s->dir_fd, "lock", O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (s->lock_fd < 0) {
        return fail(s, "cannot be locked", errno);
    }
    if (flock(s->lock_fd, LOCK_EX | LOCK_NB) != 0) {
        if (errno != EWOULDBLOCK) {
            return fail(s, "cannot be locked", errno);
        }
        char path[1024];
        ps_text_safe_string(path, sizeof path, s->path);
        snprintf(s->error, sizeof s->error,
                 "the state directory %s is used by another process: end that one, or choose "
                 "another directory with --state",
                 path);
        ps_state_dir_close(s);
        return PS_STATE_IN_USE;
    }
    return PS_STATE_OK;
}

void ps_state_dir_close(ps_state_dir *s)
{
    if (s->lock_fd >= 0) {
        close(s->lock_fd);
        s->lock_fd = -1;
    }
    if (s->dir_fd >= 0) {
        close(s->dir_fd);
        s->dir_fd = -1;
    }
}
