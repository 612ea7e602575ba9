/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * agent/rewrite.c - what a client gives to libvirt, as it should be
 */
#include "config.h"

#include "agent/rewrite.h"

#include "agent/convert.h"
#include "agent/request.h"

static bool
is_down(const GError *error)
{
    return g_error_matches(error, STORE_ERROR, STORE_ERROR_DOWN);
}

/* A definition of ours, whose pools of images may have to be looked for. silent:
 * why the cluster is not asked at all, or NULL. */
static DomPlan *
plan_ours(Host *host,
          const RequestKnown *known,
          const GError *silent,
          const char *xml,
          gsize len,
          GError **error)
{
    bool bare = host_conf(host)->complete_existing;
    g_autoptr(GError) down = silent ? g_error_copy(silent) : NULL;
    g_autoptr(DomPlan) plan = NULL;

    if (!down)
        plan = request_plan_with(host, HOST_ASK_CLUSTER, known, xml, len, bare,
                                 &down);
    if (plan)
        return g_steal_pointer(&plan);
    if (is_down(down)) {
        plan = request_plan_with(host, HOST_ASK_CONF, known, xml, len, bare,
                                 error);
        if (!plan || host_guess_parents(host, plan))
            return g_steal_pointer(&plan);
    }
    g_propagate_error(error, g_steal_pointer(&down));
    return NULL;
}

static gboolean
find_site(Host *host,
          const GError *silent,
          bool live,
          const DomPlan *plan,
          HostSite *ret_site,
          GError **error)
{
    g_autoptr(GError) down = silent ? g_error_copy(silent) : NULL;

    if (!down && host_site(host, HOST_ASK_CLUSTER, plan, ret_site, &down))
        return TRUE;
    if (!live && is_down(down) &&
        (host_site(host, HOST_ASK_MEMORY, plan, ret_site, NULL) ||
         host_site(host, HOST_ASK_CONF, plan, ret_site, NULL)))
        return TRUE;
    g_propagate_error(error, g_steal_pointer(&down));
    return FALSE;
}

gboolean
rewrite_domain(Host *host,
               const RequestKnown *known,
               const char *xml,
               gsize len,
               char **ret_xml,
               GError **error)
{
    g_autoptr(DomPlan) first =
        request_plan_with(host, HOST_ASK_NOBODY, known, xml, len, false, error);
    g_autoptr(DomPlan) plan = NULL;
    g_auto(HostSite) site = {0};
    g_autoptr(GError) silent = NULL;

    *ret_xml = NULL;
    if (!first ||
        (request_is_as_it_stands(host, first) && !dom_plan_has_foreign(first)))
        return first != NULL;
    (void)host_check_monitors(host, first, &silent);
    plan = plan_ours(host, known, silent, xml, len, error);
    if (!plan || request_is_as_it_stands(host, plan))
        return plan != NULL;
    convert_begin(host, plan);
    return find_site(host, silent, false, plan, &site, error) &&
           dom_plan_rewrite(plan, site.sites, ret_xml, error);
}

gboolean
rewrite_device(
    Host *host, DomPlan *plan, RewriteFor what, char **ret_xml, GError **error)
{
    g_auto(HostSite) site = {0};
    g_autoptr(GError) silent = NULL;

    *ret_xml = NULL;
    if (request_is_as_it_stands(host, plan))
        return TRUE;
    (void)host_check_monitors(host, plan, &silent);
    if (!find_site(host, silent, what == REWRITE_FOR_ATTACH, plan, &site,
                   error))
        return FALSE;
    for (guint i = 0; i < site.n && what == REWRITE_FOR_UPDATE; i++)
        site.sites[i].cache = site.sites[i].discard = NULL;
    if (what == REWRITE_FOR_UPDATE)
        host_site_same_guest(&site, NULL);
    return dom_plan_rewrite(plan, site.sites, ret_xml, error);
}
