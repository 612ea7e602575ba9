/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * agent/virt/define.c - stored definitions, changed in place
 */
#include "config.h"

#include "agent/virt/define.h"

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

/* ret_xml gets what it was planned from. ret_again: the definition changed
 * meanwhile, and nothing was done. */
static gboolean
rewrite_once(const VirtFacts *facts,
             virDomainPtr domain,
             char **ret_xml,
             bool *ret_ours,
             bool *ret_changed,
             bool *ret_again,
             GError **error)
{
    g_autoptr(DomChanges) changes = NULL;
    char *xml = stored_xml(domain, error);
    gboolean good;

    free(*ret_xml);
    *ret_xml = xml;
    *ret_again = false;
    *ret_ours = false;
    good = xml &&
           facts->class->changes(facts->data, xml, &changes, ret_ours, error) &&
           change(domain, xml, changes, ret_again, error);
    *ret_changed = changes != NULL;
    return good;
}

/* As often as somebody edits it under our hands, within reason. */
static gboolean
rewrite(const VirtFacts *facts,
        virDomainPtr domain,
        bool *ret_changed,
        bool *ret_moved,
        GError **error)
{
    bool again = true;
    bool ours = false;
    char *xml = NULL;
    gboolean good = TRUE;

    for (int i = 0; good && again && i < REWRITE_TRIES; i++)
        good = rewrite_once(facts, domain, &xml, &ours, ret_changed, &again,
                            error);
    *ret_moved = good && ours && facts->class->moved(facts->data, xml);
    free(xml);
    /* Whoever edits it so often sends an event for the last one, too. */
    *ret_changed = *ret_changed && !again;
    return good;
}

gboolean
virt_define_rewrite(const VirtFacts *facts,
                    virDomainPtr domain,
                    bool *ret_changed,
                    GError **error)
{
    bool moved = false;
    bool again = false;

    if (!rewrite(facts, domain, ret_changed, &moved, error))
        return FALSE;
    if (!moved)
        return TRUE;
    if (!rewrite(facts, domain, &again, &moved, error))
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
