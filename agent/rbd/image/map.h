/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * agent/rbd/image/map.h - an image's object map is off while it is flattened
 *
 * Threads:  any; all that take a handle or an io block, and return librbd's
 *           number.
 */
#ifndef REMORA_AGENT_RBD_IMAGE_MAP_H
#define REMORA_AGENT_RBD_IMAGE_MAP_H

#include <glib.h>
#include <rados/librados.h>
#include <stdbool.h>

/* Where it stands in an image's metadata that they were on. */
#define STORE_MAP_KEY "remora.object-map"

/* RBD_FEATURE_... */
typedef struct {
    guint64 features; /* all that it has */
    guint64 on;       /* the object map and what needs it */
    guint64 restore;  /* of these, what is to be turned on again */
} StoreMap;

/* What the metadata say; id: the image's, for a clone inherits its parent's.
 * g_free() it. */
char *store_map_note_new(const char *id, guint64 restore);
guint64 store_map_note_parse(const char *text, const char *id);

/* handle: an rbd_image_t. */
int store_map_read(gpointer handle, StoreMap *ret_map);

/* Nothing, if it has none; while a guest has the image open, its process does
 * it. */
int store_map_off(rados_ioctx_t io, const char *image);
/* As it was, and true. Nothing, if restore is 0. stopped: whether to end as
 * soon as possible, with an error; or NULL. */
int store_map_on(rados_ioctx_t io,
                 const char *image,
                 bool (*stopped)(gpointer data),
                 gpointer data);

#endif
