/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * xml/dom-find.c - which RBD images a guest has, and as what
 *
 * For definitions in libvirt's own words, those of guests that run among them:
 * nothing here asks whose an image is, and no pool is known.
 *
 *     <disk>
 *       <source> <dataStore> <source>
 *       <backingStore> <source> <backingStore> <source> ...
 *       <mirror> <source>, <backingStore> ...
 */
#include "config.h"

#include "xml/dom-internal.h"

#include <string.h>

static void
source_free(DomRbdSource *source)
{
    g_free(source->target);
    g_free(source->pool);
    g_free(source->image);
    g_free(source->snap);
    g_free(source);
}

typedef struct {
    GPtrArray *sources;
    char *target;
    bool mirror;
    bool shared;
} Walk;

/* holder: what has a type and a <source>. */
static void
add_source(const Walk *walk, xmlNode *holder, DomRole role)
{
    g_autoptr(DomSource) found = dom_source_read(holder);
    DomRbdSource *source;

    if (found->kind != DOM_SOURCE_RBD)
        return;
    source = g_new0(DomRbdSource, 1);
    source->target = g_strdup(walk->target);
    source->pool = g_steal_pointer(&found->pool);
    /* libvirt knows no '@'. */
    source->image = found->snap_at
                        ? g_strconcat(found->image, "@", found->snap_at, NULL)
                        : g_steal_pointer(&found->image);
    if (found->snap_element && *found->snap_element)
        source->snap = g_steal_pointer(&found->snap_element);
    source->role =
        source->snap && role > DOM_ROLE_BACKING ? DOM_ROLE_READ_ONLY : role;
    source->mirror = walk->mirror;
    source->shared = walk->shared;
    g_ptr_array_add(walk->sources, source);
}

/* One image: its source, and where that keeps its data. */
static void
add_image(const Walk *walk, xmlNode *holder, DomRole role)
{
    xmlNode *store = dom_child(dom_child(holder, "source"), "dataStore");

    add_source(walk, holder, role);
    if (store)
        add_source(walk, store, role);
}

static void
add_chain(const Walk *walk, xmlNode *holder, DomRole role)
{
    xmlNode *backing = dom_child(holder, "backingStore");

    add_image(walk, holder, role);
    for (; backing; backing = dom_child(backing, "backingStore"))
        add_image(walk, backing, DOM_ROLE_BACKING);
}

static void
add_disk(GPtrArray *sources, xmlNode *disk)
{
    g_autofree char *target = dom_child_attr(disk, "target", "dev");
    g_autofree char *device = dom_attr(disk, "device");
    bool written =
        g_strcmp0(device, "cdrom") != 0 && !dom_child(disk, "readonly");
    xmlNode *mirror = dom_child(disk, "mirror");
    const Walk walk = {sources, target, mirror != NULL,
                       dom_child(disk, "shareable") != NULL};

    add_chain(&walk, disk, written ? DOM_ROLE_DISK : DOM_ROLE_READ_ONLY);
    if (mirror)
        add_chain(&walk, mirror, DOM_ROLE_MIRROR);
}

gboolean
dom_sources(const char *xml, gsize len, GPtrArray **ret_sources, GError **error)
{
    g_autoptr(xmlDoc) doc = dom_parse(xml, len, error);
    g_autoptr(GPtrArray) disks = NULL;

    if (!doc)
        return FALSE;
    disks = dom_disk_nodes(xmlDocGetRootElement(doc));
    *ret_sources = g_ptr_array_new_with_free_func((GDestroyNotify)source_free);
    for (guint i = 0; i < disks->len; i++)
        add_disk(*ret_sources, disks->pdata[i]);
    return TRUE;
}

gboolean
dom_find_source(const char *xml,
                gsize len,
                const char *pool,
                const char *image,
                DomFound *ret_found,
                GError **error)
{
    g_autoptr(GPtrArray) sources = NULL;
    DomFound found = {DOM_ROLE_NONE, false, false};

    if (!dom_sources(xml, len, &sources, error))
        return FALSE;
    for (guint i = 0; i < sources->len; i++) {
        const DomRbdSource *source = sources->pdata[i];

        if (strcmp(source->pool, pool) != 0 ||
            strcmp(source->image, image) != 0)
            continue;
        found.role = MAX(found.role, source->role);
        found.mirror |= source->mirror;
        found.shared |= source->shared;
    }
    *ret_found = found;
    return TRUE;
}
