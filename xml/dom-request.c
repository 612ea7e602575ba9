/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * xml/dom-request.c - our element in <metadata>
 *
 *     <remora:domain>
 *       <remora:disk target= kind= image= destination= size= format= label=
 *                    file= cluster=>
 *         <remora:original kind= image= (and so on)> <disk>
 *       <remora:original target=> <disk>
 *
 * 'destination' and <original> are what the rewrite leaves: the disk as it
 * was, and the entry's attributes as they were (none where the disk's own
 * source asked). The second <original> is for a disk that has no entry.
 *
 * Anything else is refused rather than passed over: what is asked for and not
 * understood would otherwise be a disk that somebody misses later.
 */
#include "config.h"

#include "xml/dom-internal.h"

#include <string.h>

static void
entry_free(DomEntry *entry)
{
    g_free(entry->target);
    g_free(entry->image_text);
    g_free(entry->label);
    g_free(entry->file);
    g_free(entry->cluster);
    g_free(entry->destination);
    g_free(entry->nova);
    dom_image_ref_free(entry->ref);
    g_free(entry);
}

void
dom_request_free(DomRequest *request)
{
    if (!request)
        return;
    g_clear_pointer(&request->by_target, g_hash_table_unref);
    g_clear_pointer(&request->records, g_hash_table_unref);
    g_clear_pointer(&request->entries, g_ptr_array_unref);
    g_free(request);
}

static DomRequest *
request_new(void)
{
    DomRequest *request = g_new0(DomRequest, 1);

    request->entries =
        g_ptr_array_new_with_free_func((GDestroyNotify)entry_free);
    request->by_target = g_hash_table_new(g_str_hash, g_str_equal);
    request->records =
        g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    return request;
}

/* The target, which stays as it is, is not kept. */
const char *const dom_entry_attributes[] = {
    "target", "kind",  "image", "destination", "size",
    "format", "label", "file",  "cluster",     NULL};

/* What an element may say, and what a user is told that it may. */
typedef struct {
    const char *const *attributes;
    const char *told;
} Allowed;

static const char *const no_attributes[] = {NULL};
static const char *const record_attributes[] = {"target", NULL};

static const Allowed domain_allows = {no_attributes, "it has none"};
static const Allowed entry_allows = {
    dom_entry_attributes, "known are 'target', 'kind', 'image', 'size', "
                          "'format', 'label', 'file' and 'cluster'"};
static const Allowed kept_allows = {dom_entry_attributes + 1,
                                    "only remora writes <original>"};
static const Allowed record_allows = {record_attributes,
                                      "only remora writes <original>"};

static gboolean
check_attributes(const xmlNode *node, const Allowed *allowed, GError **error)
{
    for (const xmlAttr *attr = node->properties; attr; attr = attr->next) {
        const char *name = (const char *)attr->name;

        if (attr->ns || !dom_in_list(allowed->attributes, name))
            return dom_fail(error, DOM_ERROR_REQUEST,
                            "attribute '" DOM_QUOTE "' of <%s> is not known: "
                            "%s",
                            name, (const char *)node->name, allowed->told);
    }
    return TRUE;
}

/* Text has no meaning anywhere in our element. */
static gboolean
check_no_text(xmlNode *node, GError **error)
{
    for (xmlNode *at = node->children; at; at = at->next) {
        if ((at->type == XML_TEXT_NODE || at->type == XML_CDATA_SECTION_NODE) &&
            !xmlIsBlankNode(at))
            return dom_fail(error, DOM_ERROR_REQUEST,
                            "<%s> has text in it: write attributes",
                            (const char *)node->name);
    }
    return TRUE;
}

static gboolean
fail_element(const xmlNode *node, const char *known, GError **error)
{
    return dom_fail(error, DOM_ERROR_REQUEST,
                    "element '" DOM_QUOTE "'%s is not known here: known is %s",
                    (const char *)node->name,
                    dom_is_ours(node) ? ""
                                      : " outside the namespace "
                                        "'" DOM_NAMESPACE "'",
                    known);
}

/* The <disk> that is kept; libvirt may have put it into our namespace. */
static gboolean
check_original(xmlNode *node, const Allowed *allowed, GError **error)
{
    g_autoptr(GPtrArray) kept = dom_elements(node);

    if (!check_attributes(node, allowed, error) || !check_no_text(node, error))
        return FALSE;
    for (guint i = 0; i < kept->len; i++) {
        if (i > 0 || dom_child_ours(node, "disk") != kept->pdata[i])
            return fail_element(kept->pdata[i], "one <disk>", error);
    }
    return TRUE;
}

static bool
kept_read_only(xmlNode *original)
{
    xmlNode *disk = dom_child_ours(original, "disk");
    g_autofree char *device = dom_attr(disk, "device");

    return g_strcmp0(device, "cdrom") == 0 ||
           dom_child_ours(disk, "readonly") != NULL;
}

static gboolean
read_entry(xmlNode *node, DomEntry *entry, GError **error)
{
    g_autoptr(GPtrArray) children = dom_elements(node);

    if (!check_attributes(node, &entry_allows, error) ||
        !check_no_text(node, error) ||
        !dom_target_check(entry->target, error) ||
        !dom_kind_read(node, entry, error))
        return FALSE;
    entry->destination = dom_attr(node, "destination");
    entry->cluster = dom_attr(node, "cluster");
    for (guint i = 0; i < children->len; i++) {
        xmlNode *child = children->pdata[i];

        if (!dom_is_ours(child) || i > 0 ||
            strcmp((const char *)child->name, "original") != 0)
            return fail_element(child, "one <" DOM_PREFIX ":original>", error);
        if (!check_original(child, &kept_allows, error))
            return FALSE;
        entry->recorded = true;
        entry->was_read_only = kept_read_only(child);
    }
    return TRUE;
}

static gboolean
fail_limit(GError **error)
{
    return dom_fail(error, DOM_ERROR_LIMIT,
                    "the metadata asks for more than %u disks", DOM_DISKS_MAX);
}

static gboolean
add_entry(DomRequest *request, xmlNode *node, guint index, GError **error)
{
    DomEntry *entry;
    char *target = dom_attr(node, "target");

    if (!target)
        return dom_fail(error, DOM_ERROR_REQUEST,
                        "metadata: <disk> on line %ld has no 'target': name "
                        "the disk, such as target=\"vda\"",
                        xmlGetLineNo(node));
    entry = g_new0(DomEntry, 1);
    entry->target = target;
    entry->index = index;
    g_ptr_array_add(request->entries, entry);
    if (request->entries->len > DOM_DISKS_MAX)
        return fail_limit(error);
    if (!read_entry(node, entry, error)) {
        g_prefix_error(error, "disk '%.20s': metadata: ", target);
        return FALSE;
    }
    if (!g_hash_table_insert(request->by_target, entry->target, entry))
        return dom_fail(error, DOM_ERROR_REQUEST,
                        "disk '%s': two <disk> in the metadata have this "
                        "target: remove one",
                        target);
    return TRUE;
}

static gboolean
add_record(DomRequest *request, xmlNode *node, GError **error)
{
    char *target = dom_attr(node, "target");

    if (!check_original(node, &record_allows, error)) {
        g_prefix_error(error, "metadata: ");
        g_free(target);
        return FALSE;
    }
    if (!target || !dom_child_ours(node, "disk")) {
        g_free(target);
        return dom_fail(error, DOM_ERROR_REQUEST,
                        "metadata: <original> has no 'target' or no <disk>: "
                        "remove it");
    }
    if (!g_hash_table_add(request->records, target))
        return dom_fail(error, DOM_ERROR_REQUEST,
                        "metadata: two <original> have one target: remove one");
    if (g_hash_table_size(request->records) > DOM_DISKS_MAX)
        return fail_limit(error);
    return TRUE;
}

static gboolean
add_element(DomRequest *request, xmlNode *node, guint index, GError **error)
{
    if (dom_is_ours(node) && strcmp((const char *)node->name, "disk") == 0)
        return add_entry(request, node, index, error);
    if (dom_is_ours(node) && strcmp((const char *)node->name, "original") == 0)
        return add_record(request, node, error);
    fail_element(node, "<" DOM_PREFIX ":disk>", error);
    g_prefix_error(error, "metadata: ");
    return FALSE;
}

/* libvirt reads the first <metadata>, and in it one element a namespace. */
xmlNode *
dom_request_find(xmlNode *root)
{
    xmlNode *metadata = dom_child(root, "metadata");
    xmlNode *node = metadata ? metadata->children : NULL;

    while (node && !dom_is_ours(node))
        node = node->next;
    return node;
}

static gboolean
check_top(xmlNode *top, GError **error)
{
    if (strcmp((const char *)top->name, "domain") != 0)
        return fail_element(top, "<" DOM_PREFIX ":domain>", error);
    for (const xmlNode *at = top->next; at; at = at->next) {
        if (dom_is_ours(at))
            return dom_fail(error, DOM_ERROR_REQUEST,
                            "there are two elements of '" DOM_NAMESPACE
                            "': put all disks into the first");
    }
    return check_attributes(top, &domain_allows, error) &&
           check_no_text(top, error);
}

DomRequest *
dom_request_read(xmlNode *root, GError **error)
{
    g_autoptr(DomRequest) request = request_new();
    g_autoptr(GPtrArray) elements = NULL;

    request->node = dom_request_find(root);
    if (!request->node)
        return g_steal_pointer(&request);
    if (!check_top(request->node, error)) {
        g_prefix_error(error, "metadata: ");
        return NULL;
    }
    elements = dom_elements(request->node);
    for (guint i = 0; i < elements->len; i++) {
        if (!add_element(request, elements->pdata[i], i, error))
            return NULL;
    }
    return g_steal_pointer(&request);
}
