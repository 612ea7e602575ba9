/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * agent/virt/pools.c - libvirt's storage pools that are pools of Ceph's
 *
 * libvirt holds a pool's lock while it lists the pool's images, which can take
 * long and cannot be called back: so who is waited for by a client asks in a
 * thread that is left behind when time is up.
 */
#include "config.h"

#include "agent/virt/pools.h"

#include "agent/virt/error.h"

#include <stdlib.h>
#include <string.h>

/* Threads that may have been left behind at one time. */
#define ASKS_MAX 8

typedef struct {
    gint refs;
    VirtFacts *facts;
    char *xml;
    gsize len;
    GMutex lock; /* guards the rest */
    GCond over;
    bool done;
    VirtPools pools;
    GError *error;
} Ask;

static gint asks; /* atomic */

static void
pool_clear(gpointer data)
{
    DomStoragePool *pool = data;

    g_free((char *)pool->name);
    g_free((char *)pool->pool);
}

void
virt_pools_clear(VirtPools *pools)
{
    g_clear_pointer(&pools->pools, g_array_unref);
}

static void
ask_unref(Ask *ask)
{
    if (!g_atomic_int_dec_and_test(&ask->refs))
        return;
    virt_facts_unref(ask->facts);
    g_free(ask->xml);
    virt_pools_clear(&ask->pools);
    g_clear_error(&ask->error);
    g_mutex_clear(&ask->lock);
    g_cond_clear(&ask->over);
    g_free(ask);
}

static char *
pool_xml(virConnectPtr conn, const char *name)
{
    virStoragePoolPtr pool = virStoragePoolLookupByName(conn, name);
    char *xml = pool ? virStoragePoolGetXMLDesc(pool, 0) : NULL;

    if (pool)
        (void)virStoragePoolFree(pool);
    return xml;
}

static void
read_pool(const VirtFacts *facts,
          virConnectPtr conn,
          const char *name,
          GArray *pools)
{
    g_autoptr(GPtrArray) hosts = NULL;
    guint cluster = 0;
    char *xml = pool_xml(conn, name);
    g_autofree char *pool =
        xml ? dom_storage_pool_read(xml, strlen(xml), &hosts) : NULL;

    free(xml);
    if (pool && facts->class->cluster_at(facts->data, hosts, &cluster)) {
        const DomStoragePool found = {g_strdup(name), g_steal_pointer(&pool),
                                      cluster};

        g_array_append_val(pools, found);
    }
}

void
virt_pools_read(const VirtFacts *facts,
                virConnectPtr conn,
                const char *xml,
                gsize len,
                VirtPools *ret_pools)
{
    g_auto(GStrv) names = dom_storage_pools(xml, len);

    ret_pools->pools = g_array_new(FALSE, FALSE, sizeof(DomStoragePool));
    g_array_set_clear_func(ret_pools->pools, pool_clear);
    for (gsize i = 0; names[i]; i++)
        read_pool(facts, conn, names[i], ret_pools->pools);
}

static gpointer
ask_thread(gpointer data)
{
    Ask *ask = data;
    g_autofree char *uri = ask->facts->class->uri(ask->facts->data);
    g_autoptr(virConnect) conn = virConnectOpenReadOnly(uri);
    g_autoptr(GError) error = NULL;
    VirtPools pools = {0};

    if (conn)
        virt_pools_read(ask->facts, conn, ask->xml, ask->len, &pools);
    else
        virt_fail(&error, "cannot connect to libvirt at '%s'", uri);
    g_mutex_lock(&ask->lock);
    ask->pools = pools;
    ask->error = g_steal_pointer(&error);
    ask->done = true;
    g_cond_signal(&ask->over);
    g_mutex_unlock(&ask->lock);
    ask_unref(ask);
    (void)g_atomic_int_add(&asks, -1);
    return NULL;
}

static Ask *
ask_begin(VirtFacts *facts, const char *xml, gsize len)
{
    Ask *ask = g_new0(Ask, 1);

    ask->refs = 2;
    ask->facts = virt_facts_ref(facts);
    ask->xml = g_strndup(xml, len);
    ask->len = len;
    g_mutex_init(&ask->lock);
    g_cond_init(&ask->over);
    g_thread_unref(g_thread_new("pools", ask_thread, ask));
    return ask;
}

static gboolean
ask_end(Ask *ask, guint timeout_ms, VirtPools *ret_pools, GError **error)
{
    gint64 end = g_get_monotonic_time() + (gint64)timeout_ms * 1000;
    bool good;

    g_mutex_lock(&ask->lock);
    while (!ask->done && g_cond_wait_until(&ask->over, &ask->lock, end))
        continue;
    good = ask->done && !ask->error;
    if (good) {
        *ret_pools = ask->pools;
        ask->pools = (VirtPools){0};
    } else if (ask->error) {
        g_propagate_error(error, g_steal_pointer(&ask->error));
    } else {
        g_set_error(error, VIRT_ERROR, VIRT_ERROR_FAILED,
                    "libvirt did not answer within %u s what its storage pools "
                    "are: see 'virsh pool-list', then try again",
                    (timeout_ms + 999) / 1000);
    }
    g_mutex_unlock(&ask->lock);
    ask_unref(ask);
    return good;
}

gboolean
virt_pools_ask(VirtFacts *facts,
               const char *xml,
               gsize len,
               guint timeout_ms,
               VirtPools *ret_pools,
               GError **error)
{
    g_auto(GStrv) names = dom_storage_pools(xml, len);

    if (!names[0])
        return TRUE;
    if (g_atomic_int_add(&asks, 1) < ASKS_MAX)
        return ask_end(ask_begin(facts, xml, len), timeout_ms, ret_pools,
                       error);
    (void)g_atomic_int_add(&asks, -1);
    g_set_error(error, VIRT_ERROR, VIRT_ERROR_FAILED,
                "libvirt has not answered earlier questions about its storage "
                "pools: see 'virsh pool-list', then try again");
    return FALSE;
}
