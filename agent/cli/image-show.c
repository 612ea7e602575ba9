/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * agent/cli/image-show.c - remora image show: all that can be said of one image
 */
#include "config.h"

#include "agent/cli/image.h"
#include "agent/cli/json.h"
#include "agent/cli/show.h"

#include <stdio.h>

static gboolean as_json;

static const GOptionEntry options[] = {
    CMD_IMAGE_CLUSTER,
    {"json", 'j', 0, G_OPTION_ARG_NONE, &as_json, "Print JSON", NULL},
    {NULL, 0, 0, 0, NULL, NULL, NULL},
};

/* Owned by list, which gets an end. */
static char *const *
texts(GPtrArray *list)
{
    g_ptr_array_add(list, NULL);
    return (char *const *)(gpointer)list->pdata;
}

static void
print_json(StoreImageInfo *info)
{
    json_t *root = json_pack(
        "{s:o, s:o, s:I, s:I, s:s, s:I, s:o, s:b, s:b, s:o, s:o, s:o}", "pool",
        cmd_json_text(info->pool), "image", cmd_json_text(info->image), "size",
        (json_int_t)info->size, "object_size", (json_int_t)info->object_size,
        "format", info->format, "created", (json_int_t)info->created,
        "location",
        info->has_snap ? cmd_json_text(info->location) : json_null(),
        "complete", info->has_snap, "protected", info->protected_snap,
        "snapshots", cmd_json_texts(texts(info->snaps)), "clones",
        cmd_show_clones_json(info->children), "unseen_pools",
        cmd_json_texts(texts(info->unseen)));

    cmd_json_print(root);
    json_decref(root);
}

static void
print(StoreImageInfo *info)
{
    g_autofree char *size = cmd_size(info->size);
    g_autofree char *object = cmd_size(info->object_size);
    g_autofree char *created = cmd_show_time(info->created);

    printf("image      %s/%s\n", info->pool, info->image);
    printf("size       %s (%" G_GUINT64_FORMAT " bytes)\n", size, info->size);
    printf("objects    %s\n", object);
    printf("format     %s\n", info->format);
    printf("created    %s\n", created);
    printf("location   %s\n", info->has_snap ? info->location : "-");
    printf("snapshot   %s\n", !info->has_snap        ? "none: it is not whole"
                              : info->protected_snap ? "snap, protected"
                                                     : "snap, not protected");
    cmd_show_list("others", texts(info->snaps));
    printf("clones     %u\n", info->children->len);
    cmd_show_list("unseen", texts(info->unseen));
    cmd_show_clones(info->children);
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
