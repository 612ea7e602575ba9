/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * xml/dom-write.c - one <disk> as it should be
 *
 * Contract: what the user wrote about the disk wins over the site; only what
 *           says where the bytes are, and with whose key, is remora's. What is
 *           right already is not touched.
 */
#include "config.h"

#include "xml/dom-internal.h"

#include <string.h>

static const char *const after_driver[] = {"driver", NULL};
static const char *const after_source[] = {"driver", "source", NULL};
static const char *const after_target[] = {"driver",       "source", "auth",
                                           "backingStore", "target", NULL};
static const char *const after_flags[] = {
    "driver", "source",   "auth",      "backingStore", "target",
    "iotune", "readonly", "shareable", "transient",    NULL};
static const char *const before_disks[] = {"emulator", "disk", NULL};

static bool
set_default(xmlNode *node, const char *name, const char *value)
{
    g_autofree char *old = dom_attr(node, name);

    return value && !old && dom_set_attr(node, name, value);
}

/* With these the guest is told that there is no write cache. */
static bool
hides_write_cache(const char *cache)
{
    return strcmp(cache, "writethrough") == 0 ||
           strcmp(cache, "directsync") == 0;
}

/* Two hosts must not cache one disk; and QEMU's native I/O only goes with
 * cache modes that pass the host's page cache by. */
const char *
dom_write_cache(xmlNode *driver, bool shareable, const char *cache)
{
    g_autofree char *io = dom_attr(driver, "io");

    if (shareable)
        return "none";
    if (cache && g_strcmp0(io, "native") == 0 &&
        strcmp(cache, "directsync") != 0)
        return "none";
    return cache;
}

static const char *
default_cache(xmlNode *driver, const DomDisk *disk, const DomSite *site)
{
    if (site->same_guest && (!site->cache || hides_write_cache(site->cache)))
        return NULL;
    return dom_write_cache(driver, disk->shareable, site->cache);
}

static bool
write_driver(xmlNode *node, const DomDisk *disk, const DomSite *site)
{
    xmlNode *driver = dom_child(node, "driver");
    bool changed = driver == NULL;

    if (!driver)
        driver = dom_add(node, NULL, "driver");
    changed |= set_default(driver, "name", "qemu");
    changed |= set_default(driver, "type", "raw");
    changed |= set_default(driver, "cache", default_cache(driver, disk, site));
    changed |= set_default(driver, "discard", site->discard);
    return changed;
}

/* What a source of another type carries, empty or imported, and RBD may not. */
static bool
clear_other_source(xmlNode *source)
{
    static const char *const attributes[] = {
        "file", "dev",  "dir",  "pool",          "volume",
        "mode", "type", "path", "startupPolicy", NULL};
    static const char *const children[] = {"seclabel", "reservations", NULL};
    bool changed = false;

    for (gsize i = 0; attributes[i]; i++)
        changed |= dom_unset_attr(source, attributes[i]);
    for (gsize i = 0; children[i]; i++) {
        xmlNode *child;

        while ((child = dom_child(source, children[i])))
            changed |= dom_remove(child);
    }
    return changed;
}

static bool
write_snapshot(xmlNode *source, const char *snap)
{
    static const char *const places[] = {"host", NULL};
    xmlNode *node = dom_child(source, "snapshot");

    if (!snap)
        return dom_remove(node);
    if (!node)
        node = dom_add(source, places, "snapshot");
    return dom_set_attr(node, "name", snap);
}

static bool
write_source(xmlNode *node, const DomPlanDisk *own)
{
    const DomDisk *disk = &own->disk;
    g_autofree char *name = g_strdup_printf("%s/%s", disk->pool, disk->image);
    xmlNode *source = dom_child(node, "source");
    bool changed = source == NULL;

    if (!source)
        source = dom_add(node, after_driver, "source");
    if (own->source->kind != DOM_SOURCE_RBD || own->volume)
        changed |= clear_other_source(source);
    changed |= dom_set_attr(source, "protocol", "rbd");
    changed |= dom_set_attr(source, "name", name);
    changed |= write_snapshot(source, disk->snap);
    return changed;
}

static char *
host_key(const char *name, const char *port)
{
    /* A name cannot have a line break in it: no two hosts have one key. */
    return g_strconcat(name, "\n", port, NULL);
}

static bool
hosts_are_right(xmlNode *source, const DomSite *site)
{
    g_autoptr(GHashTable) wanted =
        g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    g_autoptr(GHashTable) seen =
        g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    xmlNode *host = dom_child(source, "host");

    for (gsize i = 0; i < site->n_hosts; i++)
        g_hash_table_add(wanted,
                         host_key(site->hosts[i].name, site->hosts[i].port));
    for (; host; host = dom_child_next(host, "host")) {
        g_autofree char *name = dom_attr(host, "name");
        g_autofree char *port = dom_attr(host, "port");
        g_autofree char *transport = dom_attr(host, "transport");
        g_autofree char *key = host_key(name ? name : "", port);

        if ((transport && strcmp(transport, "tcp") != 0) ||
            !g_hash_table_contains(wanted, key))
            return false;
        g_hash_table_add(seen, g_steal_pointer(&key));
    }
    return g_hash_table_size(seen) == g_hash_table_size(wanted);
}

/* The same monitors in another order are the same. */
static bool
write_hosts(xmlNode *node, const DomSite *site)
{
    xmlNode *source = dom_child(node, "source");
    xmlNode *last = NULL;
    xmlNode *old;

    if (hosts_are_right(source, site))
        return false;
    while ((old = dom_child(source, "host")))
        dom_remove(old);
    for (gsize i = 0; i < site->n_hosts; i++) {
        xmlNode *host = xmlNewDocNode(node->doc, NULL, BAD_CAST "host", NULL);

        dom_insert(source, last, host);
        dom_set_attr(host, "name", site->hosts[i].name);
        if (site->hosts[i].port)
            dom_set_attr(host, "port", site->hosts[i].port);
        last = host;
    }
    return true;
}

static bool
write_secret(xmlNode *auth, const char *uuid)
{
    xmlNode *secret = dom_child(auth, "secret");
    g_autofree char *old = dom_attr(secret, "uuid");
    bool changed = secret == NULL;

    if (!secret)
        secret = dom_add(auth, NULL, "secret");
    changed |= dom_set_attr(secret, "type", "ceph");
    if (!old || g_ascii_strcasecmp(old, uuid) != 0)
        changed |= dom_set_attr(secret, "uuid", uuid);
    changed |= dom_unset_attr(secret, "usage");
    return changed;
}

/* libvirt takes <auth> in the disk or in its source, but not in both. */
static bool
write_auth(xmlNode *node, const DomSite *site)
{
    xmlNode *inside = dom_child(dom_child(node, "source"), "auth");
    xmlNode *beside = dom_child(node, "auth");
    xmlNode *auth = inside ? inside : beside;
    bool changed = auth == NULL;

    if (!site->auth_user)
        return dom_remove(inside) | dom_remove(beside);
    if (inside)
        changed |= dom_remove(beside);
    if (!auth)
        auth = dom_add(node, after_source, "auth");
    changed |= dom_set_attr(auth, "username", site->auth_user);
    changed |= write_secret(auth, site->secret_uuid);
    return changed;
}

/* The clone below an overlay. There, <auth> is in the source. */
static bool
write_covered(xmlNode *disk, const DomDisk *covered, const DomSite *site)
{
    static const char *const places[] = {"host", "snapshot", "config", NULL};
    g_autofree char *name =
        g_strdup_printf("%s/%s", covered->pool, covered->image);
    xmlNode *backing = dom_backing_find(disk, name);
    xmlNode *source = dom_child(backing, "source");
    xmlNode *auth = dom_child(source, "auth");
    bool changed = write_hosts(backing, site);

    if (!site->auth_user)
        return dom_remove(auth) || changed;
    if (!auth)
        auth = dom_add(source, places, "auth");
    changed |= dom_set_attr(auth, "username", site->auth_user);
    changed |= write_secret(auth, site->secret_uuid);
    return changed;
}

/* A user without a secret is none: then both are the host's. */
static bool
has_login(xmlNode *parent)
{
    xmlNode *secret = dom_child(dom_child(parent, "auth"), "secret");
    g_autofree char *uuid = dom_attr(secret, "uuid");
    g_autofree char *usage = dom_attr(secret, "usage");

    return uuid || usage;
}

static bool
complete_auth(xmlNode *node, const DomSite *site)
{
    if (!site->auth_user || has_login(node) ||
        has_login(dom_child(node, "source")))
        return false;
    return write_auth(node, site);
}

/* Cinder's rule: a volume's serial is its id. */
static bool
complete_serial(xmlNode *node, const DomDisk *disk)
{
    g_autofree char *device = dom_attr(node, "device");
    const char *id = disk->image;
    xmlNode *serial;

    if (!g_str_has_prefix(id, "volume-") || dom_child(node, "serial") ||
        (device && strcmp(device, "disk") != 0))
        return false;
    id += strlen("volume-");
    if (!g_uuid_string_is_valid(id))
        return false;
    serial = dom_add(node, after_flags, "serial");
    xmlNodeAddContent(serial, BAD_CAST id);
    return true;
}

static bool
write_bare(xmlNode *node, const DomPlanDisk *own, const DomSite *site)
{
    const DomDisk *disk = &own->disk;
    bool changed = write_driver(node, disk, site);

    if (own->volume) {
        changed |= dom_set_attr(node, "type", "network");
        changed |= write_source(node, own);
    }
    changed |= write_hosts(node, site);
    changed |= complete_auth(node, site);
    if (!site->same_guest)
        changed |= complete_serial(node, disk);
    return changed;
}

/* What the guest sees. */
static bool
write_devices(xmlNode *node, const DomPlanDisk *own, const DomSite *site)
{
    const DomDisk *disk = &own->disk;
    bool changed = false;

    if (disk->kind != DOM_DISK_BARE && !disk->writable &&
        !dom_child(node, "readonly")) {
        dom_add(node, after_target, "readonly");
        changed = true;
    }
    if (dom_disk_is_made(disk) && disk->writable && !disk->in_place &&
        site->bus && !own->plan->device)
        changed |= dom_write_bus(node, site->bus);
    return changed;
}

bool
dom_write_disk(xmlNode *node, const DomPlanDisk *own, const DomSite *site)
{
    const DomDisk *disk = &own->disk;
    bool changed;

    if (disk->under_overlay)
        return write_covered(node, disk, site);
    if (disk->kind == DOM_DISK_BARE)
        return (dom_place_of(own)->complete_bare || own->volume) &&
               write_bare(node, own, site);
    changed = dom_set_attr(node, "type", "network");
    if (own->entry && own->entry->nova)
        changed |= dom_write_nova(node, own, site);
    changed |= write_driver(node, disk, site);
    changed |= write_source(node, own);
    changed |= write_hosts(node, site);
    changed |= write_auth(node, site);
    if (!site->same_guest)
        changed |= write_devices(node, own, site);
    return changed;
}

/* Only what dom_write_disk() does not write. */
xmlNode *
dom_write_new_disk(xmlNode *root, const DomPlanDisk *own)
{
    const char *target = own->disk.target;
    xmlNode *devices = dom_child(root, "devices");
    xmlNode *node;
    xmlNode *at;

    if (!devices) {
        devices = xmlNewDocNode(root->doc, NULL, BAD_CAST "devices", NULL);
        dom_append(root, devices);
    }
    node = dom_add(devices, before_disks, "disk");
    dom_set_attr(node, "type", "network");
    dom_set_attr(node, "device", own->disk.writable ? "disk" : "cdrom");
    at = dom_add(node, NULL, "target");
    dom_set_attr(at, "bus", dom_target_bus(target));
    dom_set_attr(at, "dev", target);
    return node;
}
