/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * agent/rbd/conn/stall.c - pools that do not answer, while the cluster does
 *
 * Whoever asks an OSD for what lies in a placement group that is not active
 * waits for op_timeout. Here stands who waited in vain, and for what; a probe
 * (conn/probe.c) says whether that hangs. What belongs to an image that does
 * is refused from then on, until its objects answer. Its pool is refused as
 * well, because most often all of it hangs; but now and then one request may
 * try, and when that has its answers only the image stays refused.
 */
#include "config.h"

#include "agent/rbd/conn/stall.h"

#include "agent/rbd/conn/error.h"
#include "agent/rbd/conn/names.h"

#include <string.h>

/* More is not remembered than this. */
#define SUSPECTS_MAX 64u
#define IMAGES_MAX   64u
#define POOLS_MAX    64u
/* One request may try a pool so often. */
#define TRIAL_US (5 * G_USEC_PER_SEC)
/* A probe answers within some seconds, whatever it meets. */
#define WAIT_US (15 * G_USEC_PER_SEC)
/* What stands for a pool as such, which no image is called. */
#define NO_IMAGE ""

/* One pool. It is there while it, or an image in it, hangs. */
typedef struct {
    gint64 since_us;    /* when that was found */
    bool marked;        /* all of it is refused, trials apart */
    bool whole;         /* no object that was asked for answers: no trials */
    gint64 marked_us;   /* since when */
    gint64 trial_us;    /* when the next may try */
    GHashTable *images; /* that hang -> the objects without an answer */
} Stall;

typedef struct {
    GMutex lock; /* guards all of it */
    GCond settled;
    GHashTable *pools;   /* of Stall */
    GPtrArray *suspects; /* of StoreSuspect, which a probe has yet to settle */
} Stalls;

static void
stall_free(gpointer opaque)
{
    Stall *stall = opaque;

    g_hash_table_unref(stall->images);
    g_free(stall);
}

static void
suspect_free(gpointer opaque)
{
    StoreSuspect *suspect = opaque;

    g_free(suspect->pool);
    g_free(suspect->image);
    g_ptr_array_unref(suspect->objects);
    g_free(suspect);
}

static void
objects_free(gpointer objects)
{
    g_ptr_array_unref(objects);
}

static void
stalls_init(gpointer opaque)
{
    Stalls *stalls = opaque;

    g_mutex_init(&stalls->lock);
    g_cond_init(&stalls->settled);
    stalls->pools =
        g_hash_table_new_full(g_str_hash, g_str_equal, g_free, stall_free);
    stalls->suspects = g_ptr_array_new_with_free_func(suspect_free);
}

static void
stalls_clear(gpointer opaque)
{
    Stalls *stalls = opaque;

    g_hash_table_unref(stalls->pools);
    g_ptr_array_unref(stalls->suspects);
    g_mutex_clear(&stalls->lock);
    g_cond_clear(&stalls->settled);
}

static Stalls *
stalls_of(const StoreCluster *cluster)
{
    static const StorePart part = {sizeof(Stalls), stalls_init, NULL,
                                   stalls_clear};

    return store_cluster_part(cluster, &part);
}

/* ---- who is let in --------------------------------------------------------- */

StoreAdmit
store_stall_decide(const StoreStallFacts *facts)
{
    if (facts->image_hangs || (facts->marked && !facts->trial_is_due))
        return STORE_ADMIT_REFUSE;
    if (facts->looked_into)
        return STORE_ADMIT_WAIT;
    return facts->marked ? STORE_ADMIT_TRY : STORE_ADMIT_GO;
}

/* Not as a parent's: most often that is well, and all clones need it. */
static bool
is_looked_into(const Stalls *stalls, const char *pool)
{
    for (guint i = 0; i < stalls->suspects->len; i++) {
        const StoreSuspect *suspect = g_ptr_array_index(stalls->suspects, i);

        if (!suspect->parent && strcmp(suspect->pool, pool) == 0)
            return true;
    }
    return false;
}

/* Under the lock, as is all that follows up to the public functions. pool NULL:
 * there is none to ask about. */
static StoreAdmit
decide(const Stalls *stalls, const char *pool, const char *image)
{
    const Stall *stall = pool ? g_hash_table_lookup(stalls->pools, pool) : NULL;
    const StoreStallFacts facts = {
        .looked_into = pool && is_looked_into(stalls, pool),
        .image_hangs = stall && g_hash_table_contains(stall->images, image),
        .marked = stall && stall->marked,
        .trial_is_due =
            stall && !stall->whole && g_get_monotonic_time() >= stall->trial_us,
    };

    return store_stall_decide(&facts);
}

static gboolean
refuse(const StoreCluster *cluster, const char *pool, GError **error)
{
    const Stall *stall = g_hash_table_lookup(stalls_of(cluster)->pools, pool);
    gint64 seconds =
        (g_get_monotonic_time() - stall->since_us) / G_USEC_PER_SEC;

    return store_refuse(
        error, STORE_ERROR_DOWN,
        "pool '%s' of cluster '%s', or part of it, has not answered for %" //
        G_GINT64_FORMAT " s: disks there are refused until it does; see 'ceph "
        "health detail' and 'ceph pg ls-by-pool %s'",
        pool, store_cluster_name(cluster), seconds, pool);
}

/* Which pool of the disk's, or NULL: none, as far as is known. */
static const char *
find_refused(const Stalls *stalls, const StoreTarget *target, bool *ret_wait)
{
    StoreAdmit own = decide(stalls, target->pool, target->image);
    StoreAdmit other =
        decide(stalls, target->parent_pool, target->parent_image);

    *ret_wait = own == STORE_ADMIT_WAIT || other == STORE_ADMIT_WAIT;
    if (own == STORE_ADMIT_REFUSE)
        return target->pool;
    return other == STORE_ADMIT_REFUSE ? target->parent_pool : NULL;
}

/* It goes on: if that is a trial, the next has to wait for its time. */
static void
take_trials(Stalls *stalls, const StoreTarget *target)
{
    const char *pools[] = {target->pool, target->parent_pool};

    for (gsize i = 0; i < G_N_ELEMENTS(pools); i++) {
        Stall *stall =
            pools[i] ? g_hash_table_lookup(stalls->pools, pools[i]) : NULL;

        if (stall && stall->marked)
            stall->trial_us = g_get_monotonic_time() + TRIAL_US;
    }
}

/* ---- what hangs ------------------------------------------------------------ */

static Stall *
stall_of(Stalls *stalls, const char *pool, gint64 now)
{
    Stall *stall = g_hash_table_lookup(stalls->pools, pool);

    if (stall || g_hash_table_size(stalls->pools) >= POOLS_MAX)
        return stall;
    stall = g_new0(Stall, 1);
    stall->since_us = now;
    stall->images =
        g_hash_table_new_full(g_str_hash, g_str_equal, g_free, objects_free);
    g_hash_table_insert(stalls->pools, g_strdup(pool), stall);
    return stall;
}

static const char *
image_key(const StoreSuspect *suspect)
{
    return suspect->image ? suspect->image : NO_IMAGE;
}

static void
mark(Stalls *stalls, const StoreSuspect *suspect)
{
    gint64 now = g_get_monotonic_time();
    Stall *stall = stall_of(stalls, suspect->pool, now);

    if (!stall)
        return;
    if (!stall->marked)
        stall->marked_us = now;
    stall->marked = true;
    stall->whole = suspect->whole;
    stall->trial_us = now + TRIAL_US;
    if (g_hash_table_size(stall->images) < IMAGES_MAX)
        g_hash_table_replace(stall->images, g_strdup(image_key(suspect)),
                             g_ptr_array_ref(suspect->objects));
}

static void
clear_if_empty(Stalls *stalls, const char *pool, const Stall *stall)
{
    if (g_hash_table_size(stall->images) == 0)
        g_hash_table_remove(stalls->pools, pool);
}

/* It hung before. */
static void
settle_known(Stalls *stalls, const StoreSuspect *suspect)
{
    Stall *stall = g_hash_table_lookup(stalls->pools, suspect->pool);

    if (!stall)
        return;
    stall->whole = stall->whole && suspect->whole;
    if (suspect->objects->len > 0)
        g_hash_table_replace(stall->images, g_strdup(image_key(suspect)),
                             g_ptr_array_ref(suspect->objects));
    else
        g_hash_table_remove(stall->images, image_key(suspect));
    clear_if_empty(stalls, suspect->pool, stall);
}

/* Of a disk and its parent one is to blame. */
static void
settle_new(Stalls *stalls,
           const StoreSuspect *suspect,
           const StoreSuspect *before,
           StoreLooked looked)
{
    bool blamed = suspect->parent && before &&
                  (looked == STORE_BLINDLY || before->objects->len > 0);

    if (!blamed && suspect->objects->len > 0)
        mark(stalls, suspect);
}

/* ---- suspects -------------------------------------------------------------- */

/* By itself, not as a parent. */
static bool
is_suspected(const Stalls *stalls, const char *pool, const char *image)
{
    for (guint i = 0; i < stalls->suspects->len; i++) {
        const StoreSuspect *suspect = g_ptr_array_index(stalls->suspects, i);

        if (!suspect->parent && strcmp(suspect->pool, pool) == 0 &&
            g_strcmp0(suspect->image, image) == 0)
            return true;
    }
    return false;
}

/* What times out there then tells nothing new. */
static bool
is_known(const Stalls *stalls, const char *pool, const char *image)
{
    const Stall *stall = g_hash_table_lookup(stalls->pools, pool);

    return stall &&
           g_hash_table_contains(stall->images, image ? image : NO_IMAGE);
}

static StoreSuspect *
suspect_new(const char *pool, const char *image)
{
    StoreSuspect *suspect = g_new0(StoreSuspect, 1);

    suspect->pool = g_strdup(pool);
    suspect->image = g_strdup(image);
    suspect->objects = g_ptr_array_new_with_free_func(g_free);
    return suspect;
}

/* What every image has to do with, whatever its id. */
static void
name_objects(StoreSuspect *suspect)
{
    g_ptr_array_add(suspect->objects, g_strdup("rbd_directory"));
    g_ptr_array_add(suspect->objects, g_strdup("rbd_info"));
    if (!suspect->image)
        return;
    g_ptr_array_add(suspect->objects,
                    g_strconcat("rbd_id.", suspect->image, NULL));
    if (!suspect->parent)
        g_ptr_array_add(suspect->objects, store_claim_object(suspect->image));
}

static void
add(Stalls *stalls, const char *pool, const char *image, bool parent)
{
    StoreSuspect *suspect = suspect_new(pool, image);

    suspect->parent = parent;
    name_objects(suspect);
    g_ptr_array_add(stalls->suspects, suspect);
}

static void
suspect(Stalls *stalls,
        const char *pool,
        const char *image,
        const StoreTarget *target)
{
    if (is_known(stalls, pool, image) || is_suspected(stalls, pool, image) ||
        stalls->suspects->len >= SUSPECTS_MAX)
        return;
    add(stalls, pool, image, false);
    /* Right behind it: see settle_new(). */
    if (target && target->parent_pool)
        add(stalls, target->parent_pool, target->parent_image, true);
}

static StoreSuspect *
copy(const StoreSuspect *suspect)
{
    StoreSuspect *new = suspect_new(suspect->pool, suspect->image);

    new->parent = suspect->parent;
    g_ptr_array_unref(new->objects);
    new->objects = g_ptr_array_ref(suspect->objects);
    return new;
}

static void
take_known(const Stall *stall, const char *pool, GPtrArray *suspects)
{
    GHashTableIter iter;
    gpointer image;
    gpointer objects;

    g_hash_table_iter_init(&iter, stall->images);
    while (g_hash_table_iter_next(&iter, &image, &objects)) {
        StoreSuspect *suspect =
            suspect_new(pool, strcmp(image, NO_IMAGE) == 0 ? NULL : image);

        suspect->known = true;
        g_ptr_array_unref(suspect->objects);
        suspect->objects = g_ptr_array_ref(objects);
        g_ptr_array_add(suspects, suspect);
    }
}

/* ---- public ---------------------------------------------------------------- */

gboolean
store_stalls_admit(const StoreCluster *cluster,
                   const StoreTarget *target,
                   GError **error)
{
    Stalls *stalls = stalls_of(cluster);
    gint64 until = g_get_monotonic_time() + WAIT_US;
    const char *refused;
    bool wait = true;

    g_mutex_lock(&stalls->lock);
    while (!(refused = find_refused(stalls, target, &wait)) && wait)
        if (!g_cond_wait_until(&stalls->settled, &stalls->lock, until))
            break;
    if (refused)
        (void)refuse(cluster, refused, error);
    else
        take_trials(stalls, target);
    g_mutex_unlock(&stalls->lock);
    return refused == NULL;
}

gboolean
store_stalls_check(const StoreCluster *cluster,
                   const char *pool,
                   const char *image,
                   GError **error)
{
    Stalls *stalls = stalls_of(cluster);
    gboolean good = TRUE;

    g_mutex_lock(&stalls->lock);
    if (decide(stalls, pool, image) == STORE_ADMIT_REFUSE)
        good = refuse(cluster, pool, error);
    g_mutex_unlock(&stalls->lock);
    return good;
}

void
store_stalls_await(StoreCluster *cluster)
{
    Stalls *stalls = stalls_of(cluster);
    gint64 until = g_get_monotonic_time() + WAIT_US;

    g_mutex_lock(&stalls->lock);
    while (stalls->suspects->len > 0 &&
           g_cond_wait_until(&stalls->settled, &stalls->lock, until))
        continue;
    g_mutex_unlock(&stalls->lock);
}

void
store_stalls_suspect(StoreCluster *cluster, const char *pool, const char *image)
{
    Stalls *stalls = stalls_of(cluster);

    g_mutex_lock(&stalls->lock);
    suspect(stalls, pool, image, NULL);
    g_mutex_unlock(&stalls->lock);
}

void
store_stalls_suspect_target(StoreCluster *cluster, const StoreTarget *target)
{
    Stalls *stalls = stalls_of(cluster);

    g_mutex_lock(&stalls->lock);
    suspect(stalls, target->pool, target->image, target);
    g_mutex_unlock(&stalls->lock);
}

/* The pool answers, as far as that goes: what hangs in it still does. */
static void
went(Stalls *stalls, const char *pool, const char *image, gint64 since_us)
{
    Stall *stall = pool ? g_hash_table_lookup(stalls->pools, pool) : NULL;

    if (!stall || !stall->marked || since_us < stall->marked_us ||
        g_hash_table_contains(stall->images, image) ||
        g_hash_table_contains(stall->images, NO_IMAGE))
        return;
    stall->marked = false;
    clear_if_empty(stalls, pool, stall);
}

void
store_stalls_went(StoreCluster *cluster,
                  const StoreTarget *target,
                  gint64 since_us)
{
    Stalls *stalls = stalls_of(cluster);

    g_mutex_lock(&stalls->lock);
    went(stalls, target->pool, target->image, since_us);
    went(stalls, target->parent_pool, target->parent_image, since_us);
    g_mutex_unlock(&stalls->lock);
}

bool
store_stalls_any(StoreCluster *cluster)
{
    Stalls *stalls = stalls_of(cluster);
    bool any;

    g_mutex_lock(&stalls->lock);
    any = stalls->suspects->len > 0 || g_hash_table_size(stalls->pools) > 0;
    g_mutex_unlock(&stalls->lock);
    return any;
}

GPtrArray *
store_stalls_take(StoreCluster *cluster)
{
    Stalls *stalls = stalls_of(cluster);
    GPtrArray *suspects = g_ptr_array_new_with_free_func(suspect_free);
    GHashTableIter iter;
    gpointer pool;
    gpointer stall;

    g_mutex_lock(&stalls->lock);
    for (guint i = 0; i < stalls->suspects->len; i++)
        g_ptr_array_add(suspects, copy(g_ptr_array_index(stalls->suspects, i)));
    g_hash_table_iter_init(&iter, stalls->pools);
    while (g_hash_table_iter_next(&iter, &pool, &stall))
        take_known(stall, pool, suspects);
    g_mutex_unlock(&stalls->lock);
    return suspects;
}

void
store_stalls_settle(StoreCluster *cluster,
                    const GPtrArray *suspects,
                    StoreLooked looked)
{
    Stalls *stalls = stalls_of(cluster);
    const StoreSuspect *before = NULL;

    g_mutex_lock(&stalls->lock);
    for (guint i = 0; i < suspects->len; i++) {
        const StoreSuspect *suspect = g_ptr_array_index(suspects, i);

        if (suspect->known && looked == STORE_LOOKED)
            settle_known(stalls, suspect);
        if (suspect->known)
            continue;
        if (looked != STORE_NOT)
            settle_new(stalls, suspect, before, looked);
        before = suspect;
        /* What came meanwhile stands behind those that were taken. */
        g_ptr_array_remove_index(stalls->suspects, 0);
    }
    g_cond_broadcast(&stalls->settled);
    g_mutex_unlock(&stalls->lock);
}
