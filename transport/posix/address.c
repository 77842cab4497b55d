#include "peersync/posix.h"

#include <arpa/inet.h>
#include <net/if.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

/* One to five digits up to 65535, then the end. */
static bool parse_port(const char *text, uint16_t *port)
{
    uint32_t value = 0;
    size_t digits = 0;
    for (; text[digits] >= '0' && text[digits] <= '9'; digits++) {
        if (digits == 5) {
            return false;
        }
        value = value * 10 + (uint32_t)(text[digits] - '0');
    }
    if (digits == 0 || text[digits] != '\0' || value > UINT16_MAX) {
        return false;
    }
    *port = (uint16_t)value;
    return true;
}

/* An interface's name or number; 0: there is none. */
static uint32_t parse_zone(const char *zone)
{
    uint32_t value = 0;
    size_t digits = 0;
    for (; zone[digits] >= '0' && zone[digits] <= '9' && digits < 9; digits++) {
        value = value * 10 + (uint32_t)(zone[digits] - '0');
    }
    return zone[digits] == '\0' && digits > 0 ? value : if_nametoindex(zone);
}

static bool parse_v6(char *host, ps_addr *out)
{
    char *zone = strchr(host, '%');
    if (zone) {
        *zone++ = '\0';
        out->scope = parse_zone(zone);
        if (out->scope == 0) {
            return false;
        }
    }
    out->family = PS_ADDR_V6;
    return inet_pton(AF_INET6, host, out->ip) == 1;
}

bool ps_addr_parse(const char *text, ps_addr *out)
{
    char host[PS_ADDR_TEXT];
    memset(out, 0, sizeof *out);
    const bool v6 = text[0] == '[';
    const char *begin = text + (v6 ? 1 : 0);
    const char *end = strchr(begin, v6 ? ']' : ':');
    if (!end || (size_t)(end - begin) >= sizeof host) {
        return false;
    }
    memcpy(host, begin, (size_t)(end - begin));
    host[end - begin] = '\0';
    const char *colon = v6 ? end + 1 : end;
    ps_addr addr = {.family = PS_ADDR_V4};
    if (colon[0] != ':' || !parse_port(colon + 1, &addr.port)) {
        return false;
    }
    if (v6 ? !parse_v6(host, &addr) : inet_pton(AF_INET, host, addr.ip) != 1) {
        return false;
    }
    *out = addr;
    return true;
}

const char *ps_addr_format(const ps_addr *addr, char buf[PS_ADDR_TEXT])
{
    char host[INET6_ADDRSTRLEN] = "?";
    char zone[IF_NAMESIZE + 1] = "";
    if (addr->family == PS_ADDR_V4) {
        inet_ntop(AF_INET, addr->ip, host, sizeof host);
        snprintf(buf, PS_ADDR_TEXT, "%s:%u", host, (unsigned)addr->port);
    } else if (addr->family == PS_ADDR_V6) {
        inet_ntop(AF_INET6, addr->ip, host, sizeof host);
        if (addr->scope != 0) {
            zone[0] = '%';
            if (!if_indextoname(addr->scope, zone + 1)) {
                snprintf(zone + 1, sizeof zone - 1, "%u", (unsigned)addr->scope);
            }
        }
        snprintf(buf, PS_ADDR_TEXT, "[%s%s]:%u", host, zone, (unsigned)addr->port);
    } else {
        snprintf(buf, PS_ADDR_TEXT, "none");
    }
    return buf;
}

bool ps_addr_from_sockaddr(const struct sockaddr *from, ps_addr *out)
{
    memset(out, 0, sizeof *out);
    if (from->sa_family == AF_INET) {
        struct sockaddr_in v4;
        memcpy(&v4, from, sizeof v4);
        memcpy(out->ip, &v4.sin_addr, 4);
        out->port = ntohs(v4.sin_port);
        out->family = PS_ADDR_V4;
        return true;
    }
    if (from->sa_family == AF_INET6) {
        struct sockaddr_in6 v6;
        memcpy(&v6, from, sizeof v6);
        memcpy(out->ip, &v6.sin6_addr, 16);
        out->scope = v6.sin6_scope_id;
        out->port = ntohs(v6.sin6_port);
        out->family = PS_ADDR_V6;
        return true;
    }
    return false;
}

size_t ps_addr_to_sockaddr(const ps_addr *addr, struct sockaddr *to)
{
    if (addr->family == PS_ADDR_V4) {
        struct sockaddr_in v4 = {.sin_family = AF_INET, .sin_port = htons(addr->port)};
        memcpy(&v4.sin_addr, addr->ip, 4);
        memcpy(to, &v4, sizeof v4);
        return sizeof v4;
    }
    if (addr->family == PS_ADDR_V6) {
        struct sockaddr_in6 v6 = {
            .sin6_family = AF_INET6, .sin6_port = htons(addr->port), .sin6_scope_id = addr->scope};
        memcpy(&v6.sin6_addr, addr->ip, 16);
        memcpy(to, &v6, sizeof v6);
        return sizeof v6;
    }
    return 0;
}
