/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * agent/rbd/conn/fence.c - cut a dead client off, and know that it is
 *
 * A dead client's watch lingers for 30 s and more, and every write to the
 * image's header waits for it; and a client that only seems dead may still
 * write. Blocklisting ends both, but not at once everywhere: a fenced client
 * was seen to write a millisecond after the command had returned. So wait
 * for the newest OSD map before looking again. Only ever for a client that
 * is proved dead: a living guest is cut off just as well.
 */
#include "config.h"

#include "agent/rbd/conn/fence.h"

#include "agent/rbd/conn/address.h"
#include "agent/rbd/conn/ask.h"
#include "agent/rbd/conn/connection.h"
#include "agent/rbd/conn/error.h"
#include "agent/rbd/conn/fault.h"
#include "agent/rbd/conn/warm.h"
#include "agent/rbd/conn/ways.h"

#include <string.h>

gboolean
store_fence(StoreConn *conn, const char *addr, guint seconds, GError **error)
{
    g_autofree char *copy = g_strdup(addr);
    int r;

    if (g_strcmp0(addr, conn->addr) == 0)
        return store_refuse(error, STORE_ERROR_FAILED,
                            "refusing to fence our own address '%s'", addr);
    r = rados_blocklist_add(conn->rados, copy, seconds);
    if (r >= 0)
        r = STORE_FAULT("fenced");
    if (r >= 0)
        r = rados_wait_for_latest_osdmap(conn->rados);
    if (r < 0)
        return store_fail(error, conn, r, "cannot fence the dead client '%s'",
                          addr);
    return TRUE;
}

/* 'profile rbd' lets a user add, not remove: then it stays until it expires. */
void
store_fence_lift(StoreConn *conn, const char *addr)
{
    g_autofree char *command = g_strdup_printf(
        "{\"prefix\": \"osd blocklist\", \"blocklistop\": \"rm\", "
        "\"addr\": \"%s\"}",
        addr);
    g_autofree char *text = NULL;
    g_autoptr(GError) error = NULL;
    gsize len;

    if (strpbrk(addr, "\"\\") == NULL)
        (void)store_mon_command(conn, command, &text, &len, &error);
}

/* ---- this host, cut off as a whole ------------------------------------------- */

/* What 'remora fence --host' puts on the blocklist: of char *. */
static GPtrArray *
all_of_host(StoreConn *conn)
{
    GPtrArray *all = g_ptr_array_new_with_free_func(g_free);
    g_autofree char *others = store_ways(conn);
    g_auto(GStrv) ips = g_strsplit(others ? others : "", " ", -1);
    char *ours = store_client_of_host(conn->addr);

    if (ours)
        g_ptr_array_add(all, ours);
    for (gsize i = 0; ips[i]; i++)
        g_ptr_array_add(all, store_address_all_of(ips[i]));
    return all;
}

/* The first of them that the answer to 'osd blocklist ls' has, or NULL; without
 * an answer, it has none. */
static const char *
first_listed(StoreConn *conn, const GPtrArray *all)
{
    g_autofree char *text = NULL;
    g_autoptr(GError) error = NULL;
    gsize len;

    if (!store_mon_command(conn,
                           "{\"prefix\": \"osd blocklist ls\", "
                           "\"format\": \"json\"}",
                           &text, &len, &error))
        return NULL;
    for (guint i = 0; i < all->len; i++) {
        const char *addr = g_ptr_array_index(all, i);
        g_autofree char *quoted = g_strdup_printf("\"%s\"", addr);

        if (strstr(text, quoted))
            return addr;
    }
    return NULL;
}

bool
store_host_is_cut_off(StoreCluster *cluster)
{
    g_autoptr(GError) why = NULL;
    g_autoptr(StoreConn) conn = store_conn_acquire(cluster, &why);
    g_autoptr(GPtrArray) all = conn ? all_of_host(conn) : NULL;

    return all && first_listed(conn, all);
}

gboolean
store_host_let_in(StoreCluster *cluster, GError **error)
{
    g_autoptr(StoreConn) conn = store_conn_acquire(cluster, error);
    g_autoptr(GPtrArray) all = conn ? all_of_host(conn) : NULL;
    const char *addr;

    if (!all)
        return FALSE;
    for (guint i = 0; i < all->len; i++)
        store_fence_lift(conn, g_ptr_array_index(all, i));
    addr = first_listed(conn, all);
    if (addr)
        return store_refuse(error, STORE_ERROR_FENCED,
                            "this host is cut off as a whole, and nothing of "
                            "before that is left on it, but client.%s may not "
                            "let it in again: 'ceph osd blocklist rm %s'",
                            store_cluster_user(cluster), addr);
    /* It has been cut off with the host. */
    store_conn_retire(conn);
    return TRUE;
}
