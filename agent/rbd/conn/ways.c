/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * agent/rbd/conn/ways.c - the addresses by which this host comes to the cluster
 */
#include "config.h"

#include "agent/rbd/conn/ways.h"

#include "agent/rbd/conn/address.h"
#include "agent/rbd/conn/monitors.h"

#include <netdb.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* More ways than that to reach the monitors nobody has. */
#define WAYS_MAX 8u

typedef struct {
    GMutex lock; /* guards all of it */
    char *addr;  /* for which it is known; NULL: for none */
    char *ips;
} Ways;

/* What the kernel would put in as the sender's. A name is not looked up. */
static char *
sender_to(const StoreMonitor *monitor)
{
    const struct addrinfo hints = {.ai_flags = AI_NUMERICHOST | AI_NUMERICSERV,
                                   .ai_socktype = SOCK_DGRAM};
    struct addrinfo *to = NULL;
    struct sockaddr_storage us = {0};
    socklen_t len = sizeof(us);
    char text[NI_MAXHOST] = "";
    int fd = -1;

    if (getaddrinfo(monitor->host, monitor->port, &hints, &to) == 0)
        fd = socket(to->ai_family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd >= 0 && connect(fd, to->ai_addr, to->ai_addrlen) == 0 &&
        getsockname(fd, (struct sockaddr *)(void *)&us, &len) == 0 &&
        getnameinfo((struct sockaddr *)(void *)&us, len, text, sizeof(text),
                    NULL, 0, NI_NUMERICHOST) != 0)
        text[0] = '\0';
    if (fd >= 0)
        (void)close(fd);
    if (to)
        freeaddrinfo(to);
    return text[0] ? g_strdup(text) : NULL;
}

char *
store_ways_to(const GPtrArray *monitors, const char *address)
{
    g_autofree char *known = store_address_ip(address);
    g_autoptr(GPtrArray) others = g_ptr_array_new_with_free_func(g_free);

    for (guint i = 0; i < monitors->len && others->len < WAYS_MAX; i++) {
        g_autofree char *ip = sender_to(g_ptr_array_index(monitors, i));

        if (ip && g_strcmp0(ip, known) != 0 &&
            !g_ptr_array_find_with_equal_func(others, ip, g_str_equal, NULL))
            g_ptr_array_add(others, g_steal_pointer(&ip));
    }
    if (others->len == 0)
        return NULL;
    g_ptr_array_add(others, NULL);
    return g_strjoinv(" ", (char **)others->pdata);
}

static void
ways_init(gpointer opaque)
{
    Ways *ways = opaque;

    g_mutex_init(&ways->lock);
}

static void
ways_clear(gpointer opaque)
{
    Ways *ways = opaque;

    g_mutex_clear(&ways->lock);
    g_free(ways->addr);
    g_free(ways->ips);
}

char *
store_ways(StoreConn *conn)
{
    static const StorePart part = {sizeof(Ways), ways_init, NULL, ways_clear};
    Ways *ways = store_cluster_part(conn->cluster, &part);
    char *ips;

    g_mutex_lock(&ways->lock);
    if (g_strcmp0(ways->addr, conn->addr) != 0) {
        g_autoptr(GPtrArray) monitors = store_monitors(conn->cluster, NULL);

        if (monitors) {
            g_free(ways->addr);
            g_free(ways->ips);
            ways->addr = g_strdup(conn->addr);
            ways->ips = store_ways_to(monitors, conn->addr);
        }
    }
    ips = g_strdup(ways->ips);
    g_mutex_unlock(&ways->lock);
    return ips;
}
