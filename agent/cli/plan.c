/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * agent/cli/plan.c - remora plan: a definition's disks and what would be done
 */
#include "config.h"

#include "agent/cli/cmd.h"
#include "agent/cli/json.h"
#include "agent/request.h"

#include <stdio.h>
#include <string.h>

/* One line of the table. */
typedef struct {
    const char *target;
    const char *kind;
    char *source; /* or NULL */
    char *destination;
    guint64 size; /* bytes; 0: not known */
    char *action;
} Line;

static void
line_clear(Line *line)
{
    g_free(line->source);
    g_free(line->destination);
    g_free(line->action);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Line, line_clear)

static const char *
kind_of(const DomDisk *disk)
{
    switch (disk->kind) {
    case DOM_DISK_CLONE:
        return "clone";
    case DOM_DISK_SNAPSHOT:
        return "snapshot";
    case DOM_DISK_BARE:
        return "image";
    case DOM_DISK_NEW:
        return disk->kind_word;
    }
    g_return_val_if_reached("");
}

/* In another cluster, with that one's name, or its fsid if it has none here. */
static char *
parent_of(Host *host, const DomDisk *disk)
{
    const Cluster *from = host_cluster_of_image(host, disk);
    const char *where = !dom_disk_is_copy(disk) ? NULL
                        : from                  ? cluster_name(from)
                                                : disk->parent_fsid;

    return g_strdup_printf("%s%s%s/%s@%s", where ? where : "", where ? ":" : "",
                           disk->parent_pool, disk->parent_image,
                           disk->parent_snap);
}

static char *
source_of(Host *host, const DomDisk *disk)
{
    static const char *const words[] = {
        [DOM_CONTENT_BLANK] = "blank", [DOM_CONTENT_EXT4] = "ext4",
        [DOM_CONTENT_XFS] = "xfs",     [DOM_CONTENT_VFAT] = "vfat",
        [DOM_CONTENT_SWAP] = "swap",
    };

    if (dom_disk_has_parent(disk))
        return parent_of(host, disk);
    if (disk->kind != DOM_DISK_NEW)
        return NULL;
    return g_strdup(disk->file ? disk->file : words[disk->content]);
}

static char *
destination_of(const DomDisk *disk)
{
    return g_strconcat(disk->pool, "/", disk->image, disk->snap ? "@" : NULL,
                       disk->snap, NULL);
}

static gboolean
look_at_parent(Host *host,
               const DomDisk *disk,
               guint64 *ret_size,
               GError **error)
{
    const StoreDisk want = {
        .parent = {disk->parent_pool, disk->parent_image, disk->parent_snap},
        .from = host_store_from(host, disk),
        .lost = disk->parent_fsid,
        .pool = disk->pool,
        .read_only = disk->kind == DOM_DISK_SNAPSHOT};
    g_auto(StoreOrigin) origin = {0};

    if (!store_origin_plan(host_store_of(host, disk), &want, &origin, error))
        return FALSE;
    *ret_size = origin.size;
    return TRUE;
}

static void
decide(const DomDisk *disk, const StoreState *state, guint64 least, Line *line)
{
    const char *word;

    if (!state->there)
        word = disk->kind == DOM_DISK_BARE  ? "missing"
               : disk->kind == DOM_DISK_NEW ? "make"
                                            : "clone";
    else if (!state->opens)
        word = "cannot be opened";
    else if (dom_disk_is_made(disk) && disk->size > state->size)
        word = "grow";
    else
        word = "nothing";
    line->size = state->there ? MAX(state->size, disk->size) : least;
    line->action =
        g_strdup_printf("%s%s", word, disk->in_place ? "" : ", rewrite");
}

static gboolean
fill(Host *host, const DomDisk *disk, Line *line, GError **error)
{
    StoreState state = {0};
    guint64 parent_size = 0;

    line->target = disk->target;
    line->kind = kind_of(disk);
    line->destination = destination_of(disk);
    line->source = source_of(host, disk);
    if (dom_disk_has_parent(disk) &&
        !look_at_parent(host, disk, &parent_size, error))
        return FALSE;
    if (disk->kind == DOM_DISK_SNAPSHOT) {
        line->size = parent_size;
        line->action = g_strdup(disk->in_place ? "nothing" : "rewrite");
        return TRUE;
    }
    if (disk->kind == DOM_DISK_CLONE && disk->size > 0 &&
        disk->size < parent_size) {
        g_set_error(error, REQUEST_ERROR, REQUEST_ERROR_REFUSED,
                    "%" G_GUINT64_FORMAT " bytes are less than the image's "
                    "%" G_GUINT64_FORMAT ": ask for at least that size",
                    disk->size, parent_size);
        return FALSE;
    }
    if (!store_state(host_store_of(host, disk), disk->pool, disk->image, &state,
                     error))
        return FALSE;
    if (state.opens && disk->snap &&
        !store_snapshot(host_store_of(host, disk), disk->pool, disk->image,
                        disk->snap, &state.there, &state.size, error)) {
        store_state_clear(&state);
        return FALSE;
    }
    decide(disk, &state, MAX(disk->size, parent_size), line);
    store_state_clear(&state);
    return TRUE;
}

static json_t *
line_json(const Line *line)
{
    return json_pack("{s:s, s:s, s:s?, s:s, s:I, s:s}", "target", line->target,
                     "kind", line->kind, "source", line->source, "destination",
                     line->destination, "size", (json_int_t)line->size,
                     "action", line->action);
}

static void
add_line(const Line *line, CmdTable *table, json_t *list)
{
    g_autofree char *size = cmd_size(line->size);

    if (list)
        json_array_append_new(list, line_json(line));
    else
        cmd_table_add(table, line->target, line->kind, line->source,
                      line->destination, size, line->action);
}

static gboolean
list_disks(Host *host,
           const DomPlan *plan,
           CmdTable *table,
           json_t *list,
           GError **error)
{
    const GPtrArray *disks = dom_plan_disks(plan);

    for (guint i = 0; i < disks->len; i++) {
        const DomDisk *disk = g_ptr_array_index(disks, i);
        g_auto(Line) line = {0};

        if (!fill(host, disk, &line, error)) {
            g_prefix_error(error, "disk '%s': ", disk->target);
            return FALSE;
        }
        add_line(&line, table, list);
    }
    return TRUE;
}

static gboolean
print_plan(Host *host, const DomPlan *plan, bool json, GError **error)
{
    static const char *const headings[] = {
        "TARGET", "KIND", "SOURCE", "DESTINATION", "SIZE", "TO DO", NULL};
    CmdTable *table = cmd_table_new(headings);
    json_t *list = json ? json_array() : NULL;
    gboolean good = list_disks(host, plan, table, list, error);

    if (good && json)
        cmd_json_print(list);
    if (good && !json && dom_plan_disks(plan)->len == 0)
        puts("This definition asks for nothing.");
    cmd_table_print(table);
    json_decref(list);
    return good;
}

static gboolean as_json;

static const GOptionEntry options[] = {
    {"json", 'j', 0, G_OPTION_ARG_NONE, &as_json, "Print JSON", NULL},
    {NULL, 0, 0, 0, NULL, NULL, NULL},
};

static int
run(const CmdGlobals *globals, char **rest)
{
    g_auto(CmdInput) input = {0};
    g_autoptr(GError) error = NULL;
    int status = cmd_input(globals, "plan", rest, &input);

    if (!input.host)
        return status;
    g_autoptr(DomPlan) plan =
        request_plan(input.host, HOST_ASK_CLUSTER, input.xml->str,
                     input.xml->len, true, &error);
    if (!plan || !print_plan(input.host, plan, as_json, &error))
        return cmd_fail(input.path, error);
    return 0;
}

const CmdVerb cmd_plan = {
    .name = "plan",
    .arguments = "[FILE|-]",
    .summary = "Lists a definition's disks, and what would be done",
    .options = options,
    .run = run,
};
