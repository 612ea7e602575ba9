/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * xml/dom-revert.c - back to what was there before remora
 *
 * Needs no rules and no site: all of it is in the metadata. A disk that the
 * user has since given another source is not put back over that.
 */
#include "config.h"

#include "xml/dom-internal.h"

#include <string.h>

typedef struct {
    xmlNode *root;
    GHashTable *disks; /* target to its <disk> */
    DomChanges *changes;
    bool found;
} Revert;

static void
index_disks(Revert *revert)
{
    g_autoptr(GPtrArray) nodes = dom_disk_nodes(revert->root);

    for (guint i = 0; i < nodes->len; i++) {
        char *target = dom_child_attr(nodes->pdata[i], "target", "dev");

        if (target)
            g_hash_table_replace(revert->disks, target, nodes->pdata[i]);
    }
}

static bool
has_same(xmlNode *disk, xmlNode *kept, const char *name)
{
    g_autofree char *now = dom_child_attr(disk, "source", name);
    g_autofree char *before = dom_child_attr(kept, "source", name);

    return g_strcmp0(now, before) == 0;
}

/* One that is none of RBD's, and had its cache mode set. */
static bool
is_same_other(xmlNode *disk, xmlNode *kept)
{
    g_autofree char *now = dom_attr(disk, "type");
    g_autofree char *before = dom_attr(kept, "type");

    return g_strcmp0(now, before) == 0 && has_same(disk, kept, "file") &&
           has_same(disk, kept, "dev");
}

/* Whether the disk still is on the image that remora put it on. */
static bool
is_where_put(xmlNode *disk, xmlNode *kept, const char *image)
{
    g_autoptr(DomSource) now = dom_source_read(disk);
    g_autoptr(DomSource) before = NULL;
    g_autofree char *name = NULL;

    if (now->kind == DOM_SOURCE_OTHER && !image && kept)
        return is_same_other(disk, kept);
    if (now->kind != DOM_SOURCE_RBD)
        return false;
    if (image) {
        name = g_strdup_printf("%s/%s", now->pool, now->image);
        return strcmp(name, image) == 0;
    }
    if (dom_volume_is(kept, now->image))
        return true;
    /* No clone: the disk was completed where it was. */
    before = dom_source_read(kept);
    return before->kind == DOM_SOURCE_RBD &&
           g_strcmp0(before->pool, now->pool) == 0 &&
           g_strcmp0(before->image, now->image) == 0;
}

/* image: 'pool/image' that remora wrote; NULL: the one in kept. Says whether
 * the disk was still as remora had it. */
static bool
revert_disk(Revert *revert,
            const char *target,
            xmlNode *kept,
            const char *image)
{
    xmlNode *disk = g_hash_table_lookup(revert->disks, target);
    g_autoptr(xmlNode) plain = NULL;

    if (kept) {
        plain = xmlDocCopyNode(kept, kept->doc, 1);
        dom_strip_namespace(plain);
    }
    if (disk && !is_where_put(disk, plain, image))
        return false;
    if (kept && disk)
        g_ptr_array_add(revert->changes->updates, dom_dump_node(plain));
    else if (kept)
        dom_changes_add(revert->changes, plain);
    else if (disk)
        g_ptr_array_add(revert->changes->removals, dom_dump_node(disk));
    return kept || disk;
}

static void
restore_entry(xmlNode *entry, xmlNode *original)
{
    for (gsize i = 1; dom_entry_attributes[i]; i++) {
        const char *name = dom_entry_attributes[i];
        g_autofree char *value = dom_attr(original, name);

        dom_unset_attr(entry, name);
        if (value)
            dom_set_attr(entry, name, value);
    }
    dom_remove(original);
}

static void
revert_entry(Revert *revert, xmlNode *node, const DomEntry *entry)
{
    xmlNode *original = dom_child_ours(node, "original");
    g_autofree char *image = dom_attr(original, "image");
    g_autofree char *kind = dom_attr(original, "kind");
    g_autofree char *snapshot = NULL;
    const char *put = entry->destination;

    if (!original)
        return;
    if (!put && entry->ref && entry->ref->pool) {
        snapshot =
            g_strdup_printf("%s/%s", entry->ref->pool, entry->ref->image);
        put = snapshot;
    }
    revert->found = true;
    /* A request would not go with what the disk is now. */
    if (revert_disk(revert, entry->target, dom_child_ours(original, "disk"),
                    put) &&
        (image || kind))
        restore_entry(node, original);
    else
        dom_remove(node);
}

static void
revert_record(Revert *revert, xmlNode *node)
{
    g_autofree char *target = dom_attr(node, "target");

    revert->found = true;
    revert_disk(revert, target, dom_child_ours(node, "disk"), NULL);
    dom_remove(node);
}

/* Anything but blanks: an element, or a comment that the user wrote. */
static bool
holds_anything(const xmlNode *node)
{
    for (const xmlNode *at = node->children; at; at = at->next) {
        if (at->type != XML_TEXT_NODE)
            return true;
    }
    return false;
}

static void
revert_all(Revert *revert, const DomRequest *request)
{
    g_autoptr(GPtrArray) nodes = dom_elements(request->node);

    for (guint i = 0, e = 0; i < nodes->len; i++) {
        xmlNode *node = nodes->pdata[i];

        if (strcmp((const char *)node->name, "disk") == 0)
            revert_entry(revert, node, request->entries->pdata[e++]);
        else
            revert_record(revert, node);
    }
    revert->changes->metadata = holds_anything(request->node)
                                    ? dom_record_dump(request->node)
                                    : g_strdup("");
}

gboolean
dom_revert(const char *xml, gsize len, DomChanges **ret_changes, GError **error)
{
    g_autoptr(xmlDoc) doc = dom_parse(xml, len, error);
    g_autoptr(DomRequest) request = NULL;
    g_autoptr(DomChanges) changes = dom_changes_new();
    Revert revert = {.changes = changes};

    if (!doc)
        return FALSE;
    revert.root = xmlDocGetRootElement(doc);
    request = dom_request_read(revert.root, error);
    if (!request)
        return FALSE;
    if (request->node) {
        revert.disks =
            g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
        index_disks(&revert);
        revert_all(&revert, request);
        g_hash_table_unref(revert.disks);
    }
    *ret_changes = revert.found ? g_steal_pointer(&changes) : NULL;
    return TRUE;
}
