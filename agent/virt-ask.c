/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * agent/virt-ask.c - questions to libvirt that are given up after a while
 */
#include "config.h"

#include "agent/virt-ask.h"

#include "agent/virt-error.h"

#include <stdlib.h>

/* As many as there are workers who ask. */
#define THREADS_MAX 32

/* Counted: who asked may have gone when the answer comes. */
typedef struct {
    gint refs;
    Virt *virt;
    virConnectPtr conn;
    char *uuid;
    bool look;
    GMutex lock; /* guards the rest */
    GCond over;
    bool done;
    VirtDomain domain;
    GError *error;
} Ask;

void
virt_domain_info_clear(VirtDomain *domain)
{
    g_clear_pointer(&domain->name, g_free);
    g_clear_pointer(&domain->xml, g_free);
}

static Ask *
ask_new(Virt *virt, virConnectPtr conn, const char *uuid, bool look)
{
    Ask *ask = g_new0(Ask, 1);

    ask->refs = 1;
    ask->virt = virt;
    ask->conn = conn;
    ask->uuid = g_strdup(uuid);
    ask->look = look;
    g_mutex_init(&ask->lock);
    g_cond_init(&ask->over);
    return ask;
}

static Ask *
ask_ref(Ask *ask)
{
    g_atomic_int_inc(&ask->refs);
    return ask;
}

static void
ask_unref(Ask *ask)
{
    if (!g_atomic_int_dec_and_test(&ask->refs))
        return;
    (void)virConnectClose(ask->conn);
    g_free(ask->uuid);
    virt_domain_info_clear(&ask->domain);
    g_clear_error(&ask->error);
    g_mutex_clear(&ask->lock);
    g_cond_clear(&ask->over);
    g_free(ask);
}

G_DEFINE_AUTOPTR_CLEANUP_FUNC(Ask, ask_unref)

static gboolean
read_domain(virDomainPtr domain, VirtDomain *ret_domain, GError **error)
{
    int active = virDomainIsActive(domain);
    char *xml = active < 0 ? NULL : virDomainGetXMLDesc(domain, 0);

    if (!xml)
        return virt_fail(error, "cannot see the domain");
    ret_domain->active = active > 0;
    ret_domain->name = g_strdup(virDomainGetName(domain));
    ret_domain->xml = g_strdup(xml);
    free(xml);
    return TRUE;
}

/* Of a domain that only runs there is no definition to look at. */
static gboolean
look(Virt *virt, virDomainPtr domain, GError **error)
{
    int persistent = virDomainIsPersistent(domain);

    if (persistent < 0)
        return virt_fail(error, "cannot see the domain");
    if (persistent > 0)
        virt_look_at(virt, domain);
    return TRUE;
}

static void
run(gpointer data, gpointer unused)
{
    g_autoptr(Ask) ask = data;
    g_autoptr(virDomain) domain =
        virDomainLookupByUUIDString(ask->conn, ask->uuid);
    g_auto(VirtDomain) found = {0};
    g_autoptr(GError) error = NULL;

    (void)unused;
    if (!domain)
        virt_fail(&error, "cannot find the domain");
    else if (ask->look)
        (void)look(ask->virt, domain, &error);
    else
        (void)read_domain(domain, &found, &error);
    g_mutex_lock(&ask->lock);
    ask->domain = found;
    found = (VirtDomain){0};
    ask->error = g_steal_pointer(&error);
    ask->done = true;
    g_cond_signal(&ask->over);
    g_mutex_unlock(&ask->lock);
}

static GThreadPool *
pool(void)
{
    static gsize made;

    if (g_once_init_enter(&made))
        g_once_init_leave(&made, (gsize)(gpointer)g_thread_pool_new(
                                     run, NULL, THREADS_MAX, FALSE, NULL));
    return (GThreadPool *)made;
}

/* ret_domain may be NULL. */
static gboolean
wait_for(Ask *ask, guint timeout_ms, VirtDomain *ret_domain, GError **error)
{
    gint64 end = g_get_monotonic_time() + (gint64)timeout_ms * 1000;
    bool good;

    g_mutex_lock(&ask->lock);
    while (!ask->done && g_cond_wait_until(&ask->over, &ask->lock, end))
        continue;
    good = ask->done && !ask->error;
    if (good && ret_domain) {
        *ret_domain = ask->domain;
        ask->domain = (VirtDomain){0};
    } else if (ask->done && ask->error) {
        g_propagate_error(error, g_steal_pointer(&ask->error));
    } else if (!ask->done) {
        g_set_error(error, VIRT_ERROR, VIRT_ERROR_FAILED,
                    "libvirt did not answer within %u s: is the domain being "
                    "started? Try again in a moment",
                    (timeout_ms + 999) / 1000);
    }
    g_mutex_unlock(&ask->lock);
    return good;
}

static gboolean
ask_and_wait(Virt *virt,
             const char *uuid,
             bool look_at_it,
             guint timeout_ms,
             VirtDomain *ret_domain,
             GError **error)
{
    virConnectPtr conn = virt ? virt_connection(virt) : NULL;
    g_autoptr(Ask) ask = NULL;

    if (!conn) {
        g_set_error(error, VIRT_ERROR, VIRT_ERROR_DISCONNECTED,
                    "the agent has no connection to libvirt: see its log, then "
                    "try again");
        return FALSE;
    }
    ask = ask_new(virt, conn, uuid, look_at_it);
    g_thread_pool_push(pool(), ask_ref(ask), NULL);
    return wait_for(ask, timeout_ms, ret_domain, error);
}

gboolean
virt_ask(Virt *virt,
         const char *uuid,
         guint timeout_ms,
         VirtDomain *ret_domain,
         GError **error)
{
    return ask_and_wait(virt, uuid, false, timeout_ms, ret_domain, error);
}

gboolean
virt_ask_look(Virt *virt, const char *uuid, guint timeout_ms, GError **error)
{
    return ask_and_wait(virt, uuid, true, timeout_ms, NULL, error);
}
