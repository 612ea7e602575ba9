/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * agent/rbd/conn/address.c - a client's address, as the cluster writes it
 */
#include "config.h"

#include "agent/rbd/conn/address.h"

#include "agent/rbd/store.h"

#include <arpa/inet.h>
#include <ifaddrs.h>
#include <netdb.h>
#include <string.h>
#include <unistd.h>

/* More ways than that to reach the monitors nobody has. */
#define WAYS_MAX 8u

/* Of either family, as bytes that can be compared. */
typedef struct {
    int family;
    guint8 bytes[16];
} Ip;

char *
store_address_ip(const char *address)
{
    const char *at = address;
    const char *end;

    if (g_str_has_prefix(at, "v1:") || g_str_has_prefix(at, "v2:"))
        at += 3;
    if (*at == '[') {
        end = strchr(++at, ']');
        return end && end[1] == ':' ? g_strndup(at, (gsize)(end - at)) : NULL;
    }
    end = strchr(at, ':');
    return end && end != at ? g_strndup(at, (gsize)(end - at)) : NULL;
}

char *
store_address_all_of(const char *ip)
{
    return strchr(ip, ':') ? g_strdup_printf("[%s]:0/0", ip)
                           : g_strdup_printf("%s:0/0", ip);
}

static bool
parse(const char *text, Ip *ret_ip)
{
    *ret_ip = (Ip){.family = AF_INET};
    if (!text)
        return false;
    if (inet_pton(AF_INET, text, ret_ip->bytes) == 1)
        return true;
    ret_ip->family = AF_INET6;
    return inet_pton(AF_INET6, text, ret_ip->bytes) == 1;
}

static bool
same(const Ip *a, const Ip *b)
{
    return a->family == b->family &&
           memcmp(a->bytes, b->bytes, sizeof(a->bytes)) == 0;
}

static bool
of_address(const char *address, Ip *ret_ip)
{
    g_autofree char *text = store_address_ip(address);

    return parse(text, ret_ip);
}

bool
store_address_same_ip(const char *a, const char *b)
{
    Ip one;
    Ip two;

    return of_address(a, &one) && of_address(b, &two) && same(&one, &two);
}

static bool
of_interface(const struct sockaddr *address, Ip *ret_ip)
{
    *ret_ip = (Ip){0};
    if (!address)
        return false;
    ret_ip->family = address->sa_family;
    if (address->sa_family == AF_INET)
        memcpy(ret_ip->bytes,
               &((const struct sockaddr_in *)(const void *)address)->sin_addr,
               4);
    else if (address->sa_family == AF_INET6)
        memcpy(ret_ip->bytes,
               &((const struct sockaddr_in6 *)(const void *)address)->sin6_addr,
               16);
    else
        return false;
    return true;
}

bool
store_address_is_local(const char *address)
{
    struct ifaddrs *all = NULL;
    bool found = false;
    Ip wanted;
    Ip ip;

    if (!of_address(address, &wanted) || getifaddrs(&all) != 0)
        return false;
    for (const struct ifaddrs *at = all; at && !found; at = at->ifa_next)
        found = of_interface(at->ifa_addr, &ip) && same(&ip, &wanted);
    freeifaddrs(all);
    return found;
}

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
store_address_others(const GPtrArray *monitors, const char *address)
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
