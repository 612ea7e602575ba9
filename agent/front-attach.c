/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * agent/front-attach.c - a disk for a domain that runs
 */
#include "config.h"

#include "agent/front-attach.h"

#include "agent/access.h"
#include "agent/disks.h"
#include "agent/rewrite.h"

#include <string.h>

static gboolean
fail(GError **error, const DomDisk *disk, const char *why)
{
    g_set_error(error, REQUEST_ERROR, REQUEST_ERROR_REFUSED, "disk '%s': %s",
                disk->target, why);
    return FALSE;
}

/* Only of what would be made or claimed: all else is for libvirt to judge. */
static gboolean
may_be_made(const DomDisk *disk,
            const FrontDevice *device,
            const VirtDomain *domain,
            GError **error)
{
    if (!disk->writable)
        return TRUE;
    /* The call has not been judged yet, and a disk that is made for it would
     * stay if it is refused, as would the claim on one that is there. */
    if (device->uid != 0 && access_is_checked())
        return fail(error, disk,
                    "libvirt's access drivers (access_drivers in libvirtd.conf)"
                    " decide too late who may attach it: let root attach it, "
                    "or add it to the definition and start the domain again");
    if (disk->kind == DOM_DISK_CLONE &&
        dom_peek_target(domain->xml, strlen(domain->xml), disk->target))
        return fail(error, disk,
                    "the domain has a disk of this target already: give it "
                    "another");
    return TRUE;
}

/* What an earlier attach that nobody heard of again still holds. */
static void
drop_earlier(Held *held, const DomPlan *plan, const DomDisk *disk)
{
    if (disk->writable)
        held_drop_attach(held, dom_plan_uuid(plan), disk->image, G_MAXINT64);
}

static gboolean
provision(Host *host, const DomPlan *plan, RequestReady *ready, GError **error)
{
    /* The source names its monitors only once it is rewritten. */
    const RequestHow how = {.before_rewrite = true};

    ready->disks = disks_list_new();
    ready->claims = disks_claims_new();
    return disks_provision(host, plan, &how, ready, error);
}

gboolean
front_attach(Host *host,
             Held *held,
             const FrontDevice *device,
             const VirtDomain *domain,
             const char *uuid,
             char **ret_xml,
             guint64 *ret_held,
             GError **error)
{
    g_autoptr(DomPlan) plan = rewrite_plan_device(
        host, device->xml, device->len, uuid, domain->name, error);
    g_auto(RequestReady) ready = {0};
    g_autofree char *xml = NULL;
    const DomDisk *disk;

    if (!plan)
        return FALSE;
    disk = g_ptr_array_index(dom_plan_disks(plan), 0);
    if (!may_be_made(disk, device, domain, error) ||
        !rewrite_device(host, plan, REWRITE_FOR_ATTACH, &xml, error))
        return FALSE;
    drop_earlier(held, plan, disk);
    if (!provision(host, plan, &ready, error))
        return FALSE;
    *ret_xml = g_steal_pointer(&xml);
    if (ready.claims->len == 0)
        return TRUE;
    request_hand(&ready);
    *ret_held = held_add_attach(held, host, domain->name, dom_plan_uuid(plan),
                                g_steal_pointer(&ready.claims));
    return TRUE;
}
