/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * agent/rbd/image/omap.h - one value of an object's map
 *
 * RBD's own tables (rbd_directory, rbd_trash) are such maps.
 *
 * Threads:  any; blocks.
 */
#ifndef REMORA_AGENT_RBD_IMAGE_OMAP_H
#define REMORA_AGENT_RBD_IMAGE_OMAP_H

#include <glib.h>
#include <rados/librados.h>

/* Puts key's value into raw, which has size bytes. Returns its length, -ENOENT
 * without such a key or object, -EINVAL if it is longer than raw, or what the
 * cluster says. */
int store_omap_read(rados_ioctx_t io,
                    const char *object,
                    const char *key,
                    guint8 *raw,
                    gsize size);

#endif
