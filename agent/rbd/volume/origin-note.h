/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * agent/rbd/volume/origin-note.h - a volume that is flattened says from what it hung
 *
 * Threads:  any; what has a handle, which is an rbd_image_t, blocks and returns
 *           librbd's number. Of this room.
 */
#ifndef REMORA_AGENT_RBD_VOLUME_ORIGIN_NOTE_H
#define REMORA_AGENT_RBD_VOLUME_ORIGIN_NOTE_H

#include <glib.h>
#include <stdbool.h>

/* Where it stands in the volume's metadata. */
#define STORE_ORIGIN_KEY "remora.clone-snap"

/* The snapshot of its parent that a volume hangs from, or hung from (origin.h). */
typedef struct {
    bool own;    /* it hangs from a snapshot of that kind */
    gint64 pool; /* the parent's, by number */
    char *space; /* its namespace, or "" */
    char *id;    /* its image's id */
    char *name;  /* and its name */
    char *snap;  /* the snapshot */
    guint64 snap_id;
    bool in_trash; /* the parent is */
    bool lets_go;  /* the snapshot may go before the child: of format 2, or it
                    * hangs from it no more */
} StoreOwnSnap;

void store_own_snap_clear(StoreOwnSnap *origin);

/* As there; id: the volume's. g_free() it. Pure, as is the next. */
char *store_origin_note_new(const char *id, const StoreOwnSnap *origin);
/* Whether it is of this very volume, for a clone inherits its parent's. The parent's
 * name is not in it. */
bool store_origin_note_parse(const char *text,
                             const char *id,
                             StoreOwnSnap *ret_origin);
/* Whether it notes that one. Pure. */
bool store_origin_note_same(const StoreOwnSnap *note,
                            const StoreOwnSnap *origin);

int store_origin_note_write(gpointer handle,
                            const char *id,
                            const StoreOwnSnap *origin);
/* ret_origin->own: there is one. */
int store_origin_note_read(gpointer handle, StoreOwnSnap *ret_origin);
int store_origin_note_remove(gpointer handle);

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(StoreOwnSnap, store_own_snap_clear)

#endif
