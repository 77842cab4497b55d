/* A directory in which one process keeps what must last. */
#ifndef PS_COMMON_STATE_DIR_H
#define PS_COMMON_STATE_DIR_H

#include <stddef.h>

#define PS_STATE_PATH_MAX 4096u

typedef enum ps_state_result {
    PS_STATE_OK,
    PS_STATE_IN_USE, /* Another process holds the lock; `error` says so. */
    PS_STATE_FAILED  /* `error` says what and why. */
} ps_state_result;

typedef struct ps_state_dir {
    char path[PS_STATE_PATH_MAX];
    int dir_fd;  /* For openat(). */
    int lock_fd; /* Holds the lock; -1: none. */
    int number;  /* The errno of PS_STATE_FAILED. */
    char error[PS_STATE_PATH_MAX + 256];
} ps_state_dir;

/* The default place: $XDG_STATE_HOME/peersync, or ~/.local/state/peersync, then "/" and `below`
 * where that is not NULL. Returns 0, or -1 when there is no home or the path is too long. */
int ps_state_dir_default(char *out, size_t cap, const char *below);
/* The same for another program than peersync. */
int ps_state_dir_of(char *out, size_t cap, const char *program, const char *below);

/* Opens the directory, making it and its parents (0700) where they are missing. */
ps_state_result ps_state_dir_open(ps_state_dir *s, const char *path);
/* Takes the lock (file "lock", flock(2)): one process a directory. Without waiting. */
ps_state_result ps_state_dir_lock(ps_state_dir *s);
void ps_state_dir_close(ps_state_dir *s);

#endif
