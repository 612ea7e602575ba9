/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * xml/dom-device.c - a lone device as a definition around it
 *
 * The definition has nothing but what tells whose the device is, so that
 * everything that is known about disks holds for this one too.
 */
#include "config.h"

#include "xml/dom-internal.h"

#include <string.h>

static xmlNode *
add(xmlNode *parent, const char *name, const char *text)
{
    xmlNode *node =
        xmlNewDocRawNode(parent->doc, NULL, BAD_CAST name, BAD_CAST text);

    return xmlAddChild(parent, node);
}

/* device stays in its document, whose strings it shares. */
static void
wrap(xmlDoc *doc, const char *uuid, const char *name)
{
    xmlNode *root = xmlNewDocNode(doc, NULL, BAD_CAST "domain", NULL);
    xmlNode *device = xmlDocSetRootElement(doc, root);

    if (name)
        add(root, "name", name);
    add(root, "uuid", uuid);
    xmlAddChild(add(root, "devices", NULL), device);
}

/* Other devices are nobody's business here. */
static gboolean
check_disk(const xmlNode *device, GError **error)
{
    return strcmp((const char *)device->name, "disk") != 0 ||
           dom_check_root(device, "disk", error);
}

DomPlan *
dom_plan_new_device_among(const char *xml,
                          gsize len,
                          const char *domain_uuid,
                          const char *domain_name,
                          const DomRules *rules,
                          guint n_rules,
                          GError **error)
{
    const DomClusters clusters = {rules, n_rules};
    g_autofree char *uuid = dom_uuid_parse(domain_uuid);
    g_autoptr(xmlDoc) doc = NULL;

    if (!uuid) {
        dom_fail(error, DOM_ERROR_REQUEST,
                 "'" DOM_QUOTE "' is not a domain's UUID", domain_uuid);
        return NULL;
    }
    doc = dom_parse_any(xml, len, error);
    if (!doc || !check_disk(xmlDocGetRootElement(doc), error))
        return NULL;
    wrap(doc, uuid, domain_name);
    return dom_plan_of(g_steal_pointer(&doc), true, &clusters, error);
}

DomPlan *
dom_plan_new_device(const char *xml,
                    gsize len,
                    const char *domain_uuid,
                    const char *domain_name,
                    const DomRules *rules,
                    GError **error)
{
    return dom_plan_new_device_among(xml, len, domain_uuid, domain_name, rules,
                                     1, error);
}
