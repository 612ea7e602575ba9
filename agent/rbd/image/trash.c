/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * agent/rbd/image/trash.c - the trash, and why an image is in it
 *
 * The trash itself keeps no reason, so that stands in the image's metadata,
 * written just before the move. A kill between the two leaves an image with a
 * reason and no mark, which the next provision judges as if it had none.
 */
#include "config.h"

#include "agent/rbd/image/trash.h"

#include "agent/rbd/conn/ask.h"
#include "agent/rbd/conn/connection.h"
#include "agent/rbd/conn/fault.h"
#include "agent/rbd/conn/names.h"
#include "agent/rbd/conn/warm.h"
#include "agent/rbd/image/close.h"
#include "agent/rbd/image/handle.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* Where it says in its metadata why it is in the trash. */
#define TRASH_KEY "remora.trashed"
#define WHY_MAX   1024u
/* Each costs milliseconds, and most may be somebody else's. */
#define LOOKS_MAX 200u

/* ---- into it --------------------------------------------------------------- */

/* 'why' is last because it has spaces. */
static char *
reason_new(const char *why)
{
    return g_strdup_printf("host=%s why=%.*s", g_get_host_name(),
                           (int)WHY_MAX / 2, why);
}

static int
write_reason(rados_ioctx_t io, const char *image, const char *why)
{
    g_autofree char *reason = reason_new(why);
    StoreHandle handle = NULL;
    int closed;
    int r = rbd_open(io, image, &handle, NULL);

    if (r < 0)
        return r;
    r = rbd_metadata_set(handle, TRASH_KEY, reason);
    closed = store_close(handle);
    return r < 0 ? r : closed;
}

gboolean
store_trash(StoreConn *conn,
            const char *pool,
            const char *image,
            const char *why,
            GError **error)
{
    g_auto(StoreIo) io = NULL;
    int r;

    if (!store_ioctx(conn, pool, &io, error))
        return FALSE;
    r = write_reason(io, image, why);
    if (r >= 0)
        r = STORE_FAULT("trash-noted");
    /* The move matters more than its reason. */
    if (r != -ESHUTDOWN && r != -ETIMEDOUT)
        r = rbd_trash_move(io, image,
                           store_settings(conn->cluster)->trash_expiry_s);
    if (r >= 0)
        r = STORE_FAULT("trashed");
    if (r < 0 && r != -ENOENT)
        return store_fail(error, conn, r, "cannot move '%s/%s' to the trash",
                          pool, image);
    return TRUE;
}

/* ---- what is in it --------------------------------------------------------- */

typedef struct {
    rbd_trash_image_info_t *entries;
    size_t n;
} Entries;

static void
entries_clear(Entries *entries)
{
    if (entries->entries)
        rbd_trash_list_cleanup(entries->entries, entries->n);
    g_free(entries->entries);
    *entries = (Entries){0};
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Entries, entries_clear)

void
store_trashed_free(StoreTrashed *trashed)
{
    if (!trashed)
        return;
    g_free(trashed->image);
    g_free(trashed->id);
    g_free(trashed->host);
    g_free(trashed->why);
    g_free(trashed);
}

/* librbd says how many it has, and the trash may grow meanwhile. */
static int
read_entries(rados_ioctx_t io, Entries *ret)
{
    size_t max = 64;
    int r;

    do {
        rbd_trash_image_info_t *entries = g_new0(rbd_trash_image_info_t, max);
        size_t n = max;

        r = rbd_trash_list(io, entries, &n);
        if (r >= 0) {
            *ret = (Entries){entries, n};
            return 0;
        }
        g_free(entries);
        max = MAX(n, max * 2);
    } while (r == -ERANGE && max <= STORE_TRASH_MAX);
    return r;
}

static int
newest_first(const void *a, const void *b)
{
    const rbd_trash_image_info_t *x = a;
    const rbd_trash_image_info_t *y = b;

    return (x->deletion_time < y->deletion_time) -
           (x->deletion_time > y->deletion_time);
}

const char *
store_trash_source_word(StoreTrashSource source)
{
    static const char *const words[] = {
        [STORE_TRASH_USER] = "user",
        [STORE_TRASH_MIRRORING] = "mirroring",
        [STORE_TRASH_MIGRATION] = "migration",
        [STORE_TRASH_REMOVING] = "removing",
        [STORE_TRASH_USER_PARENT] = "user parent",
    };

    return source < G_N_ELEMENTS(words) ? words[source] : "?";
}

/* What librbd itself put there is its own to remove. Of the second in which its
 * time ends librbd says that it has not ended. */
bool
store_trash_is_due(const StoreTrashed *trashed, gint64 now)
{
    return (trashed->source == STORE_TRASH_USER ||
            trashed->source == STORE_TRASH_USER_PARENT) &&
           trashed->until < now;
}

/* ---- one of them ------------------------------------------------------------- */

/* Without a reason somebody else moved it. */
static void
take_reason(StoreTrashed *trashed, const char *reason)
{
    const char *why = strstr(reason, " why=");

    trashed->mine = true;
    trashed->host = store_word(reason, "host");
    trashed->why = g_utf8_make_valid(why ? why + strlen(" why=") : "", -1);
}

static void
look_into(rados_ioctx_t io, StoreTrashed *trashed)
{
    g_auto(StoreHandle) handle = NULL;
    char text[WHY_MAX] = "";
    size_t len = sizeof(text) - 1;
    int r = rbd_open_by_id_read_only(io, trashed->id, &handle, NULL);

    if (r >= 0)
        r = rbd_get_size(handle, &trashed->size);
    trashed->opens = r >= 0;
    if (r >= 0)
        r = rbd_metadata_get(handle, TRASH_KEY, text, &len);
    if (r >= 0)
        take_reason(trashed, text);
}

static StoreTrashed *
trashed_new(const rbd_trash_image_info_t *entry)
{
    StoreTrashed *trashed = g_new0(StoreTrashed, 1);

    trashed->image = g_utf8_make_valid(entry->name, -1);
    trashed->id = g_strdup(entry->id);
    trashed->source = (StoreTrashSource)entry->source;
    trashed->since = entry->deletion_time;
    trashed->until = entry->deferment_end_time;
    return trashed;
}

/* ---- all of them ------------------------------------------------------------- */

/* The newest first, not looked into. */
static GPtrArray *
list(StoreConn *conn, rados_ioctx_t io, const char *pool, GError **error)
{
    g_auto(Entries) entries = {0};
    GPtrArray *all;
    int r = read_entries(io, &entries);

    if (r < 0) {
        store_fail(error, conn, r, "cannot list the trash of pool '%s'", pool);
        return NULL;
    }
    qsort(entries.entries, entries.n, sizeof(*entries.entries), newest_first);
    all = g_ptr_array_new_with_free_func((GDestroyNotify)store_trashed_free);
    for (size_t i = 0; i < entries.n; i++)
        g_ptr_array_add(all, trashed_new(&entries.entries[i]));
    return all;
}

GPtrArray *
store_trash_list(StoreCluster *cluster,
                 const char *pool,
                 guint max,
                 GError **error)
{
    g_autoptr(StoreConn) conn = store_conn_acquire(cluster, error);
    g_auto(StoreIo) io = NULL;
    g_autoptr(GPtrArray) all = NULL;
    GPtrArray *mine;

    if (conn && store_ioctx(conn, pool, &io, error))
        all = list(conn, io, pool, error);
    if (!all)
        return NULL;
    mine = g_ptr_array_new_with_free_func((GDestroyNotify)store_trashed_free);
    for (guint i = 0; i < LOOKS_MAX && all->len > 0 && mine->len < max; i++) {
        StoreTrashed *trashed = g_ptr_array_steal_index(all, 0);

        look_into(io, trashed);
        if (trashed->mine)
            g_ptr_array_add(mine, trashed);
        else
            store_trashed_free(trashed);
    }
    return mine;
}

GPtrArray *
store_trash_list_all(StoreCluster *cluster,
                     const char *pool,
                     bool due,
                     bool (*stopped)(void),
                     GError **error)
{
    g_autoptr(StoreConn) conn = store_conn_acquire(cluster, error);
    g_auto(StoreIo) io = NULL;
    gint64 now = g_get_real_time() / G_USEC_PER_SEC;
    GPtrArray *all = NULL;

    if (conn && store_ioctx(conn, pool, &io, error))
        all = list(conn, io, pool, error);
    for (guint i = all ? all->len : 0; i > 0; i--) {
        StoreTrashed *trashed = g_ptr_array_index(all, i - 1);

        if (due && !store_trash_is_due(trashed, now))
            g_ptr_array_remove_index(all, i - 1);
        else if (!stopped || !stopped())
            look_into(io, trashed);
    }
    return all;
}
