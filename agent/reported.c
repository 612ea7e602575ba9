/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * agent/reported.c - is a domain ours of which libvirt reports something?
 */
#include "config.h"

#include "agent/reported.h"

#include "agent/log.h"
#include "agent/request.h"
#include "hooks/wire/sieve.h"

#include <string.h>

/* A disk that was detached is in no definition any more. */
static bool
is_noted(Host *host, const char *uuid)
{
    for (guint i = 0; i < host_clusters(host); i++) {
        g_autoptr(GPtrArray) noted =
            store_claims_noted(cluster_store(host_cluster(host, i)), uuid);

        if (noted->len > 0)
            return true;
    }
    return false;
}

/* NULL: it cannot be read. name: as it is to be called. */
static DomPlan *
plan_reported(Host *host, const char *name, const char *xml, gsize len)
{
    const LogAbout about = {.domain = name};
    g_autoptr(GError) error = NULL;
    DomPlan *plan =
        len ? request_plan(host, HOST_ASK_NOBODY, xml, len, false, &error)
            : NULL;

    if (error)
        log_debug(&about, "cannot read what libvirt reports: %s",
                  error->message);
    return plan;
}

char *
reported_uuid(Host *host, const char *name, const char *xml, gsize len)
{
    g_autoptr(DomPlan) plan = plan_reported(host, name, xml, len);

    if (!plan || !dom_plan_uuid(plan) ||
        (dom_plan_disks(plan)->len == 0 &&
         !is_noted(host, dom_plan_uuid(plan))))
        return NULL;
    return g_strdup(dom_plan_uuid(plan));
}

bool
reported_is_to_be_settled(Host *host,
                          const char *uuid,
                          const char *xml,
                          const DomPlan *plan,
                          bool active)
{
    gsize len = strlen(xml);
    g_autoptr(DomPlan) own = NULL;

    if (is_noted(host, uuid))
        return true;
    /* Most are none of ours, which their bytes show. */
    if (!plan && wire_sieve(xml, len))
        plan = own = plan_reported(host, uuid, xml, len);
    /* A host may have thousands that are off, and only few of them left a
     * claim. */
    return plan && dom_plan_disks(plan)->len > 0 &&
           (active || request_has_claim(host, plan));
}
