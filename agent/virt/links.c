/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * agent/virt/links.c - connections to libvirt, of which each is one caller's at a
 * time
 */
#include "config.h"

#include "agent/virt/links.h"

/* What nobody has needed for so long is closed: libvirtd asks each client every 5 s
 * whether it lives. */
#define IDLE_MS 5000

struct VirtLink {
    VirtLinks *links;
    bool taken; /* guarded by VirtLinks' lock, as the next two */
    bool open;
    gint64 used_us;
    GMutex lock; /* guards the rest, and is held while one is opened */
    virConnectPtr conn;
    gint age; /* VirtLinks' when it was opened */
};

struct VirtLinks {
    VirtOpen open;
    gpointer data;
    gint age; /* atomic */
    GMutex lock;
    bool timed; /* a look at who is idle is to come, or under way */
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
    /* One more, for one may be closed while n are taken. */
    links->n = n + 1;
    links->all = g_new0(VirtLink, links->n);
    for (guint i = 0; i < links->n; i++) {
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
    while (link->taken)
        link++;
    link->taken = true;
    g_mutex_unlock(&links->lock);
    return link;
}

/* Under the lock: nobody else's from now on, if there is one to be closed. */
static VirtLink *
take_idle(VirtLinks *links)
{
    gint64 since_us =
        g_get_monotonic_time() - IDLE_MS * G_TIME_SPAN_MILLISECOND;

    for (guint i = 0; i < links->n; i++) {
        VirtLink *link = &links->all[i];

        if (link->taken || !link->open || link->used_us > since_us)
            continue;
        link->taken = true;
        link->open = false;
        return link;
    }
    return NULL;
}

static void on_idle(int timer, void *opaque);

/* Under the lock. */
static void
close_some_time(VirtLinks *links)
{
    bool open = false;

    for (guint i = 0; i < links->n; i++)
        open = open || links->all[i].open;
    links->timed =
        open && virEventAddTimeout(IDLE_MS, on_idle, links, NULL) >= 0;
}

/* Which waits for libvirtd. */
static gpointer
close_idle(gpointer opaque)
{
    VirtLinks *links = opaque;
    VirtLink *link;

    g_mutex_lock(&links->lock);
    while ((link = take_idle(links))) {
        g_mutex_unlock(&links->lock);
        g_mutex_lock(&link->lock);
        g_clear_pointer(&link->conn, virConnectClose);
        g_mutex_unlock(&link->lock);
        g_mutex_lock(&links->lock);
        link->taken = false;
    }
    close_some_time(links);
    g_mutex_unlock(&links->lock);
    return NULL;
}

static void
on_idle(int timer, void *opaque)
{
    (void)virEventRemoveTimeout(timer);
    g_thread_unref(g_thread_new("links", close_idle, opaque));
}

void
virt_link_give_back(VirtLink *link)
{
    VirtLinks *links = link->links;

    g_mutex_lock(&links->lock);
    link->taken = false;
    link->open = link->conn != NULL;
    link->used_us = g_get_monotonic_time();
    if (!links->timed)
        close_some_time(links);
    g_mutex_unlock(&links->lock);
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
