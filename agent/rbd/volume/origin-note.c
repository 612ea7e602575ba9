/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * agent/rbd/volume/origin-note.c - a volume that is flattened says from what it hung
 *
 * One without a parent tells nothing of that, and who flattens it may be killed, or
 * be an agent, which removes no snapshots (conn/connection.h). So the note is there
 * before the mark that it is to be flattened, and goes after the snapshot. It is not
 * part of that mark, which others write anew: those who do not know of the snapshot
 * would leave it out.
 *
 * The parent may have another name by then, and another snapshot that one's: both are
 * noted by what stays. Others may have been cloned from the snapshot by hand: of format
 * 2 they keep its content, and with one of format 1 it stays.
 */
#include "config.h"

#include "agent/rbd/volume/origin-note.h"

#include "agent/rbd/conn/names.h"
#include "agent/rbd/volume/name.h"

#include <errno.h>
#include <rbd/librbd.h>
#include <string.h>

#define NOTE_MAX 1024u

void
store_own_snap_clear(StoreOwnSnap *origin)
{
    g_free(origin->space);
    g_free(origin->id);
    g_free(origin->name);
    g_free(origin->snap);
    *origin = (StoreOwnSnap){0};
}

char *
store_origin_note_new(const char *id, const StoreOwnSnap *origin)
{
    return g_strdup_printf("id=%s pool=%" G_GINT64_FORMAT
                           " space=%s image=%s snap=%s snap_id=%" //
                           G_GUINT64_FORMAT,
                           id, origin->pool, origin->space, origin->id,
                           origin->snap, origin->snap_id);
}

bool
store_origin_note_parse(const char *text,
                        const char *id,
                        StoreOwnSnap *ret_origin)
{
    g_autofree char *of = store_word(text, "id");
    g_autofree char *pool = store_word(text, "pool");
    g_autofree char *image = store_word(text, "image");
    g_autofree char *snap = store_word(text, "snap");
    g_autofree char *snap_id = store_word(text, "snap_id");
    StoreOwnSnap origin = {.own = true, .lets_go = true};

    *ret_origin = (StoreOwnSnap){0};
    if (!*of || strcmp(of, id) != 0 || !*image || !store_snap_is_clones(snap) ||
        !g_ascii_string_to_signed(pool, 10, 0, G_MAXINT64, &origin.pool,
                                  NULL) ||
        !g_ascii_string_to_unsigned(snap_id, 10, 0, G_MAXUINT64,
                                    &origin.snap_id, NULL))
        return false;
    origin.space = store_word(text, "space");
    origin.id = g_steal_pointer(&image);
    origin.snap = g_steal_pointer(&snap);
    *ret_origin = origin;
    return true;
}

bool
store_origin_note_same(const StoreOwnSnap *note, const StoreOwnSnap *origin)
{
    return note->own && note->pool == origin->pool &&
           note->snap_id == origin->snap_id &&
           g_strcmp0(note->space, origin->space) == 0 &&
           g_strcmp0(note->id, origin->id) == 0 &&
           g_strcmp0(note->snap, origin->snap) == 0;
}

int
store_origin_note_write(gpointer handle,
                        const char *id,
                        const StoreOwnSnap *origin)
{
    g_autofree char *text = store_origin_note_new(id, origin);

    return rbd_metadata_set(handle, STORE_ORIGIN_KEY, text);
}

int
store_origin_note_read(gpointer handle, StoreOwnSnap *ret_origin)
{
    char text[NOTE_MAX] = "";
    char id[128] = "";
    size_t len = sizeof(text) - 1;
    int r = rbd_metadata_get(handle, STORE_ORIGIN_KEY, text, &len);

    *ret_origin = (StoreOwnSnap){0};
    if (r < 0)
        return r == -ENOENT ? 0 : r;
    r = rbd_get_id(handle, id, sizeof(id));
    if (r >= 0)
        (void)store_origin_note_parse(text, id, ret_origin);
    return r;
}

int
store_origin_note_remove(gpointer handle)
{
    int r = rbd_metadata_remove(handle, STORE_ORIGIN_KEY);

    return r == -ENOENT ? 0 : r;
}
