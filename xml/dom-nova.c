/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * xml/dom-nova.c - what Nova writes into the metadata, as a request
 *
 *     <nova:instance>
 *       <nova:flavor> <nova:disk> GiB <nova:swap> MiB <nova:ephemeral> GiB
 *       <nova:image uuid=> <nova:properties> <nova:property name=>
 *       <nova:root type= uuid=>
 *
 * and the <disk>s whose files Nova calls 'disk', 'disk.local' and so on. Each
 * becomes an entry as one of ours, whose image has the file's name. A guest that
 * has data of its own in one of the files keeps them all.
 *
 * The metadata is no authority: no pool and no location is taken from it.
 */
#include "config.h"

#include "xml/dom-internal.h"

#include <string.h>

static const char *const namespaces[] = {
    "http://openstack.org/xmlns/libvirt/nova/1.0",
    "http://openstack.org/xmlns/libvirt/nova/1.1",
    NULL,
};

/* ---- the element ------------------------------------------------------------- */

static bool
is_novas(const xmlNode *node, const char *name)
{
    return node->type == XML_ELEMENT_NODE && node->ns &&
           dom_in_list(namespaces, (const char *)node->ns->href) &&
           strcmp((const char *)node->name, name) == 0;
}

static xmlNode *
next_nova(xmlNode *node, const char *name)
{
    while (node && !is_novas(node, name))
        node = node->next;
    return node;
}

static xmlNode *
child_nova(xmlNode *parent, const char *name)
{
    return next_nova(parent ? parent->children : NULL, name);
}

static xmlNode *
find_instance(xmlNode *root)
{
    return child_nova(dom_child(root, "metadata"), "instance");
}

/* Of <list><item name='NAME'>TEXT, the text, or NULL. */
static char *
text_of_item(xmlNode *list, const char *item, const char *name)
{
    xmlNode *at = child_nova(list, item);

    for (; at; at = next_nova(at->next, item)) {
        g_autofree char *said = dom_attr(at, "name");

        if (g_strcmp0(said, name) == 0)
            return dom_text(at);
    }
    return NULL;
}

/* The id of an image of Glance's that the element names, or NULL. */
static char *
image_of(xmlNode *node)
{
    g_autofree char *id = dom_attr(node, "uuid");

    return id && g_uuid_string_is_valid(id) ? g_steal_pointer(&id) : NULL;
}

/* NULL too where Nova booted from a volume. */
static char *
root_image(xmlNode *instance)
{
    xmlNode *root = child_nova(instance, "root");
    g_autofree char *type = dom_attr(root, "type");

    return g_strcmp0(type, "image") == 0 ? image_of(root) : NULL;
}

/* Nova from 32.0 on says which; before, and by itself, it is the root's. */
static char *
rescue_image(xmlNode *instance)
{
    char *image = image_of(child_nova(instance, "image"));

    return image ? image : root_image(instance);
}

/* ---- the disks --------------------------------------------------------------- */

typedef struct {
    const char *name; /* Nova's, of the file */
    DomKind kind;
} NovaDisk;

static const NovaDisk nova_disks[] = {
    {"disk", DOM_KIND_CLONE},         {"disk.local", DOM_KIND_EPHEMERAL},
    {"disk.swap", DOM_KIND_SWAP},     {"disk.config", DOM_KIND_CONFIG},
    {"disk.rescue", DOM_KIND_RESCUE}, {"disk.config.rescue", DOM_KIND_CONFIG},
};
#define EPH_PREFIX     "disk.eph"
#define EPH_DIGITS_MAX 4

static bool
is_eph(const char *name)
{
    const char *digits = name + strlen(EPH_PREFIX);
    gsize n;

    if (!g_str_has_prefix(name, EPH_PREFIX))
        return false;
    n = strspn(digits, "0123456789");
    return n > 0 && n <= EPH_DIGITS_MAX && !digits[n] &&
           (n == 1 || digits[0] != '0');
}

static bool
find_kind(const char *name, DomKind *ret_kind)
{
    for (gsize i = 0; i < G_N_ELEMENTS(nova_disks); i++) {
        if (strcmp(name, nova_disks[i].name) == 0) {
            *ret_kind = nova_disks[i].kind;
            return true;
        }
    }
    *ret_kind = DOM_KIND_EPHEMERAL;
    return is_eph(name);
}

typedef struct {
    xmlNode *node;
    char *target;
    char *file;
    const char *name; /* in file */
    DomKind kind;
    bool plain; /* as Nova has it in a new definition */
    bool gone;
} Found;

static void
found_free(Found *found)
{
    g_free(found->target);
    g_free(found->file);
    g_free(found);
}

/* What has a history, or says two things at once, Nova has not written. */
static bool
is_plain(xmlNode *disk)
{
    return dom_plain_check(disk, NULL) &&
           !dom_child(dom_child(disk, "backingStore"), "source") &&
           !dom_child(disk, "mirror");
}

/* NULL: it is none of Nova's. */
static Found *
found_new(xmlNode *disk)
{
    Found *found = g_new0(Found, 1);
    g_autofree char *type = dom_attr(disk, "type");
    const char *slash;

    found->node = disk;
    found->target = dom_child_attr(disk, "target", "dev");
    found->file = dom_child_attr(disk, "source", "file");
    slash = found->file ? strrchr(found->file, '/') : NULL;
    found->name = slash ? slash + 1 : "";
    found->plain = is_plain(disk);
    if (found->target && g_strcmp0(type, "file") == 0 &&
        find_kind(found->name, &found->kind) &&
        dom_kind_check_file(found->file, NULL))
        return found;
    found_free(found);
    return NULL;
}

static GPtrArray *
find_disks(xmlNode *root)
{
    GPtrArray *all = g_ptr_array_new_with_free_func((GDestroyNotify)found_free);
    g_autoptr(GPtrArray) nodes = dom_disk_nodes(root);

    for (guint i = 0; i < nodes->len && all->len < DOM_DISKS_MAX; i++) {
        Found *found = found_new(nodes->pdata[i]);

        if (found)
            g_ptr_array_add(all, found);
    }
    return all;
}

/* ---- entries ----------------------------------------------------------------- */

typedef struct {
    xmlNode *instance;
    const DomNova *nova;
    GPtrArray *disks; /* of Found */
} Nova;

/* Of the flavor, in bytes; 0: it has none. */
static gboolean
read_amount(const Nova *nova,
            const char *name,
            guint64 unit,
            guint64 *ret_bytes,
            GError **error)
{
    xmlNode *flavor = child_nova(nova->instance, "flavor");
    g_autofree char *text = dom_text(child_nova(flavor, name));
    guint64 n = 0;

    if (text &&
        !g_ascii_string_to_unsigned(text, 10, 0, DOM_SIZE_MAX / unit, &n, NULL))
        return dom_fail(error, DOM_ERROR_REQUEST,
                        "the flavor's <%s> is '" DOM_QUOTE "', no size that "
                        "can be had: correct it",
                        name, text);
    *ret_bytes = n * unit;
    return TRUE;
}

#define MIB (G_GUINT64_CONSTANT(1) << 20)
#define GIB (G_GUINT64_CONSTANT(1) << 30)

static gboolean
fail_size(const Found *found, const char *name, GError **error)
{
    return dom_fail(error, DOM_ERROR_REQUEST,
                    "the flavor's <%s> does not say how large '%s' is: write "
                    "a <" DOM_PREFIX ":disk> of this target with its 'kind' "
                    "and 'size', and no <source>",
                    name, found->name);
}

/* The flavor has the sum of all ephemeral disks. */
static bool
is_only_ephemeral(const Nova *nova)
{
    guint n = 0;

    for (guint i = 0; i < nova->disks->len; i++) {
        const Found *found = nova->disks->pdata[i];

        n += found->kind == DOM_KIND_EPHEMERAL;
    }
    return n == 1;
}

static gboolean
ask_ephemeral(const Nova *nova,
              const Found *found,
              DomEntry *entry,
              GError **error)
{
    xmlNode *image = child_nova(nova->instance, "image");
    g_autofree char *os =
        text_of_item(child_nova(image, "properties"), "property", "os_type");
    const char *format = nova->nova->ephemeral_format;

    if (!read_amount(nova, "ephemeral", GIB, &entry->size, error))
        return FALSE;
    if (entry->size == 0 || !is_only_ephemeral(nova))
        return fail_size(found, "ephemeral", error);
    if (!format && g_strcmp0(os, "windows") == 0)
        return dom_fail(error, DOM_ERROR_REQUEST,
                        "its file system would be NTFS, which remora cannot "
                        "make: set nova.ephemeral_format in the configuration");
    if (!format)
        format = g_strcmp0(os, "linux") == 0 ? "ext4" : "vfat";
    return dom_kind_set_format(entry, format, error);
}

static gboolean
ask_swap(const Nova *nova, const Found *found, DomEntry *entry, GError **error)
{
    if (!read_amount(nova, "swap", MIB, &entry->size, error))
        return FALSE;
    if (entry->size == 0)
        return fail_size(found, "swap", error);
    return dom_kind_set_format(entry, NULL, error);
}

static void
ask_image(DomEntry *entry, char *image)
{
    entry->image_text = image;
    entry->ref = dom_image_ref_parse(image, NULL);
}

/* Of a CD drive it is the image itself, which has a size. */
static gboolean
ask_root(const Nova *nova, const Found *found, DomEntry *entry, GError **error)
{
    ask_image(entry, root_image(nova->instance));
    return !dom_is_writable(found->node) ||
           read_amount(nova, "disk", GIB, &entry->size, error);
}

static gboolean
ask(const Nova *nova, const Found *found, DomEntry *entry, GError **error)
{
    switch (found->kind) {
    case DOM_KIND_EPHEMERAL:
        return ask_ephemeral(nova, found, entry, error);
    case DOM_KIND_SWAP:
        return ask_swap(nova, found, entry, error);
    case DOM_KIND_RESCUE:
        ask_image(entry, rescue_image(nova->instance));
        return TRUE;
    case DOM_KIND_CONFIG:
        entry->content = DOM_CONTENT_FILE;
        return TRUE;
    case DOM_KIND_CLONE:
    case DOM_KIND_DATA:
    default:
        return ask_root(nova, found, entry, error);
    }
}

static gboolean
add_entry(const Nova *nova,
          const Found *found,
          DomRequest *request,
          GError **error)
{
    DomEntry *entry = g_new0(DomEntry, 1);

    entry->index = G_MAXUINT;
    entry->target = g_strdup(found->target);
    entry->kind = found->kind;
    entry->nova = g_strdup(found->name);
    g_ptr_array_add(request->entries, entry);
    g_hash_table_insert(request->by_target, entry->target, entry);
    if (dom_target_check(found->target, error) &&
        ask(nova, found, entry, error))
        return TRUE;
    g_prefix_error(error, "disk '%.20s': Nova's metadata: ", found->target);
    return FALSE;
}

/* ---- whether it is one ------------------------------------------------------- */

/* Nova itself makes it anew each time, and its drive is written later. */
static bool
holds_data(const Found *found)
{
    return found->kind != DOM_KIND_RESCUE && found->kind != DOM_KIND_CONFIG;
}

static bool
has_image(const Nova *nova, const Found *found)
{
    g_autofree char *image = found->kind == DOM_KIND_RESCUE
                                 ? rescue_image(nova->instance)
                                 : root_image(nova->instance);

    return image ||
           (found->kind != DOM_KIND_RESCUE && found->kind != DOM_KIND_CLONE);
}

/* All of it or nothing: what is there, or cannot be made, is not torn from the
 * rest. */
static bool
is_request(const Nova *nova)
{
    bool any = false;

    for (guint i = 0; i < nova->disks->len; i++) {
        const Found *found = nova->disks->pdata[i];

        if (!found->plain ||
            (found->gone ? !has_image(nova, found) : holds_data(found)))
            return false;
        any |= found->gone;
    }
    return any;
}

/* What our own metadata asks for, Nova's does not. */
static void
drop_asked(GPtrArray *disks, const DomRequest *request)
{
    for (guint i = disks->len; i > 0; i--) {
        const Found *found = disks->pdata[i - 1];

        if (g_hash_table_contains(request->by_target, found->target))
            g_ptr_array_remove_index(disks, i - 1);
    }
}

gboolean
dom_nova_read(xmlNode *root,
              const DomNova *gone,
              DomRequest *request,
              GError **error)
{
    Nova nova = {.instance = find_instance(root), .nova = gone};
    g_autoptr(GPtrArray) disks = NULL;

    if (!nova.instance)
        return TRUE;
    disks = nova.disks = find_disks(root);
    drop_asked(disks, request);
    for (guint i = 0; i < disks->len; i++) {
        Found *found = disks->pdata[i];

        found->gone = dom_in_list(gone->gone, found->file);
    }
    if (!is_request(&nova))
        return TRUE;
    for (guint i = 0; i < disks->len; i++) {
        const Found *found = disks->pdata[i];

        if ((found->gone || found->kind == DOM_KIND_CONFIG) &&
            !add_entry(&nova, found, request, error))
            return FALSE;
    }
    return TRUE;
}

char **
dom_nova_files(const char *xml, gsize len)
{
    g_autoptr(xmlDoc) doc = dom_parse(xml, len, NULL);
    xmlNode *root = doc ? xmlDocGetRootElement(doc) : NULL;
    GPtrArray *files = g_ptr_array_new();

    if (find_instance(root)) {
        g_autoptr(GPtrArray) disks = find_disks(root);

        for (guint i = 0; i < disks->len; i++) {
            Found *found = disks->pdata[i];

            g_ptr_array_add(files, g_steal_pointer(&found->file));
        }
    }
    g_ptr_array_add(files, NULL);
    return (char **)g_ptr_array_free(files, FALSE);
}

char *
dom_nova_quota(xmlNode *root, const char *name)
{
    xmlNode *flavor = child_nova(find_instance(root), "flavor");
    g_autofree char *key = g_strconcat("quota:disk_", name, NULL);

    return text_of_item(child_nova(flavor, "extraSpecs"), "extraSpec", key);
}
