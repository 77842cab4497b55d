#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "fixture.h"

#include "channel/file_ticket.h"
#include "peersync/crypto_sodium.h"
#include "peersync/posix.h"

#include <dirent.h>
#include <fcntl.h>
#include <ftw.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define PATIENCE_S 60

static void wake(void *ctx)
{
    struct node *n = ctx;
    pthread_mutex_lock(&n->lock);
    n->awake = true;
    pthread_cond_signal(&n->woken);
    pthread_mutex_unlock(&n->lock);
}

static void make_keys(struct node *n)
{
    static uint8_t serial;
    n->keys.first_epoch = NODE_WALL_S / PS_FILE_EPOCH_S - 1;
    n->keys.count = PS_FILE_EPOCHS;
    serial++;
    for (unsigned i = 0; i < PS_FILE_EPOCHS; i++) {
        memset(n->keys.keys[i], serial, PS_KEY_BYTES);
        n->keys.keys[i][0] = (uint8_t)i;
    }
}

void node_make(struct node *n)
{
    memset(n, 0, sizeof *n);
    make_keys(n);
    (void)snprintf(n->base, sizeof n->base, "/tmp/peersync-data-XXXXXX");
    assert_non_null(mkdtemp(n->base));
    (void)snprintf(n->state, sizeof n->state, "%s/state", n->base);
    (void)snprintf(n->files, sizeof n->files, "%s/files", n->base);
    (void)snprintf(n->downloads, sizeof n->downloads, "%s/downloads", n->base);
    assert_int_equal(mkdir(n->state, 0700), 0);
    assert_int_equal(mkdir(n->files, 0700), 0);
    assert_int_equal(mkdir(n->downloads, 0700), 0);
    pthread_mutex_init(&n->lock, NULL);
    pthread_cond_init(&n->woken, NULL);
    data_config_default(&n->cfg);
    n->cfg.crypto = ps_crypto_sodium();
    n->cfg.state_dir = n->state;
    n->cfg.wake = wake;
    n->cfg.wake_ctx = n;
}

void node_start(struct node *n)
{
    char why[256] = "";
    ps_addr where = {.ip = {127, 0, 0, 1}, .family = PS_ADDR_V4};
    bool of_state;
    n->data = data_open(&n->cfg, &of_state, why, sizeof why);
    assert_non_null(n->data);
    assert_true(data_listen(n->data, &where, &n->addr, why, sizeof why));
    assert_int_not_equal(n->addr.port, 0);
    data_set_file_keys(n->data, &n->keys);
    data_set_wall(n->data, NODE_WALL_S);
}

void node_stop(struct node *n)
{
    data_close(n->data);
    n->data = NULL;
}

static int remove_one(const char *path, const struct stat *st, int flag, struct FTW *ftw)
{
    (void)st;
    (void)flag;
    (void)ftw;
    return remove(path);
}

void node_end(struct node *n)
{
    node_stop(n);
    assert_int_equal(nftw(n->base, remove_one, 16, FTW_DEPTH | FTW_PHYS), 0);
    pthread_cond_destroy(&n->woken);
    pthread_mutex_destroy(&n->lock);
}

static struct data_event *any_event(struct node *n)
{
    struct timespec until;
    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += PATIENCE_S;
    for (;;) {
        struct data_event *event = data_next_event(n->data);
        if (event) {
            return event;
        }
        int result = 0;
        pthread_mutex_lock(&n->lock);
        while (!n->awake && result == 0) {
            result = pthread_cond_timedwait(&n->woken, &n->lock, &until);
        }
        n->awake = false;
        pthread_mutex_unlock(&n->lock);
        assert_int_equal(result, 0); /* Else: no event came in a minute. */
    }
}

struct data_event *node_event_of(struct node *n, enum data_event_type type)
{
    for (;;) {
        struct data_event *event = any_event(n);
        if (event->type == type) {
            return event;
        }
        data_event_free(event);
    }
}

struct data_event *node_event(struct node *n)
{
    for (;;) {
        struct data_event *event = any_event(n);
        if (event->type != DATA_HASH_PROGRESS && event->type != DATA_GET_PROGRESS &&
            event->type != DATA_UPLOAD_STARTED && event->type != DATA_GET_SOURCE_FAILED) {
            return event;
        }
        data_event_free(event);
    }
}

static uint8_t *make_bytes(size_t len, unsigned seed)
{
    uint8_t *bytes = malloc(len + 1);
    assert_non_null(bytes);
    uint32_t x = seed * 2654435761u + 1;
    for (size_t i = 0; i < len; i++) {
        x = x * 1664525u + 1013904223u;
        bytes[i] = (uint8_t)(x >> 24);
    }
    return bytes;
}

const char *node_write(const struct node *n, const char *name, size_t len, unsigned seed)
{
    static char path[400];
    (void)snprintf(path, sizeof path, "%s/%s", n->files, name);
    uint8_t *bytes = make_bytes(len, seed);
    FILE *f = fopen(path, "w");
    assert_non_null(f);
    assert_int_equal(fwrite(bytes, 1, len, f), len);
    assert_int_equal(fclose(f), 0);
    free(bytes);
    return path;
}

ps_content node_publish(struct node *n, const char *path)
{
    static uint64_t tag = 1000000;
    data_publish(n->data, ++tag, path, NULL);
    struct data_event *event = node_event_of(n, DATA_FILE_READY);
    assert_int_equal(event->tag, tag);
    ps_content content = event->content;
    data_event_free(event);
    return content;
}

struct data_source node_source_until(const struct node *up, const ps_content *content,
                                     uint64_t epoch, uint64_t expires_s)
{
    static uint8_t serial;
    const uint8_t salt[PS_FILE_TICKET_SALT] = {++serial};
    struct data_source source = {.addr = up->addr};
    ps_file_ticket ticket = {
        .content = *content, .expires_s = expires_s, .downloader = {3, {'b', 'o', 'b'}}};
    memset(ticket.key, 0xa0 ^ serial, sizeof ticket.key);
    memcpy(source.key, ticket.key, sizeof source.key);
    source.ticket_len =
        (uint8_t)ps_file_ticket_seal(up->cfg.crypto, up->keys.keys[epoch - up->keys.first_epoch],
                                     epoch, salt, &ticket, source.ticket);
    return source;
}

struct data_source node_source(const struct node *up, const ps_content *content)
{
    return node_source_until(up, content, NODE_WALL_S / PS_FILE_EPOCH_S,
                             NODE_WALL_S + NODE_TICKET_S);
}

struct data_event *node_fetch(struct node *n, const ps_content *content,
                              const struct data_source *from, const char *name)
{
    static uint64_t tag = 2000000;
    data_get(n->data, &(struct data_get){.tag = ++tag,
                                         .content = *content,
                                         .sources = from,
                                         .source_count = 1,
                                         .dir = n->downloads,
                                         .name = name,
                                         .sink = -1});
    for (;;) {
        struct data_event *event = any_event(n);
        if ((event->type == DATA_GET_DONE || event->type == DATA_GET_FAILED) && event->tag == tag) {
            return event;
        }
        data_event_free(event);
    }
}

bool node_wrote(const uint8_t *bytes, size_t len, unsigned seed)
{
    uint8_t *want = make_bytes(len, seed);
    const bool same = memcmp(want, bytes, len) == 0;
    free(want);
    return same;
}

bool node_has(const struct node *n, const char *name, size_t len, unsigned seed)
{
    char path[400];
    (void)snprintf(path, sizeof path, "%s/%s", n->downloads, name);
    FILE *f = fopen(path, "r");
    if (!f) {
        return false;
    }
    uint8_t *want = make_bytes(len, seed);
    uint8_t *have = malloc(len + 1);
    assert_non_null(have);
    bool same = fread(have, 1, len + 1, f) == len && memcmp(want, have, len) == 0;
    (void)fclose(f);
    free(want);
    free(have);
    return same;
}

size_t folder_count(const char *path)
{
    size_t n = 0;
    DIR *dir = opendir(path);
    assert_non_null(dir);
    while (readdir(dir)) {
        n++;
    }
    (void)closedir(dir);
    return n - 2;
}

/* Passes the bytes [from, to) of the stream on, with the relay's mischief. False: end it. */
static bool pass(struct relay *r, int client, uint8_t *bytes, size_t len, uint64_t before)
{
    uint64_t after = before + len;
    if (r->at >= before && r->at < after) {
        size_t k = (size_t)(r->at - before);
        if (r->mode == RELAY_FLIP) {
            bytes[k] ^= 1;
        } else {
            (void)send(client, bytes, k, MSG_NOSIGNAL);
        }
        pthread_mutex_lock(&r->lock);
        r->reached = true;
        pthread_cond_broadcast(&r->changed);
        while (r->mode == RELAY_GATE && !r->released && !r->stopping) {
            pthread_cond_wait(&r->changed, &r->lock);
        }
        pthread_mutex_unlock(&r->lock);
        if (r->mode == RELAY_CLOSE) {
            return false;
        }
        if (r->mode == RELAY_STALL) {
            uint8_t sink[4096];
            while (recv(client, sink, sizeof sink, 0) > 0) {
            }
            return false;
        }
        if (r->mode == RELAY_GATE) {
            bytes += k;
            len -= k;
        }
    }
    while (len > 0) {
        ssize_t put = send(client, bytes, len, MSG_NOSIGNAL);
        if (put <= 0) {
            return false;
        }
        bytes += put;
        len -= (size_t)put;
    }
    return true;
}

static void serve(struct relay *r, int client, int server)
{
    uint8_t bytes[16384];
    uint64_t passed = 0;
    for (;;) {
        struct pollfd p[2] = {{.fd = client, .events = POLLIN}, {.fd = server, .events = POLLIN}};
        (void)poll(p, 2, -1);
        if (p[0].revents) {
            ssize_t n = recv(client, bytes, sizeof bytes, 0);
            if (n <= 0 || send(server, bytes, (size_t)n, MSG_NOSIGNAL) != n) {
                return;
            }
        }
        if (p[1].revents) {
            ssize_t n = recv(server, bytes, sizeof bytes, 0);
            if (n <= 0 || !pass(r, client, bytes, (size_t)n, passed)) {
                return;
            }
            passed += (uint64_t)n;
        }
    }
}

static void *relay_main(void *arg)
{
    struct relay *r = arg;
    for (;;) {
        int client = accept(r->listener, NULL, NULL);
        if (client < 0) {
            return NULL;
        }
        struct sockaddr_storage to;
        socklen_t len = (socklen_t)ps_addr_to_sockaddr(&r->to, (struct sockaddr *)&to);
        int server = socket(AF_INET, SOCK_STREAM, 0);
        r->connections++;
        if (connect(server, (struct sockaddr *)&to, len) == 0) {
            serve(r, client, server);
        }
        (void)close(server);
        (void)close(client);
    }
}

void relay_start(struct relay *r, enum relay_mode mode, uint64_t at, const ps_addr *to)
{
    *r = (struct relay){.mode = mode, .at = at, .to = *to};
    struct sockaddr_in any = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof any;
    r->listener = socket(AF_INET, SOCK_STREAM, 0);
    assert_int_equal(bind(r->listener, (struct sockaddr *)&any, len), 0);
    assert_int_equal(listen(r->listener, 16), 0);
    assert_int_equal(getsockname(r->listener, (struct sockaddr *)&any, &len), 0);
    assert_true(ps_addr_from_sockaddr((struct sockaddr *)&any, &r->addr));
    pthread_mutex_init(&r->lock, NULL);
    pthread_cond_init(&r->changed, NULL);
    assert_int_equal(pthread_create(&r->thread, NULL, relay_main, r), 0);
}

void relay_await(struct relay *r)
{
    pthread_mutex_lock(&r->lock);
    while (!r->reached) {
        pthread_cond_wait(&r->changed, &r->lock);
    }
    pthread_mutex_unlock(&r->lock);
}

void relay_release(struct relay *r)
{
    pthread_mutex_lock(&r->lock);
    r->released = true;
    pthread_cond_broadcast(&r->changed);
    pthread_mutex_unlock(&r->lock);
}

void relay_stop(struct relay *r)
{
    pthread_mutex_lock(&r->lock);
    r->stopping = true;
    pthread_cond_broadcast(&r->changed);
    pthread_mutex_unlock(&r->lock);
    (void)shutdown(r->listener, SHUT_RDWR);
    pthread_join(r->thread, NULL);
    (void)close(r->listener);
    pthread_cond_destroy(&r->changed);
    pthread_mutex_destroy(&r->lock);
}
