/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * agent/rbd/disk/options.c - of what kind a new image is
 *
 * Object size, features and data pool come from the configuration, and what that
 * leaves open from ceph.conf. librbd says with one bare number that something of
 * it does not fit; here is what each can mean.
 */
#include "config.h"

#include "agent/rbd/disk/options.h"

#include "agent/rbd/conn/connection.h"
#include "agent/rbd/conn/error.h"
#include "agent/rbd/conn/warm.h"

#include <errno.h>

static int
set_number(rbd_image_options_t options, int option, guint64 value)
{
    return value ? rbd_image_options_set_uint64(options, option, value) : 0;
}

int
store_new_options(rbd_image_options_t options,
                  const StoreSettings *own,
                  guint64 parent_object_size)
{
    guint64 size = own->clone_object_size;
    guint64 order = size > parent_object_size
                        ? (guint64)g_bit_nth_msf((gulong)size, -1)
                        : 0;
    int r = set_number(options, RBD_IMAGE_OPTION_ORDER, order);

    /* A clone would have stripes as large as its parent's objects. */
    if (r >= 0 && order && parent_object_size > 0) {
        r = set_number(options, RBD_IMAGE_OPTION_STRIPE_UNIT, size);
        if (r >= 0)
            r = set_number(options, RBD_IMAGE_OPTION_STRIPE_COUNT, 1);
    }
    if (r >= 0)
        r = set_number(options, RBD_IMAGE_OPTION_FEATURES, own->clone_features);
    if (r >= 0 && own->clone_data_pool)
        r = rbd_image_options_set_string(options, RBD_IMAGE_OPTION_DATA_POOL,
                                         own->clone_data_pool);
    return r;
}

/* librbd looks for it in the thread that would have to take the answer, if it
 * makes a clone and has only one: where there is no such pool, it waits for ever
 * (16.2.15). A pool that is there costs no question. */
int
store_new_find_pool(StoreConn *conn)
{
    const char *pool = store_settings(conn->cluster)->clone_data_pool;
    gint64 id = pool ? rados_pool_lookup(conn->rados, pool) : 0;

    return (int)MIN(id, 0);
}

/* librbd writes to a data pool, and takes a snapshot there, before it uses it. */
static char *
advice_on_pool(int r, const StoreSettings *own, bool no_pool)
{
    const char *pool = own->clone_data_pool;

    if (r == -ENOENT && no_pool)
        return g_strdup_printf("there is no pool '%s' for its data: create it, "
                               "or correct clone.data_pool (ceph osd pool ls)",
                               pool);
    if (r == -EPERM)
        return g_strdup_printf("not permitted: see that client.%s has 'profile "
                               "rbd' on the OSDs for pool '%s' too, and that "
                               "'rbd pool init %s' was run (clone.data_pool)",
                               own->user, pool, pool);
    if (r == -EINVAL)
        return g_strdup_printf("its features contradict each other, or pool "
                               "'%s' is erasure-coded and takes no overwrites: "
                               "see clone.features, and 'ceph osd pool get %s "
                               "allow_ec_overwrites' (clone.data_pool)",
                               pool, pool);
    return NULL;
}

static const char *
advice_on_rest(int r, const StoreSettings *own)
{
    if (r == -EINVAL)
        return own->clone_features
                   ? "its features or its object size do not fit: see "
                     "clone.features and clone.object_size"
                   : "its features contradict each other: see "
                     "rbd_default_features in ceph.conf, or set clone.features";
    if (r == -EDOM)
        return "its object size is out of range: see rbd_default_order in "
               "ceph.conf, or set clone.object_size";
    if (r == -ENOSYS)
        return "it or its image lacks the feature layering, or has one that "
               "this librbd does not know: see clone.features, or "
               "rbd_default_features in ceph.conf";
    return NULL;
}

char *
store_new_advice(int r, const StoreSettings *own, bool no_pool)
{
    char *text = own->clone_data_pool ? advice_on_pool(r, own, no_pool) : NULL;

    return text ? text : g_strdup(advice_on_rest(r, own));
}

gboolean
store_new_fail(StoreConn *conn, int r, GError **error, const char *format, ...)
{
    const StoreSettings *own = store_settings(conn->cluster);
    bool no_pool = r == -ENOENT && store_new_find_pool(conn) == -ENOENT;
    g_autofree char *advice = store_new_advice(r, own, no_pool);
    g_autofree char *what = NULL;
    va_list args;

    va_start(args, format);
    what = g_strdup_vprintf(format, args);
    va_end(args);
    return advice ? store_refuse(error, STORE_ERROR_REFUSED, "%s: %s", what,
                                 advice)
                  : store_fail(error, conn, r, "%s", what);
}
