/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * xml/dom-ask.c - a disk that asks for an image, and what it gets
 *
 * A clone where the guest can write, else the snapshot itself; or, for a kind
 * that has no image, an image of its own. The asking is done by an entry in the
 * metadata, or by the disk's own source.
 */
#include "config.h"

#include "xml/dom-internal.h"

#include <string.h>

/* Only what can hold a raw image's content. */
static gboolean
check_device(const DomPlanDisk *own, GError **error)
{
    g_autofree char *device = dom_attr(own->node, "device");
    bool nova = own->entry && own->entry->nova;
    g_autofree char *type = dom_child_attr(own->node, "driver", "type");
    bool cdrom = g_strcmp0(device, "cdrom") == 0;

    if (device && !cdrom && strcmp(device, "disk") != 0)
        return dom_fail(error, DOM_ERROR_REQUEST,
                        "a device='" DOM_QUOTE "' cannot be made from an "
                        "image: use 'disk' or 'cdrom'",
                        device);
    if (!nova && !dom_is_raw(own->node))
        return dom_fail(error, DOM_ERROR_REQUEST,
                        "its <driver> says type='" DOM_QUOTE
                        "', but RBD clones are raw: remove the type",
                        type);
    return TRUE;
}

/* Clone or snapshot. */
static gboolean
decide_kind(DomPlanDisk *own, GError **error)
{
    if (!check_device(own, error))
        return FALSE;
    own->disk.writable = dom_is_writable(own->node);
    own->disk.kind = own->disk.writable ? DOM_DISK_CLONE : DOM_DISK_SNAPSHOT;
    return TRUE;
}

static gboolean
fail_pool(const DomRules *rules, const char *pool, GError **error)
{
    g_autofree char *known =
        g_strjoinv("', '", (char **)(gpointer)rules->image_pools);

    return dom_fail(error, DOM_ERROR_REQUEST,
                    "'%s' is not a pool for images: the key pools.images of "
                    "the configuration has '%.500s'",
                    pool, known);
}

/* What libvirt takes for a namespace of RBD from 11.6 on, an older one takes for
 * a part of the image's name. An image that is copied has nothing to do with it. */
static gboolean
check_namespace(const DomPlanDisk *own, GError **error)
{
    const DomDisk *disk = &own->disk;

    if (!strchr(disk->parent_image, '/') || own->plan->namespaces ||
        dom_disk_is_copy(disk))
        return TRUE;
    return dom_fail(error, DOM_ERROR_REQUEST,
                    "its image '%s/%.200s' is in a namespace of RBD, and this "
                    "host's libvirt cannot open one (11.6 and later can): name "
                    "an image that is in none",
                    disk->parent_pool, disk->parent_image);
}

static gboolean
fail_cluster(const DomClusters *clusters,
             const DomImageRef *ref,
             GError **error)
{
    g_autoptr(GString) known = g_string_new(NULL);

    for (guint i = 0; i < clusters->n && known->len < 500; i++)
        g_string_append_printf(known, "%s'%s'", i ? ", " : "",
                               clusters->all[i].fsid);
    return dom_fail(error, DOM_ERROR_REQUEST,
                    "its image is in cluster '" DOM_QUOTE
                    "', and this host knows %s: copy the image, or add the "
                    "cluster to remora.conf",
                    ref->fsid, known->str);
}

static gboolean
check_copy(const DomPlanDisk *own, GError **error)
{
    const DomDisk *disk = &own->disk;

    if (disk->kind == DOM_DISK_SNAPSHOT && own->entry->cluster)
        return dom_fail(
            error, DOM_ERROR_REQUEST,
            "it is read-only and gets the snapshot itself, which is "
            "in another cluster: remove 'cluster' from the "
            "metadata");
    return TRUE;
}

/* Whether the image's cluster is the disk's, or it is copied from there, or, by
 * who only reads it, opened there. */
static gboolean
find_parent_cluster(DomPlanDisk *own,
                    const DomClusters *clusters,
                    const DomRules *rules,
                    const DomRules *from,
                    GError **error)
{
    DomDisk *disk = &own->disk;

    own->elsewhere = from != rules;
    if (!from) {
        disk->parent_cluster = DOM_CLUSTER_NONE;
        disk->parent_fsid = g_strdup(own->entry->ref->fsid);
        return TRUE;
    }
    disk->parent_cluster = (guint)(from - clusters->all);
    if (from == rules)
        return TRUE;
    if (!check_copy(own, error))
        return FALSE;
    if (disk->kind == DOM_DISK_SNAPSHOT)
        disk->cluster = disk->parent_cluster;
    return TRUE;
}

/* A disk that was made needs its image no more, whatever becomes of the cluster
 * that it was copied from. */
static gboolean
resolve_parent(DomPlanDisk *own,
               const DomClusters *clusters,
               const DomRules *rules,
               const DomImageRef *ref,
               GError **error)
{
    const DomRules *from = dom_where_image(clusters, rules, ref);
    DomDisk *disk = &own->disk;
    const char *pool = ref->pool;

    if (!from && (!ref->fsid || !own->entry->destination))
        return ref->fsid ? fail_cluster(clusters, ref, error)
                         : fail_pool(rules, pool, error);
    if (from && pool && !dom_in_list(from->image_pools, pool))
        return fail_pool(from, pool, error);
    if (!pool && !rules->image_pools[1] && clusters->n == 1)
        pool = rules->image_pools[0];
    disk->parent_pool = g_strdup(pool);
    disk->parent_image = g_strdup(ref->image);
    disk->parent_snap = g_strdup(ref->snap);
    return find_parent_cluster(own, clusters, rules, from, error);
}

static gboolean
check_snaps(const DomSource *source, GError **error)
{
    if (!source->snap_at || !source->snap_element ||
        strcmp(source->snap_at, source->snap_element) == 0)
        return TRUE;
    return dom_fail(error, DOM_ERROR_REQUEST,
                    "its source names two snapshots, '@" DOM_QUOTE
                    "' and <snapshot name='" DOM_QUOTE "'>: remove one",
                    source->snap_at, source->snap_element);
}

/* Whether the disk's source is the image that the entry asks for. A bare id
 * takes its pool from there. */
static bool
names_parent(DomPlanDisk *own, const DomRules *rules)
{
    const DomSource *source = own->source;
    const char *snap = dom_source_snap(source);
    DomDisk *disk = &own->disk;

    if (own->elsewhere || !dom_in_list(rules->image_pools, source->pool) ||
        g_strcmp0(source->image, disk->parent_image) != 0 ||
        (snap && strcmp(snap, disk->parent_snap) != 0))
        return false;
    if (!disk->parent_pool)
        disk->parent_pool = g_strdup(source->pool);
    return strcmp(source->pool, disk->parent_pool) == 0;
}

static gboolean
fail_source(const DomPlanDisk *own, GError **error)
{
    const DomEntry *entry = own->entry;

    if (entry->destination)
        return dom_fail(
            error, DOM_ERROR_REQUEST,
            "its source is %s, but the metadata has destination "
            "'%.120s': name that in the <source>, or remove the <" DOM_PREFIX
            ":disk> of this target",
            own->source->said, entry->destination);
    if (!entry->image_text)
        return dom_fail(error, DOM_ERROR_REQUEST,
                        "its source is %s, but the metadata asks for a new "
                        "disk of kind '%s': remove the <" DOM_PREFIX ":disk> "
                        "of this target to keep the disk as it is, or the "
                        "<disk> to get another",
                        own->source->said, dom_kind_word(entry->kind));
    return dom_fail(error, DOM_ERROR_REQUEST,
                    "its source is %s, but the metadata asks for image '%.200s'"
                    ": remove the <" DOM_PREFIX ":disk> of this target to keep "
                    "the disk as it is, or the <disk> to get another",
                    own->source->said, entry->image_text);
}

/* Whether the source may be the image that was made for this entry. */
static bool
may_be_made(const DomPlanDisk *own, const DomRules *rules)
{
    const DomSource *source = own->source;
    g_autofree char *name = NULL;

    if (dom_source_snap(source) || strcmp(source->pool, rules->vms_pool) != 0)
        return false;
    name = g_strdup_printf("%s/%s", source->pool, source->image);
    return !own->entry->destination ||
           strcmp(own->entry->destination, name) == 0;
}

/* A source that would be lost is the user's disk: it is not overwritten. */
static gboolean
accept_source(DomPlanDisk *own, const DomRules *rules, GError **error)
{
    const DomSource *source = own->source;
    const DomDisk *disk = &own->disk;

    /* What Nova's metadata asks for is in a file that is not there. */
    if (source->kind == DOM_SOURCE_NONE || own->entry->nova)
        return TRUE;
    if (!check_snaps(source, error))
        return FALSE;
    if (source->kind == DOM_SOURCE_RBD &&
        ((dom_disk_has_parent(disk) && names_parent(own, rules)) ||
         (dom_disk_is_made(disk) && may_be_made(own, rules))))
        return TRUE;
    return fail_source(own, error);
}

/* Where the entry names no file, the disk's own source does. */
static gboolean
find_file(DomPlanDisk *own, bool *ret_in_source, GError **error)
{
    DomDisk *disk = &own->disk;
    g_autofree char *type = dom_attr(own->node, "type");
    g_autofree char *file = g_strcmp0(type, "file") == 0
                                ? dom_child_attr(own->node, "source", "file")
                                : NULL;

    *ret_in_source = file && *file &&
                     (!own->entry->file || strcmp(own->entry->file, file) == 0);
    disk->file = g_strdup(*ret_in_source ? file : own->entry->file);
    if (!disk->file)
        return dom_fail(error, DOM_ERROR_REQUEST,
                        "it asks for a config drive and names no file: give "
                        "it 'file' in the metadata, or a <source file='...'/>");
    return dom_kind_check_file(disk->file, error);
}

/* A new one that only its target describes is a CD drive where it can be one. */
static bool
is_written(const DomPlanDisk *own)
{
    const char *bus = dom_target_bus(own->disk.target);

    if (own->node || own->entry->kind != DOM_KIND_CONFIG)
        return dom_is_writable(own->node);
    return strcmp(bus, "scsi") != 0 && strcmp(bus, "ide") != 0;
}

/* An image of its own, of a kind that has no other image to begin with. */
static gboolean
ask_new(DomPlanDisk *own, const DomRules *rules, GError **error)
{
    const DomEntry *entry = own->entry;
    DomDisk *disk = &own->disk;
    bool in_source = false;

    if (!check_device(own, error))
        return FALSE;
    disk->kind = DOM_DISK_NEW;
    disk->content = entry->content;
    disk->label = g_strdup(entry->label);
    disk->size = entry->size;
    disk->writable = is_written(own);
    if (entry->kind == DOM_KIND_CONFIG)
        return find_file(own, &in_source, error) &&
               (in_source || accept_source(own, rules, error));
    if (!disk->writable)
        return dom_fail(error, DOM_ERROR_REQUEST,
                        "it is read-only, and a new disk of kind '%s' is of no "
                        "use then: remove <readonly/>, or the "
                        "<" DOM_PREFIX ":disk> of this target",
                        dom_kind_word(entry->kind));
    return accept_source(own, rules, error);
}

/* It was decided by that name, if there is such. */
static gboolean
check_cluster(const DomEntry *entry, const DomRules *rules, GError **error)
{
    if (!entry->cluster || g_strcmp0(entry->cluster, rules->name) == 0)
        return TRUE;
    return dom_fail(error, DOM_ERROR_REQUEST,
                    "it is to be in cluster '" DOM_QUOTE "', and remora.conf "
                    "has none of that name: correct 'cluster' in the metadata, "
                    "or remove it",
                    entry->cluster);
}

gboolean
dom_ask_by_entry(DomPlanDisk *own,
                 const DomClusters *clusters,
                 const DomRules *rules,
                 GError **error)
{
    const DomEntry *entry = own->entry;
    DomDisk *disk = &own->disk;

    disk->kind_word = dom_kind_word(entry->kind);
    if (!check_cluster(entry, rules, error))
        return FALSE;
    if (!entry->ref)
        return ask_new(own, rules, error);
    if (!decide_kind(own, error) ||
        !resolve_parent(own, clusters, rules, entry->ref, error) ||
        !check_namespace(own, error))
        return FALSE;
    disk->size = entry->size;
    if (disk->kind == DOM_DISK_SNAPSHOT && (entry->size || entry->destination))
        return dom_fail(error, DOM_ERROR_REQUEST,
                        "it is read-only and gets the image's snapshot itself: "
                        "remove '%s' from the metadata",
                        entry->size ? "size" : "destination");
    return accept_source(own, rules, error);
}

/* The disk's own source is an image, and so asks for it. */
gboolean
dom_ask_by_source(DomPlanDisk *own, GError **error)
{
    const DomSource *source = own->source;
    const char *snap = dom_source_snap(source);
    DomDisk *disk = &own->disk;

    if (!check_snaps(source, error) || !dom_source_check_path(source, error) ||
        !dom_target_check(disk->target, error) || !decide_kind(own, error))
        return FALSE;
    if (!dom_image_check(source->image, error) ||
        !dom_name_check("snapshot", snap, error))
        return FALSE;
    disk->parent_pool = g_strdup(source->pool);
    disk->parent_image = g_strdup(source->image);
    disk->parent_snap = g_strdup(snap);
    return check_namespace(own, error);
}
