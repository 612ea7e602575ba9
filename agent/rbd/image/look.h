/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * agent/rbd/image/look.h - one image as it stands
 *
 * Threads:  any; what connects blocks.
 */
#ifndef REMORA_AGENT_RBD_IMAGE_LOOK_H
#define REMORA_AGENT_RBD_IMAGE_LOOK_H

#include "agent/rbd/image/parent.h"

#include <rados/librados.h>

/* Where the ready mark stands in an image's metadata. */
#define STORE_MARK_KEY "remora.ready"
/* Where it says there that an image is being filled. */
#define STORE_BUILDING_KEY "remora.building"
/* Where it says there besides of which disk it is made, as 'pool/image'. */
#define STORE_MADE_OF_KEY "remora.made-of"

typedef struct {
    bool there; /* its name is taken */
    bool opens;
    char id[128];
    guint64 size;
    guint64 overlap;
    guint snaps;
    bool has_parent;
    StoreFound parent; /* id and snap_id only */
    char *parent_name; /* 'pool/image@snap' */
    bool marked;       /* by a mark that names this very image */
    bool building;     /* by a building mark that does */
    char *made_of;     /* of one that is building: of which disk, or NULL */
    char *owner;       /* from the mark */
    char **watchers;   /* addresses, NULL-terminated */
    bool crowded;      /* there are too many to list, and none in it */
} StoreLook;

void store_look_clear(StoreLook *look);
/* id: what the name led to a moment ago, or NULL; makes it faster. */
gboolean store_look(StoreConn *conn,
                    const char *pool,
                    const char *image,
                    const char *id,
                    StoreLook *ret_look,
                    GError **error);
/* All return librados' number. The id may be at most 127 characters long. */
int store_id_read(rados_ioctx_t io, const char *image, char *id, gsize size);
int store_name_is_taken(rados_ioctx_t io, const char *image, bool *ret_taken);
/* Whether the image holds data of its own, not its parent's. */
gboolean store_has_data(StoreConn *conn,
                        const char *pool,
                        const char *image,
                        bool *ret_data,
                        GError **error);
/* The mark's value for an image id; label: what its owner calls the disk. */
char *store_mark_new(const StoreConn *conn,
                     const char *owner,
                     const char *label,
                     const char *id);

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(StoreLook, store_look_clear)

#endif
