/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * agent/proxied-moves.c - a domain that moves, and takes its disks along
 */
#include "config.h"

#include "agent/proxied-moves.h"

#include "agent/request.h"

#include <string.h>

bool
proxied_moves_read(const char *body, gsize len, ProxiedMoves *ret_moves)
{
    g_auto(ProxiedMoves) moves = {0};
    const char *end = body + len;

    while (body < end && *body == '+') {
        const char *line = memchr(body, '\n', (gsize)(end - body));

        if (!line)
            return false;
        if (!moves.targets)
            moves.targets = g_ptr_array_new_with_free_func(g_free);
        body++;
        g_ptr_array_add(moves.targets, g_strndup(body, (gsize)(line - body)));
        body = line + 1;
    }
    if (body >= end || *body != '-')
        return false;
    moves.len = (gsize)(end - body) - 1;
    moves.xml = moves.len ? body + 1 : NULL;
    *ret_moves = moves;
    moves.targets = NULL;
    return true;
}

void
proxied_moves_clear(ProxiedMoves *moves)
{
    g_clear_pointer(&moves->targets, g_ptr_array_unref);
}

/* As libvirt chooses (qemuMigrationAnyCopyDisk()). An overlay, not what is below
 * it, is what would be filled. */
static bool
is_copied(const DomDisk *disk, const GPtrArray *targets)
{
    if (!disk->writable || !disk->image || disk->under_overlay)
        return false;
    return targets ? g_ptr_array_find_with_equal_func(
                         (GPtrArray *)targets, disk->target, g_str_equal, NULL)
                   : !disk->shareable;
}

static bool
has_open(const DomPlan *here, const DomDisk *there)
{
    const GPtrArray *disks = dom_plan_disks(here);

    for (guint i = 0; i < disks->len; i++) {
        const DomDisk *disk = g_ptr_array_index(disks, i);

        if (disk->image && disk->cluster == there->cluster &&
            strcmp(disk->pool, there->pool) == 0 &&
            strcmp(disk->image, there->image) == 0)
            return true;
    }
    return false;
}

const DomDisk *
proxied_moves_onto_itself(const DomPlan *here,
                          const DomPlan *there,
                          const GPtrArray *targets)
{
    const GPtrArray *disks = dom_plan_disks(there);

    for (guint i = 0; i < disks->len; i++) {
        const DomDisk *disk = g_ptr_array_index(disks, i);

        if (is_copied(disk, targets) && has_open(here, disk))
            return disk;
    }
    return NULL;
}

static gboolean
check(const DomPlan *here,
      const DomPlan *there,
      const GPtrArray *targets,
      GError **error)
{
    const DomDisk *disk = proxied_moves_onto_itself(here, there, targets);

    if (!disk)
        return TRUE;
    g_set_error(error, REQUEST_ERROR, REQUEST_ERROR_REFUSED,
                "disk '%s': both hosts have it from the cluster, and a "
                "migration that copies it would write to it while the guest "
                "does: migrate without --copy-storage-all or "
                "--copy-storage-inc, or name the disks to copy with "
                "--migrate-disks",
                disk->target);
    return FALSE;
}

gboolean
proxied_moves_check(Host *host,
                    const ProxiedMoves *moves,
                    const char *xml,
                    GError **error)
{
    g_autoptr(DomPlan) here =
        request_plan(host, HOST_ASK_NOBODY, xml, strlen(xml), false, error);
    g_autoptr(DomPlan) there = NULL;

    if (!here)
        return FALSE;
    if (!moves->xml)
        return check(here, here, moves->targets, error);
    there = request_plan(host, HOST_ASK_NOBODY, moves->xml, moves->len, false,
                         error);
    return there && check(here, there, moves->targets, error);
}
