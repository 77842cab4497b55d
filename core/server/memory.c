/* The server's memory as a sum: one line a reason. */
#include "server/server_internal.h"

#define MAX_RECORDS    (UINT32_C(1) << 24)
#define MAX_HANDSHAKES (UINT32_C(1) << 20)
#define MAX_PER_S      1000000u

ps_directory_caps ps_server_directory_caps(const ps_server_config *cfg)
{
    return (ps_directory_caps){
        .users = cfg->max_users,
        .devices = cfg->max_devices,
        .pubs = cfg->max_publications,
        .name_blocks = (uint32_t)((cfg->name_bytes + PS_NAME_HEAD - 1) / PS_NAME_HEAD),
    };
}

static bool in_range(uint32_t n, uint32_t max)
{
    return n >= 1 && n <= max;
}

static bool config_possible(const ps_server_config *cfg)
{
    return cfg != NULL && cfg->size == sizeof *cfg && in_range(cfg->max_sessions, MAX_RECORDS) &&
           in_range(cfg->max_users, MAX_RECORDS) && in_range(cfg->max_devices, MAX_RECORDS) &&
           in_range(cfg->max_publications, MAX_RECORDS) &&
           in_range(cfg->max_handshakes, MAX_HANDSHAKES) &&
           in_range(cfg->max_pending_logins, cfg->max_handshakes) &&
           in_range(cfg->max_networks, MAX_RECORDS) &&
           cfg->name_bytes <= (uint64_t)MAX_RECORDS * PS_NAME_MAX && cfg->heartbeat_ms >= 1 &&
           cfg->dead_ms >= cfg->heartbeat_ms && cfg->resend_ms >= 1 && cfg->pending_ms >= 1 &&
           cfg->search_names >= 1 && cfg->takeover_ms >= 1 && cfg->handshake_ms >= 1 &&
           cfg->handshakes_per_s >= 1 && cfg->network_per_s >= 1 &&
           cfg->network_per_s <= MAX_PER_S && cfg->ticket_s >= 1 &&
           in_range(cfg->file_ticket_s, PS_FILE_EPOCH_S);
}

typedef struct sum {
    ps_layout layout;
    size_t counted;
    ps_memory_line *lines;
    size_t cap;
    size_t count;
} sum;

/* Names what has been added since the last line. */
static void line(sum *m, const char *what, uint64_t count)
{
    if (m->count < m->cap) {
        m->lines[m->count] = (ps_memory_line){what, count, m->layout.size - m->counted};
    }
    m->count++;
    m->counted = m->layout.size;
}

size_t ps_server_layout(const ps_server_config *cfg, ps_server *s, ps_memory_line *lines,
                        size_t cap, size_t *count)
{
    if (!config_possible(cfg)) {
        return 0;
    }
    sum m = {.layout = {.size = sizeof(ps_server)}, .lines = lines, .cap = cap};
    ps_server at = {0};
    line(&m, "the machine itself", 1);

    at.sessions_at = ps_layout_add(&m.layout, cfg->max_sessions, sizeof(ps_session));
    line(&m, "sessions", cfg->max_sessions);
    at.session_times_at = ps_layout_add(&m.layout, cfg->max_sessions, sizeof(ps_timeout_node));
    line(&m, "sessions' liveness deadlines", cfg->max_sessions);
    const uint32_t receivers = cfg->max_sessions + cfg->max_handshakes;
    at.index_mask = ps_pow2_at_least(receivers + receivers / 3 + 1) - 1;
    at.index_at = ps_layout_add(&m.layout, at.index_mask + UINT64_C(1), sizeof(ps_index_entry));
    line(&m, "index: sessions and handshakes by receiver id", at.index_mask + UINT64_C(1));

    at.handshakes_at = ps_layout_add(&m.layout, cfg->max_handshakes, sizeof(ps_handshake));
    at.handshake_times_at = ps_layout_add(&m.layout, cfg->max_handshakes, sizeof(ps_timeout_node));
    at.handshake_mask = ps_pow2_at_least(cfg->max_handshakes) - 1;
    at.handshake_heads_at = ps_layout_add(&m.layout, at.handshake_mask + UINT64_C(1), 4);
    line(&m, "handshakes, logins under way and keys just replaced", cfg->max_handshakes);
    const uint32_t sets = ps_pow2_at_least((cfg->max_networks + 3) / 4);
    at.network_mask = sets - 1;
    at.networks_at = ps_layout_add(&m.layout, sets * UINT64_C(4), sizeof(ps_network));
    line(&m, "source networks, for their rates", sets * UINT64_C(4));

    const ps_directory_caps caps = ps_server_directory_caps(cfg);
    const ps_directory_caps users = {.users = caps.users};
    const ps_directory_caps devices = {.devices = caps.devices};
    const ps_directory_caps names = {.name_blocks = caps.name_blocks};
    const uint32_t sums = caps.pubs / PS_SUMS_FROM;
    ps_layout whole = m.layout;
    ps_directory_layout(&whole, offsetof(ps_server, directory), &caps, &at.directory);
    ps_directory_layout(&m.layout, 0, &users, NULL);
    line(&m, "users, with their buckets", caps.users);
    ps_directory_layout(&m.layout, 0, &devices, NULL);
    line(&m, "devices, with their buckets", caps.devices);
    ps_directory_layout(&m.layout, 0, &names, NULL);
    line(&m, "blocks for the rest of long names", caps.name_blocks);
    (void)ps_layout_add(&m.layout, sums, sizeof(ps_sums));
    line(&m, "digests by bucket, where much is published", sums);
    m.layout = whole;
    line(&m, "publications, with their buckets", caps.pubs);

    if (count != NULL) {
        *count = m.count;
    }
    /* unreachable: 64 bits hold the largest configuration; 32 bits do not */
    if (m.layout.overflow) {
        return 0;
    }
    if (s != NULL) {
        *s = at;
    }
    return (m.layout.size + 63) & ~(size_t)63;
}

size_t ps_server_size(const ps_server_config *cfg)
{
    return ps_server_layout(cfg, NULL, NULL, 0, NULL);
}

size_t ps_server_memory(const ps_server_config *cfg, ps_memory_line *lines, size_t cap)
{
    size_t count = 0;
    (void)ps_server_layout(cfg, NULL, lines, cap, &count);
    return count;
}
