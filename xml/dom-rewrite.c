/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * xml/dom-rewrite.c - from a plan to the definition as it should be
 *
 * The plan's document is copied, so that a plan can be rewritten again. Nodes
 * of the copy are found by their place in it.
 */
#include "config.h"

#include "xml/dom-internal.h"

#include <string.h>

void
dom_work_free(DomWork *work)
{
    if (!work)
        return;
    g_clear_pointer(&work->disks, g_array_unref);
    g_clear_pointer(&work->others, g_ptr_array_unref);
    g_clear_pointer(&work->entries, g_ptr_array_unref);
    g_clear_pointer(&work->doc, xmlFreeDoc);
    g_free(work->xml);
    g_free(work);
}

static gboolean
check_disk(const DomPlan *plan,
           const DomDisk *disk,
           const DomSite *site,
           GError **error)
{
    if (dom_disk_has_parent(disk) && !disk->parent_pool)
        return dom_fail(error, DOM_ERROR_REQUEST,
                        "disk '%s': image '%s' is in none of the pools for "
                        "images: name it as pool/image@snap",
                        disk->target, disk->parent_image);
    if (disk->parent_cluster != DOM_CLUSTER_NONE && dom_disk_is_copy(disk) &&
        !plan->places[disk->parent_cluster].fsid)
        return dom_fail(error, DOM_ERROR_REQUEST,
                        "disk '%s': the cluster that its image '%s' is in was "
                        "never reached, so that its fsid is not known: see "
                        "'remora status'",
                        disk->target, disk->parent_image);
    if (site->same_guest && !plan->device && !disk->in_place)
        return dom_fail(error, DOM_ERROR_REQUEST,
                        "disk '%s': the guest has another disk already, or "
                        "none, and it cannot be given '%s/%s' on its way: "
                        "remove the <" DOM_PREFIX ":disk> of this target",
                        disk->target, disk->pool, disk->image);
    return TRUE;
}

static gboolean
check_hosts(const DomSite *site, GError **error)
{
    if (site->n_hosts == 0)
        return dom_fail(error, DOM_ERROR_REQUEST,
                        "the cluster has no monitors to name: check 'ceph mon "
                        "dump'");
    if (site->n_hosts > DOM_HOSTS_MAX)
        return dom_fail(error, DOM_ERROR_LIMIT,
                        "the cluster has more than %u monitor addresses",
                        DOM_HOSTS_MAX);
    return TRUE;
}

static const DomSite *
site_of(const DomSite *sites, const DomPlanDisk *own)
{
    return &sites[own->disk.cluster];
}

static gboolean
check_sites(const DomPlan *plan, const DomSite *sites, GError **error)
{
    for (guint i = 0; i < plan->disks->len; i++) {
        if (!check_hosts(site_of(sites, plan->disks->pdata[i]), error))
            return FALSE;
    }
    if (sites->arrival && !dom_nonce_check(sites->arrival))
        return dom_fail(error, DOM_ERROR_REQUEST,
                        "the nonce of an arrival is not %u to %u hexadecimal "
                        "digits",
                        DOM_NONCE_MIN, DOM_NONCE_MAX);
    for (guint i = 0; i < plan->disks->len; i++) {
        if (!check_disk(plan, plan->disks->pdata[i], sites, error))
            return FALSE;
    }
    return TRUE;
}

static void
rewrite_disk(DomWork *work, GPtrArray *nodes, const DomPlanDisk *own)
{
    DomWorkDisk done = {.made = own->node == NULL && !own->disk.left};
    g_autoptr(xmlNode) before = NULL;

    if (own->disk.left) {
        done.node = own->node ? nodes->pdata[own->disk_index] : NULL;
        g_array_append_val(work->disks, done);
        return;
    }
    if (done.made) {
        done.node = dom_write_new_disk(work->root, own);
    } else {
        done.node = nodes->pdata[own->disk_index];
        if (!own->plan->device)
            before = xmlDocCopyNode(done.node, work->doc, 1);
    }
    done.changed =
        dom_write_disk(done.node, own, site_of(work->sites, own)) || done.made;
    if (done.changed && !own->plan->device && !own->disk.under_overlay)
        dom_record(work, own, before);
    work->changed |= done.changed;
    g_array_append_val(work->disks, done);
}

/* A name that remora gives a clone has the UUID in it, so it must last. */
static void
write_uuid(DomWork *work)
{
    static const char *const places[] = {"name", NULL};
    xmlNode *uuid = dom_child(work->root, "uuid");

    if (!uuid)
        uuid = dom_add(work->root, places, "uuid");
    xmlNodeSetContent(uuid, NULL);
    xmlNodeAddContent(uuid, BAD_CAST work->plan->uuid);
}

/* Of a device, without the domain that was put round it. */
static char *
dump_changed(const DomWork *work)
{
    if (!work->plan->device)
        return dom_dump(work->doc);
    return dom_dump_node(g_array_index(work->disks, DomWorkDisk, 0).node);
}

/* What is kept makes the result longer and deeper than what came in. */
static gboolean
dump_work(DomWork *work, GError **error)
{
    g_autoptr(xmlDoc) again = NULL;

    work->xml = dump_changed(work);
    again = dom_parse_any(work->xml, strlen(work->xml), error);
    if (again)
        return TRUE;
    g_prefix_error(error, "the rewritten definition cannot be taken: ");
    if (error && *error)
        (*error)->code = DOM_ERROR_LIMIT;
    return FALSE;
}

/* Before anything is recorded anew for the same targets. What is past is no
 * reason to change a definition, so this may turn out to be in vain. */
static void
drop_past(DomWork *work)
{
    const GPtrArray *entries = work->plan->request->entries;

    for (guint i = 0; i < entries->len; i++) {
        const DomEntry *entry = entries->pdata[i];

        if (entry->past)
            work->meta_changed |=
                dom_remove(work->entries->pdata[entry->index]);
    }
}

static void
rewrite_all(DomWork *work)
{
    const GPtrArray *disks = work->plan->disks;
    g_autoptr(GPtrArray) nodes = dom_disk_nodes(work->root);

    drop_past(work);
    dom_write_others(work);
    for (guint i = 0; i < disks->len; i++)
        rewrite_disk(work, nodes, disks->pdata[i]);
    dom_scsi_place(work);
    /* One that is left from before is no reason to change what is final. */
    if (!work->plan->device && (work->sites->arrival || work->changed))
        work->changed |= dom_arrival_write(work->root, work->sites->arrival);
    if (work->changed && !work->plan->uuid_given && !work->sites->same_guest)
        write_uuid(work);
}

DomWork *
dom_work_new(const DomPlan *plan, const DomSite *sites, GError **error)
{
    g_autoptr(DomWork) work = g_new0(DomWork, 1);

    if (plan->disks->len == 0)
        return g_steal_pointer(&work);
    if (!check_sites(plan, sites, error))
        return NULL;
    work->plan = plan;
    work->sites = sites;
    work->doc = xmlCopyDoc(plan->doc, 1);
    work->root = xmlDocGetRootElement(work->doc);
    work->meta = dom_request_find(work->root);
    work->entries = dom_elements(work->meta);
    work->disks = g_array_new(FALSE, FALSE, sizeof(DomWorkDisk));
    work->others = g_ptr_array_new();
    rewrite_all(work);
    if (work->changed && !dump_work(work, error))
        return NULL;
    return g_steal_pointer(&work);
}

gboolean
dom_plan_rewrite(DomPlan *plan,
                 const DomSite *sites,
                 char **ret_xml,
                 GError **error)
{
    g_autoptr(DomWork) work = dom_work_new(plan, sites, error);

    if (!work)
        return FALSE;
    *ret_xml = g_steal_pointer(&work->xml);
    return TRUE;
}
