/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * agent/cli/tree.c - remora tree: images, their snapshots, and the clones of those
 */
#include "config.h"

#include "agent/cli/image.h"

#include <stdio.h>
#include <string.h>

static gboolean as_json;
static gboolean as_dot;

static const GOptionEntry options[] = {
    CMD_IMAGE_CLUSTER,
    {"json", 'j', 0, G_OPTION_ARG_NONE, &as_json, "Print JSON", NULL},
    {"dot", 0, 0, G_OPTION_ARG_NONE, &as_dot, "Print a graph for dot(1)", NULL},
    {NULL, 0, 0, 0, NULL, NULL, NULL},
};

typedef struct {
    CmdTable *table;    /* NULL: as_dot */
    virConnectPtr conn; /* for the names of domains; NULL: none */
    const char *cluster;
    const GPtrArray *images;
    GHashTable
        *below; /* of each image that has some: a GPtrArray of its clones */
    bool begun; /* the graph */
} Tree;

/* ---- texts ----------------------------------------------------------------------- */

static char *
image_name(const StoreTreeImage *image)
{
    return g_strconcat(image->pool ? image->pool : "?", "/", image->space,
                       image->space[0] ? "/" : "",
                       image->name ? image->name : image->id, NULL);
}

static const char *
image_state(const StoreTreeImage *image)
{
    return image->trash ? "trash" : image->seen ? NULL : "not seen";
}

static const char *
snap_state(const StoreTreeSnap *snap)
{
    return snap->removed          ? "removed"
           : snap->protected_snap ? "protected"
                                  : NULL;
}

static char *
size_text(guint64 bytes)
{
    return as_json ? g_strdup_printf("%" G_GUINT64_FORMAT, bytes)
                   : cmd_size(bytes);
}

/* Of another host's domain the UUID is all that is known. */
static char *
domain_text(const Tree *tree, const char *owner)
{
    g_autoptr(virDomain) domain =
        tree->conn && owner ? virDomainLookupByUUIDString(tree->conn, owner)
                            : NULL;

    return g_strdup(domain ? virDomainGetName(domain) : owner);
}

static char *
watchers_text(const StoreTreeImage *image)
{
    if (image->crowded)
        return as_json ? NULL : g_strdup("many");
    return g_strdup_printf(
        "%u", image->watchers ? g_strv_length(image->watchers) : 0);
}

/* ---- the table -------------------------------------------------------------------- */

static void
add_image(const Tree *tree, gpointer above, const StoreTreeImage *image);

/* Those that hang from the snapshot; NULL: from none that is known. */
static void
add_clones(const Tree *tree,
           gpointer above,
           const StoreTreeImage *parent,
           const StoreTreeSnap *snap)
{
    const GPtrArray *clones = g_hash_table_lookup(tree->below, parent);

    for (guint i = 0; clones && i < clones->len; i++) {
        const StoreTreeImage *image = g_ptr_array_index(clones, i);

        if (store_tree_snap_of(image) == snap)
            add_image(tree, above, image);
    }
}

static void
add_snap(const Tree *tree,
         gpointer above,
         const StoreTreeImage *image,
         const StoreTreeSnap *snap)
{
    g_autofree char *name = g_strconcat("@", snap->name, NULL);
    g_autofree char *size = size_text(snap->size);
    g_autofree char *used = size_text(snap->used);
    gpointer line =
        cmd_table_add_below(tree->table, above, name, size, used, NULL, NULL,
                            NULL, snap_state(snap), tree->cluster);

    add_clones(tree, line, image, snap);
}

static void
add_image(const Tree *tree, gpointer above, const StoreTreeImage *image)
{
    g_autofree char *name = image_name(image);
    g_autofree char *size = image->seen ? size_text(image->size) : NULL;
    g_autofree char *used = image->seen ? size_text(image->used) : NULL;
    g_autofree char *depth = g_strdup_printf("%u", image->depth);
    g_autofree char *watchers = image->seen ? watchers_text(image) : NULL;
    g_autofree char *domain = domain_text(tree, image->owner);
    gpointer line = cmd_table_add_below(tree->table, above, name, size, used,
                                        depth, watchers, domain,
                                        image_state(image), tree->cluster);

    for (guint i = 0; i < image->snaps->len; i++)
        add_snap(tree, line, image, g_ptr_array_index(image->snaps, i));
    add_clones(tree, line, image, NULL);
}

static CmdTable *
table_new(bool several)
{
    static const CmdColumn columns[] = {
        {"NAME", CMD_TEXT},    {"SIZE", CMD_NUMBER},     {"USED", CMD_NUMBER},
        {"DEPTH", CMD_NUMBER}, {"WATCHERS", CMD_NUMBER}, {"DOMAIN", CMD_TEXT},
        {"STATE", CMD_TEXT},   {NULL, CMD_TEXT},
    };
    CmdTable *table =
        cmd_table_new_of_clusters(columns, "images", as_json, several);

    cmd_table_is_tree(table);
    return table;
}

/* ---- the graph -------------------------------------------------------------------- */

static char *
dot_id(const Tree *tree, const StoreTreeImage *image)
{
    g_autofree char *id = g_strdup_printf(
        "%s %" G_GINT64_FORMAT " %s", tree->cluster, image->pool_id, image->id);

    return g_strescape(id, NULL);
}

static void
draw_image(const Tree *tree, const StoreTreeImage *image)
{
    const StoreTreeSnap *snap = store_tree_snap_of(image);
    g_autofree char *id = dot_id(tree, image);
    g_autofree char *name = image_name(image);
    g_autofree char *text = g_strescape(name, NULL);
    g_autofree char *size = cmd_size(image->size);
    g_autofree char *by = g_strescape(snap ? snap->name : "?", NULL);

    printf("    \"%s\" [label=\"%s\\n%s\"%s];\n", id, text,
           image->seen ? size : "not seen",
           image->trash ? ", style=dashed" : "");
    if (!image->parent)
        return;
    g_autofree char *parent = dot_id(tree, image->parent);
    printf("    \"%s\" -> \"%s\" [label=\"@%s\"];\n", parent, id, by);
}

/* ---- what is asked for -------------------------------------------------------------- */

static int
by_name(gconstpointer a, gconstpointer b)
{
    const StoreTreeImage *const *one = a;
    const StoreTreeImage *const *other = b;
    g_autofree char *name = image_name(*one);
    g_autofree char *other_name = image_name(*other);

    return strcmp(name, other_name);
}

static GHashTable *
sort_out(const GPtrArray *images)
{
    GHashTableIter iter;
    gpointer list;
    GHashTable *below = g_hash_table_new_full(
        g_direct_hash, g_direct_equal, NULL, (GDestroyNotify)g_ptr_array_unref);

    for (guint i = 0; i < images->len; i++) {
        StoreTreeImage *image = g_ptr_array_index(images, i);
        GPtrArray *clones = g_hash_table_lookup(below, image->parent);

        if (!image->parent)
            continue;
        if (!clones) {
            clones = g_ptr_array_new();
            g_hash_table_insert(below, (gpointer)image->parent, clones);
        }
        g_ptr_array_add(clones, image);
    }
    g_hash_table_iter_init(&iter, below);
    while (g_hash_table_iter_next(&iter, NULL, &list))
        g_ptr_array_sort(list, by_name);
    return below;
}

static void
show(Tree *tree)
{
    g_autoptr(GHashTable) below = sort_out(tree->images);

    if (!tree->table && !tree->begun)
        puts("digraph remora {");
    tree->begun = true;
    tree->below = below;
    for (guint i = 0; i < tree->images->len; i++) {
        const StoreTreeImage *image = g_ptr_array_index(tree->images, i);

        if (!tree->table)
            draw_image(tree, image);
        else if (!image->parent)
            add_image(tree, NULL, image);
    }
}

static GPtrArray *
missing(const char *name, GError **error)
{
    g_set_error(error, STORE_ERROR, STORE_ERROR_MISSING,
                "no pool and no image '%s' (remora image list)", name);
    return NULL;
}

/* name: a pool, 'POOL/IMAGE', or the id of an image; NULL: all pools. */
static GPtrArray *
read_images(const Cluster *cluster, const char *name, GError **error)
{
    StoreCluster *store = cluster_store(cluster);
    g_autoptr(GPtrArray) pools = cmd_image_pools(cluster);
    const char *slash = name ? strchr(name, '/') : NULL;
    const char *const one[] = {name, NULL};
    g_autofree char *pool =
        slash ? g_strndup(name, (gsize)(slash - name)) : NULL;

    if (slash)
        return store_tree_read_one(store, pool, slash + 1, error);
    if (name &&
        g_ptr_array_find_with_equal_func(pools, name, g_str_equal, NULL))
        return store_tree_read(store, one, error);
    g_ptr_array_add(pools, NULL);
    if (!name)
        return store_tree_read(store, (const char *const *)pools->pdata, error);
    pool =
        store_find_image(store, (const char *const *)pools->pdata, name, NULL);
    return pool ? store_tree_read_one(store, pool, name, error)
                : missing(name, error);
}

/* What one of several clusters does not have may be another's. */
static gboolean
show_cluster(Tree *tree,
             const Cluster *cluster,
             const char *name,
             bool *found,
             GError **missing_error,
             GError **error)
{
    g_autoptr(GError) why = NULL;
    g_autoptr(GPtrArray) images = read_images(cluster, name, &why);

    if (images) {
        tree->cluster = cluster_name(cluster);
        tree->images = images;
        show(tree);
        *found = true;
        return TRUE;
    }
    if (name && g_error_matches(why, STORE_ERROR, STORE_ERROR_MISSING)) {
        g_clear_error(missing_error);
        *missing_error = g_steal_pointer(&why);
        return TRUE;
    }
    g_propagate_error(error, g_steal_pointer(&why));
    return FALSE;
}

static gboolean
show_all(Tree *tree,
         const GPtrArray *clusters,
         const char *name,
         GError **error)
{
    g_autoptr(GError) absent = NULL;
    bool found = false;

    for (guint i = 0; i < clusters->len; i++)
        if (!show_cluster(tree, g_ptr_array_index(clusters, i), name, &found,
                          &absent, error))
            return FALSE;
    if (found)
        return TRUE;
    g_propagate_error(error, g_steal_pointer(&absent));
    return FALSE;
}

static int
run(const CmdGlobals *globals, char **rest)
{
    g_autoptr(GError) error = NULL;
    Tree tree = {0};

    if (rest[0] && rest[1])
        return cmd_usage("tree", "one pool or image, or none, is needed");
    if (as_json && as_dot)
        return cmd_usage("tree", "--json and --dot exclude each other");
    g_autoptr(Host) host = cmd_host(globals);
    if (!host)
        return 1;
    g_autoptr(GPtrArray) clusters = cmd_image_clusters(host, "tree");
    if (!clusters)
        return 2;
    g_autoptr(virConnect) conn = cmd_connect(host, true, NULL);
    tree.conn = conn;
    tree.table = as_dot ? NULL : table_new(host_clusters(host) > 1);
    if (!show_all(&tree, clusters, rest[0], &error)) {
        if (tree.table)
            cmd_table_free(tree.table);
        return cmd_image_fail(NULL, error);
    }
    if (as_dot)
        puts("}");
    else
        cmd_table_print(tree.table);
    return 0;
}

const CmdVerb cmd_tree = {
    .name = "tree",
    .arguments = "[POOL|IMAGE]",
    .summary = "Shows images, their snapshots and clones as a tree",
    .options = options,
    .run = run,
};
