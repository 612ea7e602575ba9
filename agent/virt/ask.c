/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * agent/virt/ask.c - questions to libvirt that are given up after a while
 */
#include "config.h"

#include "agent/virt/ask.h"

#include "agent/virt/error.h"

#include <stdlib.h>
#include <string.h>

/* Questions that have not begun; who comes then is told at once. */
#define WAITING_MAX 64

/* Counted: who asked may have gone when the answer comes, and several may wait
 * for one answer, as long as it has not begun. */
typedef struct {
    gint refs;
    Virt *virt;
    char *key; /* uuid and kind */
    char *uuid;
    VirtCallKind kind;
    GMutex lock; /* guards the rest */
    GCond over;
    guint waiting; /* how many wait for it */
    bool done;
    VirtDomain domain;
    GError *error;
} Ask;

/* What all of them share. Lock order: this one before an Ask's. */
static struct {
    GMutex lock;
    GHashTable *asks; /* key -> Ask, not begun; not counted for it */
} shared;

void
virt_domain_info_clear(VirtDomain *domain)
{
    g_clear_pointer(&domain->name, g_free);
    g_clear_pointer(&domain->xml, g_free);
}

static Ask *
ask_new(Virt *virt, const char *uuid, VirtCallKind kind)
{
    Ask *ask = g_new0(Ask, 1);

    ask->refs = 1;
    ask->virt = virt;
    ask->key = g_strdup_printf("%s %d", uuid, kind);
    ask->uuid = g_strdup(uuid);
    ask->kind = kind;
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
    g_free(ask->key);
    g_free(ask->uuid);
    virt_domain_info_clear(&ask->domain);
    g_clear_error(&ask->error);
    g_mutex_clear(&ask->lock);
    g_cond_clear(&ask->over);
    g_free(ask);
}

G_DEFINE_AUTOPTR_CLEANUP_FUNC(Ask, ask_unref)

/* A guest that is about to come, or to go elsewhere, is paused for that. */
static bool
is_settled_state(int state, int reason)
{
    if (state != VIR_DOMAIN_PAUSED)
        return state != VIR_DOMAIN_NOSTATE && state != VIR_DOMAIN_SHUTOFF;
    return reason != VIR_DOMAIN_PAUSED_MIGRATION &&
           reason != VIR_DOMAIN_PAUSED_POSTCOPY &&
           reason != VIR_DOMAIN_PAUSED_POSTCOPY_FAILED &&
           reason != VIR_DOMAIN_PAUSED_STARTING_UP;
}

/* What a job is about; VIR_DOMAIN_JOB_OPERATION_UNKNOWN: there is none. false: it
 * cannot be asked. */
static bool
read_job(virDomainPtr domain, int *ret_operation)
{
    virTypedParameterPtr params = NULL;
    int type = VIR_DOMAIN_JOB_NONE;
    int n = 0;

    *ret_operation = VIR_DOMAIN_JOB_OPERATION_UNKNOWN;
    if (virDomainGetJobStats(domain, &type, &params, &n, 0) < 0)
        return false;
    if (type != VIR_DOMAIN_JOB_NONE &&
        virTypedParamsGetInt(params, n, VIR_DOMAIN_JOB_OPERATION,
                             ret_operation) <= 0)
        *ret_operation = VIR_DOMAIN_JOB_OPERATION_BACKUP; /* some job */
    virTypedParamsFree(params, n);
    return true;
}

/* Whatever changes the guest's block nodes is a job, or shows as a mirror. As
 * long as a guest runs that is about to go elsewhere, it has open what it had:
 * who waits for it there waits until its claim says so. */
static bool
has_opened(virDomainPtr domain, const char *xml)
{
    int state = VIR_DOMAIN_NOSTATE;
    int reason = 0;
    int operation;

    return virDomainGetState(domain, &state, &reason, 0) == 0 &&
           is_settled_state(state, reason) && read_job(domain, &operation) &&
           (operation == VIR_DOMAIN_JOB_OPERATION_UNKNOWN ||
            operation == VIR_DOMAIN_JOB_OPERATION_MIGRATION_OUT) &&
           !strstr(xml, "<mirror");
}

static gboolean
read_domain(virDomainPtr domain, VirtDomain *ret_domain, GError **error)
{
    int active = virDomainIsActive(domain);
    char *xml = active < 0 ? NULL : virDomainGetXMLDesc(domain, 0);

    if (!xml)
        return virt_fail(error, "cannot see the domain");
    ret_domain->active = active > 0;
    ret_domain->opened = active > 0 && has_opened(domain, xml);
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

/* Who comes from now on gets an answer of his own: this one may be too old.
 * false: nobody waits for it any more. A guest that runs by now may be another
 * than the one that was to be ended. */
static bool
begin(Ask *ask)
{
    bool wanted;

    g_mutex_lock(&shared.lock);
    g_hash_table_remove(shared.asks, ask->key);
    g_mutex_lock(&ask->lock);
    wanted = ask->waiting > 0 || ask->kind == VIRT_CALL_LOOK;
    g_mutex_unlock(&ask->lock);
    g_mutex_unlock(&shared.lock);
    return wanted;
}

static void
finish(Ask *ask, VirtDomain *found, GError **error)
{
    g_mutex_lock(&ask->lock);
    ask->done = true;
    ask->domain = *found;
    *found = (VirtDomain){0};
    ask->error = g_steal_pointer(error);
    g_cond_broadcast(&ask->over);
    g_mutex_unlock(&ask->lock);
}

static void
answer(virDomainPtr domain, const GError *why, gpointer data)
{
    g_autoptr(Ask) ask = data;
    g_auto(VirtDomain) found = {0};
    g_autoptr(GError) error = NULL;

    if (!begin(ask))
        return;
    if (!domain)
        error = g_error_copy(why);
    else if (ask->kind == VIRT_CALL_LOOK)
        (void)look(ask->virt, domain, &error);
    else if (ask->kind == VIRT_CALL_READ)
        (void)read_domain(domain, &found, &error);
    else if (virDomainDestroy(domain) < 0)
        virt_fail(&error, "cannot end the domain");
    finish(ask, &found, &error);
}

/* The question that waits already, or a new one; NULL: too many do. */
static Ask *
join(Virt *virt, const char *uuid, VirtCallKind kind)
{
    g_autoptr(Ask) ask = ask_new(virt, uuid, kind);
    Ask *open;

    g_mutex_lock(&shared.lock);
    if (!shared.asks)
        shared.asks = g_hash_table_new(g_str_hash, g_str_equal);
    open = g_hash_table_lookup(shared.asks, ask->key);
    if (open) {
        (void)ask_ref(open);
    } else if (g_hash_table_size(shared.asks) < WAITING_MAX) {
        open = ask_ref(ask);
        g_hash_table_insert(shared.asks, open->key, open);
        virt_calls_push(virt_calls(virt), uuid, kind, answer, ask_ref(ask));
    }
    if (open) {
        g_mutex_lock(&open->lock);
        open->waiting++;
        g_mutex_unlock(&open->lock);
    }
    g_mutex_unlock(&shared.lock);
    return open;
}

static void
copy_answer(const Ask *ask, VirtDomain *ret_domain)
{
    *ret_domain = (VirtDomain){
        .active = ask->domain.active,
        .opened = ask->domain.opened,
        .name = g_strdup(ask->domain.name),
        .xml = g_strdup(ask->domain.xml),
    };
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
    ask->waiting--;
    good = ask->done && !ask->error;
    if (good && ret_domain)
        copy_answer(ask, ret_domain);
    else if (ask->done && ask->error)
        g_propagate_error(error, g_error_copy(ask->error));
    else if (!ask->done)
        g_set_error(error, VIRT_ERROR, VIRT_ERROR_FAILED,
                    "libvirt did not answer within %u s: is the domain being "
                    "started? Try again in a moment",
                    (timeout_ms + 999) / 1000);
    g_mutex_unlock(&ask->lock);
    return good;
}

static gboolean
ask_and_wait(Virt *virt,
             const char *uuid,
             VirtCallKind kind,
             guint timeout_ms,
             VirtDomain *ret_domain,
             GError **error)
{
    g_autoptr(Ask) ask = virt ? join(virt, uuid, kind) : NULL;

    if (ask)
        return wait_for(ask, timeout_ms, ret_domain, error);
    g_set_error(error, VIRT_ERROR, VIRT_ERROR_DISCONNECTED,
                virt ? "libvirt has not answered earlier questions: see "
                       "whether 'virsh list' answers, then try again"
                     : "the agent has no connection to libvirt: see its log, "
                       "then try again");
    return FALSE;
}

gboolean
virt_ask(Virt *virt,
         const char *uuid,
         guint timeout_ms,
         VirtDomain *ret_domain,
         GError **error)
{
    return ask_and_wait(virt, uuid, VIRT_CALL_READ, timeout_ms, ret_domain,
                        error);
}

gboolean
virt_ask_look(Virt *virt, const char *uuid, guint timeout_ms, GError **error)
{
    return ask_and_wait(virt, uuid, VIRT_CALL_LOOK, timeout_ms, NULL, error);
}

gboolean
virt_ask_destroy(Virt *virt, const char *uuid, guint timeout_ms, GError **error)
{
    return ask_and_wait(virt, uuid, VIRT_CALL_DESTROY, timeout_ms, NULL, error);
}

gboolean
virt_read_domain(virConnectPtr conn,
                 const char *uuid,
                 VirtDomain *ret_domain,
                 GError **error)
{
    g_autoptr(virDomain) domain = virDomainLookupByUUIDString(conn, uuid);

    *ret_domain = (VirtDomain){0};
    if (!domain)
        return virt_fail(error, "cannot find the domain");
    return read_domain(domain, ret_domain, error);
}

gboolean
virt_destroy_domain(virConnectPtr conn, const char *uuid, GError **error)
{
    g_autoptr(virDomain) domain = virDomainLookupByUUIDString(conn, uuid);

    if (!domain || virDomainDestroy(domain) < 0)
        return virt_fail(error, "cannot end the domain");
    return TRUE;
}
