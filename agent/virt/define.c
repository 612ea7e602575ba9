/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * agent/virt/define.c - stored definitions, changed in place
 */
#include "config.h"

#include "agent/virt/define.h"

#include "agent/request.h"

#include <stdlib.h>
#include <string.h>

#define REWRITE_TRIES 3

typedef int (*DeviceCall)(virDomainPtr domain,
                          const char *xml,
                          unsigned int flags);

static char *
stored_xml(virDomainPtr domain, GError **error)
{
    char *xml = virDomainGetXMLDesc(domain, VIR_DOMAIN_XML_INACTIVE);

    if (!xml)
        virt_fail(error, "cannot read the definition");
    return xml;
}

static gboolean
set_metadata(virDomainPtr domain, const char *metadata, GError **error)
{
    if (!metadata)
        return TRUE;
    if (virDomainSetMetadata(domain, VIR_DOMAIN_METADATA_ELEMENT,
                             metadata[0] ? metadata : NULL, DOM_PREFIX,
                             DOM_NAMESPACE, VIR_DOMAIN_AFFECT_CONFIG) < 0)
        return virt_fail(error, "cannot write the metadata");
    return TRUE;
}

static gboolean
call_each(virDomainPtr domain,
          const GPtrArray *devices,
          DeviceCall call,
          const char *what,
          GError **error)
{
    for (guint i = 0; i < devices->len; i++) {
        const char *xml = g_ptr_array_index(devices, i);

        if (call(domain, xml, VIR_DOMAIN_AFFECT_CONFIG) < 0)
            return virt_fail(error, "cannot %s a device", what);
    }
    return TRUE;
}

/* An edit of the definition as it was before, between attaching and recording,
 * leaves the record of a disk that is gone: it would count as detached. */
static gboolean
attach_lost(virDomainPtr domain, const DomChanges *changes, GError **error)
{
    guint first = changes->additions->len - changes->targets->len;
    char *xml = changes->targets->len ? stored_xml(domain, error) : NULL;
    gboolean good = xml || changes->targets->len == 0;

    for (guint i = 0; good && i < changes->targets->len; i++) {
        const char *disk = g_ptr_array_index(changes->additions, first + i);

        if (!dom_peek_target(xml, strlen(xml),
                             g_ptr_array_index(changes->targets, i)) &&
            virDomainAttachDeviceFlags(domain, disk, VIR_DOMAIN_AFFECT_CONFIG) <
                0)
            good = virt_fail(error, "cannot attach a device");
    }
    free(xml);
    return good;
}

/* Metadata before updates: from it they can be repeated, or put back. After
 * additions, for a recorded disk that is not there was detached by somebody. */
static gboolean
apply(virDomainPtr domain, const DomChanges *changes, GError **error)
{
    return call_each(domain, changes->additions, virDomainAttachDeviceFlags,
                     "attach", error) &&
           set_metadata(domain, changes->metadata, error) &&
           call_each(domain, changes->removals, virDomainDetachDeviceFlags,
                     "detach", error) &&
           call_each(domain, changes->updates, virDomainUpdateDeviceFlags,
                     "update", error) &&
           attach_lost(domain, changes, error);
}

/* Metadata last, for the same reason. */
static gboolean
apply_back(virDomainPtr domain, const DomChanges *changes, GError **error)
{
    return call_each(domain, changes->removals, virDomainDetachDeviceFlags,
                     "detach", error) &&
           call_each(domain, changes->updates, virDomainUpdateDeviceFlags,
                     "update", error) &&
           call_each(domain, changes->additions, virDomainAttachDeviceFlags,
                     "attach", error) &&
           set_metadata(domain, changes->metadata, error);
}

/* What the cluster said of its monitors; ceph.conf's word where it does not
 * answer, so that the definition is complete when it does. */
static gboolean
find_site(Host *host, const DomPlan *plan, HostSite *ret_site, GError **error)
{
    g_autoptr(GError) first = NULL;

    if (host_site(host, HOST_ASK_MEMORY, plan, ret_site, &first) ||
        host_site(host, HOST_ASK_CONF, plan, ret_site, NULL))
        return TRUE;
    /* The cluster's own error says whether another try is worth it. */
    g_propagate_error(error, g_steal_pointer(&first));
    return FALSE;
}

static DomPlan *
plan_stored(Host *host, const char *xml, GError **error)
{
    bool bare = host_conf(host)->complete_existing;
    g_autoptr(GError) down = NULL;
    DomPlan *plan =
        request_plan(host, HOST_ASK_MEMORY, xml, strlen(xml), bare, &down);

    if (plan || !g_error_matches(down, STORE_ERROR, STORE_ERROR_DOWN)) {
        if (down)
            g_propagate_error(error, g_steal_pointer(&down));
        return plan;
    }
    return request_plan(host, HOST_ASK_CONF, xml, strlen(xml), bare, error);
}

/* Whether the definition is still the one that was planned from: an edit may
 * have come while the cluster was asked. */
static bool
is_still(virDomainPtr domain, const char *xml)
{
    char *now = stored_xml(domain, NULL);
    bool same = now && strcmp(now, xml) == 0;

    free(now);
    return same;
}

static gboolean
change(virDomainPtr domain,
       const char *xml,
       const DomChanges *changes,
       bool *ret_again,
       GError **error)
{
    *ret_again = changes && !is_still(domain, xml);
    return !changes || *ret_again || apply(domain, changes, error);
}

/* ret_plan may get one after a failure, too. ret_again: the definition changed
 * meanwhile, and nothing was done. */
static gboolean
rewrite_once(Host *host,
             virDomainPtr domain,
             DomPlan **ret_plan,
             bool *ret_changed,
             bool *ret_again,
             GError **error)
{
    char *xml = stored_xml(domain, error);
    g_autoptr(DomPlan) plan = xml ? plan_stored(host, xml, error) : NULL;
    g_autoptr(DomChanges) changes = NULL;
    g_auto(HostSite) site = {0};
    gboolean good = plan != NULL;

    *ret_again = false;
    if (plan && dom_plan_disks(plan)->len > 0)
        good = find_site(host, plan, &site, error) &&
               dom_plan_changes(plan, site.sites, &changes, error) &&
               change(domain, xml, changes, ret_again, error);
    *ret_changed = changes != NULL;
    dom_plan_free(*ret_plan);
    *ret_plan = g_steal_pointer(&plan);
    free(xml);
    return good;
}

/* As often as somebody edits it under our hands, within reason. */
static gboolean
rewrite(Host *host,
        virDomainPtr domain,
        DomPlan **ret_plan,
        bool *ret_changed,
        GError **error)
{
    bool again = true;

    for (int i = 0; again && i < REWRITE_TRIES; i++)
        if (!rewrite_once(host, domain, ret_plan, ret_changed, &again, error))
            return FALSE;
    /* Whoever edits it so often sends an event for the last one, too. */
    *ret_changed = *ret_changed && !again;
    return TRUE;
}

gboolean
virt_define_rewrite(Host *host,
                    virDomainPtr domain,
                    bool *ret_changed,
                    GError **error)
{
    g_autoptr(DomPlan) plan = NULL;
    bool again = false;

    if (!rewrite(host, domain, &plan, ret_changed, error))
        return FALSE;
    if (!host_monitors_moved(host, plan))
        return TRUE;
    if (!rewrite(host, domain, &plan, &again, error))
        return FALSE;
    *ret_changed = *ret_changed || again;
    return TRUE;
}

gboolean
virt_define_revert(virDomainPtr domain, bool *ret_changed, GError **error)
{
    char *xml = stored_xml(domain, error);
    g_autoptr(DomChanges) changes = NULL;
    gboolean good = xml && dom_revert(xml, strlen(xml), &changes, error);

    free(xml);
    *ret_changed = changes != NULL;
    return good && (!changes || apply_back(domain, changes, error));
}
