/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * xml/dom-scsi.c - new disks on a SCSI bus: their controller and their places
 *
 * libvirt would add an older controller by itself, and would take a disk's place
 * from its target's name, which 'vda' and 'sda' have in common. So a virtio-scsi
 * controller is added where there is none, once, and the disks are numbered on
 * it from 0, as Nova does, beside what has a place there already.
 */
#include "config.h"

#include "xml/dom-internal.h"

#include <string.h>

/* As libvirt has them: the seventh is the controller's own. */
#define UNITS_BY_NAME 15
#define OWN_UNIT      7

typedef struct {
    DomWork *work;
    guint64 controller;
    GHashTable *units; /* those that are taken; NULL: not counted yet */
    guint64 next;
    bool has_any;  /* a controller, of whatever model */
    bool has_ours; /* and one of virtio-scsi */
} Scsi;

static bool
read_number(xmlNode *node, const char *name, guint64 *ret_number)
{
    g_autofree char *text = dom_attr(node, name);

    return text && g_ascii_string_to_unsigned(text, 10, 0, G_MAXUINT32,
                                              ret_number, NULL);
}

static bool
is_scsi(xmlNode *disk)
{
    g_autofree char *dev = dom_child_attr(disk, "target", "dev");
    g_autofree char *said = dom_child_attr(disk, "target", "bus");
    const char *bus = said ? said : dev ? dom_target_bus(dev) : NULL;

    return g_strcmp0(bus, "scsi") == 0;
}

/* One that is new for this domain: only its place is remora's to choose. */
static bool
is_new(const DomWork *work, guint i)
{
    const DomDisk *disk = work->plan->disks->pdata[i];
    const DomWorkDisk *done = &g_array_index(work->disks, DomWorkDisk, i);

    return dom_disk_is_made(disk) && !disk->in_place && !disk->left &&
           is_scsi(done->node);
}

/* Who put the disk on SCSI himself may have chosen the model, too: a guest may
 * have a driver for that one only. */
static bool
is_to_stay(const Scsi *scsi, guint i)
{
    const DomDisk *disk = scsi->work->plan->disks->pdata[i];
    const DomSite *site = &scsi->work->sites[disk->cluster];

    return scsi->has_any && !scsi->has_ours &&
           g_strcmp0(site->bus, "scsi") != 0;
}

static bool
is_to_place(const Scsi *scsi, guint i)
{
    const DomWork *work = scsi->work;
    const DomWorkDisk *done = &g_array_index(work->disks, DomWorkDisk, i);

    return is_new(work, i) && !dom_child(done->node, "address") &&
           !is_to_stay(scsi, i);
}

/* ---- the controller ----------------------------------------------------------- */

/* The next one after node, or the first, in any <devices>. */
static xmlNode *
next_device(xmlNode *root, xmlNode *node, const char *name)
{
    xmlNode *devices = node ? node->parent : dom_child(root, "devices");

    node = node ? dom_child_next(node, name) : dom_child(devices, name);
    while (!node && devices) {
        devices = dom_child_next(devices, "devices");
        node = dom_child(devices, name);
    }
    return node;
}

static bool
is_scsi_controller(xmlNode *node)
{
    g_autofree char *type = dom_attr(node, "type");

    return g_strcmp0(type, "scsi") == 0;
}

static bool
is_virtio(xmlNode *controller)
{
    g_autofree char *model = dom_attr(controller, "model");

    return model && g_str_has_prefix(model, "virtio-");
}

/* ret_free: the lowest number that no controller has. */
static bool
find_controller(const DomWork *work, guint64 *ret_index, guint64 *ret_free)
{
    g_autoptr(GHashTable) taken = g_hash_table_new(g_direct_hash, NULL);
    xmlNode *node = NULL;
    bool found = false;

    while ((node = next_device(work->root, node, "controller"))) {
        guint64 index = 0;

        if (!is_scsi_controller(node))
            continue;
        if (!read_number(node, "index", &index)) {
            while (g_hash_table_contains(taken, GSIZE_TO_POINTER(index)))
                index++;
        }
        g_hash_table_add(taken, GSIZE_TO_POINTER(index));
        if (!found && is_virtio(node)) {
            *ret_index = index;
            found = true;
        }
    }
    for (*ret_free = 0;
         g_hash_table_contains(taken, GSIZE_TO_POINTER(*ret_free));)
        ++*ret_free;
    return found;
}

static void
add_controller(DomWork *work, guint64 index)
{
    static const char *const places[] = {"emulator", "disk", NULL};
    xmlNode *devices = dom_child(work->root, "devices");
    g_autofree char *text = g_strdup_printf("%" G_GUINT64_FORMAT, index);

    work->controller = dom_add(devices, places, "controller");
    dom_set_attr(work->controller, "type", "scsi");
    dom_set_attr(work->controller, "index", text);
    dom_set_attr(work->controller, "model", "virtio-scsi");
}

/* ---- places ------------------------------------------------------------------- */

/* 0 for 'sda', 26 for 'sdaa'. */
static bool
number_of_name(xmlNode *disk, guint64 *ret_number)
{
    g_autofree char *dev = dom_child_attr(disk, "target", "dev");
    gsize len = dev ? strlen(dev) : 0;
    guint64 number = 0;

    if (len < 3 || len > DOM_TARGET_MAX)
        return false;
    for (const char *c = dev + (g_str_has_prefix(dev, "xvd") ? 3 : 2); *c; c++)
        number = number * 26 + (guint64)(*c - 'a') + 1;
    *ret_number = number - 1;
    return true;
}

/* Where a disk without an address will be. */
static bool
place_by_name(xmlNode *disk, guint64 *ret_controller, guint64 *ret_unit)
{
    guint64 number;

    if (!number_of_name(disk, &number))
        return false;
    *ret_controller = number / UNITS_BY_NAME;
    *ret_unit = number % UNITS_BY_NAME;
    if (*ret_unit >= OWN_UNIT)
        ++*ret_unit;
    return true;
}

static bool
place_of(xmlNode *device, guint64 *ret_controller, guint64 *ret_unit)
{
    xmlNode *address = dom_child(device, "address");

    if (!address)
        return place_by_name(device, ret_controller, ret_unit);
    *ret_controller = 0;
    (void)read_number(address, "controller", ret_controller);
    return read_number(address, "unit", ret_unit);
}

static void
count_device(Scsi *scsi, xmlNode *device)
{
    guint64 controller;
    guint64 unit;

    if (place_of(device, &controller, &unit) && controller == scsi->controller)
        g_hash_table_add(scsi->units, GSIZE_TO_POINTER(unit));
}

static bool
will_be_placed(const Scsi *scsi, xmlNode *node)
{
    const GArray *disks = scsi->work->disks;

    for (guint i = 0; i < disks->len; i++) {
        if (g_array_index(disks, DomWorkDisk, i).node == node)
            return is_to_place(scsi, i);
    }
    return false;
}

static void
count_places(Scsi *scsi)
{
    DomWork *work = scsi->work;
    xmlNode *node = NULL;

    while ((node = next_device(work->root, node, "disk"))) {
        if (is_scsi(node) && !will_be_placed(scsi, node))
            count_device(scsi, node);
    }
    while ((node = next_device(work->root, node, "hostdev"))) {
        g_autofree char *type = dom_attr(node, "type");

        if (g_strcmp0(type, "scsi") == 0 && dom_child(node, "address"))
            count_device(scsi, node);
    }
}

static void
place(Scsi *scsi, xmlNode *disk)
{
    static const char *const places[] = {
        "driver", "source",   "auth",      "backingStore", "target",
        "iotune", "readonly", "shareable", "transient",    "serial",
        "wwn",    "vendor",   "product",   "encryption",   "boot",
        "alias",  NULL};
    g_autofree char *controller =
        g_strdup_printf("%" G_GUINT64_FORMAT, scsi->controller);
    g_autofree char *unit = NULL;
    xmlNode *address;

    while (g_hash_table_contains(scsi->units, GSIZE_TO_POINTER(scsi->next)))
        scsi->next++;
    unit = g_strdup_printf("%" G_GUINT64_FORMAT, scsi->next++);
    address = dom_add(disk, places, "address");
    dom_set_attr(address, "type", "drive");
    dom_set_attr(address, "controller", controller);
    dom_set_attr(address, "unit", unit);
}

static bool
has_scsi_controller(const DomWork *work)
{
    xmlNode *node = NULL;

    while ((node = next_device(work->root, node, "controller"))) {
        if (is_scsi_controller(node))
            return true;
    }
    return false;
}

/* Whether any of the new disks needs a controller of ours. */
static bool
needs_controller(const Scsi *scsi)
{
    const DomWork *work = scsi->work;

    for (guint i = 0; i < work->disks->len; i++) {
        if (is_to_place(scsi, i) || (is_new(work, i) && !scsi->has_any))
            return true;
    }
    return false;
}

void
dom_scsi_place(DomWork *work)
{
    g_autoptr(GHashTable) units = NULL;
    Scsi scsi = {.work = work};
    guint64 free_index = 0;

    if (work->plan->device || work->sites->same_guest)
        return;
    scsi.has_any = has_scsi_controller(work);
    scsi.has_ours = find_controller(work, &scsi.controller, &free_index);
    if (!needs_controller(&scsi))
        return;
    if (!scsi.has_ours) {
        scsi.controller = free_index;
        add_controller(work, free_index);
    }
    units = scsi.units = g_hash_table_new(g_direct_hash, NULL);
    count_places(&scsi);
    for (guint i = 0; i < work->disks->len; i++) {
        if (is_to_place(&scsi, i))
            place(&scsi, g_array_index(work->disks, DomWorkDisk, i).node);
    }
}
