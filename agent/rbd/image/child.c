/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * agent/rbd/image/child.c - does the parent know this clone?
 *
 * librbd registers a clone with its parent after it has linked the two, and
 * does nothing after it that a guest could miss. So a clone without data and
 * without a mark that its parent lists was made to the end by somebody, as
 * Nova makes a disk that was never booted. One that is not listed was cut
 * short, and would lose its content with the parent.
 */
#include "config.h"

#include "agent/rbd/image/child.h"

#include "agent/rbd/conn/ask.h"
#include "agent/rbd/conn/connection.h"
#include "agent/rbd/conn/warm.h"
#include "agent/rbd/image/handle.h"
#include "agent/rbd/image/namespace.h"

#include <errno.h>
#include <string.h>

#define CHILDREN_FIRST 256u
#define CHILDREN_MAX   65536u

static bool
is_child(const rbd_linked_image_spec_t *child,
         const char *pool,
         const StoreLook *look)
{
    return !child->trash && strcmp(child->image_id, look->id) == 0 &&
           strcmp(child->pool_name, pool) == 0 && !*child->pool_namespace;
}

static int
search(rbd_image_t parent, const char *pool, const StoreLook *look, bool *found)
{
    rbd_linked_image_spec_t *children = NULL;
    size_t n = CHILDREN_FIRST;
    int r;

    do {
        g_free(children);
        children = g_new0(rbd_linked_image_spec_t, n);
        r = rbd_list_children3(parent, children, &n);
    } while (r == -ERANGE && n <= CHILDREN_MAX);
    for (size_t i = 0; r >= 0 && i < n; i++)
        *found |= is_child(&children[i], pool, look);
    if (r >= 0)
        rbd_linked_image_spec_list_cleanup(children, n);
    g_free(children);
    return r;
}

gboolean
store_is_listed(StoreConn *conn,
                const StoreParent *at,
                const char *pool,
                const StoreLook *look,
                bool *ret_listed,
                GError **error)
{
    g_auto(StoreIo) io = NULL;
    g_auto(StoreHandle) parent = NULL;
    bool found = false;
    const char *image;
    int r;

    if (!store_parent_ioctx(conn, at->pool, at->image, &io, &image, error))
        return FALSE;
    r = rbd_open_read_only(io, image, &parent, NULL);
    if (r >= 0)
        r = rbd_snap_set(parent, at->snap);
    if (r >= 0)
        r = search(parent, pool, look, &found);
    /* One child that the user may not see hides all of them, and a parent may
     * be gone: then nothing is known of this one. */
    if (r < 0 && r != -EPERM && r != -ENOENT && r != -ERANGE)
        return store_fail(error, conn, r, "cannot list the clones of '%s/%s'",
                          at->pool, at->image);
    *ret_listed = r >= 0 && found;
    return TRUE;
}
