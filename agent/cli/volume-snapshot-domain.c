/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * agent/cli/volume-snapshot-domain.c - snapshots of all disks of a domain at one
 * moment
 *
 * All disks, or none: one that is not ours, and not left out by name, is a reason to
 * refuse, for a snapshot without it would be taken for the whole domain.
 */
#include "config.h"

#include "agent/cli/volume-snapshot.h"

#include "agent/cli/domain.h"
#include "agent/cli/freeze.h"
#include "agent/cli/json.h"
#include "agent/cli/progress.h"
#include "agent/cli/volume.h"
#include "agent/request.h"

#include <stdio.h>
#include <string.h>

typedef struct {
    const CmdSnapshotDomain *asked;
    const char *snap;
    CmdFreeze *freeze;
    CmdDomain domain;
    GPtrArray *targets; /* of char *, borrowed from written */
    GArray *disks;      /* of StoreGroupDisk, as many */
    char **written;
    CmdFrozen frozen;
    char *why; /* why it is not frozen, or NULL */
} Job;

static void
job_clear(Job *job)
{
    cmd_freeze_free(job->freeze);
    cmd_domain_clear(&job->domain);
    g_clear_pointer(&job->targets, g_ptr_array_unref);
    g_clear_pointer(&job->disks, g_array_unref);
    g_strfreev(job->written);
    g_free(job->why);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Job, job_clear)

/* ---- which disks ------------------------------------------------------------------- */

static gboolean
check_skipped(const Job *job, GError **error)
{
    char **skipped = job->asked->skipped;

    for (gsize i = 0; skipped && skipped[i]; i++)
        if (!dom_xml_has_target(job->domain.xml, strlen(job->domain.xml),
                                skipped[i])) {
            g_set_error(error, REQUEST_ERROR, REQUEST_ERROR_REFUSED,
                        "there is no disk '%s' to leave out", skipped[i]);
            return FALSE;
        }
    return TRUE;
}

static gboolean
add_disk(Job *job, Host *host, char *target, GError **error)
{
    char **skipped = job->asked->skipped;
    const DomDisk *disk;

    if (skipped && g_strv_contains((const char *const *)skipped, target))
        return TRUE;
    disk = cmd_domain_disk(&job->domain, target, error);
    if (!disk) {
        g_prefix_error(error, "all disks get a snapshot, or none, unless "
                              "--skip names those that do not: ");
        return FALSE;
    }
    const StoreGroupDisk one = {host_store_of(host, disk), disk->pool,
                                disk->image};
    g_ptr_array_add(job->targets, target);
    g_array_append_val(job->disks, one);
    return TRUE;
}

/* What its guest cannot write to is the same at any moment. */
static gboolean
find_disks(Job *job, Host *host, GError **error)
{
    if (!cmd_domain_read(host, job->asked->domain, &job->domain, error) ||
        !check_skipped(job, error))
        return FALSE;
    job->targets = g_ptr_array_new();
    job->disks = g_array_new(FALSE, FALSE, sizeof(StoreGroupDisk));
    job->written =
        dom_xml_written_targets(job->domain.xml, strlen(job->domain.xml));
    for (gsize i = 0; job->written[i]; i++)
        if (!add_disk(job, host, job->written[i], error))
            return FALSE;
    if (job->disks->len > 0)
        return TRUE;
    g_set_error(error, REQUEST_ERROR, REQUEST_ERROR_REFUSED,
                "it has no disk that is written to");
    return FALSE;
}

static const StoreGroupDisk *
disks_of(const Job *job)
{
    return (const StoreGroupDisk *)(void *)job->disks->data;
}

/* ---- made --------------------------------------------------------------------------- */

static gboolean
hold(gpointer data, GError **error)
{
    Job *job = data;
    CmdFreezeWays ways =
        CMD_BY_PAUSE | (job->asked->no_freeze ? 0 : CMD_BY_AGENT);

    return cmd_freeze_begin(job->freeze, job->domain.uri, job->domain.uuid,
                            ways, &job->frozen, &job->why, error);
}

static gboolean
let_go(gpointer data, GError **error)
{
    Job *job = data;

    return cmd_freeze_end(job->freeze, error);
}

static bool
stopped(gpointer data)
{
    (void)data;
    return cmd_progress_interrupted();
}

static void
print_json(const Job *job, const char *id)
{
    json_t *disks = json_array();
    json_t *root;

    for (guint i = 0; i < job->disks->len; i++) {
        g_autofree char *image = g_strdup_printf("%s/%s", disks_of(job)[i].pool,
                                                 disks_of(job)[i].image);

        json_array_append_new(
            disks, json_pack("{s:s, s:s}", "disk",
                             (const char *)g_ptr_array_index(job->targets, i),
                             "image", image));
    }
    root = json_pack("{s:s, s:b, s:o}", "snapshot", id, "consistent",
                     job->frozen == CMD_IS_FROZEN || !job->domain.active,
                     "disks", disks);
    cmd_json_print(root);
    json_decref(root);
}

static gboolean
create(Job *job, GError **error)
{
    const StoreGroupHow how = {
        .hold = hold, .let_go = let_go, .stopped = stopped, .data = job};
    const char *id = store_snapshot_uuid(job->snap);
    CmdProgress progress;

    cmd_progress_begin(&progress);
    if (!store_group_snap_create(disks_of(job), job->disks->len, job->snap,
                                 &how, error))
        return FALSE;
    if (job->asked->as_json) {
        print_json(job, id);
        return TRUE;
    }
    if (job->frozen == CMD_IS_PAUSED)
        fprintf(stderr,
                "remora: the snapshots are as after a power cut: the guest was "
                "paused, not frozen%s%s\n",
                job->why ? ": " : "", job->why ? job->why : "");
    puts(id);
    return TRUE;
}

/* ---- removed, listed ------------------------------------------------------------------ */

static gboolean
rm(Job *job, GError **error)
{
    const char *id = store_snapshot_uuid(job->snap);

    if (!store_group_snap_remove(disks_of(job), job->disks->len, job->snap,
                                 error))
        return FALSE;
    if (job->asked->as_json)
        printf("{\"snapshot\": \"%s\"}\n", id ? id : job->snap);
    else
        printf("%s: removed of all disks of domain '%s'\n", job->snap,
               job->asked->domain);
    return TRUE;
}

static void
add_row(CmdTable *table,
        const char *target,
        const StoreGroupDisk *disk,
        const StoreVolumeSnap *snap,
        bool json)
{
    g_autofree char *image = g_strdup_printf("%s/%s", disk->pool, disk->image);
    g_auto(CmdSnapshotCells) cells = cmd_snapshot_cells(snap, json);

    cmd_table_add(table, cells.name, target, image, cells.size, cells.flag,
                  cells.created);
}

static gboolean
list(Job *job, GError **error)
{
    static const CmdColumn columns[] = {
        {"SNAPSHOT", CMD_TEXT},  {"DISK", CMD_TEXT},
        {"IMAGE", CMD_TEXT},     {"SIZE", CMD_NUMBER},
        {"PROTECTED", CMD_FLAG}, {"CREATED", CMD_NUMBER},
        {NULL, CMD_TEXT},
    };
    CmdTable *table =
        cmd_table_new_typed(columns, "snapshots", job->asked->as_json);

    for (guint i = 0; i < job->disks->len; i++) {
        g_autoptr(GPtrArray) snaps =
            store_group_snaps(&disks_of(job)[i], error);

        if (!snaps) {
            cmd_table_free(table);
            return FALSE;
        }
        for (guint j = 0; j < snaps->len; j++)
            add_row(table, g_ptr_array_index(job->targets, i),
                    &disks_of(job)[i], g_ptr_array_index(snaps, j),
                    job->asked->as_json);
    }
    cmd_table_print(table);
    return TRUE;
}

int
cmd_snapshot_domain(const CmdGlobals *globals,
                    CmdSnap what,
                    const char *snap,
                    const CmdSnapshotDomain *asked)
{
    g_auto(Job) job = {.asked = asked, .snap = snap};
    g_autofree char *about = g_strdup_printf("domain '%s'", asked->domain);
    g_autoptr(GError) error = NULL;
    gboolean (*const acts[])(Job *, GError **) = {
        [CMD_SNAP_NONE] = list, [CMD_SNAP_NEW] = create, [CMD_SNAP_NAMED] = rm};

    if (what == CMD_SNAP_NEW && !(job.freeze = cmd_freeze_new(&error)))
        return cmd_fail(about, error);
    g_autoptr(Host) host = cmd_host(globals);
    if (!host)
        return 1;
    if (!find_disks(&job, host, &error))
        return cmd_fail(about, error);
    return acts[what](&job, &error) ? 0 : cmd_image_fail(about, error);
}
