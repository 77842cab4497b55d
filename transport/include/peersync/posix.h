/**
 * @file posix.h
 * The POSIX adapter: UDP in batches, TCP streams, clocks, randomness and files that cannot be
 * tricked out of their folder.
 *
 * An instance belongs to one thread at a time. Creating one allocates; carrying bytes never does.
 * No function blocks but those on files. SIGPIPE is never raised.
 */
#ifndef PEERSYNC_POSIX_H
#define PEERSYNC_POSIX_H

#include "peersync/transport.h"

#ifdef __cplusplus
extern "C" {
#endif

/** What the system refused. */
typedef struct ps_posix_error {
    int number;     /**< errno, or 0 where the reason is not the system's. */
    char text[156]; /**< For people: "bind 127.0.0.1:5000: Address already in use". */
} ps_posix_error;

/* ---- addresses (address.c) ---- */

/** Room for any address as text, its NUL included. */
#define PS_ADDR_TEXT 80u

struct sockaddr;

/**
 * Reads "127.0.0.1:5000", "[::1]:5000" or "[fe80::1%eth0]:5000"; numbers only, never a look-up.
 * @param text ends with a NUL. @return false when it is anything else; *out is then zero.
 */
bool ps_addr_parse(const char *text, ps_addr *out);
/** Writes the same form; "none" for family NONE. @return buf. */
const char *ps_addr_format(const ps_addr *addr, char buf[PS_ADDR_TEXT]);
/** Reads a socket address (of getaddrinfo, say). @return false for other families than IP. */
bool ps_addr_from_sockaddr(const struct sockaddr *from, ps_addr *out);
/**
 * Writes a socket address.
 * @param to room for a `struct sockaddr_storage`.
 * @return its length in bytes; 0 for family NONE.
 */
size_t ps_addr_to_sockaddr(const ps_addr *addr, struct sockaddr *to);

/* ---- clocks and randomness (clock.c) ---- */

/** Monotonic microseconds; stands still while the machine sleeps only where the system's does. */
uint64_t ps_posix_now_us(void);
/** Seconds since 1970. */
uint64_t ps_posix_wall_s(void);
/** Random bytes for keys. @return PS_FAILED when the system gives none: do not go on. */
ps_status ps_posix_entropy(void *buf, size_t len);

/* ---- datagrams (udp.c) ---- */

/** UDP sockets behind one `ps_transport`. */
typedef struct ps_posix_udp ps_posix_udp;

/** Start from zeros: `ps_posix_udp_options o = {.size = sizeof o};`. */
typedef struct ps_posix_udp_options {
    size_t size;           /**< sizeof(ps_posix_udp_options). */
    uint32_t buffer_bytes; /**< Socket buffers to ask for, each way; 0: 4 MiB. The system may grant
                                less. */
    bool plain_calls;      /**< One system call a datagram even where batches exist (for tests). */
} ps_posix_udp_options;

/**
 * Binds one socket an address: endpoint ids 0 to count - 1 in this order. An IPv6 socket takes IPv6
 * only. Port 0 takes a free port: see endpoints().
 *
 * A socket bound to a wildcard (0.0.0.0, ::) answers from the local address that was asked: the
 * first datagram to each such address makes a further endpoint id, up to 64; past these the system
 * chooses the source.
 * @param listen `count` addresses, 1 to 16.
 * @param options may be NULL.
 * @param why filled on failure; may be NULL.
 * @return PS_OK; PS_FAILED nothing stays open; PS_INVALID.
 */
ps_status ps_posix_udp_open(const ps_addr listen[], size_t count,
                            const ps_posix_udp_options *options, ps_posix_udp **out,
                            ps_posix_error *why);
/** Closes all; NULL is allowed. */
void ps_posix_udp_close(ps_posix_udp *udp);
/** The contract's view; borrows `udp`. Its endpoints() lists the bound sockets. */
ps_transport ps_posix_udp_transport(ps_posix_udp *udp);
/** The socket of endpoint `index` (0 to count - 1), for a poll loop; -1 past the last. */
int ps_posix_udp_fd(const ps_posix_udp *udp, size_t index);
/** Why the last function failed. Lives as long as `udp`. */
const ps_posix_error *ps_posix_udp_error(const ps_posix_udp *udp);

/* ---- streams (tcp.c) ---- */

/** TCP connections and an optional listener behind one `ps_stream_transport`. */
typedef struct ps_posix_streams ps_posix_streams;

/**
 * @param listen where to accept, port 0 for a free one; NULL: nowhere.
 * @param max_streams open at a time, 1 to 2^20; past it dial and accept give PS_FAILED.
 * @param why filled on failure; may be NULL.
 * @return PS_OK; PS_FAILED nothing stays open; PS_INVALID.
 */
ps_status ps_posix_streams_open(const ps_addr *listen, uint32_t max_streams, ps_posix_streams **out,
                                ps_posix_error *why);
/** Closes the listener and every stream; NULL is allowed. */
void ps_posix_streams_close(ps_posix_streams *streams);
/**
 * The contract's view; borrows `streams`. Closing a stream whose received bytes were not all read
 * resets it, and the other side may then miss the last bytes written: finish, read to the end,
 * close.
 */
ps_stream_transport ps_posix_streams_transport(ps_posix_streams *streams);
/** The listening socket, for a poll loop; -1: none. */
int ps_posix_streams_listener_fd(const ps_posix_streams *streams);
/** A stream's socket, for a poll loop; -1: no such stream. It stays the adapter's. */
int ps_posix_streams_fd(const ps_posix_streams *streams, ps_stream s);
/** Why the last function failed. Lives as long as `streams`. */
const ps_posix_error *ps_posix_streams_error(const ps_posix_streams *streams);

/**
 * Writes a prefix of a file's bytes [offset, offset + len) without copying them through the
 * program where the system can (sendfile).
 * @param n bytes taken.
 * @return PS_OK with *n >= 1; PS_AGAIN the stream is full; PS_FAILED the stream broke, the file
 *         cannot be read, or it ends at `offset` (error number 0: it became shorter).
 */
ps_status ps_posix_streams_send_file(ps_posix_streams *streams, ps_stream s, int file,
                                     uint64_t offset, uint64_t len, uint64_t *n);

/**
 * Moves a stream to another instance, of another thread: release() there, adopt() here. The stream
 * has a new name in its new home.
 * @return release: the socket, now the caller's, or -1. adopt: PS_OK and the socket is the
 *         instance's; PS_FAILED (full) and it stays the caller's.
 */
int ps_posix_streams_release(ps_posix_streams *streams, ps_stream s);
/** @copydoc ps_posix_streams_release */
ps_status ps_posix_streams_adopt(ps_posix_streams *streams, int socket, ps_stream *out);

/* ---- files (files.c) ---- */

/** What tells a file from a changed one. */
typedef struct ps_posix_file {
    uint64_t size;
    uint64_t device;
    uint64_t inode;
    int64_t mtime_ns; /**< Since 1970. */
    int64_t ctime_ns; /**< Of the inode: moves even where the modification time was put back. */
} ps_posix_file;

/**
 * Opens what a person named for reading, links followed. Everything but a regular file is refused,
 * and a FIFO or device never makes it wait.
 * @param file filled on success; may be NULL.
 * @return PS_OK; PS_FAILED (number 0: not a regular file).
 */
ps_status ps_posix_open_file(const char *path, int *fd, ps_posix_file *file, ps_posix_error *why);
/**
 * Opens a regular file by the path that it was found to have (realpath()) for reading: absolute, no
 * part of it "." or "..", else number EINVAL. No link is followed, neither at the end of the path
 * nor on the way; one that is there now fails with ELOOP or ENOTDIR.
 */
ps_status ps_posix_open_exact(const char *path, int *fd, ps_posix_file *file, ps_posix_error *why);
/** What an open file is now. */
ps_status ps_posix_stat_file(int fd, ps_posix_file *file, ps_posix_error *why);

/** Opens a folder that a person named, to be used below. */
ps_status ps_posix_open_dir(const char *path, int *dir, ps_posix_error *why);

/** Room for the name of a temporary file, its NUL included. */
#define PS_POSIX_TEMPORARY 32u

/*
 * In these, `name` is a single part that ps_name_check() accepts and ends with a NUL; anything else
 * fails with number EINVAL. Links are never followed.
 */

/** Opens a regular file of the folder for reading. */
ps_status ps_posix_open_beneath(int dir, const char *name, int *fd, ps_posix_file *file,
                                ps_posix_error *why);
/** Makes a file that did not exist (else number EEXIST) for reading and writing. */
ps_status ps_posix_create_beneath(int dir, const char *name, unsigned mode, int *fd,
                                  ps_posix_error *why);
/** Makes an empty file of mode 0600 with a fresh name ".peersync-<random>.part". */
ps_status ps_posix_create_temporary(int dir, char name[PS_POSIX_TEMPORARY], int *fd,
                                    ps_posix_error *why);
/** Makes an empty file of mode 0600 in this folder without a name: it goes with its last
 *  descriptor, whatever ends the process, unless ps_posix_name_new() names it. Number EOPNOTSUPP
 *  where the system has no such files, or could not name them. */
ps_status ps_posix_create_nameless(int dir, int *fd, ps_posix_error *why);
/** Names a file that ps_posix_create_nameless() made, if nothing has the name (else number EEXIST).
 */
ps_status ps_posix_name_new(int fd, int dir, const char *name, ps_posix_error *why);
/** Gives a file a new name if nothing has it (else number EEXIST); never replaces. */
ps_status ps_posix_rename_new(int dir, const char *from, const char *to, ps_posix_error *why);
/** Removes a file. */
ps_status ps_posix_remove(int dir, const char *name, ps_posix_error *why);

/** Makes a file `len` bytes long, its space set aside where the system can. Number ENOSPC or
 *  EDQUOT: there is not enough; the file is then as long as before. */
ps_status ps_posix_reserve(int fd, uint64_t len, ps_posix_error *why);
/** Writes all of it at the offset. */
ps_status ps_posix_write_at(int fd, const void *bytes, size_t len, uint64_t offset,
                            ps_posix_error *why);
/** Reads up to `len` bytes at the offset; *n is less at the end of the file only. */
ps_status ps_posix_read_at(int fd, void *buf, size_t len, uint64_t offset, size_t *n,
                           ps_posix_error *why);
/** Makes a file's bytes, or a folder's names, survive a loss of power. */
ps_status ps_posix_sync(int fd, ps_posix_error *why);

#ifdef __cplusplus
}
#endif

#endif
