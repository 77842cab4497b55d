#include "common/address.h"

#include "common/options.h"

#include <arpa/inet.h>
#include <net/if.h>
#include <netdb.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>

#define HOST_MAX 256u

/* Splits "HOST:PORT", "[HOST]:PORT", ":PORT" and "PORT". The host is empty where it is not given.*/
static const char *split(const char *text, char host[HOST_MAX], uint16_t *port)
{
    const char *digits = text;
    const char *from = text;
    size_t len = 0;
    if (text[0] == '[') {
        const char *end = strchr(text, ']');
        if (end == NULL || end[1] != ':') {
            return "an address in brackets needs the form [ADDR]:PORT";
        }
        from = text + 1;
        len = (size_t)(end - from);
        digits = end + 2;
        if (len == 0) {
            return "there is no address in the brackets";
        }
    } else {
        const char *colon = strrchr(text, ':');
        if (colon != NULL) {
            if (strchr(text, ':') != colon) {
                return "an IPv6 address needs brackets: [ADDR]:PORT";
            }
            len = (size_t)(colon - text);
            digits = colon + 1;
        }
    }
    uint64_t number = 0;
    if (!ps_number_parse(digits, 0, UINT16_MAX, &number)) {
        return "the port must be a number from 0 to 65535";
    }
    if (len >= HOST_MAX) {
        return "the address is too long";
    }
    memcpy(host, from, len);
    host[len] = '\0';
    *port = (uint16_t)number;
    return NULL;
}

/* "ADDR%ZONE": the zone's index goes to `scope`, and the text is cut there. */
static bool split_zone(char *host, uint32_t *scope)
{
    char *percent = strchr(host, '%');
    *scope = 0;
    if (percent == NULL) {
        return true;
    }
    *percent = '\0';
    uint64_t number = 0;
    if (ps_number_parse(percent + 1, 1, UINT32_MAX, &number)) {
        *scope = (uint32_t)number;
    } else {
        *scope = if_nametoindex(percent + 1);
    }
    return *scope != 0;
}

static bool numeric(char *host, uint16_t port, ps_addr *out)
{
    ps_addr addr = {.port = port};
    const char *v4 = host[0] != '\0' ? host : "127.0.0.1";
    if (inet_pton(AF_INET, v4, addr.ip) == 1) {
        addr.family = PS_ADDR_V4;
    } else if (split_zone(host, &addr.scope) && inet_pton(AF_INET6, host, addr.ip) == 1) {
        addr.family = PS_ADDR_V6;
    } else {
        return false;
    }
    *out = addr;
    return true;
}

const char *ps_addr_parse(const char *text, ps_addr *out)
{
    char host[HOST_MAX];
    uint16_t port = 0;
    const char *fault = split(text, host, &port);
    if (fault != NULL) {
        return fault;
    }
    return numeric(host, port, out) ? NULL : "it is not a numeric address: 127.0.0.1 or [::1]";
}

static bool from_sockaddr(const struct sockaddr *sa, uint16_t port, ps_addr *out)
{
    ps_addr addr = {.port = port};
    if (sa->sa_family == AF_INET) {
        struct sockaddr_in in;
        memcpy(&in, sa, sizeof in);
        memcpy(addr.ip, &in.sin_addr, 4);
        addr.family = PS_ADDR_V4;
    } else if (sa->sa_family == AF_INET6) {
        struct sockaddr_in6 in;
        memcpy(&in, sa, sizeof in);
        memcpy(addr.ip, &in.sin6_addr, 16);
        addr.scope = in.sin6_scope_id;
        addr.family = PS_ADDR_V6;
    } else {
        return false;
    }
    *out = addr;
    return true;
}

const char *ps_addr_resolve(const char *text, ps_addr *out)
{
    char host[HOST_MAX];
    char scratch[HOST_MAX];
    uint16_t port = 0;
    const char *fault = split(text, host, &port);
    if (fault != NULL) {
        return fault;
    }
    if (port == 0) {
        return "the port must be a number from 1 to 65535";
    }
    memcpy(scratch, host, sizeof scratch);
    if (numeric(scratch, port, out)) {
        return NULL;
    }
    const struct addrinfo hints = {.ai_family = AF_UNSPEC, .ai_socktype = SOCK_DGRAM};
    struct addrinfo *found = NULL;
    const int rc = getaddrinfo(host, NULL, &hints, &found);
    if (rc != 0) {
        return rc == EAI_NONAME ? "no host has this name" : "its name cannot be resolved now";
    }
    fault = "the host has no IP address";
    for (const struct addrinfo *a = found; a != NULL && fault != NULL; a = a->ai_next) {
        if (from_sockaddr(a->ai_addr, port, out)) {
            fault = NULL;
        }
    }
    freeaddrinfo(found);
    return fault;
}

bool ps_addr_is_loopback(const ps_addr *addr)
{
    static const uint8_t v6[16] = {[15] = 1};
    if (addr->family == PS_ADDR_V4) {
        return addr->ip[0] == 127;
    }
    return addr->family == PS_ADDR_V6 && memcmp(addr->ip, v6, sizeof v6) == 0;
}
