/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * xml/dom-write-bus.c - a new clone on the bus that the site wants
 *
 * A disk that says something which only its present bus has (an I/O thread, a
 * rotation rate) stays there: libvirt would refuse it on the other.
 */
#include "config.h"

#include "xml/dom-internal.h"

#include <string.h>

typedef struct {
    const char *child;     /* NULL: the disk itself */
    const char *attribute; /* NULL: the child alone says it */
} Sign;

static const Sign virtio_only[] = {
    {NULL, "model"},           {"driver", "iothread"},  {"driver", "queues"},
    {"driver", "queue_size"},  {"driver", "event_idx"}, {"driver", "ioeventfd"},
    {"driver", "iommu"},       {"driver", "ats"},       {"driver", "packed"},
    {"driver", "page_per_vq"}, {"driver", "iothreads"},
};
static const Sign scsi_only[] = {
    {"target", "rotation_rate"},
    {"target", "removable"},
    {"target", "tray"},
    {"wwn", NULL},
    {"vendor", NULL},
    {"product", NULL},
};

static bool
has_sign(xmlNode *disk, const Sign *signs, gsize n)
{
    for (gsize i = 0; i < n; i++) {
        xmlNode *node = signs[i].child ? dom_child(disk, signs[i].child) : disk;
        g_autofree char *value =
            signs[i].attribute ? dom_attr(node, signs[i].attribute) : NULL;

        if (node && (value || !signs[i].attribute))
            return true;
    }
    return false;
}

bool
dom_write_bus(xmlNode *node, const char *bus)
{
    bool to_scsi = strcmp(bus, "scsi") == 0;
    xmlNode *target = dom_child(node, "target");
    g_autofree char *dev = dom_attr(target, "dev");
    g_autofree char *said = dom_attr(target, "bus");
    const char *old = said ? said : dom_target_bus(dev);

    if (g_strcmp0(old, bus) == 0)
        return false;
    if (to_scsi ? has_sign(node, virtio_only, G_N_ELEMENTS(virtio_only))
                : has_sign(node, scsi_only, G_N_ELEMENTS(scsi_only)))
        return false;
    dom_set_attr(target, "bus", bus);
    /* It was on the old bus; libvirt gives a new one. */
    dom_remove(dom_child(node, "address"));
    return true;
}
