/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * xml/dom-changes.c - a rewrite in the calls that libvirt has for it
 */
#include "config.h"

#include "xml/dom-internal.h"

void
dom_changes_free(DomChanges *changes)
{
    if (!changes)
        return;
    g_free(changes->metadata);
    g_ptr_array_unref(changes->updates);
    g_ptr_array_unref(changes->additions);
    g_ptr_array_unref(changes->targets);
    g_ptr_array_unref(changes->removals);
    g_free(changes);
}

DomChanges *
dom_changes_new(void)
{
    DomChanges *changes = g_new0(DomChanges, 1);

    changes->updates = g_ptr_array_new_with_free_func(g_free);
    changes->additions = g_ptr_array_new_with_free_func(g_free);
    changes->targets = g_ptr_array_new_with_free_func(g_free);
    changes->removals = g_ptr_array_new_with_free_func(g_free);
    return changes;
}

void
dom_changes_add(DomChanges *changes, xmlNode *disk)
{
    g_ptr_array_add(changes->additions, dom_dump_node(disk));
    g_ptr_array_add(changes->targets, dom_child_attr(disk, "target", "dev"));
}

static DomChanges *
list_changes(const DomWork *work)
{
    DomChanges *changes = dom_changes_new();

    if (work->meta_changed)
        changes->metadata = dom_record_dump(work->meta);
    if (work->controller)
        g_ptr_array_add(changes->additions, dom_dump_node(work->controller));
    for (guint i = 0; i < work->others->len; i++)
        g_ptr_array_add(changes->updates,
                        dom_dump_node(work->others->pdata[i]));
    for (guint i = 0; i < work->disks->len; i++) {
        const DomWorkDisk *done = &g_array_index(work->disks, DomWorkDisk, i);

        if (done->made)
            dom_changes_add(changes, done->node);
        else if (done->changed)
            g_ptr_array_add(changes->updates, dom_dump_node(done->node));
    }
    return changes;
}

gboolean
dom_plan_changes(DomPlan *plan,
                 const DomSite *sites,
                 DomChanges **ret_changes,
                 GError **error)
{
    g_autoptr(DomWork) work = dom_work_new(plan, sites, error);

    if (!work)
        return FALSE;
    *ret_changes = work->xml ? list_changes(work) : NULL;
    return TRUE;
}
