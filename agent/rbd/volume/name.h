/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * agent/rbd/volume/name.h - what Cinder calls a volume and its snapshots
 *
 * Pure.
 */
#ifndef REMORA_AGENT_RBD_VOLUME_NAME_H
#define REMORA_AGENT_RBD_VOLUME_NAME_H

#include <glib.h>
#include <stdbool.h>

#define STORE_VOLUME_PREFIX   "volume-"
#define STORE_SNAPSHOT_PREFIX "snapshot-"

/* "volume-UUID" of a UUID, or of that itself; NULL: it is neither. g_free(). */
char *store_volume_name(const char *text);
/* The same for "snapshot-UUID". */
char *store_snapshot_name(const char *text);
/* The UUID in such a name, a part of it; NULL: it is no volume's. */
const char *store_volume_uuid(const char *name);
const char *store_snapshot_uuid(const char *name);

/* Whether an image may be called so: what a shell, a URL and librados each read as
 * one plain word. */
bool store_image_name_valid(const char *name);

/* What the snapshot is called that a volume's clone of that name hangs from. */
char *store_clone_snap(const char *volume);
bool store_snap_is_clones(const char *snap);
/* Whether a snapshot is one that Cinder, or remora, made for itself: for a clone,
 * an image, or a backup. Nobody asked for it, and it goes with its volume. */
bool store_snap_is_own(const char *snap);

#endif
