/* Addresses and fingerprints as people write them. What is read is written again and reads equal;
 * all ways of writing one address have one canonical form, which is its own; a host's name is
 * refused without a question to the network. */
#include "argv_world.h"

#include "common/address.h"
#include "common/fingerprint.h"
#include "peersync/posix.h"

#include <netinet/in.h>

static void check_addr(const ps_addr *a)
{
    char text[PS_ADDR_TEXT];
    union {
        struct sockaddr face;
        struct sockaddr_in6 room;
    } system;
    ps_addr back;
    must(a->family == PS_ADDR_V4 || a->family == PS_ADDR_V6);
    must(ps_addr_format(a, text) == text);
    must_be_safe(text, strlen(text));
    must(ps_addr_parse(text, &back) && ps_addr_equal(a, &back));
    must(ps_address_parse(text, &back) == NULL && ps_addr_equal(a, &back));
    must(ps_addr_to_sockaddr(a, &system.face) > 0);
    must(ps_addr_from_sockaddr(&system.face, &back) && ps_addr_equal(a, &back));
}

static bool has_host(const char *text)
{
    const char *colon = strrchr(text, ':');
    return colon != NULL && colon > text;
}

static void check_text(const char *text)
{
    ps_addr addr = {.family = 0}, same = {.family = 0};
    char canonical[PS_ADDRESS_CANONICAL], again[PS_ADDRESS_CANONICAL];
    if (ps_addr_parse(text, &addr)) {
        check_addr(&addr);
        must(ps_address_parse(text, &same) == NULL && ps_addr_equal(&addr, &same));
    }
    const char *fault = ps_address_parse(text, &addr);
    if (fault == NULL) {
        check_addr(&addr);
        ps_address_canonical(text, canonical);
        must(ps_address_parse(canonical, &same) == NULL && ps_addr_equal(&addr, &same));
        must(ps_address_resolve(text, &same) == NULL ? ps_addr_equal(&addr, &same)
                                                     : addr.port == 0);
    } else {
        must_be_words(fault, 256);
        if (!has_host(text)) { /* The resolver is the network's. */
            must(ps_address_resolve(text, &same) != NULL);
        }
    }
    ps_address_canonical(text, canonical);
    must(strlen(canonical) < sizeof canonical);
    if (has_host(text) && strlen(text) < 256 && text[0] != '[') {
        ps_address_canonical(canonical, again);
        must(strcmp(canonical, again) == 0);
    }
}

/* A number alone is a port of this host, whatever zeros stand before it. */
static void check_port(const char *text)
{
    uint64_t port = 0;
    ps_addr addr;
    if (ps_number_parse(text, 0, UINT16_MAX, &port)) {
        must(ps_address_parse(text, &addr) == NULL && addr.port == port);
        must(addr.family == PS_ADDR_V4 && ps_address_is_loopback(&addr));
    }
}

static void check_fingerprint(const char *text, const uint8_t *data, size_t size)
{
    uint8_t key[PS_KEY_BYTES] = {0};
    char right[PS_FINGERPRINT_BYTES];
    memcpy(key, data, size < sizeof key ? size : sizeof key);
    ps_fingerprint_format(right, key);
    must(strlen(right) == sizeof right - 1 && ps_fingerprint_well_formed(right));
    must(ps_fingerprint_matches(right, key) && ps_fingerprint_matches(right + 7, key));
    must(!ps_fingerprint_matches(text, key) || ps_fingerprint_well_formed(text));
    right[sizeof right - 2] ^= 1; /* One bit of the last character. */
    must(!ps_fingerprint_matches(right, key));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size > 1024 || memchr(data, '\0', size) != NULL) {
        return 0;
    }
    char *text = copy_of((const char *)data, size);
    check_text(text);
    check_port(text);
    check_fingerprint(text, data, size);
    free(text);
    return 0;
}
