/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * agent/cli/volume-snapshot.c - remora volume snapshot: snapshots of a volume
 */
#include "config.h"

#include "agent/cli/volume-snapshot.h"

#include "agent/cli/progress.h"
#include "agent/cli/show.h"
#include "agent/cli/volume.h"

#include <stdio.h>
#include <string.h>

#define COMMAND "volume snapshot"

static gboolean as_json;
static char *domain;
static char **skipped;
static gboolean no_freeze;

static const GOptionEntry options[] = {
    CMD_IMAGE_CLUSTER,
    {"domain", 'd', 0, G_OPTION_ARG_STRING, &domain,
     "Of all disks of this domain, at one moment", "DOMAIN"},
    {"skip", 's', 0, G_OPTION_ARG_STRING_ARRAY, &skipped,
     "But for this disk of the domain; may be given several times", "TARGET"},
    {"no-freeze", 0, 0, G_OPTION_ARG_NONE, &no_freeze,
     "Pause the domain, without asking its guest agent", NULL},
    {"json", 'j', 0, G_OPTION_ARG_NONE, &as_json, "Print JSON", NULL},
    {NULL, 0, 0, 0, NULL, NULL, NULL},
};

/* ---- each of them ---------------------------------------------------------------- */

static void
print_done(const CmdVolume *volume, const char *snap, const char *done)
{
    const char *uuid = store_snapshot_uuid(snap);
    const char *id = uuid ? uuid : snap;

    if (as_json)
        printf("{\"snapshot\": \"%s\"}\n", id);
    else if (done)
        printf("%s/%s@%s: %s\n", volume->pool, volume->name, snap, done);
    else
        puts(id);
}

static gboolean
create(const CmdVolume *volume, const char *snap, GError **error)
{
    CmdProgress progress;

    cmd_progress_begin(&progress);
    if (!store_volume_snap_create(volume->store, volume->pool, volume->name,
                                  snap, error))
        return FALSE;
    print_done(volume, snap, NULL);
    return TRUE;
}

static gboolean
rm(const CmdVolume *volume, const char *snap, GError **error)
{
    CmdProgress progress;

    cmd_progress_begin(&progress);
    if (!store_volume_snap_remove(volume->store, volume->pool, volume->name,
                                  snap, error))
        return FALSE;
    print_done(volume, snap, "removed");
    return TRUE;
}

static gboolean
rollback(const CmdVolume *volume, const char *snap, GError **error)
{
    CmdProgress progress;
    gboolean good;

    cmd_progress_begin(&progress);
    good =
        store_volume_snap_rollback(volume->store, volume->pool, volume->name,
                                   snap, cmd_progress_show, &progress, error);
    cmd_progress_end(&progress);
    if (good)
        print_done(volume, snap, "rolled back to");
    return good;
}

CmdSnapshotCells
cmd_snapshot_cells(const StoreVolumeSnap *snap, bool json)
{
    const char *id = store_snapshot_uuid(snap->name);
    const char *flag = snap->is_protected ? "yes" : "no";

    if (json)
        flag = snap->is_protected ? "1" : "0";
    return (CmdSnapshotCells){
        .name = id ? id : snap->name,
        .flag = flag,
        .size = json ? g_strdup_printf("%" G_GUINT64_FORMAT, snap->size)
                     : cmd_size(snap->size),
        .created = json ? g_strdup_printf("%" G_GINT64_FORMAT, snap->created)
                        : cmd_show_time(snap->created),
    };
}

void
cmd_snapshot_cells_clear(CmdSnapshotCells *cells)
{
    g_free(cells->size);
    g_free(cells->created);
}

static void
add_row(CmdTable *table, const StoreVolumeSnap *snap)
{
    g_auto(CmdSnapshotCells) cells = cmd_snapshot_cells(snap, as_json);

    cmd_table_add(table, cells.name, cells.size, cells.flag, cells.created);
}

static gboolean
list(const CmdVolume *volume, const char *unused, GError **error)
{
    static const CmdColumn columns[] = {
        {"SNAPSHOT", CMD_TEXT},  {"SIZE", CMD_NUMBER}, {"PROTECTED", CMD_FLAG},
        {"CREATED", CMD_NUMBER}, {NULL, CMD_TEXT},
    };
    g_autoptr(StoreVolume) info =
        store_volume_show(volume->store, volume->pool, volume->name, error);
    CmdTable *table;

    (void)unused;
    if (!info)
        return FALSE;
    table = cmd_table_new_typed(columns, "snapshots", as_json);
    for (guint i = 0; i < info->snaps->len; i++)
        add_row(table, g_ptr_array_index(info->snaps, i));
    cmd_table_print(table);
    return TRUE;
}

/* ---- which of them ------------------------------------------------------------------ */

static const struct {
    const char *word;
    CmdSnap takes;
    gboolean (*act)(const CmdVolume *volume, const char *snap, GError **error);
} actions[] = {
    {"create", CMD_SNAP_NEW, create},
    {"list", CMD_SNAP_NONE, list},
    {"rm", CMD_SNAP_NAMED, rm},
    {"rollback", CMD_SNAP_NAMED, rollback},
};

/* NULL: all is well; ret_snap: its name, or NULL where none is taken. */
static const char *
read_snap(CmdSnap takes, const char *text, char **ret_snap)
{
    g_autofree char *random = g_uuid_string_random();

    if (takes == CMD_SNAP_NONE)
        return text ? "a snapshot is not needed" : NULL;
    if (takes == CMD_SNAP_NAMED && !text)
        return "a snapshot is needed, too";
    if (takes == CMD_SNAP_NAMED && store_snap_is_own(text))
        *ret_snap = g_strdup(text);
    else
        *ret_snap = store_snapshot_name(text ? text : random);
    return *ret_snap ? NULL : "a snapshot is named as UUID or snapshot-UUID";
}

static int
act(const CmdGlobals *globals, gsize i, char *const *rest)
{
    g_auto(CmdVolume) volume = {0};
    g_autoptr(GError) error = NULL;
    g_autofree char *snap = NULL;
    const char *wrong =
        read_snap(actions[i].takes, rest[0] ? rest[1] : NULL, &snap);
    int status;

    if (!rest[0] || (rest[1] && rest[2]))
        wrong = "a volume is needed, and, but to list them, one snapshot";
    if (skipped || no_freeze)
        wrong = "--skip and --no-freeze are for --domain";
    if (wrong)
        return cmd_usage(COMMAND, wrong);
    status = cmd_volume_find(globals, COMMAND, rest[0], &volume);
    if (status)
        return status;
    return actions[i].act(&volume, snap, &error) ? 0
                                                 : cmd_image_fail(NULL, error);
}

static int
act_on_domain(const CmdGlobals *globals, gsize i, char *const *rest)
{
    g_autofree char *snap = NULL;
    const CmdSnapshotDomain asked = {
        .domain = domain,
        .skipped = skipped,
        .no_freeze = no_freeze != FALSE,
        .as_json = as_json != FALSE,
    };
    const char *wrong = read_snap(actions[i].takes, rest[0], &snap);

    if (rest[0] && rest[1])
        wrong = "with --domain no volume is named";
    if (actions[i].act == rollback)
        wrong = "one volume after another is rolled back, without --domain";
    if (no_freeze && actions[i].act != create)
        wrong = "--no-freeze is for 'create'";
    return wrong ? cmd_usage(COMMAND, wrong)
                 : cmd_snapshot_domain(globals, actions[i].takes, snap, &asked);
}

static int
run(const CmdGlobals *globals, char **rest)
{
    for (gsize i = 0; rest[0] && i < G_N_ELEMENTS(actions); i++)
        if (strcmp(rest[0], actions[i].word) == 0)
            return domain ? act_on_domain(globals, i, rest + 1)
                          : act(globals, i, rest + 1);
    return cmd_usage(COMMAND, "one of 'create', 'list', 'rm', 'rollback' is "
                              "needed");
}

const CmdVerb cmd_volume_snapshot = {
    .name = COMMAND,
    .arguments = "create|list|rm|rollback [VOLUME] [SNAPSHOT]",
    .summary = "Makes, lists and removes snapshots, or goes back to one",
    .options = options,
    .run = run,
};
