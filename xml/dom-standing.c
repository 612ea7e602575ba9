/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * xml/dom-standing.c - whether an entry still says what its disk is
 *
 * An entry without a destination is a request. One with it, or one by which a
 * CD drive got its medium, is a record of what was made, and the disk is the
 * truth: libvirt's own ways (a snapshot, a block copy, a detach, an eject)
 * change the disk and know nothing of the entry.
 */
#include "config.h"

#include "xml/dom-internal.h"

#include <string.h>

bool
dom_is_writable(xmlNode *disk)
{
    g_autofree char *device = dom_attr(disk, "device");

    return g_strcmp0(device, "cdrom") != 0 && !dom_child(disk, "readonly");
}

/* libvirt takes 'aio', which Xen's own tools wrote once, for raw. */
bool
dom_is_raw(xmlNode *disk)
{
    g_autofree char *type = dom_child_attr(disk, "driver", "type");

    return !type || strcmp(type, "raw") == 0 || strcmp(type, "aio") == 0;
}

/* 'pool/image', and not a snapshot of it. */
static bool
is_at(const DomSource *source, const char *name)
{
    g_autofree char *own = NULL;

    if (source->kind != DOM_SOURCE_RBD || dom_source_snap(source))
        return false;
    own = g_strdup_printf("%s/%s", source->pool, source->image);
    return strcmp(own, name) == 0;
}

static bool
names_image(const DomSource *source, const DomImageRef *ref)
{
    const char *snap = dom_source_snap(source);

    return ref && source->kind == DOM_SOURCE_RBD &&
           strcmp(source->image, ref->image) == 0 &&
           (!ref->pool || strcmp(source->pool, ref->pool) == 0) &&
           (!snap || strcmp(snap, ref->snap) == 0);
}

/* The image below an overlay; NULL: it is not there. */
xmlNode *
dom_backing_find(xmlNode *disk, const char *name)
{
    xmlNode *backing = dom_child(disk, "backingStore");

    for (; backing; backing = dom_child(backing, "backingStore")) {
        g_autoptr(DomSource) source = dom_source_read(backing);

        if (is_at(source, name))
            return backing;
    }
    return NULL;
}

/* A CD drive of the domain's own is not written, and loses its source by an
 * eject. */
static bool
is_as_made(const DomEntry *entry, xmlNode *disk, const DomSource *source)
{
    if (!dom_is_raw(disk))
        return false;
    return dom_is_writable(disk) ||
           (entry->kind == DOM_KIND_CONFIG && source->kind != DOM_SOURCE_NONE);
}

/* The disk was made. What asks for its image again, or has lost its source, is
 * put onto it; so is judged what asks for another image. Where clones go to another
 * pool by now, the disk is one that is there already. */
static DomStanding
standing_of_made(const DomEntry *entry,
                 xmlNode *disk,
                 const DomSource *source,
                 const char *vms_pool,
                 bool covered,
                 bool asks)
{
    if (covered)
        return DOM_STANDING_COVERED;
    if (!is_as_made(entry, disk, source))
        return DOM_STANDING_PAST;
    if (is_at(source, entry->destination))
        return dom_image_in(entry->destination, vms_pool) ? DOM_STANDING_HOLDS
                                                          : DOM_STANDING_PAST;
    if (source->kind == DOM_SOURCE_NONE || asks ||
        names_image(source, entry->ref))
        return DOM_STANDING_HOLDS;
    return DOM_STANDING_PAST;
}

DomStanding
dom_standing(const DomEntry *entry,
             xmlNode *disk,
             const DomSource *source,
             const char *vms_pool,
             bool covered,
             bool asks)
{
    if (!disk)
        return entry->destination || entry->was_read_only ? DOM_STANDING_PAST
                                                          : DOM_STANDING_HOLDS;
    if (entry->destination)
        return standing_of_made(entry, disk, source, vms_pool, covered, asks);
    if (!entry->recorded || dom_is_writable(disk) ||
        names_image(source, entry->ref))
        return DOM_STANDING_HOLDS;
    return DOM_STANDING_PAST;
}
