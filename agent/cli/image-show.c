/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * agent/cli/image-show.c - remora image show: all that can be said of one image
 */
#include "config.h"

#include "agent/cli/image.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>

static gboolean as_json;

static const GOptionEntry options[] = {
    CMD_IMAGE_CLUSTER,
    {"json", 'j', 0, G_OPTION_ARG_NONE, &as_json, "Print JSON", NULL},
    {NULL, 0, 0, 0, NULL, NULL, NULL},
};

/* ---- JSON ------------------------------------------------------------------- */

/* What is no UTF-8 could not be printed at all. */
static json_t *
text_json(const char *text)
{
    g_autofree char *valid = text ? g_utf8_make_valid(text, -1) : NULL;

    return valid ? json_string(valid) : json_null();
}

static json_t *
texts_json(const GPtrArray *texts)
{
    json_t *list = json_array();

    for (guint i = 0; i < texts->len; i++)
        json_array_append_new(list, text_json(g_ptr_array_index(texts, i)));
    return list;
}

static json_t *
children_json(const GPtrArray *children)
{
    json_t *list = json_array();

    for (guint i = 0; i < children->len; i++) {
        const StoreChild *child = g_ptr_array_index(children, i);

        json_array_append_new(
            list,
            json_pack("{s:o, s:o, s:o, s:o, s:b, s:i}", "pool",
                      text_json(child->pool), "namespace",
                      text_json(child->space), "image", text_json(child->image),
                      "id", text_json(child->id), "trashed", child->trash,
                      "clone_format", (int)child->format));
    }
    return list;
}

static void
print_json(const StoreImageInfo *info)
{
    json_t *root = json_pack(
        "{s:o, s:o, s:I, s:I, s:s, s:I, s:o, s:b, s:b, s:o, s:o, s:o}", "pool",
        text_json(info->pool), "image", text_json(info->image), "size",
        (json_int_t)info->size, "object_size", (json_int_t)info->object_size,
        "format", info->format, "created", (json_int_t)info->created,
        "location", info->has_snap ? text_json(info->location) : json_null(),
        "complete", info->has_snap, "protected", info->protected_snap,
        "snapshots", texts_json(info->snaps), "clones",
        children_json(info->children), "unseen_pools",
        texts_json(info->unseen));
    char *text = json_dumps(root, JSON_INDENT(2));

    puts(text);
    free(text);
    json_decref(root);
}

/* ---- for people --------------------------------------------------------------- */

static void
print_children(const GPtrArray *children)
{
    static const char *const headings[] = {"CLONE", "FORMAT", "WHERE", NULL};
    CmdTable *table = cmd_table_new(headings);

    for (guint i = 0; i < children->len; i++) {
        const StoreChild *child = g_ptr_array_index(children, i);
        g_autofree char *name =
            g_strconcat(child->pool ? child->pool : "?", "/", child->space,
                        child->space[0] ? "/" : "",
                        child->image ? child->image : child->id, NULL);

        cmd_table_add(table, name, child->format == 1 ? "1" : "2",
                      child->trash   ? "trash"
                      : child->image ? "pool"
                                     : "not seen");
    }
    cmd_table_print(table);
}

static char *
time_text(gint64 seconds)
{
    g_autoptr(GDateTime) time = g_date_time_new_from_unix_local(seconds);

    return time ? g_date_time_format(time, "%Y-%m-%d %H:%M:%S") : g_strdup("-");
}

static void
print_list(const char *label, GPtrArray *texts)
{
    if (texts->len == 0)
        return;
    g_ptr_array_add(texts, NULL);
    g_autofree char *text = g_strjoinv(", ", (char **)(gpointer)texts->pdata);
    g_autofree char *safe = g_strescape(text, NULL);
    printf("%-10s %s\n", label, safe);
}

static void
print(StoreImageInfo *info)
{
    g_autofree char *size = cmd_size(info->size);
    g_autofree char *object = cmd_size(info->object_size);
    g_autofree char *created = time_text(info->created);

    printf("image      %s/%s\n", info->pool, info->image);
    printf("size       %s (%" G_GUINT64_FORMAT " bytes)\n", size, info->size);
    printf("objects    %s\n", object);
    printf("format     %s\n", info->format);
    printf("created    %s\n", created);
    printf("location   %s\n", info->has_snap ? info->location : "-");
    printf("snapshot   %s\n", !info->has_snap        ? "none: it is not whole"
                              : info->protected_snap ? "snap, protected"
                                                     : "snap, not protected");
    print_list("others", info->snaps);
    printf("clones     %u\n", info->children->len);
    print_list("unseen", info->unseen);
    print_children(info->children);
}

static int
run(const CmdGlobals *globals, char **rest)
{
    g_auto(CmdImage) image = {0};
    g_auto(StoreImageInfo) info = {0};
    g_autoptr(GError) error = NULL;
    int status = cmd_image_find(globals, "image show", rest, &image);

    if (status)
        return status;
    if (!store_image_show(image.cluster, image.pool, image.image, &info,
                          &error))
        return cmd_image_fail(NULL, error);
    if (as_json)
        print_json(&info);
    else
        print(&info);
    return 0;
}

const CmdVerb cmd_image_show = {
    .name = "image show",
    .arguments = "IMAGE",
    .summary = "Shows an image, where it is, and its clones",
    .options = options,
    .run = run,
};
