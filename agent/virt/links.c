/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * agent/virt/links.c - connections to libvirt, of which each is one caller's at a
 * time
 */
#include "config.h"

#include "agent/virt/links.h"

struct VirtLink {
    VirtLinks *links;
    bool taken;  /* guarded by VirtLinks' lock */
    GMutex lock; /* guards the rest, and is held while one is opened */
    virConnectPtr conn;
    gint age; /* VirtLinks' when it was opened */
};

struct VirtLinks {
    VirtOpen open;
    gpointer data;
    gint age; /* atomic */
    GMutex lock;
    guint n;
    VirtLink *all;
};

VirtLinks *
virt_links_new(guint n, VirtOpen open, gpointer data)
{
    VirtLinks *links = g_new0(VirtLinks, 1);

    links->open = open;
    links->data = data;
    g_mutex_init(&links->lock);
    links->n = n;
    links->all = g_new0(VirtLink, n);
    for (guint i = 0; i < n; i++) {
        links->all[i].links = links;
        g_mutex_init(&links->all[i].lock);
    }
    return links;
}

VirtLink *
virt_links_take(VirtLinks *links)
{
    VirtLink *link = links->all;

    g_mutex_lock(&links->lock);
    while (link->taken && link < links->all + links->n - 1)
        link++;
    link->taken = true;
    g_mutex_unlock(&links->lock);
    return link;
}

void
virt_link_give_back(VirtLink *link)
{
    g_mutex_lock(&link->links->lock);
    link->taken = false;
    g_mutex_unlock(&link->links->lock);
}

static bool
is_good(const VirtLink *link)
{
    return link->age == virt_links_age(link->links) &&
           virConnectIsAlive(link->conn) == 1;
}

virConnectPtr
virt_link_connect(VirtLink *link, GError **error)
{
    virConnectPtr conn = NULL;

    g_mutex_lock(&link->lock);
    if (link->conn && !is_good(link))
        g_clear_pointer(&link->conn, virConnectClose);
    if (!link->conn) {
        link->age = virt_links_age(link->links);
        link->conn = link->links->open(link->links->data, error);
    }
    if (link->conn && virConnectRef(link->conn) == 0)
        conn = link->conn;
    g_mutex_unlock(&link->lock);
    return conn;
}

gint
virt_links_age(VirtLinks *links)
{
    return g_atomic_int_get(&links->age);
}

void
virt_links_renew(VirtLinks *links)
{
    g_atomic_int_inc(&links->age);
}
