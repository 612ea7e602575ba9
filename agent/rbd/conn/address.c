/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * agent/rbd/conn/address.c - a client's address, as the cluster writes it
 */
#include "config.h"

#include "agent/rbd/conn/address.h"

#include <arpa/inet.h>
#include <ifaddrs.h>
#include <string.h>

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

char *
store_client_of_host(const char *addr)
{
    g_autofree char *ip = addr ? store_address_ip(addr) : NULL;

    return ip ? store_address_all_of(ip) : NULL;
}
