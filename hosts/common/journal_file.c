#include "common/journal_file.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#define WAITING_BYTES (64u * 1024u)

struct ps_journal_file {
    ps_journal_writer writer;
    int fd;
    int error; /* errno of the write that failed. */
    bool told;
    size_t waiting_len;
    uint8_t waiting[WAITING_BYTES];
    uint8_t record[PS_JOURNAL_RECORD_MAX];
};

static bool write_all(ps_journal_file *f, const uint8_t *bytes, size_t len)
{
    while (len > 0 && f->error == 0) {
        const ssize_t n = write(f->fd, bytes, len);
        if (n >= 0) {
            bytes += n;
            len -= (size_t)n;
        } else if (errno != EINTR) {
            f->error = errno;
        }
    }
    return f->error == 0;
}

static bool write_waiting(ps_journal_file *f)
{
    const size_t len = f->waiting_len;
    f->waiting_len = 0;
    return write_all(f, f->waiting, len);
}

static bool sink(void *ctx, const uint8_t *bytes, size_t len)
{
    ps_journal_file *f = ctx;
    if (len > sizeof f->waiting - f->waiting_len && !write_waiting(f)) {
        return false;
    }
    if (len > sizeof f->waiting) {
        return write_all(f, bytes, len);
    }
    memcpy(f->waiting + f->waiting_len, bytes, len);
    f->waiting_len += len;
    return f->error == 0;
}

/* O_NONBLOCK: a pipe without a reader is refused, not waited for. */
#define OPEN_FLAGS (O_RDWR | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK | O_NOCTTY)

/* Takes the file for this program; *len becomes its length. NULL: it is a journal, or empty. */
static const char *look_at(int fd, off_t *len)
{
    char magic[sizeof PS_JOURNAL_MAGIC - 1];
    struct stat st;
    if (fstat(fd, &st) != 0) {
        return strerror(errno);
    }
    if (!S_ISREG(st.st_mode)) {
        return "it is no regular file";
    }
    if (st.st_size > 0 && (pread(fd, magic, sizeof magic, 0) != (ssize_t)sizeof magic ||
                           memcmp(magic, PS_JOURNAL_MAGIC, sizeof magic) != 0)) {
        return "it exists and is no journal";
    }
    if (flock(fd, LOCK_EX | LOCK_NB) != 0) {
        return errno == EWOULDBLOCK ? "another program writes it" : strerror(errno);
    }
    *len = st.st_size;
    return NULL;
}

static int open_looked_at(const char *path, int more_flags, off_t *len, char *why, size_t why_cap)
{
    const int fd = open(path, OPEN_FLAGS | more_flags, S_IRUSR | S_IWUSR);
    if (fd < 0) {
        snprintf(why, why_cap, "%s", errno == ELOOP ? "it is a symbolic link" : strerror(errno));
        return -1;
    }
    const char *fault = look_at(fd, len);
    if (fault != NULL) {
        snprintf(why, why_cap, "%s", fault);
        close(fd);
        return -1;
    }
    return fd;
}

/* Makes room for a new journal: the one that is there becomes PATH.1, instead of the one that was.
 */
static bool keep_older(const char *path, char *why, size_t why_cap)
{
    char older[PATH_MAX];
    char fault[128];
    off_t len;
    if ((size_t)snprintf(older, sizeof older, "%s.1", path) >= sizeof older) {
        snprintf(why, why_cap, "%s", strerror(ENAMETOOLONG));
        return false;
    }
    const int fd = open_looked_at(older, 0, &len, fault, sizeof fault);
    if (fd >= 0) {
        close(fd);
    } else if (access(older, F_OK) == 0) {
        snprintf(why, why_cap, "the journal before is to be kept as FILE.1, and of that, %s",
                 fault);
        return false;
    }
    if (rename(path, older) != 0) {
        snprintf(why, why_cap, "%s", strerror(errno));
        return false;
    }
    return true;
}

static int open_file(const char *path, char *why, size_t why_cap)
{
    off_t len = 0;
    int fd = open_looked_at(path, O_CREAT, &len, why, why_cap);
    if (fd >= 0 && len > 0) {
        const bool kept = keep_older(path, why, why_cap);
        close(fd);
        fd = kept ? open_looked_at(path, O_CREAT | O_EXCL, &len, why, why_cap) : -1;
    }
    if (fd >= 0 && fchmod(fd, S_IRUSR | S_IWUSR) != 0) {
        snprintf(why, why_cap, "%s", strerror(errno));
        close(fd);
        fd = -1;
    }
    return fd;
}

ps_journal_file *ps_journal_file_open(const char *path, const ps_journal_head *head, char *why,
                                      size_t why_cap)
{
    ps_journal_file *f = calloc(1, sizeof *f);
    if (f == NULL) {
        snprintf(why, why_cap, "%s", strerror(errno));
        return NULL;
    }
    f->fd = open_file(path, why, why_cap);
    if (f->fd < 0) {
        free(f);
        return NULL;
    }
    if (ps_journal_writer_init(&f->writer, head, sink, f, f->record, sizeof f->record) != PS_OK ||
        !write_waiting(f)) {
        snprintf(why, why_cap, "%s", strerror(f->error));
        close(f->fd);
        free(f);
        return NULL;
    }
    return f;
}

ps_machine ps_journal_file_machine(ps_journal_file *f, ps_machine inner)
{
    return ps_journal_machine(&f->writer, inner);
}

const char *ps_journal_file_flush(ps_journal_file *f)
{
    if (f == NULL) {
        return NULL;
    }
    (void)write_waiting(f);
    if (f->told || (f->error == 0 && f->writer.state == PS_JOURNAL_OK)) {
        return NULL;
    }
    f->told = true;
    return f->error != 0 ? strerror(f->error) : ps_journal_result_text(f->writer.state);
}

const char *ps_journal_file_close(ps_journal_file *f)
{
    if (f == NULL) {
        return NULL;
    }
    const char *fault = ps_journal_file_flush(f);
    if (close(f->fd) != 0 && fault == NULL && !f->told) {
        fault = strerror(errno);
    }
    /* Passwords were in here. */
    explicit_bzero(f, sizeof *f);
    free(f);
    return fault;
}
