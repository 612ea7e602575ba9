/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * xml/dom-plan.c - what a definition asks for
 *
 * A <disk> is ours if the metadata has an entry for its target, or if its
 * source is in a pool that the rules name. Of all others nothing is judged:
 * they are libvirt's. Only an entry, or a snapshot in a pool for images, asks
 * for anything: a plain name there is an image that a guest runs on.
 */
#include "config.h"

#include "xml/dom-internal.h"

#include <string.h>

/* Stands for the target where none is needed. */
#define NO_TARGET "(no target)"

typedef enum {
    ROLE_FOREIGN,
    ROLE_IMAGE,
    ROLE_BARE,
} Role;

typedef struct {
    DomPlan *plan;
    const DomRules *rules;
    GPtrArray *nodes;    /* every <disk> */
    GHashTable *targets; /* each target of them, to how often it occurs */
} Builder;

static void
plan_disk_free(DomPlanDisk *own)
{
    DomDisk *disk = &own->disk;

    g_free(disk->target);
    g_free(disk->parent_pool);
    g_free(disk->parent_image);
    g_free(disk->parent_snap);
    g_free(disk->pool);
    g_free(disk->image);
    g_free(disk->snap);
    g_free(disk->auth_user);
    g_free(disk->secret_uuid);
    g_ptr_array_unref(disk->hosts);
    dom_source_free(own->source);
    g_free(own);
}

void
dom_plan_free(DomPlan *plan)
{
    if (!plan)
        return;
    g_clear_pointer(&plan->disks, g_ptr_array_unref);
    dom_request_free(plan->request);
    g_clear_pointer(&plan->doc, xmlFreeDoc);
    g_free(plan->arrival);
    g_free(plan->name);
    g_free(plan->uuid);
    g_free(plan->vms_pool);
    g_strfreev(plan->image_pools);
    g_free(plan);
}

/* A new disk of the plan; node may be NULL. The plan owns it at once. */
static DomPlanDisk *
add_disk(Builder *builder, xmlNode *node, const char *target, GError **error)
{
    DomPlanDisk *own;
    DomDisk *disk;

    if (builder->plan->disks->len == DOM_DISKS_MAX) {
        dom_fail(error, DOM_ERROR_LIMIT,
                 "the domain has more than %u RBD disks", DOM_DISKS_MAX);
        return NULL;
    }
    own = g_new0(DomPlanDisk, 1);
    own->plan = builder->plan;
    own->node = node;
    disk = &own->disk;
    disk->target = g_strdup(target);
    disk->hosts = g_ptr_array_new_with_free_func((GDestroyNotify)dom_host_free);
    disk->exists = node != NULL;
    disk->shareable = dom_child(node, "shareable") != NULL;
    g_ptr_array_add(builder->plan->disks, own);
    if (GPOINTER_TO_UINT(g_hash_table_lookup(builder->targets, target)) > 1) {
        dom_fail(error, DOM_ERROR_REQUEST,
                 "two disks have this target: give each its own");
        return NULL;
    }
    return own;
}

/* Whether guests have disks of their own there. */
static bool
is_disk_pool(const DomRules *rules, const char *pool)
{
    return g_strcmp0(rules->vms_pool, pool) == 0 ||
           dom_in_list(rules->volume_pools, pool);
}

static Role
role_of(const DomRules *rules, const DomSource *source)
{
    bool image = dom_in_list(rules->image_pools, source->pool);

    if (source->kind != DOM_SOURCE_RBD)
        return ROLE_FOREIGN;
    if (image && dom_source_snap(source))
        return ROLE_IMAGE;
    return image || is_disk_pool(rules, source->pool) ? ROLE_BARE
                                                      : ROLE_FOREIGN;
}

/* Whether a guest can write to it, whatever is in it. */
static bool
is_writable(xmlNode *disk)
{
    g_autofree char *device = dom_attr(disk, "device");

    return g_strcmp0(device, "cdrom") != 0 && !dom_child(disk, "readonly");
}

/* In a namespace of RBD: libvirt opens it or not, and nothing is asked for. */
static bool
is_left_alone(const DomSource *source, Role role, xmlNode *disk)
{
    if (role == ROLE_FOREIGN)
        return true;
    return source->path == DOM_PATH_NAMESPACE && !source->snap_at &&
           (role == ROLE_BARE || !is_writable(disk));
}

/* Clone or snapshot; only what can hold an image's content. */
static gboolean
decide_kind(DomPlanDisk *own, GError **error)
{
    g_autofree char *device = dom_attr(own->node, "device");
    g_autofree char *type = dom_child_attr(own->node, "driver", "type");
    bool cdrom = g_strcmp0(device, "cdrom") == 0;

    if (device && !cdrom && strcmp(device, "disk") != 0)
        return dom_fail(error, DOM_ERROR_REQUEST,
                        "a device='" DOM_QUOTE "' cannot be made from an "
                        "image: use 'disk' or 'cdrom'",
                        device);
    if (type && strcmp(type, "raw") != 0)
        return dom_fail(error, DOM_ERROR_REQUEST,
                        "its <driver> says type='" DOM_QUOTE
                        "', but RBD clones are raw: remove the type",
                        type);
    own->disk.writable = is_writable(own->node);
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

static gboolean
resolve_parent(DomDisk *disk,
               const DomRules *rules,
               const DomImageRef *ref,
               GError **error)
{
    const char *pool = ref->pool;

    if (ref->fsid && rules->fsid && strcmp(ref->fsid, rules->fsid) != 0)
        return dom_fail(error, DOM_ERROR_REQUEST,
                        "its image is in cluster '" DOM_QUOTE
                        "', this host's is '%s': copy the image here first",
                        ref->fsid, rules->fsid);
    if (pool && !dom_in_list(rules->image_pools, pool))
        return fail_pool(rules, pool, error);
    if (!pool && !rules->image_pools[1])
        pool = rules->image_pools[0];
    disk->parent_pool = g_strdup(pool);
    disk->parent_image = g_strdup(ref->image);
    disk->parent_snap = g_strdup(ref->snap);
    return TRUE;
}

/* Whether the disk's source is the image that the entry asks for. A bare id
 * takes its pool from there. */
static bool
names_parent(DomPlanDisk *own, const DomRules *rules)
{
    const DomSource *source = own->source;
    const char *snap = dom_source_snap(source);
    DomDisk *disk = &own->disk;

    if (!dom_in_list(rules->image_pools, source->pool) ||
        g_strcmp0(source->image, disk->parent_image) != 0 ||
        (snap && strcmp(snap, disk->parent_snap) != 0))
        return false;
    if (source->snap_at && source->snap_element &&
        strcmp(source->snap_at, source->snap_element) != 0)
        return false;
    if (!disk->parent_pool)
        disk->parent_pool = g_strdup(source->pool);
    return strcmp(source->pool, disk->parent_pool) == 0;
}

/* A source that would be lost is the user's disk: it is not overwritten. */
static gboolean
accept_source(DomPlanDisk *own, const DomRules *rules, GError **error)
{
    const DomSource *source = own->source;
    const DomDisk *disk = &own->disk;
    g_autofree char *name = NULL;

    if (source->kind == DOM_SOURCE_NONE)
        return TRUE;
    if (source->kind == DOM_SOURCE_RBD) {
        if (names_parent(own, rules))
            return TRUE;
        name = g_strdup_printf("%s/%s", source->pool, source->image);
        if (disk->kind == DOM_DISK_CLONE && !dom_source_snap(source) &&
            strcmp(source->pool, rules->vms_pool) == 0 &&
            (!own->entry->destination ||
             strcmp(own->entry->destination, name) == 0))
            return TRUE;
    }
    if (own->entry->destination)
        return dom_fail(error, DOM_ERROR_REQUEST,
                        "its source is %s, but the metadata has destination "
                        "'%.120s': remove the <source>, or the <" DOM_PREFIX
                        ":disk> of this target",
                        source->said, own->entry->destination);
    return dom_fail(error, DOM_ERROR_REQUEST,
                    "its source is %s, but the metadata asks for image '%.200s'"
                    ": remove the <source>, or the <" DOM_PREFIX
                    ":disk> of this target",
                    source->said, own->entry->image_text);
}

static gboolean
plan_entry(Builder *builder, DomPlanDisk *own, GError **error)
{
    const DomEntry *entry = own->entry;
    DomDisk *disk = &own->disk;

    if (!decide_kind(own, error) ||
        !resolve_parent(disk, builder->rules, entry->ref, error))
        return FALSE;
    disk->size = entry->size;
    if (disk->kind == DOM_DISK_SNAPSHOT && (entry->size || entry->destination))
        return dom_fail(error, DOM_ERROR_REQUEST,
                        "it is read-only and gets the image's snapshot itself: "
                        "remove '%s' from the metadata",
                        entry->size ? "size" : "destination");
    return accept_source(own, builder->rules, error);
}

/* What a newer libvirt takes for a namespace of RBD, an older one takes for a
 * part of the image's name. */
static gboolean
check_path(const DomSource *source, GError **error)
{
    if (source->path == DOM_PATH_NAMESPACE)
        return dom_fail(error, DOM_ERROR_REQUEST,
                        "its source '%s/" DOM_QUOTE "' is in a namespace of "
                        "RBD, and nothing is cloned from there: name an image "
                        "that is in none",
                        source->pool, source->image);
    if (source->path == DOM_PATH_ODD)
        return dom_fail(error, DOM_ERROR_REQUEST,
                        "its source '%s/" DOM_QUOTE "' has an empty name in "
                        "it, or one too many: write pool/image",
                        source->pool, source->image);
    return TRUE;
}

/* The disk's own source is an image, and so asks for it. */
static gboolean
plan_image(DomPlanDisk *own, GError **error)
{
    const DomSource *source = own->source;
    const char *snap = dom_source_snap(source);
    DomDisk *disk = &own->disk;

    if (source->snap_at && source->snap_element &&
        strcmp(source->snap_at, source->snap_element) != 0)
        return dom_fail(error, DOM_ERROR_REQUEST,
                        "its source names two snapshots, '@" DOM_QUOTE
                        "' and <snapshot name='" DOM_QUOTE "'>: remove one",
                        source->snap_at, source->snap_element);
    if (!check_path(source, error) || !dom_target_check(disk->target, error) ||
        !decide_kind(own, error))
        return FALSE;
    if (!dom_name_check("image", source->image, error) ||
        !dom_name_check("snapshot", snap, error))
        return FALSE;
    disk->parent_pool = g_strdup(source->pool);
    disk->parent_image = g_strdup(source->image);
    disk->parent_snap = g_strdup(snap);
    return TRUE;
}

static gboolean
plan_bare(DomPlanDisk *own, const DomRules *rules, GError **error)
{
    const DomSource *source = own->source;
    const char *snap = dom_source_snap(source);
    DomDisk *disk = &own->disk;

    if (strlen(disk->target) > DOM_NAME_MAX)
        return dom_fail(error, DOM_ERROR_LIMIT,
                        "the target name has more than %u bytes", DOM_NAME_MAX);
    if (!check_path(source, error) ||
        !dom_name_check("image", source->image, error) ||
        (snap && !dom_name_check("snapshot", snap, error)))
        return FALSE;
    disk->kind = DOM_DISK_BARE;
    disk->pool = g_strdup(source->pool);
    disk->image = g_strdup(source->image);
    disk->snap = g_strdup(snap);
    disk->writable = !snap && is_writable(own->node);
    disk->among_images = !is_disk_pool(rules, disk->pool);
    /* Who cannot write, such as a backup, is no second owner. */
    if (!disk->writable || strcmp(disk->pool, own->plan->vms_pool) != 0)
        return TRUE;
    return dom_owner_check(own, disk->image, error);
}

static gboolean
plan_as(Builder *builder, DomPlanDisk *own, Role role, GError **error)
{
    if (own->node && (!dom_plain_check(own->node, error) ||
                      !dom_source_read_access(own->node, &own->disk, error)))
        return FALSE;
    if (own->entry)
        return plan_entry(builder, own, error);
    return role == ROLE_IMAGE ? plan_image(own, error)
                              : plan_bare(own, builder->rules, error);
}

/* source goes to the plan, or is freed. */
static gboolean
plan_found(Builder *builder,
           guint index,
           const DomEntry *entry,
           const char *target,
           DomSource *source,
           GError **error)
{
    xmlNode *node = index == G_MAXUINT ? NULL : builder->nodes->pdata[index];
    DomPlanDisk *own = add_disk(builder, node, target, error);

    if (!own) {
        dom_source_free(source);
        g_prefix_error(error, "disk '" DOM_QUOTE "': ", target);
        return FALSE;
    }
    own->disk_index = index;
    own->entry = entry;
    own->source = source;
    if (plan_as(builder, own, role_of(builder->rules, source), error))
        return TRUE;
    g_prefix_error(error, "disk '" DOM_QUOTE "': ", target);
    return FALSE;
}

static gboolean
plan_node(Builder *builder, guint index, GError **error)
{
    xmlNode *node = builder->nodes->pdata[index];
    g_autofree char *target = dom_child_attr(node, "target", "dev");
    g_autoptr(DomSource) source = dom_source_read(node);
    Role role = role_of(builder->rules, source);
    const DomEntry *entry =
        target ? g_hash_table_lookup(builder->plan->request->by_target, target)
               : NULL;

    if (!entry && is_left_alone(source, role, node))
        return TRUE;
    /* What a disk is copied to has its target already. */
    if (builder->plan->device && role == ROLE_BARE && (!target || !*target)) {
        g_free(target);
        target = g_strdup(NO_TARGET);
    }
    if (!target || !*target)
        return dom_fail(error, DOM_ERROR_REQUEST,
                        "the disk with source %s has no target: add <target "
                        "dev='vda'/>",
                        source->said);
    return plan_found(builder, index, entry, target, g_steal_pointer(&source),
                      error);
}

static void
count_targets(Builder *builder)
{
    for (guint i = 0; i < builder->nodes->len; i++) {
        char *target =
            dom_child_attr(builder->nodes->pdata[i], "target", "dev");
        guint n;

        if (!target)
            continue;
        n = GPOINTER_TO_UINT(g_hash_table_lookup(builder->targets, target));
        g_hash_table_replace(builder->targets, target, GUINT_TO_POINTER(n + 1));
    }
}

static gboolean
plan_disks(Builder *builder, GError **error)
{
    const GPtrArray *entries = builder->plan->request->entries;

    count_targets(builder);
    for (guint i = 0; i < builder->nodes->len; i++) {
        if (!plan_node(builder, i, error))
            return FALSE;
    }
    for (guint i = 0; i < entries->len; i++) {
        const DomEntry *entry = entries->pdata[i];

        if (!g_hash_table_contains(builder->targets, entry->target) &&
            !plan_found(builder, G_MAXUINT, entry, entry->target,
                        g_new0(DomSource, 1), error))
            return FALSE;
    }
    return TRUE;
}

static void
settle(DomPlanDisk *own)
{
    DomDisk *disk = &own->disk;
    g_autofree char *type = dom_attr(own->node, "type");

    if (disk->kind == DOM_DISK_SNAPSHOT) {
        disk->pool = g_strdup(disk->parent_pool);
        disk->image = g_strdup(disk->parent_image);
        disk->snap = g_strdup(disk->parent_snap);
    }
    /* libvirt takes the '@' of a name for a part of the image's name. */
    disk->in_place =
        disk->kind == DOM_DISK_BARE ||
        (disk->pool && g_strcmp0(type, "network") == 0 &&
         !own->source->snap_at &&
         dom_source_is(own->source, disk->pool, disk->image, disk->snap));
}

static gboolean
read_uuid(DomPlan *plan, GError **error)
{
    g_autofree char *text = dom_text(dom_child(plan->root, "uuid"));

    plan->uuid_given = text != NULL;
    plan->uuid = text ? dom_uuid_parse(text) : g_uuid_string_random();
    if (plan->uuid)
        return TRUE;
    return dom_fail(error, DOM_ERROR_MALFORMED,
                    "'" DOM_QUOTE "' is not a UUID: correct <uuid>, or remove "
                    "it to be given one",
                    text);
}

static gboolean
fill_plan(DomPlan *plan, const DomRules *rules, GError **error)
{
    Builder builder = {.plan = plan, .rules = rules};
    gboolean done;

    plan->root = xmlDocGetRootElement(plan->doc);
    plan->name = dom_text(dom_child(plan->root, "name"));
    plan->arrival = dom_arrival_read(plan->root);
    plan->request = dom_request_read(plan->root, error);
    if (!plan->request || !read_uuid(plan, error))
        return FALSE;
    builder.nodes = dom_disk_nodes(plan->root);
    builder.targets =
        g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    done = plan_disks(&builder, error) && dom_owner_name_clones(plan, error);
    g_ptr_array_unref(builder.nodes);
    g_hash_table_unref(builder.targets);
    if (!done)
        return FALSE;
    for (guint i = 0; i < plan->disks->len; i++)
        settle(plan->disks->pdata[i]);
    return TRUE;
}

DomPlan *
dom_plan_of(xmlDoc *doc, bool device, const DomRules *rules, GError **error)
{
    g_autoptr(DomPlan) plan = g_new0(DomPlan, 1);

    plan->doc = doc;
    plan->device = device;
    plan->disks =
        g_ptr_array_new_with_free_func((GDestroyNotify)plan_disk_free);
    plan->image_pools = g_strdupv((char **)(gpointer)rules->image_pools);
    plan->vms_pool = g_strdup(rules->vms_pool);
    plan->complete_bare = rules->complete_bare;
    if (!fill_plan(plan, rules, error))
        return NULL;
    return g_steal_pointer(&plan);
}

DomPlan *
dom_plan_new(const char *xml, gsize len, const DomRules *rules, GError **error)
{
    xmlDoc *doc = dom_parse(xml, len, error);

    return doc ? dom_plan_of(doc, false, rules, error) : NULL;
}

const char *
dom_plan_name(const DomPlan *plan)
{
    return plan->name;
}

const char *
dom_plan_uuid(const DomPlan *plan)
{
    return plan->uuid;
}

bool
dom_plan_uuid_given(const DomPlan *plan)
{
    return plan->uuid_given;
}

const GPtrArray *
dom_plan_disks(const DomPlan *plan)
{
    return plan->disks;
}

bool
dom_plan_has_metadata(const DomPlan *plan)
{
    return plan->request->node != NULL;
}

const char *
dom_plan_arrival(const DomPlan *plan)
{
    return plan->arrival;
}

void
dom_disk_set_parent_pool(DomDisk *disk, const char *pool)
{
    DomPlanDisk *own = (DomPlanDisk *)disk;

    g_return_if_fail(disk->parent_pool == NULL);
    g_return_if_fail(
        dom_in_list((const char *const *)own->plan->image_pools, pool));
    disk->parent_pool = g_strdup(pool);
    if (disk->kind == DOM_DISK_SNAPSHOT)
        disk->pool = g_strdup(pool);
}
