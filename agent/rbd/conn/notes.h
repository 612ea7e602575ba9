/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * agent/rbd/conn/notes.h - what an instance file says
 *
 * Pure.
 */
#ifndef REMORA_AGENT_RBD_CONN_NOTES_H
#define REMORA_AGENT_RBD_CONN_NOTES_H

#include <glib.h>
#include <stdbool.h>

typedef struct {
    char *disk; /* pool and image as they are written there */
    char *pool;
    char *image;
    char *owner;
    gint64 when_s;
    bool handed;   /* else only asked for, or given up */
    bool given_up; /* by its holder, which died before it was gone */
    char *watch;   /* the guest's client, once it was seen; or NULL */
} StoreNote;

void store_note_free(StoreNote *note);

char *store_note_line(const char *verb,
                      const char *pool,
                      const char *image,
                      const char *owner,
                      gint64 when_s);
/* What still stands: of StoreNote, by their disk. */
GHashTable *store_notes_parse(const char *text);
/* The same of one disk. */
GHashTable *
store_notes_of_disk(const char *text, const char *pool, const char *image);
/* The same of the disks that an owner is or was noted for; that others have by now
 * are among them. */
GHashTable *store_notes_of_owner(const char *text, const char *owner);
const StoreNote *
store_notes_find(GHashTable *notes, const char *pool, const char *image);
char *store_notes_text(GHashTable *notes);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(StoreNote, store_note_free)

#endif
