/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * xml/dom-record.c - what the rewrite leaves in the metadata
 *
 * An entry says what the hook needs: parent, destination, size in bytes. And
 * the first time that a disk changes, what was there before is kept with it,
 * for dom_revert(); later changes (other monitors) do not touch that.
 */
#include "config.h"

#include "xml/dom-internal.h"

#include <string.h>

xmlNode *
dom_record_place(xmlNode *root)
{
    static const char *const places[] = {"name",  "uuid",        "genid",
                                         "title", "description", NULL};
    xmlNode *metadata = dom_child(root, "metadata");

    return metadata ? metadata : dom_add(root, places, "metadata");
}

static xmlNode *
ensure_meta(DomWork *work)
{
    xmlNs *ns;

    if (work->meta)
        return work->meta;
    work->meta = xmlNewDocNode(work->doc, NULL, BAD_CAST "domain", NULL);
    dom_append(dom_record_place(work->root), work->meta);
    ns = xmlNewNs(work->meta, BAD_CAST DOM_NAMESPACE, BAD_CAST DOM_PREFIX);
    xmlSetNs(work->meta, ns);
    return work->meta;
}

static xmlNode *
add_ours(DomWork *work, xmlNode *parent, const char *name)
{
    xmlNode *node =
        xmlNewDocNode(work->doc, work->meta->ns, BAD_CAST name, NULL);

    dom_append(parent, node);
    return node;
}

/* A definition from libvirt has the prefix of its own choice; a document of
 * ours without one would take the <disk> that is kept into the namespace. */
static void
keep_disk(xmlNode *original, xmlNode *before)
{
    xmlNode *copy = xmlDocCopyNode(before, original->doc, 1);

    dom_append(original, copy);
    dom_indent(copy);
}

static void
keep_attribute(xmlNode *entry, xmlNode *original, const char *name)
{
    g_autofree char *value = dom_attr(entry, name);

    if (value)
        dom_set_attr(original, name, value);
}

static bool
write_attributes(xmlNode *entry, const char *const *values)
{
    const char *const *names = dom_entry_attributes;
    bool changed = false;

    for (gsize i = 0; names[i]; i++) {
        g_autofree char *old = dom_attr(entry, names[i]);

        changed |= g_strcmp0(old, values[i]) != 0;
    }
    if (!changed)
        return false;
    for (gsize i = 0; names[i]; i++)
        dom_unset_attr(entry, names[i]);
    for (gsize i = 0; names[i]; i++) {
        if (values[i])
            dom_set_attr(entry, names[i], values[i]);
    }
    return true;
}

/* What Nova's metadata asks for, in our words. */
static void
name_kind(xmlNode *entry, const DomEntry *asked)
{
    const char *format = dom_kind_format(asked->content);

    if (asked->kind != DOM_KIND_CLONE)
        dom_set_attr(entry, "kind", dom_kind_word(asked->kind));
    if (format)
        dom_set_attr(entry, "format", format);
}

/* In another cluster only a location says where. */
static char *
image_text(const DomPlanDisk *own)
{
    const DomDisk *disk = &own->disk;
    const char *fsid = disk->parent_fsid;

    if (!dom_disk_has_parent(disk))
        return NULL;
    if (!dom_disk_is_copy(disk))
        return g_strdup_printf("%s/%s@%s", disk->parent_pool,
                               disk->parent_image, disk->parent_snap);
    return dom_image_ref_location(
        fsid ? fsid : own->plan->places[disk->parent_cluster].fsid,
        disk->parent_pool, disk->parent_image, disk->parent_snap);
}

/* 'cluster' goes: the disk itself is there now. */
static bool
write_entry(xmlNode *entry, const DomPlanDisk *own)
{
    const DomDisk *disk = &own->disk;
    g_autofree char *kind = dom_attr(entry, "kind");
    g_autofree char *format = dom_attr(entry, "format");
    g_autofree char *image = image_text(own);
    g_autofree char *destination =
        dom_disk_is_made(disk)
            ? g_strdup_printf("%s/%s", disk->pool, disk->image)
            : NULL;
    g_autofree char *size =
        disk->size ? g_strdup_printf("%" G_GUINT64_FORMAT, disk->size) : NULL;
    const char *const values[DOM_ENTRY_ATTRIBUTES] = {
        disk->target, kind,        image,      destination, size,
        format,       disk->label, disk->file, NULL};

    return write_attributes(entry, values);
}

static void
record_entry(DomWork *work, const DomPlanDisk *own, xmlNode *before)
{
    bool has_entry = own->entry && !own->entry->nova;
    xmlNode *entry;
    xmlNode *original;

    if (has_entry)
        entry = work->entries->pdata[own->entry->index];
    else
        entry = add_ours(work, ensure_meta(work), "disk");
    if (!has_entry || !own->entry->recorded) {
        original = add_ours(work, entry, "original");
        for (gsize i = 1; dom_entry_attributes[i]; i++)
            keep_attribute(entry, original, dom_entry_attributes[i]);
        if (before)
            keep_disk(original, before);
        work->meta_changed = true;
    }
    if (own->entry && !has_entry)
        name_kind(entry, own->entry);
    work->meta_changed |= write_entry(entry, own);
}

void
dom_record_alone(DomWork *work, const char *target, xmlNode *before)
{
    xmlNode *original;

    if (g_hash_table_contains(work->plan->request->records, target))
        return;
    original = add_ours(work, ensure_meta(work), "original");
    dom_set_attr(original, "target", target);
    keep_disk(original, before);
    work->meta_changed = true;
}

/* before: the <disk> as it was, or NULL if there was none. */
void
dom_record(DomWork *work, const DomPlanDisk *own, xmlNode *before)
{
    if (own->entry || dom_disk_is_made(&own->disk))
        record_entry(work, own, before);
    else
        dom_record_alone(work, own->disk.target, before);
}

/*
 * virDomainSetMetadata declares its key as a prefix on the element and puts
 * every element without a namespace into ours; it fails if the prefix is
 * declared already. So nothing of ours has a prefix here.
 */
char *
dom_record_dump(xmlNode *meta)
{
    g_autoptr(xmlDoc) doc = xmlNewDoc(BAD_CAST "1.0");
    xmlNode *root = xmlNewDocNode(doc, NULL, BAD_CAST "domain", NULL);

    xmlDocSetRootElement(doc, root);
    for (xmlNode *at = meta->children; at; at = at->next)
        xmlAddChild(root, xmlDocCopyNode(at, doc, 1));
    dom_strip_namespace(root);
    dom_indent(root);
    return dom_dump_node(root);
}
