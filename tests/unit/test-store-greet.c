/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * tests/unit/test-store-greet.c - monitors that greet, and others
 *
 * Real sockets on the loopback: one that greets, one that listens and says
 * nothing (as a process that hangs), one that says something else, and one
 * that nobody listens on.
 */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "agent/rbd/conn/monitors.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define WAIT_MS 200

typedef struct {
    int fd; /* that listens */
    const char *says;
    char *port;
    GThread *thread;
} Peer;

/* Says it to each who comes, until the socket is shut down. */
static gpointer
serve(gpointer data)
{
    const Peer *peer = data;
    int fd;

    while ((fd = accept(peer->fd, NULL, NULL)) >= 0) {
        (void)send(fd, peer->says, strlen(peer->says), MSG_NOSIGNAL);
        (void)close(fd);
    }
    return NULL;
}

static Peer
peer_new(const char *says)
{
    struct sockaddr_in address = {.sin_family = AF_INET};
    socklen_t len = sizeof(address);
    Peer peer = {.fd = socket(AF_INET, SOCK_STREAM, 0), .says = says};

    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    assert_true(peer.fd >= 0);
    assert_int_equal(bind(peer.fd, (struct sockaddr *)&address, len), 0);
    assert_int_equal(listen(peer.fd, 8), 0);
    assert_int_equal(getsockname(peer.fd, (struct sockaddr *)&address, &len),
                     0);
    peer.port = g_strdup_printf("%u", ntohs(address.sin_port));
    return peer;
}

static void
peer_begin(Peer *peer)
{
    if (peer->says)
        peer->thread = g_thread_new("peer", serve, peer);
}

static void
peer_end(Peer *peer)
{
    (void)shutdown(peer->fd, SHUT_RDWR);
    if (peer->thread)
        g_thread_join(peer->thread);
    (void)close(peer->fd);
    g_free(peer->port);
}

static void
add(GPtrArray *monitors, const char *host, const char *port, bool other)
{
    StoreMonitor *monitor = g_new0(StoreMonitor, 1);

    monitor->host = g_strdup(host);
    monitor->port = g_strdup(port);
    monitor->other = other;
    g_ptr_array_add(monitors, monitor);
}

/* What each of three monitors says; NULL: nothing. */
static bool
three(const char *a, const char *b, const char *c)
{
    g_autoptr(GPtrArray) monitors =
        g_ptr_array_new_with_free_func((GDestroyNotify)store_monitor_free);
    Peer peers[] = {peer_new(a), peer_new(b), peer_new(c)};
    bool greet;

    for (gsize i = 0; i < G_N_ELEMENTS(peers); i++) {
        peer_begin(&peers[i]);
        add(monitors, "127.0.0.1", peers[i].port, false);
        /* A second address of the same monitor counts for nothing. */
        add(monitors, "127.0.0.1", peers[i].port, true);
    }
    greet = store_monitors_greet(monitors, WAIT_MS);
    for (gsize i = 0; i < G_N_ELEMENTS(peers); i++)
        peer_end(&peers[i]);
    return greet;
}

static void
test_majority(void **state)
{
    (void)state;
    assert_true(three("ceph v027", "ceph v2\n", "ceph v2\n"));
    assert_true(three("ceph v027", NULL, "ceph v027"));
    assert_false(three(NULL, "ceph v027", NULL));
    assert_false(three(NULL, NULL, NULL));
}

static void
test_others(void **state)
{
    (void)state;
    assert_false(three("SSH-2.0-x", "ceph", "ceph v2\n"));
}

/* Nobody listens; it is no address; there are none. */
static void
test_nobody(void **state)
{
    g_autoptr(GPtrArray) monitors =
        g_ptr_array_new_with_free_func((GDestroyNotify)store_monitor_free);
    Peer peer = peer_new(NULL);
    g_autofree char *port = g_strdup(peer.port);

    (void)state;
    assert_false(store_monitors_greet(monitors, WAIT_MS));
    peer_end(&peer);
    add(monitors, "127.0.0.1", port, false);
    assert_false(store_monitors_greet(monitors, WAIT_MS));
    add(monitors, "not an address", "6789", false);
    assert_false(store_monitors_greet(monitors, WAIT_MS));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_majority),
        cmocka_unit_test(test_others),
        cmocka_unit_test(test_nobody),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
