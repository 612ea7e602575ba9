/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * xml/dom-owner.c - which image in the pool of clones is whose
 *
 * The name says it: 'UUID_disk' and what begins so is the domain's own. A
 * definition that was copied names another domain's images, and two owners of
 * one disk corrupt it; so such a name is refused, unless the disk is
 * shareable.
 */
#include "config.h"

#include "xml/dom-internal.h"

#include <string.h>

/* libvirt takes no <disk> without a <source>, but an entry alone. */
#define TO_GET_A_CLONE                                                         \
    "remove 'destination' from the metadata, and the <disk>, to get a new "    \
    "clone"
#define TO_KEEP_OR_CLONE                                                       \
    "remove the <" DOM_PREFIX                                                  \
    ":disk> of this target to keep the disk as it is, or " TO_GET_A_CLONE

gboolean
dom_owner_check(const DomPlanDisk *disk, const char *image, GError **error)
{
    g_autofree char *uuid = dom_uuid_of_image(image);

    if (!uuid || disk->disk.shareable || strcmp(uuid, disk->plan->uuid) == 0)
        return TRUE;
    if (disk->plan->device)
        return dom_fail(error, DOM_ERROR_OWNER,
                        "'%s/%.120s' belongs to domain UUID %s: give this "
                        "domain an image of its own",
                        dom_place_of(disk)->vms_pool, image, uuid);
    return dom_fail(error, DOM_ERROR_OWNER,
                    "'%s/%.120s' belongs to domain UUID %s: if this is that "
                    "domain, give it back its <uuid>; if it was copied with "
                    "the definition, %s",
                    dom_place_of(disk)->vms_pool, image, uuid,
                    disk->entry ? TO_GET_A_CLONE
                                : "give the new domain an image of its own, or "
                                  "remove the <disk>");
}

/* With one pool for everything, the parent is in the pool of clones too. */
static bool
source_is_parent(const DomPlanDisk *own)
{
    return !own->elsewhere &&
           g_strcmp0(own->source->pool, own->disk.parent_pool) == 0 &&
           g_strcmp0(own->source->image, own->disk.parent_image) == 0;
}

/* The image that is the clone's already, or NULL: it has none yet. */
static gboolean
find_given(const DomPlanDisk *own, char **ret_image, GError **error)
{
    const char *pool = dom_place_of(own)->vms_pool;
    const char *destination = own->entry ? own->entry->destination : NULL;

    if (destination) {
        const char *image = dom_image_in(destination, pool);

        if (!image)
            return dom_fail(error, DOM_ERROR_OWNER,
                            "its destination '" DOM_QUOTE "' is not in the "
                            "pool '%s' (pools.vms): " TO_KEEP_OR_CLONE,
                            destination, pool);
        *ret_image = g_strdup(image);
    } else if (own->entry && g_strcmp0(own->source->pool, pool) == 0 &&
               !dom_source_snap(own->source) && !source_is_parent(own)) {
        *ret_image = g_strdup(own->source->image);
    } else if (own->entry && own->entry->nova) {
        *ret_image =
            g_strdup_printf("%s_%s", own->plan->uuid, own->entry->nova);
    }
    return TRUE;
}

static gboolean
check_given(const DomPlanDisk *own, const char *image, GError **error)
{
    g_autofree char *uuid = dom_uuid_of_image(image);
    g_autofree char *start = NULL;

    if (!dom_name_check("destination", image, error) ||
        !dom_owner_check(own, image, error))
        return FALSE;
    start = g_strdup_printf("%s_disk", uuid ? uuid : own->plan->uuid);
    if (uuid && g_ascii_strncasecmp(image, start, strlen(start)) == 0)
        return TRUE;
    return dom_fail(error, DOM_ERROR_OWNER,
                    "'%s/%.120s' is not a clone of this domain, whose clones "
                    "are called '%s_disk': " TO_KEEP_OR_CLONE,
                    dom_place_of(own)->vms_pool, image, own->plan->uuid);
}

static gboolean
take(GHashTable *taken, DomPlanDisk *own, const char *image, GError **error)
{
    const char *other = g_hash_table_lookup(taken, image);

    if (other)
        return dom_fail(error, DOM_ERROR_REQUEST,
                        "'%s/%.120s' is the image of disk '" DOM_QUOTE
                        "' already: remove one of them",
                        dom_place_of(own)->vms_pool, image, other);
    g_hash_table_insert(taken, (gpointer)image, own->disk.target);
    return TRUE;
}

static gboolean
take_given(GHashTable *taken, DomPlanDisk *own, GError **error)
{
    DomDisk *disk = &own->disk;
    char *image = NULL;

    if (!dom_disk_is_made(disk))
        return TRUE;
    if (!find_given(own, &image, error))
        return FALSE;
    if (!image)
        return TRUE;
    disk->image = image;
    disk->pool = g_strdup(dom_place_of(own)->vms_pool);
    return check_given(own, image, error) && take(taken, own, image, error);
}

/* The first clone is the root disk, and its name ends with 'disk'. */
static bool
is_root(const DomPlanDisk *own)
{
    return own->disk.kind == DOM_DISK_CLONE &&
           (!own->entry || own->entry->kind == DOM_KIND_CLONE);
}

/* Nova's name for the first of its kind that has none yet. NULL: it has no name
 * of its own, or that is taken. */
static char *
kind_name(GHashTable *taken, const DomPlanDisk *own)
{
    DomKind kind = own->entry ? own->entry->kind : DOM_KIND_CLONE;

    for (guint n = 0;; n++) {
        g_autofree char *suffix = dom_kind_suffix(kind, n);
        g_autofree char *name = NULL;

        if (!suffix)
            return NULL;
        name = g_strdup_printf("%s_disk%s", own->plan->uuid, suffix);
        if (!g_hash_table_contains(taken, name))
            return g_steal_pointer(&name);
    }
}

static char *
new_name(GHashTable *taken, const DomPlanDisk *own, bool first)
{
    const char *uuid = own->plan->uuid;
    g_autofree char *name = NULL;

    name = is_root(own) && first ? g_strdup_printf("%s_disk", uuid)
                                 : kind_name(taken, own);
    if (name && !g_hash_table_contains(taken, name))
        return g_steal_pointer(&name);
    return g_strdup_printf("%s_disk.%s", uuid, own->disk.target);
}

static gboolean
name_made(GHashTable *taken, DomPlanDisk *own, bool first, GError **error)
{
    DomDisk *disk = &own->disk;
    bool has_format =
        disk->kind == DOM_DISK_NEW &&
        (disk->content == DOM_CONTENT_EXT4 ||
         disk->content == DOM_CONTENT_XFS || disk->content == DOM_CONTENT_VFAT);

    if (!disk->image) {
        disk->pool = g_strdup(dom_place_of(own)->vms_pool);
        disk->image = new_name(taken, own, first);
        if (!take(taken, own, disk->image, error))
            return FALSE;
    }
    if (has_format && !disk->label)
        disk->label = dom_kind_label(disk->image);
    return TRUE;
}

static gboolean
prefix_disk(const DomPlanDisk *own, gboolean done, GError **error)
{
    if (!done)
        g_prefix_error(error, "disk '" DOM_QUOTE "': ", own->disk.target);
    return done;
}

/* What a disk has left behind is no new disk's. */
static void
take_past(GHashTable *taken, const DomPlan *plan)
{
    const GPtrArray *entries = plan->request->entries;

    for (guint i = 0; i < entries->len; i++) {
        const DomEntry *entry = entries->pdata[i];

        for (guint p = 0; p < plan->n_places; p++) {
            const char *image =
                entry->past && entry->destination
                    ? dom_image_in(entry->destination, plan->places[p].vms_pool)
                    : NULL;

            if (image && !g_hash_table_contains(taken, image))
                g_hash_table_insert(taken, (gpointer)image, entry->target);
        }
    }
}

static void
take_bare(GHashTable *taken, const DomPlan *plan)
{
    for (guint i = 0; i < plan->disks->len; i++) {
        const DomPlanDisk *own = plan->disks->pdata[i];
        const DomDisk *disk = &own->disk;

        if (disk->kind == DOM_DISK_BARE && !disk->snap &&
            strcmp(disk->pool, dom_place_of(own)->vms_pool) == 0)
            g_hash_table_insert(taken, disk->image, disk->target);
    }
}

/* Names that are given first, so that no new one is the same. */
gboolean
dom_owner_name_made(DomPlan *plan, GError **error)
{
    g_autoptr(GHashTable) taken = g_hash_table_new(g_str_hash, g_str_equal);
    /* Beside a lone device there is a first disk that is not seen here. */
    bool first = !plan->device;

    take_bare(taken, plan);
    for (guint i = 0; i < plan->disks->len; i++) {
        DomPlanDisk *own = plan->disks->pdata[i];

        if (!prefix_disk(own, take_given(taken, own, error), error))
            return FALSE;
    }
    take_past(taken, plan);
    for (guint i = 0; i < plan->disks->len; i++) {
        DomPlanDisk *own = plan->disks->pdata[i];

        if (!dom_disk_is_made(&own->disk))
            continue;
        if (!prefix_disk(own, name_made(taken, own, first, error), error))
            return FALSE;
        first = first && !is_root(own);
    }
    return TRUE;
}
