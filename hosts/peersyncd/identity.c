#include "peersyncd/identity.h"

#include "common/exit_codes.h"
#include "common/text.h"
#include "peersync/posix.h"
#include "peersyncd/key_file.h"

#include <errno.h>
#include <fcntl.h>
#include <pwd.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define SECRET_BYTES PS_KEY_FILE_SECRET

_Static_assert(PS_KEY_BYTES == SECRET_BYTES, "both files hold as much");
_Static_assert(PS_KEY_BYTES == crypto_scalarmult_BYTES, "X25519");

typedef struct key_file {
    const char *name;
    const char *comment;
    const char *loss; /* What it means to begin with a new one. */
} key_file;

static const key_file server_file = {
    PS_IDENTITY_SERVER_FILE,
    "# The secret key of a PeerSync server (X25519). Whoever has it can pass for the server.",
    "a new server key is made, and every client must be told to accept it"};
static const key_file realm_file = {
    PS_IDENTITY_REALM_FILE,
    "# The realm secret of PeerSync servers. Whoever has it can make tickets for every user.",
    "a new realm secret is made, and everybody logs in with a password again"};

/* What is being done, for its messages. */
typedef struct place {
    const ps_state_dir *dir;
    const key_file *file;
    char *message;
    size_t cap;
} place;

static int refuse(const place *p, const char *why)
{
    char dir[1024];
    ps_text_safe_string(dir, sizeof dir, p->dir->path);
    snprintf(p->message, p->cap, "%s/%s cannot be used: %s", dir, p->file->name, why);
    return PS_EXIT_STATE;
}

static int refuse_damaged(const place *p)
{
    char why[256];
    snprintf(why, sizeof why, "it is damaged: put your copy of it back, or remove it (then %s)",
             p->file->loss);
    return refuse(p, why);
}

static int refuse_readable(const place *p)
{
    char dir[1024];
    ps_text_safe_string(dir, sizeof dir, p->dir->path);
    snprintf(p->message, p->cap,
             "%s/%s cannot be used: others may read or change it. If nobody has, type\n"
             "  chmod 600 '%s/%s'\nelse remove it (then %s)",
             dir, p->file->name, dir, p->file->name, p->file->loss);
    return PS_EXIT_STATE;
}

/* Keys of somebody else may stand there: no others are made instead. */
static int refuse_foreign(const char *path, uid_t owner, char *message, size_t cap)
{
    char shown[1024];
    char name[64];
    const struct passwd *user = getpwuid(owner);
    ps_text_safe_string(shown, sizeof shown, path);
    if (user != NULL) {
        ps_text_safe_string(name, sizeof name, user->pw_name);
    } else {
        snprintf(name, sizeof name, "user id %lu", (unsigned long)owner);
    }
    snprintf(message, cap,
             "%s cannot be opened: it belongs to %s. Run peersyncd as its owner, or name another "
             "directory with --state",
             shown, name);
    return PS_EXIT_STATE;
}

static int refuse_unreadable(const place *p, int error)
{
    static char path[PS_STATE_PATH_MAX + 16];
    struct stat st;
    if (error != EACCES || fstatat(p->dir->dir_fd, p->file->name, &st, AT_SYMLINK_NOFOLLOW) != 0) {
        return refuse(p, strerror(error));
    }
    snprintf(path, sizeof path, "%s/%s", p->dir->path, p->file->name);
    return refuse_foreign(path, st.st_uid, p->message, p->cap);
}

static ssize_t read_all(int fd, char *text, size_t cap)
{
    size_t len = 0;
    while (len < cap) {
        const ssize_t n = read(fd, text + len, cap - len);
        if (n == 0) {
            break;
        }
        if (n < 0 && errno != EINTR) {
            return -1;
        }
        len += n > 0 ? (size_t)n : 0;
    }
    return (ssize_t)len;
}

/* @return a ps_exit; NOT_FOUND when there is no such file. */
static int read_secret(const place *p, uint8_t secret[SECRET_BYTES])
{
    char text[PS_KEY_FILE_BYTES];
    struct stat st;
    const int fd = openat(p->dir->dir_fd, p->file->name,
                          O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY);
    if (fd < 0) {
        return errno == ENOENT  ? PS_EXIT_NOT_FOUND
               : errno == ELOOP ? refuse(p, "it is a symbolic link; put the file itself there")
                                : refuse_unreadable(p, errno);
    }
    ssize_t len = -1;
    if (fstat(fd, &st) == 0) {
        len = S_ISREG(st.st_mode) ? read_all(fd, text, sizeof text) : 0;
    }
    const int error = errno;
    close(fd);
    int code = PS_EXIT_DONE;
    if (len < 0) {
        code = refuse(p, strerror(error));
    } else if (!S_ISREG(st.st_mode)) {
        code = refuse(p, "it is not a regular file");
    } else if ((st.st_mode & (S_IRWXG | S_IRWXO)) != 0) {
        code = refuse_readable(p);
    } else if ((size_t)len == sizeof text ||
               !ps_key_file_read((ps_span){(const uint8_t *)text, (size_t)len}, secret)) {
        code = refuse_damaged(p);
    }
    explicit_bzero(text, sizeof text);
    return code;
}

static bool write_all(int fd, const char *text, size_t len)
{
    while (len > 0) {
        const ssize_t n = write(fd, text, len);
        if (n < 0 && errno != EINTR) {
            return false;
        }
        text += n > 0 ? n : 0;
        len -= n > 0 ? (size_t)n : 0;
    }
    return true;
}

/* Gives the whole file its name, unless another process was faster. */
static bool settle(int dir_fd, const char *temporary, const char *name)
{
    bool done = linkat(dir_fd, temporary, dir_fd, name, 0) == 0 || errno == EEXIST;
    if (!done) {
        /* A file system without hard links. */
        done = renameat2(dir_fd, temporary, dir_fd, name, RENAME_NOREPLACE) == 0 || errno == EEXIST;
    }
    const int error = errno;
    (void)unlinkat(dir_fd, temporary, 0);
    errno = error;
    return done;
}

/* As refuse(), where nothing can be written: another place may do. */
static int refuse_place(const place *p, int error)
{
    (void)refuse(p, strerror(error));
    return PS_EXIT_LOCAL_FILE;
}

static int write_secret(const place *p, const char *text, size_t len)
{
    char temporary[64];
    snprintf(temporary, sizeof temporary, "%s.%08x", p->file->name, randombytes_random());
    const int dir_fd = p->dir->dir_fd;
    const int fd =
        openat(dir_fd, temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0) {
        return refuse_place(p, errno);
    }
    bool good = write_all(fd, text, len) && fsync(fd) == 0;
    int error = errno;
    if (close(fd) != 0 && good) {
        good = false;
        error = errno;
    }
    if (!good) {
        (void)unlinkat(dir_fd, temporary, 0);
        return refuse_place(p, error);
    }
    if (!settle(dir_fd, temporary, p->file->name) || fsync(dir_fd) != 0) {
        return refuse_place(p, errno);
    }
    return PS_EXIT_DONE;
}

static int make_secret(const place *p)
{
    uint8_t secret[SECRET_BYTES];
    char text[PS_KEY_FILE_BYTES];
    if (ps_posix_entropy(secret, sizeof secret) != PS_OK) {
        return refuse(p, "the system gives no random bytes");
    }
    const size_t len = ps_key_file_write(p->file->comment, secret, text);
    const int code = write_secret(p, text, len);
    explicit_bzero(secret, sizeof secret);
    explicit_bzero(text, sizeof text);
    return code;
}

/* What is made is read again: another process may have been faster. */
static int load_secret(const place *p, uint8_t secret[SECRET_BYTES], bool *made)
{
    int code = read_secret(p, secret);
    if (code == PS_EXIT_NOT_FOUND) {
        code = make_secret(p);
        if (code == PS_EXIT_DONE) {
            *made = true;
            code = read_secret(p, secret);
        }
    }
    return code == PS_EXIT_NOT_FOUND ? refuse(p, strerror(ENOENT)) : code;
}

/* A secret that ends with the process. `message` is why there is no other. */
static int make_passing_realm(ps_identity *out, char *message, size_t cap)
{
    static char why[PS_IDENTITY_MESSAGE];
    snprintf(why, sizeof why, "%s", message);
    if (ps_posix_entropy(out->realm_secret, sizeof out->realm_secret) != PS_OK) {
        snprintf(message, cap, "the system gives no random bytes");
        return PS_EXIT_SYSTEM;
    }
    snprintf(message, cap,
             "the realm secret ends with this run, and everybody logs in with a password again "
             "after it (%s)",
             why);
    return PS_EXIT_DONE;
}

/* @param realm_may_end make a realm secret that ends with the process where none can be written.
 * @return a ps_exit; LOCAL_FILE when there is none and nothing can be written there. */
static int load(const ps_state_dir *dir, bool realm_may_end, ps_identity *out, char *message,
                size_t cap)
{
    const place server = {dir, &server_file, message, cap};
    const place realm = {dir, &realm_file, message, cap};
    bool realm_made = false;
    *out = (ps_identity){.path = ""};
    if (sodium_init() < 0) {
        return refuse(&server, "the system gives no random bytes");
    }
    int code = load_secret(&server, out->static_secret, &out->made);
    if (code == PS_EXIT_DONE) {
        code = load_secret(&realm, out->realm_secret, &realm_made);
        if (code == PS_EXIT_LOCAL_FILE && realm_may_end) {
            code = make_passing_realm(out, message, cap);
        }
    }
    if (code == PS_EXIT_DONE) {
        (void)crypto_scalarmult_base(out->public_key, out->static_secret);
        snprintf(out->path, sizeof out->path, "%s/%s", dir->path, server_file.name);
    } else {
        ps_identity_wipe(out);
    }
    return code;
}

int ps_identity_load(const ps_state_dir *dir, ps_identity *out, char *message, size_t cap)
{
    const int code = load(dir, false, out, message, cap);
    return code == PS_EXIT_LOCAL_FILE ? PS_EXIT_STATE : code;
}

static int make_passing(ps_identity *out, const char *why, char *message, size_t cap)
{
    if (sodium_init() < 0 ||
        ps_posix_entropy(out->static_secret, sizeof out->static_secret) != PS_OK ||
        ps_posix_entropy(out->realm_secret, sizeof out->realm_secret) != PS_OK) {
        snprintf(message, cap, "the system gives no random bytes");
        return PS_EXIT_SYSTEM;
    }
    (void)crypto_scalarmult_base(out->public_key, out->static_secret);
    snprintf(
        message, cap,
        "the server's keys end with this run, and its clients will refuse the next one: name a "
        "directory with --state (%s)",
        why);
    return PS_EXIT_DONE;
}

/* May keys stand in a directory that could not be opened? Then *owner is of it, or of the nearest
 * one above it that can be seen. */
static bool may_have_keys(const char *dir, uid_t *owner)
{
    char at[PS_STATE_PATH_MAX];
    struct stat st;
    snprintf(at, sizeof at, "%s", dir);
    if (stat(at, &st) == 0) {
        *owner = st.st_uid;
        return S_ISDIR(st.st_mode);
    }
    if (errno == ENOENT || errno == ENOTDIR) {
        return false;
    }
    *owner = 0;
    for (char *slash = strrchr(at, '/'); slash != NULL && slash > at; slash = strrchr(at, '/')) {
        *slash = '\0';
        if (stat(at, &st) == 0) {
            *owner = st.st_uid;
            break;
        }
    }
    return true;
}

int ps_identity_load_default(bool may_end, ps_identity *out, char *message, size_t cap)
{
    static ps_state_dir dir;
    char path[PS_STATE_PATH_MAX];
    uid_t owner = 0;
    const char *why = "there is no home directory";
    *out = (ps_identity){.path = ""};
    message[0] = '\0';
    if (ps_state_dir_of(path, sizeof path, "peersyncd", NULL) == 0) {
        if (ps_state_dir_open(&dir, path) == PS_STATE_OK) {
            const int code = load(&dir, true, out, message, cap);
            ps_state_dir_close(&dir);
            /* What stands there and cannot be used is refused, not passed over. */
            if (code != PS_EXIT_LOCAL_FILE) {
                return code;
            }
            snprintf(dir.error, sizeof dir.error, "%s", message);
        } else if (may_have_keys(path, &owner)) {
            return refuse_foreign(path, owner, message, cap);
        }
        why = dir.error;
    }
    if (!may_end) {
        snprintf(message, cap, "%s: name a directory with --state", why);
        return PS_EXIT_STATE;
    }
    return make_passing(out, why, message, cap);
}

void ps_identity_wipe(ps_identity *identity)
{
    explicit_bzero(identity->static_secret, sizeof identity->static_secret);
    explicit_bzero(identity->realm_secret, sizeof identity->realm_secret);
}
