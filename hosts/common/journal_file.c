#include "common/journal_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
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

/* NULL: the file may be emptied. */
static const char *look_at(int fd)
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
    return fchmod(fd, S_IRUSR | S_IWUSR) != 0 || ftruncate(fd, 0) != 0 ? strerror(errno) : NULL;
}

static int open_file(const char *path, char *why, size_t why_cap)
{
    /* O_NONBLOCK: a pipe without a reader is refused, not waited for. */
    const int fd = open(path, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK | O_NOCTTY,
                        S_IRUSR | S_IWUSR);
    if (fd < 0) {
        snprintf(why, why_cap, "%s", errno == ELOOP ? "it is a symbolic link" : strerror(errno));
        return -1;
    }
    const char *fault = look_at(fd);
    if (fault != NULL) {
        snprintf(why, why_cap, "%s", fault);
        close(fd);
        return -1;
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
