/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * agent/virt/calls.c - calls of libvirt that may wait for a domain's lock
 */
#include "config.h"

#include "agent/virt/calls.h"

#include "agent/log.h"
#include "agent/virt/unanswered.h"

#include <string.h>

/* Who has not been answered for so long is noted for the next agent, within as
 * long again. */
#define NOTE_MS 1000
/* How often it is tried whether libvirt can be asked at all. */
#define BEFORE_AGAIN_US (10 * G_USEC_PER_SEC)

typedef struct {
    char uuid[VIR_UUID_STRING_BUFLEN]; /* in lower case */
    VirtCallKind kind;
    VirtCall run;
    gpointer data;
    virDomainPtr domain; /* as it was listed; NULL: it is to be looked up */
    gint age;        /* VirtCalls' when the domain's connection was opened */
    gint64 since_us; /* when it was begun */
    bool listed;     /* it is made over the connection of domain */
    bool
        answered; /* libvirt has found the domain, or has not: it has its lock */
} Call;

struct VirtCalls {
    VirtLinks *links;
    GThreadPool *threads;
    GCond none_before; /* there are none of that */
    GMutex lock;       /* guards the next */
    GQueue waiting;    /* of Call, the oldest first */
    GQueue bulk;       /* the same, of those with a domain */
    GHashTable *same;  /* a set of those that wait, no two of them the same */
    guint listed;      /* calls over the connection of their domain */
    bool timed;        /* a timer for another look at the bulk is set */
    GQueue at_work;    /* of Call */
    const Call
        *asked; /* the last that was begun and is to be looked up; NULL: it
                        * is answered. Only to be compared */
    gint64 asked_us;
    GHashTable *before; /* a set of UUIDs: an earlier agent was not answered */
    bool noting;        /* a timer for a look at who is not answered is set */
    char *path;         /* of the file for the next agent; NULL: none */
    char *noted;        /* what that has; only the event loop's thread */
};

bool
virt_calls_may_begin(guint at_work,
                     guint of_domain,
                     bool of_kind,
                     bool unanswered)
{
    if (at_work >= VIRT_CALLS_MAX || of_kind || unanswered)
        return false;
    return of_domain == 0 || at_work < VIRT_CALLS_SPARE;
}

static bool
is_of_domain(const Call *a, const Call *b)
{
    return strcmp(a->uuid, b->uuid) == 0;
}

static guint
call_hash(gconstpointer opaque)
{
    const Call *call = opaque;

    return g_str_hash(call->uuid) ^ (guint)call->kind ^
           g_direct_hash(call->data);
}

static gboolean
is_same(gconstpointer a, gconstpointer b)
{
    const Call *one = a;
    const Call *other = b;

    return one->run == other->run && one->data == other->data &&
           one->kind == other->kind && is_of_domain(one, other);
}

/* Under the lock: another of those is asked about of which an earlier agent was
 * not answered. A guest that is to be ended waits for none of them. */
static bool
waits_for_its_turn(VirtCalls *calls, const Call *call)
{
    bool waits = false;

    if (call->kind == VIRT_CALL_DESTROY ||
        !g_hash_table_contains(calls->before, call->uuid))
        return false;
    for (const GList *at = calls->at_work.head; at && !waits; at = at->next)
        waits = g_hash_table_contains(calls->before,
                                      ((const Call *)at->data)->uuid);
    return waits;
}

/* Under the lock. */
static bool
may_begin(VirtCalls *calls, const Call *call)
{
    bool unanswered = waits_for_its_turn(calls, call);
    guint of_domain = 0;
    bool of_kind = false;

    for (const GList *at = calls->at_work.head; at; at = at->next) {
        const Call *other = at->data;

        if (!is_of_domain(call, other))
            continue;
        of_domain++;
        of_kind = of_kind || other->kind == call->kind;
        unanswered = unanswered || !other->answered;
    }
    return virt_calls_may_begin(calls->at_work.length, of_domain, of_kind,
                                unanswered);
}

/* ---- for the next agent ---------------------------------------------------- */

/* Under the lock: a copy. g_hash_table_unref() it. */
static GHashTable *
before(VirtCalls *calls)
{
    GHashTable *uuids =
        g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    GHashTableIter iter;
    gpointer uuid;

    g_hash_table_iter_init(&iter, calls->before);
    while (g_hash_table_iter_next(&iter, &uuid, NULL))
        g_hash_table_add(uuids, g_strdup(uuid));
    return uuids;
}

/* Under the lock. Not of whom something else is waited for, as for a cluster.
 * g_hash_table_unref() it. */
static GHashTable *
unanswered(VirtCalls *calls)
{
    gint64 since_us =
        g_get_monotonic_time() - NOTE_MS * G_TIME_SPAN_MILLISECOND;
    GHashTable *uuids = before(calls);

    for (const GList *at = calls->at_work.head; at; at = at->next) {
        const Call *call = at->data;

        if (!call->answered && call->since_us <= since_us)
            g_hash_table_add(uuids, g_strdup(call->uuid));
    }
    return uuids;
}

static void
on_note(int timer, void *opaque)
{
    VirtCalls *calls = opaque;
    g_autoptr(GHashTable) uuids = NULL;
    g_autofree char *text = NULL;

    g_mutex_lock(&calls->lock);
    uuids = unanswered(calls);
    text = virt_unanswered_text(uuids);
    calls->noting = *text || !g_queue_is_empty(&calls->at_work);
    if (!calls->noting)
        (void)virEventRemoveTimeout(timer);
    g_mutex_unlock(&calls->lock);
    if (strcmp(text, calls->noted) == 0)
        return;
    virt_unanswered_write(calls->path, text);
    g_free(calls->noted);
    calls->noted = g_steal_pointer(&text);
}

/* Under the lock. */
static void
note_some_time(VirtCalls *calls)
{
    if (calls->path && !calls->noting)
        calls->noting = virEventAddTimeout(NOTE_MS, on_note, calls, NULL) >= 0;
}

/* Begun since then, it does not hang yet. */
static gint64
brisk_since_us(void)
{
    return g_get_monotonic_time() -
           VIRT_CALLS_BRISK_MS * G_TIME_SPAN_MILLISECOND;
}

/* ---- what begins, and when ------------------------------------------------- */

/* Under the lock. Then no more are made over the connection of their list. */
static bool
hangs_listed(const VirtCalls *calls)
{
    gint64 since_us = brisk_since_us();

    for (const GList *at = calls->at_work.head; at; at = at->next) {
        const Call *call = at->data;

        if (call->listed && call->since_us <= since_us)
            return true;
    }
    return false;
}

/* Under the lock. No more than libvirtd serves at once; and never over a connection
 * that is out of date. */
static bool
may_be_listed(VirtCalls *calls, const Call *call)
{
    return call->domain && call->age == virt_links_age(calls->links) &&
           calls->listed < VIRT_CALLS_LISTED && !hangs_listed(calls);
}

/* Under the lock. */
static void
start(VirtCalls *calls, GQueue *from, GList *at)
{
    Call *call = at->data;

    call->since_us = g_get_monotonic_time();
    call->listed = may_be_listed(calls, call);
    if (call->listed) {
        calls->listed++;
    } else {
        calls->asked = call;
        calls->asked_us = call->since_us;
    }
    g_queue_unlink(from, at);
    g_hash_table_remove(calls->same, call);
    g_queue_push_tail_link(&calls->at_work, at);
    note_some_time(calls);
    g_thread_pool_push(calls->threads, call, NULL);
}

/* Under the lock: those of the bulk that do not hang, as far as can be said. */
static guint
brisk(const VirtCalls *calls)
{
    gint64 since_us = brisk_since_us();
    guint n = 0;

    for (const GList *at = calls->at_work.head; at; at = at->next) {
        const Call *call = at->data;

        n += call->domain && call->since_us > since_us;
    }
    return n;
}

/* Under the lock: libvirt has a moment to answer. What is over then stays so until
 * begin() ends, which sets a timer for what is not. */
static bool
is_asked(VirtCalls *calls)
{
    if (calls->asked_us <= brisk_since_us())
        calls->asked = NULL;
    return calls->asked;
}

/* Under the lock: whether another one of these may follow at once. */
static bool
has_room(const VirtCalls *calls, const GQueue *from)
{
    if (calls->at_work.length >= VIRT_CALLS_MAX)
        return false;
    return from != &calls->bulk || brisk(calls) < VIRT_CALLS_BULK;
}

/* Under the lock: starts of these what may be made. */
static void
begin_of(VirtCalls *calls, GQueue *from)
{
    GList *next;

    for (GList *at = from->head; at && has_room(calls, from); at = next) {
        next = at->next;
        if (!may_be_listed(calls, at->data) && is_asked(calls))
            return;
        if (may_begin(calls, at->data))
            start(calls, from, at);
    }
}

static void on_time(int timer, void *opaque);

/* Under the lock. Where those that are at work hang, none of them ends, or is
 * answered, and lets the next begin. */
static void
begin(VirtCalls *calls)
{
    bool later;

    begin_of(calls, &calls->waiting);
    begin_of(calls, &calls->bulk);
    later = !g_queue_is_empty(&calls->bulk) ||
            (!g_queue_is_empty(&calls->waiting) && calls->asked);
    if (later && !calls->timed)
        calls->timed =
            virEventAddTimeout(VIRT_CALLS_BRISK_MS, on_time, calls, NULL) >= 0;
}

static void
on_time(int timer, void *opaque)
{
    VirtCalls *calls = opaque;

    (void)virEventRemoveTimeout(timer);
    g_mutex_lock(&calls->lock);
    calls->timed = false;
    begin(calls);
    g_mutex_unlock(&calls->lock);
}

/* Under the lock. */
static void
goes_on(VirtCalls *calls, const char *uuid)
{
    g_hash_table_remove(calls->before, uuid);
    if (g_hash_table_size(calls->before) == 0)
        g_cond_broadcast(&calls->none_before);
}

static void
note_answer(VirtCalls *calls, Call *call)
{
    g_mutex_lock(&calls->lock);
    call->answered = true;
    if (calls->asked == call)
        calls->asked = NULL;
    goes_on(calls, call->uuid);
    begin(calls);
    g_mutex_unlock(&calls->lock);
}

/* Never over one that has ended. */
static bool
keep_listed(VirtCalls *calls, Call *call)
{
    bool keep = call->listed &&
                virConnectIsAlive(virDomainGetConnect(call->domain)) == 1;

    if (call->listed == keep)
        return keep;
    g_mutex_lock(&calls->lock);
    calls->listed--;
    call->listed = false;
    g_mutex_unlock(&calls->lock);
    return false;
}

static void
make(VirtCalls *calls, Call *call, VirtLink *link)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(virConnect) conn = virt_link_connect(link, &error);
    g_autoptr(virDomain) domain =
        conn ? virDomainLookupByUUIDString(conn, call->uuid) : NULL;

    if (conn && !domain)
        virt_fail(&error, "cannot find the domain");
    if (conn)
        note_answer(calls, call);
    call->run(domain, error, call->data);
}

/* The last of a connection closes it, for which it waits. */
static void
call_free(Call *call)
{
    if (!call)
        return;
    if (call->domain)
        (void)virDomainFree(call->domain);
    g_free(call);
}
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Call, call_free)

static void
run(gpointer data, gpointer opaque)
{
    VirtCalls *calls = opaque;
    g_autoptr(Call) call = data;
    VirtLink *link = NULL;

    if (keep_listed(calls, call)) {
        note_answer(calls, call);
        call->run(call->domain, NULL, call->data);
    } else {
        link = virt_links_take(calls->links);
        make(calls, call, link);
    }
    if (link)
        virt_link_give_back(link);
    g_mutex_lock(&calls->lock);
    calls->listed -= call->listed;
    if (calls->asked == call)
        calls->asked = NULL;
    g_queue_remove(&calls->at_work, call);
    begin(calls);
    g_mutex_unlock(&calls->lock);
}

VirtCalls *
virt_calls_new(VirtOpen open, gpointer data, const char *path)
{
    VirtCalls *calls = g_new0(VirtCalls, 1);

    calls->path = g_strdup(path);
    calls->noted = path ? virt_unanswered_read(path) : g_strdup("");
    calls->before = virt_unanswered_parse(calls->noted);
    calls->links = virt_links_new(VIRT_CALLS_MAX, open, data);
    g_mutex_init(&calls->lock);
    g_cond_init(&calls->none_before);
    calls->same = g_hash_table_new(call_hash, is_same);
    calls->threads = g_thread_pool_new(run, calls, VIRT_CALLS_MAX, FALSE, NULL);
    return calls;
}

/* Under the lock: what waits in the bulk is waited for now. */
static void
hurry(VirtCalls *calls, const Call *call)
{
    GList *at = g_queue_find(&calls->bulk, call);

    if (!at)
        return;
    g_queue_unlink(&calls->bulk, at);
    g_queue_push_tail_link(&calls->waiting, at);
}

/* domain: see Call. */
static void
push(VirtCalls *calls, GQueue *to, const Call *what, virDomainPtr domain)
{
    g_autoptr(Call) call = g_memdup2(what, sizeof(*what));
    gpointer same;

    if (domain && virDomainRef(domain) == 0)
        call->domain = domain;
    g_mutex_lock(&calls->lock);
    if (!g_hash_table_lookup_extended(calls->same, call, &same, NULL)) {
        g_hash_table_add(calls->same, call);
        g_queue_push_tail(to, g_steal_pointer(&call));
    } else if (to == &calls->waiting) {
        hurry(calls, same);
    }
    begin(calls);
    g_mutex_unlock(&calls->lock);
}

void
virt_calls_push(VirtCalls *calls,
                const char *uuid,
                VirtCallKind kind,
                VirtCall run_it,
                gpointer data)
{
    Call call = {.kind = kind, .run = run_it, .data = data};

    for (gsize i = 0; uuid[i] && i < sizeof(call.uuid) - 1; i++)
        call.uuid[i] = g_ascii_tolower(uuid[i]);
    push(calls, &calls->waiting, &call, NULL);
}

void
virt_calls_push_bulk(VirtCalls *calls,
                     virDomainPtr domain,
                     gint age,
                     VirtCallKind kind,
                     VirtCall run_it,
                     gpointer data)
{
    Call call = {.kind = kind, .run = run_it, .data = data, .age = age};

    if (virDomainGetUUIDString(domain, call.uuid) == 0)
        push(calls, &calls->bulk, &call, domain);
}

void
virt_calls_answered(VirtCalls *calls, const char *uuid)
{
    g_mutex_lock(&calls->lock);
    goes_on(calls, uuid);
    note_some_time(calls);
    begin(calls);
    g_mutex_unlock(&calls->lock);
}

/* Nothing but to see whether libvirt answers. */
static void
nothing(virDomainPtr domain, const GError *error, gpointer data)
{
    (void)domain, (void)error, (void)data;
}

static void
ask_of_those_before(VirtCalls *calls)
{
    g_autoptr(GHashTable) uuids = NULL;
    GHashTableIter iter;
    gpointer uuid;

    g_mutex_lock(&calls->lock);
    uuids = before(calls);
    g_mutex_unlock(&calls->lock);
    g_hash_table_iter_init(&iter, uuids);
    while (g_hash_table_iter_next(&iter, &uuid, NULL))
        virt_calls_push(calls, uuid, VIRT_CALL_READ, nothing, NULL);
}

/* Once: a list of all domains waits for it. */
static void
say_who_hangs(VirtCalls *calls)
{
    guint n;

    g_mutex_lock(&calls->lock);
    n = g_hash_table_size(calls->before);
    g_mutex_unlock(&calls->lock);
    if (n > 0)
        log_info(NULL,
                 "%u domains have hung in libvirt since before this agent: all "
                 "are looked at when they go on",
                 n);
}

void
virt_calls_wait_for_those_before(VirtCalls *calls)
{
    bool none = false;

    say_who_hangs(calls);
    while (!none) {
        gint64 end = g_get_monotonic_time() + BEFORE_AGAIN_US;

        /* Again, for there may have been no connection. */
        ask_of_those_before(calls);
        g_mutex_lock(&calls->lock);
        do
            none = g_hash_table_size(calls->before) == 0;
        while (!none &&
               g_cond_wait_until(&calls->none_before, &calls->lock, end));
        g_mutex_unlock(&calls->lock);
    }
}

gint
virt_calls_age(VirtCalls *calls)
{
    return virt_links_age(calls->links);
}

void
virt_calls_renew(VirtCalls *calls)
{
    virt_links_renew(calls->links);
}
