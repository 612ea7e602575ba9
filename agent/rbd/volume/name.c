/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * agent/rbd/volume/name.c - what Cinder calls a volume and its snapshots
 */
#include "config.h"

#include "agent/rbd/volume/name.h"

#include <string.h>

#define CLONE_SUFFIX  ".clone_snap"
#define BACKUP_PREFIX "backup."
#define BACKUP_MIDDLE ".snap."
/* Objects are called after it, with a prefix. */
#define NAME_MAX_LEN 200u

/* Names are compared byte for byte, and Cinder's have small letters. */
static bool
is_uuid(const char *text)
{
    return g_uuid_string_is_valid(text) &&
           strcspn(text, "ABCDEF") == strlen(text);
}

static const char *
uuid_of(const char *name, const char *prefix)
{
    const char *uuid =
        g_str_has_prefix(name, prefix) ? name + strlen(prefix) : NULL;

    return uuid && is_uuid(uuid) ? uuid : NULL;
}

static char *
name_of(const char *text, const char *prefix)
{
    g_autofree char *small = g_ascii_strdown(text, -1);
    const char *uuid = uuid_of(small, prefix);

    if (!uuid && is_uuid(small))
        uuid = small;
    return uuid ? g_strconcat(prefix, uuid, NULL) : NULL;
}

char *
store_volume_name(const char *text)
{
    return name_of(text, STORE_VOLUME_PREFIX);
}

char *
store_snapshot_name(const char *text)
{
    return name_of(text, STORE_SNAPSHOT_PREFIX);
}

const char *
store_volume_uuid(const char *name)
{
    return uuid_of(name, STORE_VOLUME_PREFIX);
}

const char *
store_snapshot_uuid(const char *name)
{
    return uuid_of(name, STORE_SNAPSHOT_PREFIX);
}

char *
store_clone_snap(const char *volume)
{
    return g_strconcat(volume, CLONE_SUFFIX, NULL);
}

bool
store_snap_is_clones(const char *snap)
{
    return g_str_has_suffix(snap, CLONE_SUFFIX);
}

/* Of a volume, or of an image, which is called by its id alone. */
static bool
is_for_clone(const char *snap)
{
    g_autofree char *clone =
        g_strndup(snap, strlen(snap) - strlen(CLONE_SUFFIX));

    return g_str_has_prefix(clone, STORE_VOLUME_PREFIX) || is_uuid(clone);
}

bool
store_snap_is_own(const char *snap)
{
    return (store_snap_is_clones(snap) && is_for_clone(snap)) ||
           (g_str_has_prefix(snap, BACKUP_PREFIX) &&
            strstr(snap, BACKUP_MIDDLE));
}

bool
store_image_name_valid(const char *name)
{
    gsize len = strlen(name);

    return len > 0 && len <= NAME_MAX_LEN && g_ascii_isalnum(name[0]) &&
           strspn(name, G_CSET_A_2_Z G_CSET_a_2_z G_CSET_DIGITS "._-") == len;
}
