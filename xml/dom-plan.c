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
    const DomClusters *clusters;
    const DomRules *rules; /* of the cluster that the disk at hand is in */
    GPtrArray *nodes;      /* every <disk> */
    GHashTable *targets;   /* each target of them, to how often it occurs */
} Builder;

static void
plan_disk_free(DomPlanDisk *own)
{
    DomDisk *disk = &own->disk;

    g_free(disk->target);
    g_free(disk->label);
    g_free(disk->file);
    g_free(disk->parent_fsid);
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
    for (guint i = 0; i < plan->n_places; i++) {
        g_free(plan->places[i].fsid);
        g_free(plan->places[i].vms_pool);
        g_strfreev(plan->places[i].image_pools);
    }
    g_free(plan->places);
    g_free(plan);
}

static bool
is_floppy(xmlNode *node)
{
    g_autofree char *device = dom_attr(node, "device");

    return g_strcmp0(device, "floppy") == 0;
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
    disk->cluster = (guint)(builder->rules - builder->clusters->all);
    disk->parent_cluster = disk->cluster;
    disk->target = g_strdup(target);
    disk->hosts = g_ptr_array_new_with_free_func((GDestroyNotify)dom_host_free);
    disk->exists = node != NULL;
    disk->shareable = dom_child(node, "shareable") != NULL;
    disk->ejectable = is_floppy(node);
    g_ptr_array_add(builder->plan->disks, own);
    if (GPOINTER_TO_UINT(g_hash_table_lookup(builder->targets, target)) > 1) {
        dom_fail(error, DOM_ERROR_REQUEST,
                 "two disks have this target: give each its own");
        return NULL;
    }
    return own;
}

static Role
role_of(const DomRules *rules, const DomSource *source)
{
    bool image = dom_in_list(rules->image_pools, source->pool);

    if (source->kind != DOM_SOURCE_RBD)
        return ROLE_FOREIGN;
    if (image && dom_source_snap(source))
        return ROLE_IMAGE;
    return image || dom_is_disk_pool(rules, source->pool) ? ROLE_BARE
                                                          : ROLE_FOREIGN;
}

/* In a namespace of RBD: libvirt opens it or not, and nothing is asked for. */
static bool
is_left_alone(const DomSource *source, Role role, xmlNode *disk)
{
    if (role == ROLE_FOREIGN)
        return true;
    return source->path == DOM_PATH_NAMESPACE &&
           (role == ROLE_BARE || (!source->snap_at && !dom_is_writable(disk)));
}

static DomWhere
find_where(Builder *builder,
           xmlNode *disk,
           const DomSource *source,
           const DomEntry *entry)
{
    return dom_where(builder->clusters, disk, source, entry, &builder->rules,
                     &builder->plan->foreign);
}

/* One in a pool of that name, but of another cluster, is as foreign as one in any
 * other pool. */
static void
look_where(Builder *builder,
           xmlNode *disk,
           DomSource *source,
           const DomEntry *entry)
{
    const DomRules *asked = dom_where_asked(builder->clusters, entry);
    DomWhere where;

    builder->rules = asked;
    where = find_where(builder, disk, source, entry);
    if (where == DOM_WHERE_ELSEWHERE) {
        dom_source_estrange(source);
    } else if (entry && entry->cluster && builder->rules != asked) {
        builder->rules = asked;
        dom_source_estrange(source);
    }
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
    if (!dom_source_check_path(source, error) ||
        !dom_name_check("image", source->image, error) ||
        (snap && !dom_name_check("snapshot", snap, error)))
        return FALSE;
    disk->kind = DOM_DISK_BARE;
    disk->pool = g_strdup(source->pool);
    disk->image = g_strdup(source->image);
    disk->snap = g_strdup(snap);
    disk->writable = !snap && dom_is_writable(own->node);
    disk->among_images = !dom_is_disk_pool(rules, disk->pool);
    /* Who cannot write, such as a backup, is no second owner. */
    if (!disk->writable || strcmp(disk->pool, rules->vms_pool) != 0)
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
        return dom_ask_by_entry(own, builder->clusters, builder->rules, error);
    return role == ROLE_IMAGE ? dom_ask_by_source(own, error)
                              : plan_bare(own, builder->rules, error);
}

/* The clone that an overlay is on: it must be there, and nobody else may write
 * to it. */
static gboolean
plan_covered(DomPlanDisk *own, const DomEntry *entry, GError **error)
{
    xmlNode *backing = dom_backing_find(own->node, entry->destination);
    DomDisk *disk = &own->disk;

    own->source = dom_source_read(backing);
    disk->kind = DOM_DISK_BARE;
    disk->under_overlay = true;
    disk->pool = g_strdup(own->source->pool);
    disk->image = g_strdup(own->source->image);
    disk->writable = dom_is_writable(own->node);
    return dom_plain_check(own->node, error) &&
           dom_source_read_access(backing, disk, error) &&
           dom_name_check("image", disk->image, error) &&
           (!disk->writable || dom_owner_check(own, disk->image, error));
}

typedef struct {
    guint index; /* of the node; G_MAXUINT: there is none */
    xmlNode *node;
    const char *target;
    DomSource *source;
    DomEntry *entry; /* or NULL */
    bool volume;     /* the source is what a volume means */
} Found;

static gboolean
plan_as_found(Builder *builder,
              DomPlanDisk *own,
              Found *found,
              DomStanding standing,
              GError **error)
{
    if (standing == DOM_STANDING_COVERED)
        return plan_covered(own, found->entry, error);
    own->entry = found->entry && !found->entry->past ? found->entry : NULL;
    own->source = g_steal_pointer(&found->source);
    return plan_as(builder, own, role_of(builder->rules, own->source), error);
}

static gboolean
plan_found(Builder *builder, Found *found, DomStanding standing, GError **error)
{
    DomPlanDisk *own = add_disk(builder, found->node, found->target, error);

    if (own) {
        own->disk_index = found->index;
        own->volume = found->volume;
        if (plan_as_found(builder, own, found, standing, error))
            return TRUE;
    }
    g_prefix_error(error, "disk '" DOM_QUOTE "': ", found->target);
    return FALSE;
}

/* Whether the clone that was made is below its disk. */
static bool
is_covered(Builder *builder, const Found *found)
{
    xmlNode *backing =
        found->node && found->entry->destination
            ? dom_backing_find(found->node, found->entry->destination)
            : NULL;

    g_autoptr(DomSource) source = backing ? dom_source_read(backing) : NULL;

    return backing &&
           find_where(builder, backing, source, found->entry) == DOM_WHERE_HERE;
}

/* An entry that is past is as good as none. */
static DomStanding
check_entry(Builder *builder, Found *found, Role role)
{
    const char *vms_pool = builder->rules->vms_pool;
    DomStanding standing = DOM_STANDING_HOLDS;

    if (found->entry)
        standing =
            dom_standing(found->entry, found->node, found->source, vms_pool,
                         is_covered(builder, found), role == ROLE_IMAGE);
    if (standing == DOM_STANDING_PAST)
        found->entry->past = true;
    return standing;
}

static gboolean
plan_target(Builder *builder, Found *found, GError **error)
{
    Role role = role_of(builder->rules, found->source);
    DomStanding standing = check_entry(builder, found, role);

    if (standing == DOM_STANDING_PAST || !found->entry) {
        if (!found->node || is_left_alone(found->source, role, found->node))
            return TRUE;
    }
    /* What a disk is copied to has its target already. */
    if (builder->plan->device && role == ROLE_BARE &&
        (!found->target || !*found->target))
        found->target = NO_TARGET;
    if (!found->target || !*found->target)
        return dom_fail(error, DOM_ERROR_REQUEST,
                        "the disk with source %s has no target: add <target "
                        "dev='vda'/>",
                        found->source->said);
    return plan_found(builder, found, standing, error);
}

static gboolean
plan_node(Builder *builder, guint index, GError **error)
{
    xmlNode *node = builder->nodes->pdata[index];
    g_autofree char *target = dom_child_attr(node, "target", "dev");
    GHashTable *entries = builder->plan->request->by_target;
    Found found = {.index = index, .node = node, .target = target};
    gboolean done;

    if (target)
        found.entry = g_hash_table_lookup(entries, target);
    found.source = g_new0(DomSource, 1);
    found.volume = dom_volume_resolve(node, builder->clusters, found.source,
                                      &builder->rules);
    if (!found.volume) {
        dom_source_free(found.source);
        found.source = dom_source_read(node);
        look_where(builder, node, found.source, found.entry);
    }
    done = plan_target(builder, &found, error);
    dom_source_free(found.source);
    return done;
}

static gboolean
plan_entry_alone(Builder *builder, DomEntry *entry, GError **error)
{
    Found found = {.index = G_MAXUINT,
                   .target = entry->target,
                   .source = g_new0(DomSource, 1),
                   .entry = entry};
    gboolean done;

    builder->rules = dom_where_asked(builder->clusters, entry);
    done = plan_target(builder, &found, error);
    dom_source_free(found.source);
    return done;
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
        DomEntry *entry = entries->pdata[i];

        if (!g_hash_table_contains(builder->targets, entry->target) &&
            !plan_entry_alone(builder, entry, error))
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
        (disk->kind == DOM_DISK_BARE && !own->volume) ||
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
fill_plan(DomPlan *plan, const DomClusters *clusters, GError **error)
{
    Builder builder = {
        .plan = plan, .clusters = clusters, .rules = clusters->all};
    gboolean done;

    plan->root = xmlDocGetRootElement(plan->doc);
    plan->name = dom_text(dom_child(plan->root, "name"));
    plan->arrival = dom_arrival_read(plan->root);
    plan->request = dom_request_read(plan->root, error);
    if (!plan->request || !read_uuid(plan, error) ||
        (!plan->device && clusters->all->nova &&
         !dom_nova_read(plan->root, clusters->all->nova, plan->request, error)))
        return FALSE;
    builder.nodes = dom_disk_nodes(plan->root);
    builder.targets =
        g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    done = plan_disks(&builder, error) && dom_owner_name_made(plan, error);
    g_ptr_array_unref(builder.nodes);
    g_hash_table_unref(builder.targets);
    if (!done)
        return FALSE;
    for (guint i = 0; i < plan->disks->len; i++)
        settle(plan->disks->pdata[i]);
    return TRUE;
}

static void
keep_places(DomPlan *plan, const DomClusters *clusters)
{
    plan->n_places = clusters->n;
    plan->places = g_new0(DomPlace, clusters->n);
    for (guint i = 0; i < clusters->n; i++) {
        const DomRules *rules = &clusters->all[i];

        plan->places[i] = (DomPlace){
            .fsid = g_strdup(rules->fsid),
            .image_pools = g_strdupv((char **)(gpointer)rules->image_pools),
            .vms_pool = g_strdup(rules->vms_pool),
            .complete_bare = rules->complete_bare,
        };
    }
}

DomPlan *
dom_plan_of(xmlDoc *doc,
            bool device,
            const DomClusters *clusters,
            GError **error)
{
    g_autoptr(DomPlan) plan = g_new0(DomPlan, 1);

    plan->doc = doc;
    plan->device = device;
    plan->disks =
        g_ptr_array_new_with_free_func((GDestroyNotify)plan_disk_free);
    keep_places(plan, clusters);
    plan->namespaces = clusters->all[0].namespaces;
    if (!fill_plan(plan, clusters, error))
        return NULL;
    return g_steal_pointer(&plan);
}

const DomPlace *
dom_place_of(const DomPlanDisk *own)
{
    return &own->plan->places[own->disk.cluster];
}

DomPlan *
dom_plan_new_among(const char *xml,
                   gsize len,
                   const DomRules *rules,
                   guint n_rules,
                   GError **error)
{
    const DomClusters clusters = {rules, n_rules};
    xmlDoc *doc = dom_parse(xml, len, error);

    return doc ? dom_plan_of(doc, false, &clusters, error) : NULL;
}

DomPlan *
dom_plan_new(const char *xml, gsize len, const DomRules *rules, GError **error)
{
    return dom_plan_new_among(xml, len, rules, 1, error);
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
dom_plan_has_foreign(const DomPlan *plan)
{
    return plan->foreign;
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
dom_disk_leave(DomDisk *disk)
{
    disk->left = true;
}

void
dom_disk_set_parent(DomDisk *disk,
                    guint cluster,
                    const char *fsid,
                    const char *pool)
{
    DomPlace *place = &((DomPlanDisk *)disk)->plan->places[cluster];

    g_return_if_fail(disk->parent_pool == NULL);
    g_return_if_fail(
        dom_in_list((const char *const *)place->image_pools, pool));
    disk->parent_pool = g_strdup(pool);
    disk->parent_cluster = cluster;
    if (!place->fsid)
        place->fsid = g_strdup(fsid);
    if (disk->kind != DOM_DISK_SNAPSHOT)
        return;
    disk->pool = g_strdup(pool);
    disk->cluster = cluster;
}
