/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * agent/proxied-attach.c - a disk for a domain that runs
 */
#include "config.h"

#include "agent/proxied-attach.h"

#include "agent/access.h"
#include "agent/protect.h"
#include "agent/request.h"
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
            const ProxiedDevice *device,
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
                    "or attach it with --config, for the next start");
    if (disk->kind == DOM_DISK_CLONE && domain &&
        dom_xml_has_target(domain->xml, strlen(domain->xml), disk->target))
        return fail(error, disk,
                    "the domain has a disk of this target already: give it "
                    "another");
    return TRUE;
}

static gboolean
provision_once(Host *host,
               const DomPlan *plan,
               guint patience_ms,
               RequestReady *ready,
               GError **error)
{
    /* The source names its monitors only once it is rewritten. */
    const RequestHow how = {
        .before_rewrite = true,
        .hand = true,
        .patience_ms = patience_ms,
    };

    ready->disks = disks_list_new();
    ready->claims = disks_claims_new();
    return disks_provision(host, plan, &how, ready, error);
}

/* What the domain has, by its live definition, is not about to go. */
static bool
has_it(const VirtDomain *domain, const DomDisk *disk)
{
    DomFound found = {DOM_ROLE_NONE, false, false};

    return domain && disk->image &&
           dom_find_source(domain->xml, strlen(domain->xml), disk->pool,
                           disk->image, &found, NULL) &&
           found.role >= DOM_ROLE_BACKING;
}

/* What stands in the way may be a claim whose end nobody has seen yet, as of a
 * disk that was detached a moment ago. It is looked for at once, and waited
 * for. */
static gboolean
provision(Host *host,
          Agent *agent,
          const DomPlan *plan,
          bool has_it,
          RequestReady *ready,
          GError **error)
{
    guint patience_ms = has_it ? 0 : request_patience_ms(host);
    g_autoptr(GError) busy = NULL;

    if (provision_once(host, plan, 0, ready, &busy))
        return TRUE;
    if (!g_error_matches(busy, STORE_ERROR, STORE_ERROR_BUSY)) {
        g_propagate_error(error, g_steal_pointer(&busy));
        return FALSE;
    }
    request_ready_clear(ready);
    agent_settle_soon(agent, dom_plan_uuid(plan), NULL);
    pending_run_one(agent_pending(agent), dom_plan_uuid(plan));
    return provision_once(host, plan, patience_ms, ready, error);
}

static gboolean
begin_call(Agent *agent,
           const DomPlan *plan,
           const DomDisk *disk,
           const char *key,
           GError **error)
{
    if (!disk->writable || disk->shareable || !disk->image ||
        pending_call_begin(agent_pending(agent), dom_plan_uuid(plan), key,
                           disk->image))
        return TRUE;
    return fail(error, disk,
                "another call for the same image is under way: wait until it "
                "is over");
}

static void
end_call(Agent *agent,
         const DomPlan *plan,
         const DomDisk *disk,
         const char *key)
{
    if (disk->image)
        pending_call_end(agent_pending(agent), dom_plan_uuid(plan), key,
                         disk->image);
}

gboolean
proxied_attach(Host *host,
               Agent *agent,
               const ProxiedDevice *device,
               const VirtDomain *domain,
               const char *uuid,
               char **ret_xml,
               AgentAnswer *answer,
               GError **error)
{
    g_autoptr(DomPlan) plan =
        request_plan_device(host, device->pools, device->xml, device->len, uuid,
                            domain ? domain->name : NULL, error);
    g_auto(RequestReady) ready = {0};
    g_autofree char *xml = NULL;
    g_autofree char *key = NULL;
    const DomDisk *disk;

    if (!plan)
        return FALSE;
    /* It was ours a moment ago; more may be known of the monitors by now. */
    if (dom_plan_disks(plan)->len == 0)
        return TRUE;
    disk = g_ptr_array_index(dom_plan_disks(plan), 0);
    key = host_pool_key(host, disk->cluster, disk->pool);
    if (!may_be_made(disk, device, domain, error) ||
        !protect_check(host, plan, error) ||
        !rewrite_device(host, plan,
                        device->copied_to ? REWRITE_FOR_STORE
                                          : REWRITE_FOR_ATTACH,
                        &xml, error))
        return FALSE;
    /* What an earlier call left in vain is settled as long as that is known to be
     * over. */
    pending_run_one(agent_pending(agent), dom_plan_uuid(plan));
    if (!begin_call(agent, plan, disk, key, error))
        return FALSE;
    if (!provision(host, agent, plan, has_it(domain, disk), &ready, error)) {
        end_call(agent, plan, disk, key);
        return FALSE;
    }
    *ret_xml = g_steal_pointer(&xml);
    if (ready.claims->len == 0)
        return TRUE;
    request_leave(&ready);
    answer->uuid = g_strdup(dom_plan_uuid(plan));
    answer->pool = g_steal_pointer(&key);
    answer->image = g_strdup(disk->image);
    return TRUE;
}

gboolean
proxied_medium(const DomDisk *disk, const VirtDomain *domain, GError **error)
{
    if (!domain || !domain->active || has_it(domain, disk))
        return TRUE;
    return fail(error, disk,
                "a domain that runs is given no image for its floppy drive "
                "that it could write to: give it the image while the domain is "
                "off, or define the drive with <readonly/>");
}
