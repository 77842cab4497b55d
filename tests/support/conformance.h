/* One suite for every adapter: each sentence of peersync/transport.h as a test. An adapter's test
 * program describes how to make its world and calls conformance_run():
 *
 *     static const conformance_adapter adapter = {.name = "sim", ...};
 *     int main(void) { return conformance_run(&adapter); }
 *
 * A world has three nodes that reach each other without loss while no more than 64 datagrams are
 * under way. Every test opens a fresh world and closes it. */
#ifndef PS_TESTS_CONFORMANCE_H
#define PS_TESTS_CONFORMANCE_H

#include "peersync/transport.h"

#define CONFORMANCE_NODES 3u

typedef struct conformance_adapter {
    const char *name;
    /* Datagrams of one sender to one endpoint arrive in the order of sending. */
    bool ordered;

    /* Makes a world of CONFORMANCE_NODES nodes; NULL fails the test. Node 0 has two datagram
     * endpoints, the others one; every node's streams have a listener. The addresses that
     * endpoints() and listener() tell are those at which the other nodes reach them. */
    void *(*open)(void);
    void (*close)(void *world);

    /* The node's two faces; they live as long as the world. */
    const ps_transport *(*datagrams)(void *world, unsigned node);
    const ps_stream_transport *(*streams)(void *world, unsigned node);

    /* An address that no node has and nobody listens at, for datagrams and streams. */
    ps_addr (*nobody)(void *world);

    /* Lets the world go on: returns when something may have become ready, or after some 10 ms by
     * the clock of node 0, which must move on. The suite asks again until its own deadline of 30 s
     * by that clock; it never sleeps itself. */
    void (*wait)(void *world);
} conformance_adapter;

/* Runs the suite; @return the number of failed tests, for main(). */
int conformance_run(const conformance_adapter *adapter);

#endif
