/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * agent/cli/domain.c - a domain that a line names, and its disks
 */
#include "config.h"

#include "agent/cli/domain.h"

#include "agent/request.h"

#include <stdlib.h>
#include <string.h>

void
cmd_domain_clear(CmdDomain *domain)
{
    g_free(domain->uri);
    free(domain->xml);
    if (domain->plan)
        dom_plan_free(domain->plan);
    *domain = (CmdDomain){0};
}

static virDomainPtr
find_domain(virConnectPtr conn, const char *name, GError **error)
{
    virDomainPtr domain = virDomainLookupByName(conn, name);

    if (!domain)
        domain = virDomainLookupByUUIDString(conn, name);
    if (!domain)
        virt_fail(error, "no domain '%s'", name);
    return domain;
}

gboolean
cmd_domain_read(Host *host,
                const char *name,
                CmdDomain *ret_domain,
                GError **error)
{
    g_autoptr(virConnect) conn = cmd_connect(host, true, error);
    g_autoptr(virDomain) domain = conn ? find_domain(conn, name, error) : NULL;

    if (!domain)
        return FALSE;
    ret_domain->uri = host_libvirt_uri(host);
    ret_domain->active = virDomainIsActive(domain) == 1;
    (void)virDomainGetUUIDString(domain, ret_domain->uuid);
    ret_domain->xml = virDomainGetXMLDesc(domain, 0);
    if (!ret_domain->xml)
        return virt_fail(error, "cannot read the definition");
    ret_domain->plan = request_plan(host, HOST_ASK_NOBODY, ret_domain->xml,
                                    strlen(ret_domain->xml), false, error);
    return ret_domain->plan != NULL;
}

static const DomDisk *
find_disk(const DomPlan *plan, const char *target)
{
    const GPtrArray *disks = dom_plan_disks(plan);

    for (guint i = 0; i < disks->len; i++) {
        const DomDisk *disk = g_ptr_array_index(disks, i);

        if (g_strcmp0(disk->target, target) == 0)
            return disk;
    }
    return NULL;
}

const DomDisk *
cmd_domain_disk(const CmdDomain *domain, const char *target, GError **error)
{
    const DomDisk *disk = find_disk(domain->plan, target);
    const char *why =
        !disk ? "is no image of a configured pool (remora status)"
        : disk->under_overlay
            ? "has an overlay, and what it holds is not in one image: commit "
              "that first (virsh blockcommit)"
        : disk->snap ? "is a snapshot of an image, which can be cloned as it is"
        : !disk->in_place
            ? "is not made yet: start the domain, or 'remora provision' it"
            : NULL;

    if (!why)
        return disk;
    g_set_error(error, REQUEST_ERROR, REQUEST_ERROR_REFUSED, "disk '%s' %s",
                target, why);
    return NULL;
}
