/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * agent/virt/virt.c - the agent's side of libvirt
 */
#include "config.h"

#include "agent/virt/virt.h"

#include "agent/log.h"
#include "agent/virt/define.h"
#include "agent/virt/each.h"
#include "agent/virt/error.h"
#include "agent/virt/events.h"
#include "agent/virt/secret.h"

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
/* Domains and images that were warned of. */
#define WARNED_MAX 4096

struct Virt {
    GMutex lock;
    VirtFacts *facts;
    VirtSeen seen;
    gpointer seen_data;
    virConnectPtr conn; /* NULL: none */
    VirtEvents events;  /* of conn */
    bool again;         /* a timer for another look is set */
    GHashTable *warned; /* 'UUID pool/image': a set */
    guint failed;       /* looks in a row at which a call of libvirt failed */
    guint tries;
    int timer;
    GThreadPool *lists;   /* of all domains */
    bool listing;         /* one of these has not begun */
    GThreadPool *secrets; /* all of them */
    bool securing;        /* the same of these */
    bool at_secrets;      /* one of these is under way */
    GCond secured;        /* it has ended */
    VirtCalls *calls;     /* one domain each */
};

static VirtFacts *
current_facts(Virt *virt)
{
    VirtFacts *facts;

    g_mutex_lock(&virt->lock);
    facts = virt_facts_ref(virt->facts);
    g_mutex_unlock(&virt->lock);
    return facts;
}

/* virConnectClose() it. */
static virConnectPtr
open_link(gpointer data, GError **error)
{
    g_autoptr(VirtFacts) facts = current_facts(data);
    g_autofree char *uri = facts->class->uri(facts->data);
    virConnectPtr conn = virConnectOpen(uri);

    if (!conn)
        virt_fail(error, "cannot connect to libvirt at '%s'", uri);
    return conn;
}

/* ---- in threads of their own ----------------------------------------------- */

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

/* Whether it is the first time; the set is begun anew where it gets too long. */
static bool
is_news(Virt *virt, virDomainPtr domain, const char *image)
{
    char uuid[VIR_UUID_STRING_BUFLEN] = "";
    bool news;

    (void)virDomainGetUUIDString(domain, uuid);
    g_mutex_lock(&virt->lock);
    if (g_hash_table_size(virt->warned) >= WARNED_MAX)
        g_hash_table_remove_all(virt->warned);
    news = g_hash_table_add(virt->warned, g_strconcat(uuid, " ", image, NULL));
    g_mutex_unlock(&virt->lock);
    return news;
}

static void
warn_of(Virt *virt, virDomainPtr domain, const GPtrArray *images)
{
    LogAbout about = {.domain = virDomainGetName(domain)};

    for (guint i = 0; images && i < images->len; i++) {
        about.image = g_ptr_array_index(images, i);
        if (is_news(virt, domain, about.image))
            log_warning(&about,
                        "it writes to the image %s, which others are cloned "
                        "from",
                        about.image);
    }
}

/* Whether it is worth another try without any new event. */
static bool
look_once(Virt *virt,
          const VirtFacts *facts,
          virDomainPtr domain,
          VirtDefined *ret_defined)
{
    LogAbout about = {.domain = virDomainGetName(domain)};
    gint64 start = g_get_monotonic_time();
    g_autoptr(GError) error = NULL;

    if (virt_define_rewrite(facts, domain, ret_defined, &error)) {
        about.ms = log_ms_since(start);
        warn_of(virt, domain, ret_defined->images);
        if (ret_defined->left)
            log_debug(&about, "a disk is in use, and stays as it is");
        if (ret_defined->changed) {
            log_info(&about, "definition rewritten");
            note_success(virt);
        }
        /* A client that was killed has its images open for a while yet. */
        return ret_defined->left && virDomainIsActive(domain) == 0 &&
               may_repeat(virt);
    }
    if (g_error_matches(error, VIRT_ERROR, VIRT_ERROR_GONE))
        return false;
    log_warning(&about, "%s", error->message);
    return facts->class->may_pass(error) ||
           (error->domain == VIRT_ERROR && may_repeat(virt));
}

/* Under the lock. One that has not begun will see all that there is by then. */
static void
list_all(Virt *virt)
{
    if (!virt->securing)
        g_thread_pool_push(virt->secrets, virt, NULL);
    virt->securing = true;
    if (!virt->listing)
        g_thread_pool_push(virt->lists, virt, NULL);
    virt->listing = true;
}

static void
on_again(int timer, void *opaque)
{
    Virt *virt = opaque;

    (void)virEventRemoveTimeout(timer);
    g_mutex_lock(&virt->lock);
    virt->again = false;
    if (virt->conn)
        list_all(virt);
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
look_at(Virt *virt,
        const VirtFacts *facts,
        virDomainPtr domain,
        VirtDefined *ret_defined)
{
    if (look_once(virt, facts, domain, ret_defined))
        look_again(virt);
}

void
virt_look_at(Virt *virt, virDomainPtr domain)
{
    /* A reload may have come meanwhile. */
    g_autoptr(VirtFacts) facts = current_facts(virt);
    g_auto(VirtDefined) defined = {0};

    look_at(virt, facts, domain, &defined);
}

/* Without a domain, it has gone, or the connection: then all are looked at as
 * soon as there is another. */
static void
look_call(virDomainPtr domain, const GError *error, gpointer data)
{
    Virt *virt = data;

    if (domain) {
        virt_look_at(virt, domain);
    } else if (g_error_matches(error, VIRT_ERROR, VIRT_ERROR_FAILED)) {
        log_warning(NULL, "%s", error->message);
        if (may_repeat(virt))
            look_again(virt);
    }
}

static void
begin_secrets(Virt *virt)
{
    g_mutex_lock(&virt->lock);
    virt->securing = false;
    virt->at_secrets = true;
    g_mutex_unlock(&virt->lock);
}

static void
end_secrets(Virt *virt)
{
    g_mutex_lock(&virt->lock);
    virt->at_secrets = false;
    g_cond_broadcast(&virt->secured);
    g_mutex_unlock(&virt->lock);
}

/* Beside the list, which waits for domains that hang. Without a connection, that one
 * says so. */
static void
run_secrets(gpointer unused, gpointer opaque)
{
    Virt *virt = opaque;
    g_autoptr(virConnect) conn = NULL;
    g_autoptr(VirtFacts) facts = NULL;
    bool failed = false;
    bool again = false;

    (void)unused;
    begin_secrets(virt);
    conn = open_link(virt, NULL);
    facts = current_facts(virt);
    if (conn)
        again = virt_secrets_ensure(facts, conn, &failed);
    end_secrets(virt);
    if (again || ((failed || !conn) && may_repeat(virt)))
        look_again(virt);
}

static void
tell(const Virt *virt,
     const VirtFacts *facts,
     virDomainPtr domain,
     const char *xml,
     const DomPlan *plan,
     bool active)
{
    char uuid[VIR_UUID_STRING_BUFLEN];

    if (virDomainGetUUIDString(domain, uuid) == 0)
        virt->seen(facts->data, uuid, xml, plan, active, virt->seen_data);
}

/* As it runs, or else as it is stored. */
static void
tell_seen(Virt *virt, virDomainPtr domain)
{
    g_autoptr(VirtFacts) facts = current_facts(virt);
    char *xml = virDomainGetXMLDesc(domain, 0);

    if (xml)
        tell(virt, facts, domain, xml, NULL, virDomainIsActive(domain) != 0);
    free(xml);
}

static void
tell_call(virDomainPtr domain, const GError *error, gpointer data)
{
    (void)error;
    if (domain)
        tell_seen(data, domain);
}

/* One that is off: what is stored is what is to be told of it, too, so that a
 * host with thousands of them reads each once. A claim may be of a start before
 * this host booted. */
static void
rest_call(virDomainPtr domain, const GError *error, gpointer data)
{
    Virt *virt = data;
    g_autoptr(VirtFacts) facts = current_facts(virt);
    g_auto(VirtDefined) defined = {0};

    if (!domain) {
        look_call(NULL, error, data);
        return;
    }
    look_at(virt, facts, domain, &defined);
    if (defined.xml)
        tell(virt, facts, domain, defined.xml, defined.plan, false);
    else
        tell_seen(virt, domain);
}

typedef struct {
    Virt *virt;
    gint age;
    VirtCallKind kind;
    VirtCall run;
} Turns;

static void
take_turn(gpointer data, virDomainPtr domain)
{
    const Turns *turns = data;

    virt_calls_push_bulk(turns->virt->calls, domain, turns->age, turns->kind,
                         turns->run, turns->virt);
}

/* Those that are off first: who starts meanwhile comes later, who ends has an event. */
static bool
look_at_all(Virt *virt, virConnectPtr conn, gint age)
{
    const unsigned int active = VIR_CONNECT_LIST_DOMAINS_ACTIVE;
    const unsigned int stored = VIR_CONNECT_LIST_DOMAINS_PERSISTENT;
    Turns rest = {virt, age, VIRT_CALL_LOOK, rest_call};
    Turns look = {virt, age, VIRT_CALL_LOOK, look_call};
    Turns seen = {virt, age, VIRT_CALL_TELL, tell_call};

    virt_calls_wait_for_those_before(virt->calls);
    if (virt_each(conn, VIR_CONNECT_LIST_DOMAINS_INACTIVE, take_turn, &rest) &&
        virt_each(conn, active | stored, take_turn, &look) &&
        virt_each(conn, active, take_turn, &seen))
        return false;
    return may_repeat(virt);
}

/* A disk that is rewritten needs its secret. */
static void
begin_list(Virt *virt)
{
    g_mutex_lock(&virt->lock);
    virt->listing = false;
    while (virt->securing || virt->at_secrets)
        g_cond_wait(&virt->secured, &virt->lock);
    g_mutex_unlock(&virt->lock);
}

/* Over a connection of its own, which the calls that come of it use, and which
 * goes with the last of them: those that hang are in no event's way. */
static void
run_list(gpointer unused, gpointer opaque)
{
    Virt *virt = opaque;
    g_autoptr(GError) error = NULL;
    g_autoptr(virConnect) conn = NULL;
    gint age;

    (void)unused;
    begin_list(virt);
    age = virt_calls_age(virt->calls);
    conn = open_link(virt, &error);
    if (!conn)
        log_warning(NULL, "%s", error->message);
    if (conn ? look_at_all(virt, conn, age) : may_repeat(virt))
        look_again(virt);
}

/* ---- in the event loop's thread -------------------------------------------- */

/* Whatever held its lock, it goes on. */
static void
on_event(virDomainPtr domain, unsigned reasons, gpointer opaque)
{
    Virt *virt = opaque;
    char uuid[VIR_UUID_STRING_BUFLEN];

    if (virDomainGetUUIDString(domain, uuid) != 0)
        return;
    virt_calls_answered(virt->calls, uuid);
    if (reasons & VIRT_EVENT_LOOK)
        virt_calls_push(virt->calls, uuid, VIRT_CALL_LOOK, look_call, virt);
    if (reasons & VIRT_EVENT_TELL)
        virt_calls_push(virt->calls, uuid, VIRT_CALL_TELL, tell_call, virt);
}

static void
on_close(virConnectPtr conn, int reason, void *opaque)
{
    Virt *virt = opaque;

    (void)conn, (void)reason;
    virEventUpdateTimeout(virt->timer, 0);
}

static virConnectPtr
open_connection(Virt *virt, GError **error)
{
    g_autoptr(virConnect) conn = open_link(virt, error);

    if (!conn)
        return NULL;
    if (!virt_events_begin(&virt->events, conn) ||
        virConnectRegisterCloseCallback(conn, on_close, virt, NULL) < 0) {
        virt_fail(error, "cannot listen to libvirt's events");
        virt_events_end(&virt->events, conn);
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
    virt_events_end(&virt->events, old);
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
    virt_calls_renew(virt->calls);
    list_all(virt);
    g_mutex_unlock(&virt->lock);
    log_info(NULL, "connected to libvirt");
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
virt_start(VirtFacts *facts,
           const char *unanswered,
           VirtSeen seen,
           gpointer data)
{
    Virt *virt;

    virt_quiet();
    if (virEventRegisterDefaultImpl() < 0)
        return NULL;
    virt = g_new0(Virt, 1);
    g_mutex_init(&virt->lock);
    g_cond_init(&virt->secured);
    virt->facts = virt_facts_ref(facts);
    virt->events.on_event = on_event;
    virt->events.data = virt;
    virt->seen = seen;
    virt->seen_data = data;
    virt->warned = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    /* One at a time: the list of the domains waits for the locks of all. */
    virt->lists = g_thread_pool_new(run_list, virt, 1, FALSE, NULL);
    virt->secrets = g_thread_pool_new(run_secrets, virt, 1, FALSE, NULL);
    virt->calls = virt_calls_new(open_link, virt, unanswered);
    virt->timer = virEventAddTimeout(0, on_timer, virt, NULL);
    g_thread_unref(g_thread_new("libvirt", run_loop, NULL));
    return virt;
}

void
virt_set_facts(Virt *virt, VirtFacts *facts)
{
    VirtFacts *old;

    g_mutex_lock(&virt->lock);
    old = virt->facts;
    virt->facts = virt_facts_ref(facts);
    g_mutex_unlock(&virt->lock);
    virt_facts_unref(old);
    virEventUpdateTimeout(virt->timer, 0);
}

VirtCalls *
virt_calls(Virt *virt)
{
    return virt->calls;
}
