#include "common/address.h"

#include "common/options.h"
#include "peersync/posix.h"

#include <netdb.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#define HOST_MAX 256u

static const char this_host[] = "127.0.0.1";
static const char *const bad_port = "the port must be a number from 0 to 65535";

/* What is wrong with the form. *digits is the port's text, *colon the last colon outside brackets,
 * or NULL. */
static const char *look(const char *text, const char **colon, const char **digits)
{
    uint64_t port = 0;
    if (text[0] == '[') {
        const char *end = strchr(text, ']');
        if (end == NULL || end[1] != ':') {
            return "an address in brackets needs the form [ADDR]:PORT";
        }
        *colon = end + 1;
    } else {
        *colon = strrchr(text, ':');
        if (*colon != NULL && strchr(text, ':') != *colon) {
            return "an IPv6 address needs brackets: [ADDR]:PORT";
        }
    }
    *digits = *colon != NULL ? *colon + 1 : text;
    return ps_number_parse(*digits, 0, UINT16_MAX, &port) ? NULL : bad_port;
}

/* Puts the address in where only a port is given, which may begin with zeros. The form has been
 * looked at. */
static bool numeric(const char *text, const char *digits, ps_addr *out)
{
    char full[HOST_MAX + 8];
    uint64_t port = 0;
    size_t len = digits > text + 1 ? (size_t)(digits - 1 - text) : 0;
    if (len >= HOST_MAX || !ps_number_parse(digits, 0, UINT16_MAX, &port)) {
        return false;
    }
    if (len == 0) {
        text = this_host;
        len = sizeof this_host - 1;
    }
    snprintf(full, sizeof full, "%.*s:%u", (int)len, text, (unsigned)port);
    return ps_addr_parse(full, out);
}

const char *ps_address_parse(const char *text, ps_addr *out)
{
    const char *colon = NULL;
    const char *digits = NULL;
    const char *fault = look(text, &colon, &digits);
    if (fault != NULL) {
        return fault;
    }
    return numeric(text, digits, out) ? NULL : "it is not a numeric address as 127.0.0.1 or [::1]";
}

const char *ps_address_resolve(const char *text, ps_addr *out)
{
    const char *colon = NULL;
    const char *digits = NULL;
    const char *fault = look(text, &colon, &digits);
    uint64_t port = 0;
    if (fault != NULL || !ps_number_parse(digits, 1, UINT16_MAX, &port)) {
        return fault != NULL ? fault : "the port must be a number from 1 to 65535";
    }
    if (numeric(text, digits, out)) {
        return NULL;
    }
    char host[HOST_MAX];
    const size_t len = (size_t)(digits - 1 - text); /* A port alone was numeric. */
    if (text[0] == '[' || len >= sizeof host) {
        return "it is not an address";
    }
    memcpy(host, text, len);
    host[len] = '\0';
    const struct addrinfo hints = {.ai_family = AF_UNSPEC, .ai_socktype = SOCK_DGRAM};
    struct addrinfo *found = NULL;
    const int rc = getaddrinfo(host, NULL, &hints, &found);
    if (rc != 0) {
        return rc == EAI_NONAME ? "no host has this name" : "its name cannot be resolved now";
    }
    fault = "the host has no IP address";
    for (const struct addrinfo *a = found; a != NULL && fault != NULL; a = a->ai_next) {
        if (ps_addr_from_sockaddr(a->ai_addr, out)) {
            out->port = (uint16_t)port;
            fault = NULL;
        }
    }
    freeaddrinfo(found);
    return fault;
}

void ps_address_canonical(const char *text, char out[PS_ADDRESS_CANONICAL])
{
    const char *colon = NULL;
    const char *digits = "";
    uint64_t port = 0;
    ps_addr addr;
    if (look(text, &colon, &digits) == NULL && numeric(text, digits, &addr)) {
        ps_addr_format(&addr, out);
        return;
    }
    (void)ps_number_parse(digits, 0, UINT16_MAX, &port);
    const size_t len = colon != NULL ? (size_t)(colon - text) : 0;
    snprintf(out, PS_ADDRESS_CANONICAL, "%.*s:%u", (int)(len < HOST_MAX ? len : HOST_MAX - 1), text,
             (unsigned)port);
    for (char *at = out; *at != '\0'; at++) {
        if (*at >= 'A' && *at <= 'Z') {
            *at = (char)(*at - 'A' + 'a');
        }
    }
}

bool ps_address_is_loopback(const ps_addr *addr)
{
    static const uint8_t v6[16] = {[15] = 1};
    if (addr->family == PS_ADDR_V4) {
        return addr->ip[0] == 127;
    }
    return addr->family == PS_ADDR_V6 && memcmp(addr->ip, v6, sizeof v6) == 0;
}
