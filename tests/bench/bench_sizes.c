/* Bytes that the core's machines take, a name and a number a line; ci/gates holds them. All with
 * their defaults, but for the peer: a small device's. */
#include "peersync/peer.h"
#include "peersync/server.h"
#include "peersync/sim.h"
#include "peersync/transfer.h"

#include <stdio.h>

/* What a record costs is the difference that so many more make. The tables of buckets are exactly
 * full there. */
#define MORE 65536u

static void print(const char *name, size_t bytes)
{
    printf("bytes_%s %zu\n", name, bytes);
}

static void print_server(void)
{
    ps_server_config cfg;
    ps_server_config_default(&cfg);
    cfg.crypto = ps_sim_crypto();
    print("server", ps_server_size(&cfg));
    cfg.max_sessions = cfg.max_users = cfg.max_devices = cfg.max_publications = MORE;
    const size_t base = ps_server_size(&cfg);
    cfg.max_publications = 2 * MORE;
    const size_t published = ps_server_size(&cfg);
    cfg.max_sessions = cfg.max_users = cfg.max_devices = 2 * MORE;
    print("publication", (published - base + MORE - 1) / MORE);
    print("session", (ps_server_size(&cfg) - published + MORE - 1) / MORE);
}

static void print_peer(void)
{
    ps_peer_config cfg;
    ps_peer_config_default(&cfg);
    cfg.crypto = ps_sim_crypto();
    cfg.max_requests = 4;
    cfg.max_publications = 16;
    cfg.name_bytes = 0; /* Names of at most 28 bytes. */
    print("peer", ps_peer_size(&cfg));
}

static void print_streams(void)
{
    const ps_file_keys keys = {0};
    ps_upload_config upload;
    ps_upload_config_default(&upload);
    upload.crypto = ps_sim_crypto();
    upload.keys = &keys;
    upload.binding.bytes[0] = 1;
    print("upload", ps_upload_size(&upload));
    ps_download_config download;
    ps_download_config_default(&download);
    download.crypto = upload.crypto;
    download.binding = upload.binding;
    print("download", ps_download_size(&download));
}

int main(void)
{
    print_server();
    print_peer();
    print_streams();
    return 0;
}
