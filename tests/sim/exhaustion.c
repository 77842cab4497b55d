#include "exhaustion.h"

static const size_t lengths[NAMES] = {5, 28, 29, 57, PS_NAME_MAX};

static void name_of(uint32_t peer, uint32_t k, char out[PS_NAME_MAX + 1])
{
    memset(out, 'x', lengths[k]);
    out[lengths[k]] = 0;
    out[0] = (char)('a' + peer);
    out[lengths[k] - 1] = (char)('0' + k);
}

void exhaustion_config(world_config *cfg)
{
    world_config_default(cfg, PEERS);
    cfg->scarce = true;
}

uint32_t exhaustion_blocks(uint32_t k)
{
    return lengths[k] > 28 ? (uint32_t)((lengths[k] - 28 + 27) / 28) : 0;
}

uint32_t exhaustion_number(uint32_t peer, ps_span name)
{
    for (uint32_t k = 0; k < NAMES; k++) {
        char own[PS_NAME_MAX + 1];
        name_of(peer, k, own);
        if (name.len == lengths[k] && memcmp(name.data, own, name.len) == 0) {
            return k;
        }
    }
    fail_msg("not a name of peer %u", (unsigned)peer);
    return NAMES;
}

world_command *exhaustion_publish(world *w, uint32_t peer, uint32_t k)
{
    char name[PS_NAME_MAX + 1];
    name_of(peer, k, name);
    return world_publish(w, peer, name);
}

uint32_t exhaustion_unpublish(world *w, uint32_t peer, uint32_t k)
{
    char name[PS_NAME_MAX + 1];
    name_of(peer, k, name);
    return world_finish(w, world_unpublish(w, peer, name));
}

void exhaustion_require_listed(world *w, bool listed[PEERS][NAMES])
{
    size_t count = 0;
    world_command *c = world_list_files(w, 0);
    assert_int_equal(world_finish(w, c), PS_E_NONE);
    for (uint32_t i = 0; i < PEERS; i++) {
        char user[WORLD_NAME_BYTES];
        world_user_name(i, user);
        for (uint32_t k = 0; k < NAMES; k++) {
            char name[PS_NAME_MAX + 1];
            name_of(i, k, name);
            assert_int_equal(world_count(c, user, name), listed[i][k] ? 1 : 0);
            count += listed[i][k] ? 1u : 0u;
        }
    }
    assert_int_equal(c->lines_len, count);
    assert_int_equal(world_server_stats(w).publications, count);
}
