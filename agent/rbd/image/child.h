/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * agent/rbd/image/child.h - does the parent know this clone?
 *
 * Threads:  any; it blocks.
 */
#ifndef REMORA_AGENT_RBD_IMAGE_CHILD_H
#define REMORA_AGENT_RBD_IMAGE_CHILD_H

#include "agent/rbd/image/look.h"

/* Whether the parent at that place lists the image in pool that was looked at as
 * its clone; false when that cannot be known. */
gboolean store_is_listed(StoreConn *conn,
                         const StoreParent *at,
                         const char *pool,
                         const StoreLook *look,
                         bool *ret_listed,
                         GError **error);

#endif
