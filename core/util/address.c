#include "peersync/base.h"

#include <string.h>

bool ps_addr_equal(const ps_addr *a, const ps_addr *b)
{
    return a->port == b->port && a->family == b->family && a->scope == b->scope &&
           memcmp(a->ip, b->ip, sizeof a->ip) == 0;
}

bool ps_content_equal(const ps_content *a, const ps_content *b)
{
    return a->length == b->length && memcmp(a->root, b->root, sizeof a->root) == 0;
}
