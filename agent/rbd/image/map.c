/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * agent/rbd/image/map.c - an image's object map is off while it is flattened
 *
 * A client that copies an object up says in the map that it is there before it
 * writes it. If it dies in between, the map says so of an object that is not
 * there; and librbd's flatten skips what the map says is there, and takes the
 * parent away in the end: what that object had of it would be lost. Without a map
 * each object is looked at.
 *
 * So it is turned off before anybody begins, and on again when there is no parent
 * any more. A note in the metadata comes before, and goes last: whoever is killed
 * at any step, the next one does the rest. A new map counts for nothing until it is
 * rebuilt, for librbd flags it; so it does those of the image's snapshots, which go
 * and come with it.
 */
#include "config.h"

#include "agent/rbd/image/map.h"

#include "agent/rbd/conn/fault.h"
#include "agent/rbd/conn/names.h"
#include "agent/rbd/image/close.h"
#include "agent/rbd/image/handle.h"

#include <errno.h>
#include <string.h>

#define NOTE_MAX 512u
#define MAP      (RBD_FEATURE_OBJECT_MAP | RBD_FEATURE_FAST_DIFF)
#define ID_MAX   128u
/* If there are more, their maps stay as they are: slow, not wrong. */
#define SNAPS_MAX 1024

/* ---- the note -------------------------------------------------------------------- */

static const struct {
    const char *word;
    guint64 feature;
} words[] = {
    {"object-map", RBD_FEATURE_OBJECT_MAP},
    {"fast-diff", RBD_FEATURE_FAST_DIFF},
};

char *
store_map_note_new(const char *id, guint64 restore)
{
    GString *text = g_string_new("id=");
    const char *between = " features=";

    g_string_append(text, id);
    for (gsize i = 0; i < G_N_ELEMENTS(words); i++) {
        if (!(restore & words[i].feature))
            continue;
        g_string_append_printf(text, "%s%s", between, words[i].word);
        between = ",";
    }
    return g_string_free(text, FALSE);
}

guint64
store_map_note_parse(const char *text, const char *id)
{
    g_autofree char *of = store_word(text, "id");
    g_autofree char *features = store_word(text, "features");
    g_auto(GStrv) list = g_strsplit(features, ",", -1);
    guint64 restore = 0;

    if (!*of || strcmp(of, id) != 0)
        return 0;
    for (gsize i = 0; i < G_N_ELEMENTS(words); i++)
        if (g_strv_contains((const char *const *)list, words[i].word))
            restore |= words[i].feature;
    return restore;
}

static int
read_note(rbd_image_t handle, const char *id, guint64 *ret_restore)
{
    char text[NOTE_MAX] = "";
    size_t len = sizeof(text) - 1;
    int r = rbd_metadata_get(handle, STORE_MAP_KEY, text, &len);

    *ret_restore = r >= 0 ? store_map_note_parse(text, id) : 0;
    return r == -ENOENT ? 0 : r;
}

static int
write_note(rbd_image_t handle, guint64 restore)
{
    char id[ID_MAX] = "";
    int r = rbd_get_id(handle, id, sizeof(id));

    if (r < 0)
        return r;
    g_autofree char *text = store_map_note_new(id, restore);
    return rbd_metadata_set(handle, STORE_MAP_KEY, text);
}

static int
remove_note(rbd_image_t handle)
{
    int r = rbd_metadata_remove(handle, STORE_MAP_KEY);

    return r == -ENOENT ? 0 : r;
}

/* ---- the features ----------------------------------------------------------------- */

int
store_map_read(gpointer handle, StoreMap *ret_map)
{
    char id[ID_MAX] = "";
    uint64_t features = 0;
    int r = rbd_get_features(handle, &features);

    *ret_map = (StoreMap){.features = features, .on = features & MAP};
    if (r >= 0)
        r = rbd_get_id(handle, id, sizeof(id));
    return r >= 0 ? read_note(handle, id, &ret_map->restore) : r;
}

/* Somebody else may have done it at the same time, which librbd refuses; so what
 * counts is how it is then. */
static int
turn(rbd_image_t handle, guint64 which, bool on)
{
    StoreMap map = {0};
    int done = which ? rbd_update_features(handle, which, on) : 0;
    int r = store_map_read(handle, &map);

    if (r < 0 || (map.on & which) == (on ? which : 0))
        return r;
    return done < 0 ? done : -EIO;
}

static int
turn_off(rbd_image_t handle)
{
    StoreMap map = {0};
    int r = store_map_read(handle, &map);

    if (r < 0 || !map.on)
        return r;
    if ((map.restore | map.on) != map.restore)
        r = write_note(handle, map.restore | map.on);
    if (r >= 0)
        r = STORE_FAULT("map-noted");
    if (r >= 0)
        r = turn(handle, map.on, false);
    return r < 0 ? r : STORE_FAULT("map-off");
}

int
store_map_off(rados_ioctx_t io, const char *image)
{
    StoreHandle handle = NULL;
    int r = rbd_open(io, image, &handle, NULL);
    int closed;

    if (r < 0)
        return r;
    r = turn_off(handle);
    closed = store_close(handle);
    return r < 0 ? r : closed;
}

typedef struct {
    bool (*stopped)(gpointer data);
    gpointer data;
} Stop;

static int
on_progress(uint64_t done, uint64_t total, void *opaque)
{
    const Stop *stop = opaque;

    (void)done;
    (void)total;
    return stop->stopped && stop->stopped(stop->data) ? -ECANCELED : 0;
}

static int
is_invalid(rbd_image_t handle, bool *ret)
{
    uint64_t flags = 0;
    int r = rbd_get_flags(handle, &flags);

    *ret = flags & (RBD_FLAG_OBJECT_MAP_INVALID | RBD_FLAG_FAST_DIFF_INVALID);
    return r;
}

/* One that was removed meanwhile has none. */
static int
rebuild_of_snap(rbd_image_t handle, guint64 snap, Stop *stop)
{
    bool invalid = false;
    int r = rbd_snap_set_by_id(handle, snap);

    if (r >= 0)
        r = is_invalid(handle, &invalid);
    if (r >= 0 && invalid)
        r = rbd_rebuild_object_map(handle, on_progress, stop);
    return r == -ENOENT ? 0 : r;
}

/* None of them needs the lock, which a guest may have: nobody writes to a
 * snapshot. */
static int
rebuild_of_snaps(rbd_image_t handle, Stop *stop)
{
    g_autofree rbd_snap_info_t *snaps = g_new0(rbd_snap_info_t, SNAPS_MAX);
    int max = SNAPS_MAX;
    int n = rbd_snap_list(handle, snaps, &max);
    int r = n == -ERANGE ? 0 : MIN(n, 0);

    for (int i = 0; i < n && r >= 0; i++)
        r = rebuild_of_snap(handle, snaps[i].id, stop);
    if (n > 0)
        rbd_snap_list_end(snaps);
    return r;
}

/* The metadata are the image's. */
static int
back_to_image(rbd_image_t handle, int r)
{
    int back = rbd_snap_set(handle, NULL);

    return r < 0 ? r : back;
}

/* Without an exclusive lock, which somebody has turned off, there cannot be one. */
static int
turn_on(rbd_image_t handle, Stop *stop)
{
    StoreMap map = {0};
    int r = store_map_read(handle, &map);

    if (r < 0 || !map.restore)
        return r;
    if (map.features & RBD_FEATURE_EXCLUSIVE_LOCK) {
        r = turn(handle, map.restore & ~map.on, true);
        if (r >= 0)
            r = STORE_FAULT("map-on");
        if (r >= 0)
            r = rbd_rebuild_object_map(handle, on_progress, stop);
        if (r >= 0)
            r = back_to_image(handle, rebuild_of_snaps(handle, stop));
        if (r >= 0)
            r = STORE_FAULT("map-rebuilt");
    }
    return r < 0 ? r : remove_note(handle);
}

int
store_map_on(rados_ioctx_t io,
             const char *image,
             bool (*stopped)(gpointer data),
             gpointer data)
{
    Stop stop = {stopped, data};
    StoreHandle handle = NULL;
    int r = rbd_open(io, image, &handle, NULL);
    int closed;

    if (r < 0)
        return r;
    r = turn_on(handle, &stop);
    closed = store_close(handle);
    return r < 0 ? r : closed;
}
