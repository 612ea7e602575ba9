/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * agent/rbd/volume/rename.c - an image becomes a volume, and a volume an image
 *
 * librbd renames in three steps: the new name's object, the pool's directory, the
 * old name's object. Cut short, both names lead to one image, librbd refuses to
 * go on, and to remove one of them would remove the image. So what the directory
 * does not have is taken back first: the object of that name, which holds nothing
 * but the image's id.
 */
#include "config.h"

#include "agent/rbd/volume/rename.h"

#include "agent/rbd/conn/error.h"
#include "agent/rbd/conn/fault.h"
#include "agent/rbd/conn/warm.h"
#include "agent/rbd/image/class.h"
#include "agent/rbd/image/close.h"
#include "agent/rbd/image/handle.h"
#include "agent/rbd/volume/claimed.h"
#include "agent/rbd/volume/marks.h"
#include "agent/rbd/volume/origin.h"

#include <errno.h>
#include <string.h>

typedef struct {
    StoreClaimed *from;
    StoreClaimed *to;
} Rename;

/* ---- what was cut short ---------------------------------------------------------------- */

/* Whether the pool's directory has the name. */
static int
is_in_directory(rados_ioctx_t io, const char *image, bool *ret)
{
    g_autofree char *key = g_strconcat("name_", image, NULL);
    const char *const keys[] = {key};
    rados_read_op_t op = rados_create_read_op();
    rados_omap_iter_t iter = NULL;
    int got = 0;
    int r;

    rados_read_op_omap_get_vals_by_keys(op, keys, 1, &iter, &got);
    r = rados_read_op_operate(op, io, STORE_CLASS_DIRECTORY, 0);
    r = r < 0 ? r : got;
    *ret = r >= 0 && rados_omap_iter_size(iter) > 0;
    if (iter)
        rados_omap_get_end(iter);
    rados_release_read_op(op);
    return r;
}

static int
take_back(rados_ioctx_t io, const char *image)
{
    g_autofree char *object = g_strconcat("rbd_id.", image, NULL);

    return rados_remove(io, object);
}

/* Both names lead to one image: that which the directory does not have goes.
 * ret_done: the image has its new name. */
static gboolean
mend(const Rename *rename, bool *ret_done, GError **error)
{
    const StoreClaimed *from = rename->from;
    const StoreClaimed *to = rename->to;
    bool has_from = false;
    bool has_to = false;
    int r = is_in_directory(from->io, from->volume, &has_from);

    if (r >= 0)
        r = is_in_directory(from->io, to->volume, &has_to);
    if (r >= 0 && has_from != has_to)
        r = take_back(from->io, has_from ? to->volume : from->volume);
    *ret_done = has_to && !has_from;
    return r >= 0 || store_fail(error, from->conn, r,
                                "cannot go on with renaming '%s/%s' to '%s'",
                                from->pool, from->volume, to->volume);
}

static bool
is_cut_short(const Rename *rename)
{
    const StoreLook *from = &rename->from->look;
    const StoreLook *to = &rename->to->look;

    return from->opens && to->opens && strcmp(from->id, to->id) == 0;
}

/* ---- the steps --------------------------------------------------------------------------- */

static gboolean
move(const Rename *rename, GError **error)
{
    const StoreClaimed *from = rename->from;
    const StoreClaimed *to = rename->to;
    int r = STORE_FAULT("volume-renaming");

    if (r >= 0)
        r = rbd_rename(from->io, from->volume, to->volume);
    if (r >= 0)
        r = STORE_FAULT("volume-renamed");
    if (r == -EEXIST)
        return store_refuse(error, STORE_ERROR_BUSY,
                            "there is '%s/%s' already: give another name",
                            to->pool, to->volume);
    return r >= 0 ||
           store_fail(error, from->conn, r, "cannot rename '%s/%s' to '%s'",
                      from->pool, from->volume, to->volume);
}

static gboolean
clean(const Rename *rename, GError **error)
{
    const StoreClaimed *to = rename->to;
    StoreHandle handle = NULL;
    int closed;
    int r = rbd_open(to->io, to->volume, &handle, NULL);

    if (r >= 0)
        r = store_marks_remove(handle);
    closed = handle ? store_close(handle) : 0;
    r = r < 0 ? r : closed;
    return r >= 0 || store_fail(error, to->conn, r, "cannot mark '%s/%s'",
                                to->pool, to->volume);
}

static gboolean
check_free(const StoreClaimed *to, GError **error)
{
    return to->state == STORE_CLAIMED_MISSING ||
           store_refuse(error, STORE_ERROR_BUSY,
                        "there is '%s/%s' already: give another name", to->pool,
                        to->volume);
}

/* A name that was renamed already has its marks to lose, too. */
static gboolean
rename_claimed(const Rename *rename, GError **error)
{
    bool done = false;

    if (is_cut_short(rename)) {
        if (rename->from->state != STORE_CLAIMED_WHOLE)
            return store_claimed_check(rename->from, error);
        if (!mend(rename, &done, error))
            return FALSE;
    } else if (!store_claimed_check(rename->from, error) ||
               !check_free(rename->to, error) ||
               !store_own_snap_let_go_noted(rename->from, error)) {
        return FALSE;
    }
    return (done || move(rename, error)) && clean(rename, error);
}

gboolean
store_volume_rename(StoreCluster *cluster,
                    const char *pool,
                    const char *from,
                    const char *to,
                    GError **error)
{
    StoreClaimed of_from;
    StoreClaimed of_to;
    GError *why = NULL;

    if (!store_volume_claim(cluster, pool, from, false, &of_from, error))
        return FALSE;
    if (store_volume_claim(cluster, pool, to, false, &of_to, &why)) {
        const Rename rename = {&of_from, &of_to};

        (void)rename_claimed(&rename, &why);
        (void)store_volume_unclaim(&of_to, why ? g_error_copy(why) : NULL,
                                   NULL);
    }
    return store_volume_unclaim(&of_from, why, error);
}
