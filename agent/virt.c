/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * agent/virt.c - the agent's side of libvirt
 */
#include "config.h"

#include "agent/virt.h"

#include "agent/log.h"
#include "agent/virt-define.h"
#include "agent/virt-error.h"
#include "agent/virt-secret.h"

#include <stdlib.h>
#include <string.h>

/* How long after a lost or failed connection the next is tried: soon at
 * first, since a restart of libvirtd takes no longer. */
#define RETRY_SOON_MS 200
#define RETRY_LATE_MS 2000
#define RETRIES_SOON  50
/* How long after a look that failed for want of the cluster. */
#define AGAIN_MS 10000
/* So often in a row for a failed call of libvirt, which may fail for ever. */
#define AGAIN_MAX 6
/* Calls that may wait for a domain's lock at the same time. */
#define WORKERS_MAX 4

struct Virt {
    GMutex lock;
    Host *host;
    VirtSeen seen;
    gpointer seen_data;
    virConnectPtr conn;  /* NULL: none */
    int lifecycle;       /* the callback's id on conn */
    bool again;          /* a timer for another look is set */
    guint failed;        /* looks in a row at which a call of libvirt failed */
    GHashTable *looking; /* uuid of a domain -> at whom to look once more */
    GCond looked;        /* looking has lost one */
    guint tries;
    int timer;
    GThreadPool *pool;
};

/* One domain to look at, or, with domain NULL, secret and all domains. */
typedef struct {
    virConnectPtr conn;
    virDomainPtr domain;
    bool seen; /* only to tell that it has come, or has ended */
} Job;

static void
job_free(Job *job)
{
    if (job->domain)
        (void)virDomainFree(job->domain);
    (void)virConnectClose(job->conn);
    g_free(job);
}

static Job *
job_new(virConnectPtr conn, virDomainPtr domain)
{
    Job *job = g_new0(Job, 1);

    (void)virConnectRef(conn);
    job->conn = conn;
    if (domain)
        (void)virDomainRef(domain);
    job->domain = domain;
    return job;
}

static void
push(Virt *virt, virConnectPtr conn, virDomainPtr domain)
{
    g_thread_pool_push(virt->pool, job_new(conn, domain), NULL);
}

/* A guest that arrived, or one whose end no hook reported. */
static void
push_seen(Virt *virt, virConnectPtr conn, virDomainPtr domain)
{
    Job *job = job_new(conn, domain);

    job->seen = true;
    g_thread_pool_push(virt->pool, job, NULL);
}

static Host *
current_host(Virt *virt)
{
    Host *host;

    g_mutex_lock(&virt->lock);
    host = host_ref(virt->host);
    g_mutex_unlock(&virt->lock);
    return host;
}

/* ---- in the pool ----------------------------------------------------------- */

/* libvirt gives a domain's lock up after a while, which starts and migrations
 * may take longer. */
static bool
may_repeat(Virt *virt)
{
    bool may;

    g_mutex_lock(&virt->lock);
    may = virt->failed < AGAIN_MAX;
    if (may)
        virt->failed++;
    g_mutex_unlock(&virt->lock);
    return may;
}

static void
note_success(Virt *virt)
{
    g_mutex_lock(&virt->lock);
    virt->failed = 0;
    g_mutex_unlock(&virt->lock);
}

/* Whether it is worth another try without any new event. */
static bool
look_once(Virt *virt, Host *host, virDomainPtr domain)
{
    LogAbout about = {.domain = virDomainGetName(domain)};
    gint64 start = g_get_monotonic_time();
    g_autoptr(GError) error = NULL;
    bool changed = false;

    if (virt_define_rewrite(host, domain, &changed, &error)) {
        about.ms = log_ms_since(start);
        if (changed) {
            log_info(&about, "definition rewritten");
            note_success(virt);
        }
        return false;
    }
    if (g_error_matches(error, VIRT_ERROR, VIRT_ERROR_GONE))
        return false;
    log_warning(&about, "%s", error->message);
    return g_error_matches(error, STORE_ERROR, STORE_ERROR_DOWN) ||
           (error->domain == VIRT_ERROR && may_repeat(virt));
}

static void
drop_domain(gpointer domain)
{
    if (domain)
        (void)virDomainFree(domain);
}

/* false: somebody else is looking, and will look once more, at the domain as it
 * is given here. Two who change one definition at once would get in each
 * other's way. */
static bool
look_enter(Virt *virt, const char *uuid, virDomainPtr domain)
{
    bool first;

    g_mutex_lock(&virt->lock);
    first = !g_hash_table_contains(virt->looking, uuid);
    if (!first)
        (void)virDomainRef(domain);
    g_hash_table_replace(virt->looking, g_strdup(uuid), first ? NULL : domain);
    g_mutex_unlock(&virt->lock);
    return first;
}

/* At whom to look once more, which is the caller's; NULL: nobody asked. */
static virDomainPtr
look_leave(Virt *virt, const char *uuid)
{
    virDomainPtr next;

    g_mutex_lock(&virt->lock);
    next = g_hash_table_lookup(virt->looking, uuid);
    if (next) {
        (void)virDomainRef(next);
        g_hash_table_replace(virt->looking, g_strdup(uuid), NULL);
    } else {
        g_hash_table_remove(virt->looking, uuid);
        g_cond_broadcast(&virt->looked);
    }
    g_mutex_unlock(&virt->lock);
    return next;
}

static bool
look_at_domain(Virt *virt, virDomainPtr domain)
{
    char uuid[VIR_UUID_STRING_BUFLEN] = "";
    g_autoptr(virDomain) next = NULL;
    bool again;

    if (virDomainGetUUIDString(domain, uuid) < 0 ||
        !look_enter(virt, uuid, domain))
        return false;
    do {
        /* A reload may have come meanwhile. */
        g_autoptr(Host) host = current_host(virt);

        again = look_once(virt, host, next ? next : domain);
        g_clear_pointer(&next, virDomainFree);
    } while ((next = look_leave(virt, uuid)));
    return again;
}

static bool
look_at_secret(Host *host, virConnectPtr conn)
{
    const char *user = host_guest_user(host);
    g_autoptr(GError) error = NULL;
    VirtSecretDone done;

    if (virt_secret_ensure(host, conn, &done, &error)) {
        if (done == VIRT_SECRET_MADE)
            log_info(NULL, "made the libvirt secret of client.%s", user);
        else if (done == VIRT_SECRET_FOREIGN)
            log_info(NULL,
                     "the libvirt secret of client.%s is somebody else's, and "
                     "is used as it is",
                     user);
        return false;
    }
    log_warning(NULL, "the libvirt secret is not up to date: %s",
                error->message);
    return g_error_matches(error, STORE_ERROR, STORE_ERROR_DOWN);
}

/* As it runs, or else as it is stored. */
static void
tell_seen(const Virt *virt, virDomainPtr domain)
{
    char *xml = virDomainGetXMLDesc(domain, 0);

    if (xml)
        virt->seen(virDomainGetName(domain), xml,
                   virDomainIsActive(domain) != 0, virt->seen_data);
    free(xml);
}

/* A claim may be of a start before this host booted, and its domain off. */
static void
tell_all(const Virt *virt, virConnectPtr conn)
{
    virDomainPtr *domains = NULL;
    int n = virConnectListAllDomains(conn, &domains, 0);

    for (int i = 0; i < n; i++) {
        tell_seen(virt, domains[i]);
        (void)virDomainFree(domains[i]);
    }
    free(domains);
}

static bool
look_at_all(Virt *virt, Host *host, virConnectPtr conn)
{
    virDomainPtr *domains = NULL;
    bool again = look_at_secret(host, conn);
    g_autoptr(GError) error = NULL;
    int n = virConnectListAllDomains(conn, &domains,
                                     VIR_CONNECT_LIST_DOMAINS_PERSISTENT);

    if (n < 0 && !virt_fail(&error, "cannot list the domains")) {
        log_warning(NULL, "%s", error->message);
        again = may_repeat(virt) || again;
    }

    for (int i = 0; i < n; i++) {
        again = look_at_domain(virt, domains[i]) || again;
        (void)virDomainFree(domains[i]);
    }
    free(domains);
    tell_all(virt, conn);
    return again;
}

static void
on_again(int timer, void *opaque)
{
    Virt *virt = opaque;

    (void)virEventRemoveTimeout(timer);
    g_mutex_lock(&virt->lock);
    virt->again = false;
    if (virt->conn)
        push(virt, virt->conn, NULL);
    g_mutex_unlock(&virt->lock);
}

/* A domain that could not be looked at is so with all others again. */
static void
look_again(Virt *virt)
{
    g_mutex_lock(&virt->lock);
    if (!virt->again && virEventAddTimeout(AGAIN_MS, on_again, virt, NULL) >= 0)
        virt->again = true;
    g_mutex_unlock(&virt->lock);
}

static void
run_job(gpointer data, gpointer opaque)
{
    Virt *virt = opaque;
    Job *job = data;
    g_autoptr(Host) host = current_host(virt);
    bool again = false;

    if (job->seen)
        tell_seen(virt, job->domain);
    else if (job->domain)
        again = look_at_domain(virt, job->domain);
    else
        again = look_at_all(virt, host, job->conn);
    if (again)
        look_again(virt);
    job_free(job);
}

/* ---- in the event loop's thread -------------------------------------------- */

static int
on_lifecycle(virConnectPtr conn,
             virDomainPtr domain,
             int event,
             int detail,
             void *opaque)
{
    (void)detail;
    if (event == VIR_DOMAIN_EVENT_DEFINED)
        push(opaque, conn, domain);
    else if (event == VIR_DOMAIN_EVENT_RESUMED ||
             event == VIR_DOMAIN_EVENT_STOPPED)
        push_seen(opaque, conn, domain);
    return 0;
}

static void
on_close(virConnectPtr conn, int reason, void *opaque)
{
    Virt *virt = opaque;

    (void)conn;
    (void)reason;
    virEventUpdateTimeout(virt->timer, 0);
}

static virConnectPtr
open_connection(Virt *virt, GError **error)
{
    g_autoptr(virConnect) conn = virt_open(virt, error);

    virt->lifecycle = -1;
    if (!conn)
        return NULL;
    if (virConnectRegisterCloseCallback(conn, on_close, virt, NULL) >= 0)
        virt->lifecycle = virConnectDomainEventRegisterAny(
            conn, NULL, VIR_DOMAIN_EVENT_ID_LIFECYCLE,
            VIR_DOMAIN_EVENT_CALLBACK(on_lifecycle), virt, NULL);
    if (virt->lifecycle < 0) {
        virt_fail(error, "cannot listen to libvirt's events");
        (void)virConnectUnregisterCloseCallback(conn, on_close);
        return NULL;
    }
    return g_steal_pointer(&conn);
}

static void
forget_connection(Virt *virt)
{
    virConnectPtr old;

    g_mutex_lock(&virt->lock);
    old = g_steal_pointer(&virt->conn);
    g_mutex_unlock(&virt->lock);
    if (!old)
        return;
    log_info(NULL, "the connection to libvirt has ended");
    (void)virConnectDomainEventDeregisterAny(old, virt->lifecycle);
    (void)virConnectUnregisterCloseCallback(old, on_close);
    (void)virConnectClose(old);
    virt->tries = 0;
}

/* One line when it is missed first, not one for each try. */
static void
retry_later(Virt *virt, const GError *error)
{
    if (virt->tries++ == 0)
        log_info(NULL, "waiting for libvirt: %s", error->message);
    virEventUpdateTimeout(virt->timer, virt->tries < RETRIES_SOON
                                           ? RETRY_SOON_MS
                                           : RETRY_LATE_MS);
}

static void
on_timer(int timer, void *opaque)
{
    Virt *virt = opaque;
    g_autoptr(GError) error = NULL;
    virConnectPtr conn;

    /* Before anything else: a reload meanwhile sets it again. */
    virEventUpdateTimeout(timer, -1);
    forget_connection(virt);
    conn = open_connection(virt, &error);
    if (!conn) {
        retry_later(virt, error);
        return;
    }
    virt->tries = 0;
    g_mutex_lock(&virt->lock);
    virt->conn = conn;
    g_mutex_unlock(&virt->lock);
    log_info(NULL, "connected to libvirt");
    push(virt, conn, NULL);
}

static gpointer
run_loop(gpointer unused)
{
    (void)unused;
    while (virEventRunDefaultImpl() == 0)
        continue;
    return NULL;
}

/* ---- from outside ---------------------------------------------------------- */

Virt *
virt_start(Host *host, VirtSeen seen, gpointer data)
{
    Virt *virt;

    virt_quiet();
    if (virEventRegisterDefaultImpl() < 0)
        return NULL;
    virt = g_new0(Virt, 1);
    g_mutex_init(&virt->lock);
    g_cond_init(&virt->looked);
    virt->host = host_ref(host);
    virt->seen = seen;
    virt->seen_data = data;
    virt->looking =
        g_hash_table_new_full(g_str_hash, g_str_equal, g_free, drop_domain);
    virt->pool = g_thread_pool_new(run_job, virt, WORKERS_MAX, FALSE, NULL);
    virt->timer = virEventAddTimeout(0, on_timer, virt, NULL);
    g_thread_unref(g_thread_new("libvirt", run_loop, NULL));
    return virt;
}

void
virt_set_host(Virt *virt, Host *host)
{
    Host *old;

    g_mutex_lock(&virt->lock);
    old = virt->host;
    virt->host = host_ref(host);
    g_mutex_unlock(&virt->lock);
    host_unref(old);
    virEventUpdateTimeout(virt->timer, 0);
}

virConnectPtr
virt_open(Virt *virt, GError **error)
{
    g_autoptr(Host) host = current_host(virt);
    g_autofree char *uri = host_libvirt_uri(host);
    virConnectPtr conn = virConnectOpen(uri);

    if (!conn)
        virt_fail(error, "cannot connect to libvirt at '%s'", uri);
    return conn;
}

void
virt_look_at(Virt *virt, virDomainPtr domain)
{
    char uuid[VIR_UUID_STRING_BUFLEN] = "";

    if (look_at_domain(virt, domain))
        look_again(virt);
    if (virDomainGetUUIDString(domain, uuid) < 0)
        return;
    /* Somebody else may be at it, and has been told to look once more. */
    g_mutex_lock(&virt->lock);
    while (g_hash_table_contains(virt->looking, uuid))
        g_cond_wait(&virt->looked, &virt->lock);
    g_mutex_unlock(&virt->lock);
}
