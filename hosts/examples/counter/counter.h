/* Somebody's product, to show how the simulator tests one: a counter that clients add to over
 * datagrams. Each client numbers its additions and repeats one until the server has answered it;
 * the server applies every number once, whatever the network does to the datagrams.
 *
 * A request is client (4 bytes, big-endian) and number (4); the answer is the same 8 bytes. It
 * knows the network only as a ps_transport, so it runs on sockets and in the simulator alike. */
#ifndef COUNTER_H
#define COUNTER_H

#include <peersync/transport.h>

#define COUNTER_CLIENTS  16u
#define COUNTER_RETRY_US 200000u

/* What the server keeps on its disk: it outlives the process. */
typedef struct counter_book {
    uint64_t total;
    uint32_t last[COUNTER_CLIENTS]; /* The number that each client's last addition had. */
} counter_book;

typedef struct counter_server {
    const ps_transport *net;
    counter_book *book;
    bool forgetful; /* A bug, to see that the test finds it: it applies what it has applied. */
} counter_server;

/* Answers all that has come. */
void counter_server_run(counter_server *s);

typedef struct counter_client {
    const ps_transport *net;
    ps_addr server;
    uint32_t id;       /* Below COUNTER_CLIENTS. */
    uint32_t asked;    /* Additions begun, */
    uint32_t answered; /* and of these the ones that the server has confirmed. */
    uint64_t retry_us; /* When the open one is sent again. */
} counter_client;

/* Begins an addition, unless one is open. */
void counter_client_add(counter_client *c);
/* Reads answers, and repeats what is due. @return when to call again; PS_TIME_NEVER: after the next
 * datagram. */
uint64_t counter_client_run(counter_client *c);

#endif
