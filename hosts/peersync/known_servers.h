/* The servers that are known by their keys: `HOST:PORT KEY FINGERPRINT`, one a line.
 *
 * KEY is the public key in base64 without padding. FINGERPRINT, which people compare, may be left
 * out, and must be the key's where it stands. `#` begins a comment line. Everything here is pure:
 * bytes in; a table, or one fault, or other bytes out. */
#ifndef PEERSYNC_KNOWN_SERVERS_H
#define PEERSYNC_KNOWN_SERVERS_H

#include "peersync/base.h"

/* Largest file that is read, in bytes, and most servers in it. */
#define KNOWN_SERVERS_BYTES_MAX ((size_t)1 << 20)
#define KNOWN_SERVERS_MAX       4096u

/* What prints a server's key, for messages. */
#define SERVER_KEY_SHOW "`peersyncd key show` (with the server's --state, if it has one)"

/* One server. Offsets count bytes of the file. */
struct known_server {
    ps_span server;           /* "HOST:PORT"; points into the file's bytes. */
    size_t line_at, line_len; /* The whole line, its newline included. */
    uint32_t line;            /* From 1. */
    uint8_t key[PS_KEY_BYTES];
};

struct known_servers {
    struct known_server *items; /* In the file's order. */
    size_t count;
};

/* Why a file cannot be used. */
struct known_servers_fault {
    uint32_t line;  /* From 1; 0: not of a line (too large, no memory). */
    char text[512]; /* What is wrong and what to do; safe for a terminal. */
};

/* Reads a file's bytes, which must outlive the table.
 * @return true and a table (known_servers_free() it), or false and why. */
bool known_servers_parse(ps_span file, struct known_servers *out,
                         struct known_servers_fault *fault);
/* All zero is allowed. */
void known_servers_free(struct known_servers *k);

/* The entry of this server, written as ps_address_canonical() does, or NULL. */
const struct known_server *known_servers_find(const struct known_servers *k, const char *server);

/* The file with this server's line replaced, or put behind all others, and every other byte as it
 * is. `k` is what the file was read as.
 * @return bytes to free(), *len of them; NULL: there is no memory. */
uint8_t *known_servers_edit(ps_span file, const struct known_servers *k, const char *server,
                            const uint8_t key[PS_KEY_BYTES], size_t *len);

#endif
