/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * xml/dom-volume.c - a disk of type 'volume', and the storage pool that it names
 *
 * libvirt defines a disk whose pool is one of Ceph's, and then refuses to start
 * it. What it means is the image of that name in the pool of Ceph's.
 */
#include "config.h"

#include "xml/dom-internal.h"

#include <string.h>

static bool
is_volume(xmlNode *disk)
{
    g_autofree char *type = dom_attr(disk, "type");

    return g_strcmp0(type, "volume") == 0;
}

static const DomStoragePool *
find_pool(const DomClusters *clusters, const char *name)
{
    const DomRules *rules = clusters->all;

    for (gsize i = 0; name && i < rules->n_storage_pools; i++) {
        const DomStoragePool *pool = &rules->storage_pools[i];

        if (strcmp(pool->name, name) == 0 && pool->cluster < clusters->n)
            return pool;
    }
    return NULL;
}

bool
dom_volume_resolve(xmlNode *disk,
                   const DomClusters *clusters,
                   DomSource *source,
                   const DomRules **ret_rules)
{
    g_autofree char *name = dom_child_attr(disk, "source", "pool");
    g_autofree char *volume = dom_child_attr(disk, "source", "volume");
    const DomStoragePool *pool =
        is_volume(disk) ? find_pool(clusters, name) : NULL;

    if (!pool || !volume || !*volume)
        return false;
    source->kind = DOM_SOURCE_RBD;
    source->pool = g_strdup(pool->pool);
    source->image = g_steal_pointer(&volume);
    source->path = strchr(source->image, '/') ? DOM_PATH_ODD : DOM_PATH_IMAGE;
    *ret_rules = &clusters->all[pool->cluster];
    return true;
}

bool
dom_volume_is(xmlNode *disk, const char *image)
{
    g_autofree char *volume = dom_child_attr(disk, "source", "volume");

    return is_volume(disk) && g_strcmp0(volume, image) == 0;
}

/* Of a definition, or of a lone device. */
static GPtrArray *
find_disks(xmlDoc *doc)
{
    xmlNode *root = doc ? xmlDocGetRootElement(doc) : NULL;
    GPtrArray *nodes;

    if (dom_is_named(root, "domain"))
        return dom_disk_nodes(root);
    nodes = g_ptr_array_new();
    if (dom_is_named(root, "disk"))
        g_ptr_array_add(nodes, root);
    return nodes;
}

char **
dom_storage_pools(const char *xml, gsize len)
{
    g_autoptr(xmlDoc) doc = dom_parse_any(xml, len, NULL);
    g_autoptr(GPtrArray) nodes = find_disks(doc);
    GPtrArray *names = g_ptr_array_new();

    for (guint i = 0; i < nodes->len; i++) {
        char *name = is_volume(nodes->pdata[i])
                         ? dom_child_attr(nodes->pdata[i], "source", "pool")
                         : NULL;

        if (name && names->len < DOM_DISKS_MAX &&
            !g_ptr_array_find_with_equal_func(names, name, g_str_equal, NULL))
            g_ptr_array_add(names, name);
        else
            g_free(name);
    }
    g_ptr_array_add(names, NULL);
    return (char **)g_ptr_array_free(names, FALSE);
}

static GPtrArray *
read_hosts(xmlNode *source)
{
    GPtrArray *hosts =
        g_ptr_array_new_with_free_func((GDestroyNotify)dom_host_free);
    xmlNode *host = dom_child(source, "host");

    for (; host && hosts->len < DOM_HOSTS_MAX;
         host = dom_child_next(host, "host")) {
        char *name = dom_attr(host, "name");

        if (name)
            g_ptr_array_add(hosts, dom_host_new(name, dom_attr(host, "port")));
    }
    return hosts;
}

char *
dom_storage_pool_read(const char *xml, gsize len, GPtrArray **ret_hosts)
{
    g_autoptr(xmlDoc) doc = dom_parse_any(xml, len, NULL);
    xmlNode *root = doc ? xmlDocGetRootElement(doc) : NULL;
    xmlNode *source = dom_child(root, "source");
    g_autofree char *type = dom_attr(root, "type");
    g_autofree char *name = dom_text(dom_child(source, "name"));

    if (!root || !dom_is_named(root, "pool") || g_strcmp0(type, "rbd") != 0 ||
        !name || !*name)
        return NULL;
    *ret_hosts = read_hosts(source);
    return g_steal_pointer(&name);
}
