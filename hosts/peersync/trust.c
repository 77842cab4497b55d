#include "trust.h"

#include "common/address.h"
#include "common/fingerprint.h"

#include <string.h>

#define LOCALHOST "localhost:"

bool trust_is_loopback(const char *server, const ps_addr *addr)
{
    ps_addr number;
    return ps_address_is_loopback(addr) && (ps_address_parse(server, &number) == NULL ||
                                            strncmp(server, LOCALHOST, sizeof LOCALHOST - 1) == 0);
}

bool trust_remembered(const struct trust_facts *facts, const uint8_t key[PS_KEY_BYTES])
{
    return facts->named == NULL || ps_fingerprint_matches(facts->named, key);
}

enum trust_action trust_decide(const struct trust_facts *facts, const uint8_t key[PS_KEY_BYTES])
{
    if (facts->named != NULL) {
        return ps_fingerprint_matches(facts->named, key) ? TRUST_SILENTLY : TRUST_NOT_NAMED;
    }
    if (facts->loopback || facts->accept_new) {
        return TRUST_AND_SAY;
    }
    return facts->person ? TRUST_IF_PERSON : TRUST_NOT_NEW;
}
