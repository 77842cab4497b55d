#include "trust.h"

#include "common/fingerprint.h"

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
