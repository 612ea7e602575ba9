/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * agent/virt/define.c - stored definitions, changed in place
 */
#include "config.h"

#include "agent/virt/define.h"

#include "agent/virt/pools.h"

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

        if (!dom_xml_has_target(xml, strlen(xml),
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

/* As it runs; NULL: it does not. */
static char *
live_xml(gpointer domain)
{
    return virDomainIsActive(domain) == 1 ? virDomainGetXMLDesc(domain, 0)
                                          : NULL;
}

/* again: the definition changed meanwhile, and nothing was done. */
typedef struct {
    VirtChanges what;
    char *xml; /* that it was planned from */
    bool changed;
    bool again;
} Pass;

static void
pass_clear(Pass *pass)
{
    virt_changes_clear(&pass->what);
    free(pass->xml);
    pass->xml = NULL;
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Pass, pass_clear)

static gboolean
rewrite_once(const VirtFacts *facts,
             virDomainPtr domain,
             Pass *pass,
             GError **error)
{
    g_auto(VirtPools) pools = {0};
    gboolean good;

    pass_clear(pass);
    *pass = (Pass){.xml = stored_xml(domain, error)};
    if (pass->xml && !facts->class->concerns(pass->xml))
        return TRUE;
    if (pass->xml && facts->class->completes(facts->data))
        virt_pools_read(facts, virDomainGetConnect(domain), pass->xml,
                        strlen(pass->xml), &pools);
    good = pass->xml &&
           facts->class->changes(facts->data, pools.pools, pass->xml, live_xml,
                                 domain, &pass->what, error) &&
           change(domain, pass->xml, pass->what.changes, &pass->again, error);
    pass->changed = pass->what.changes != NULL;
    return good;
}

/* As often as somebody edits it under our hands, within reason. */
static gboolean
rewrite(const VirtFacts *facts, virDomainPtr domain, Pass *pass, GError **error)
{
    pass->again = true;
    for (int i = 0; pass->again && i < REWRITE_TRIES; i++)
        if (!rewrite_once(facts, domain, pass, error))
            return FALSE;
    /* Whoever edits it so often sends an event for the last one, too. */
    pass->changed = pass->changed && !pass->again;
    return TRUE;
}

void
virt_defined_clear(VirtDefined *defined)
{
    g_clear_pointer(&defined->images, g_ptr_array_unref);
    g_clear_pointer(&defined->plan, dom_plan_free);
    free(defined->xml);
    defined->xml = NULL;
}

gboolean
virt_define_rewrite(const VirtFacts *facts,
                    virDomainPtr domain,
                    VirtDefined *ret_defined,
                    GError **error)
{
    g_auto(Pass) first = {0};
    g_auto(Pass) second = {0};

    *ret_defined = (VirtDefined){0};
    if (!rewrite(facts, domain, &first, error))
        return FALSE;
    if (first.what.ours && facts->class->moved(facts->data, &first.what) &&
        !rewrite(facts, domain, &second, error))
        return FALSE;
    ret_defined->changed = first.changed || second.changed;
    ret_defined->left = first.what.left || second.what.left;
    ret_defined->images = g_steal_pointer(&first.what.images);
    if (ret_defined->changed || first.again || second.again)
        return TRUE;
    ret_defined->xml = g_steal_pointer(&first.xml);
    ret_defined->plan = g_steal_pointer(&first.what.plan);
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
