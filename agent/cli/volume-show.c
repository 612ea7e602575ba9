/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * agent/cli/volume-show.c - remora volume show: all that can be said of a volume
 */
#include "config.h"

#include "agent/cli/json.h"
#include "agent/cli/show.h"
#include "agent/cli/volume.h"
#include "conf/conf-words.h"

#include <stdio.h>

static gboolean as_json;

static const GOptionEntry options[] = {
    CMD_IMAGE_CLUSTER,
    {"json", 'j', 0, G_OPTION_ARG_NONE, &as_json, "Print JSON", NULL},
    {NULL, 0, 0, 0, NULL, NULL, NULL},
};

/* ---- JSON ------------------------------------------------------------------- */

static json_t *
features_json(guint64 mask)
{
    json_t *list = json_array();
    guint64 bit;

    for (guint n = 0; conf_feature_name(n, &bit); n++)
        if (mask & bit)
            json_array_append_new(list,
                                  cmd_json_text(conf_feature_name(n, &bit)));
    return list;
}

static json_t *
claim_json(const StoreVolume *volume)
{
    if (!volume->claim_phase)
        return json_null();
    return json_pack("{s:o, s:o, s:o}", "phase",
                     cmd_json_text(volume->claim_phase), "host",
                     cmd_json_text(volume->claim_host), "domain",
                     cmd_json_text(volume->claim_domain));
}

/* NULL: it is not, as far as can be seen. */
static const char *
encryption_of(const StoreVolume *volume)
{
    static const char *const words[] = {NULL, "luks1", "luks2"};

    return words[volume->luks];
}

static void
print_json(const StoreVolume *volume)
{
    g_ptr_array_add(volume->unseen, NULL);
    json_t *root = json_pack(
        "{s:s, s:o, s:s, s:I, s:I, s:s?, s:o, s:o, s:I, s:o, s:i, s:i, s:o, "
        "s:o, s:o, s:o}",
        "id", store_volume_uuid(volume->name), "pool",
        cmd_json_text(volume->pool), "status",
        store_volume_status_word(volume->status), "size",
        (json_int_t)volume->size, "object_size",
        (json_int_t)volume->object_size, "encryption", encryption_of(volume),
        "features", features_json(volume->features), "data_pool",
        cmd_json_text(volume->data_pool), "created",
        (json_int_t)volume->created, "parent", cmd_json_text(volume->parent),
        "depth", (int)volume->depth, "snapshots", (int)volume->snaps->len,
        "clones", cmd_show_clones_json(volume->children), "unseen_pools",
        cmd_json_texts((char **)(gpointer)volume->unseen->pdata), "watchers",
        cmd_json_texts(volume->watchers), "claim", claim_json(volume));

    cmd_json_print(root);
    json_decref(root);
}

/* ---- for people --------------------------------------------------------------- */

static void
print_claim(const StoreVolume *volume)
{
    const char *host = volume->claim_host;
    const char *domain = volume->claim_domain;

    if (volume->claim_phase)
        printf("claim      %s on %s%s%s\n", volume->claim_phase,
               host ? host : "?", domain ? " for " : "", domain ? domain : "");
}

static void
print(const StoreVolume *volume)
{
    g_autofree char *size = cmd_size(volume->size);
    g_autofree char *object = cmd_size(volume->object_size);
    g_autofree char *created = cmd_show_time(volume->created);
    g_autofree char *features = conf_features_format(volume->features, "");
    g_autofree char *parent =
        volume->parent ? g_strescape(volume->parent, NULL) : g_strdup("-");

    printf("volume     %s/%s\n", volume->pool, volume->name);
    printf("status     %s\n", store_volume_status_word(volume->status));
    printf("size       %s (%" G_GUINT64_FORMAT " bytes)\n", size, volume->size);
    printf("objects    %s\n", object);
    printf("features   %s\n", features);
    if (volume->luks)
        printf("encrypted  %s\n", encryption_of(volume));
    if (volume->data_pool)
        printf("data       %s\n", volume->data_pool);
    printf("created    %s\n", created);
    printf("parent     %s\n", parent);
    printf("depth      %u\n", volume->depth);
    printf("snapshots  %u\n", volume->snaps->len);
    print_claim(volume);
    cmd_show_list("watchers", volume->watchers);
    printf("clones     %u\n", volume->children->len);
    g_ptr_array_add(volume->unseen, NULL);
    cmd_show_list("unseen", (char **)(gpointer)volume->unseen->pdata);
    cmd_show_clones(volume->children);
}

static int
run(const CmdGlobals *globals, char **rest)
{
    g_auto(CmdVolume) at = {0};
    g_autoptr(StoreVolume) volume = NULL;
    g_autoptr(GError) error = NULL;
    int status = cmd_volume_only(globals, "volume show", rest, &at);

    if (status)
        return status;
    volume = store_volume_show(at.store, at.pool, at.name, &error);
    if (!volume)
        return cmd_image_fail(NULL, error);
    if (as_json)
        print_json(volume);
    else
        print(volume);
    return 0;
}

const CmdVerb cmd_volume_show = {
    .name = "volume show",
    .arguments = "VOLUME",
    .summary = "Shows a volume, what it stands on, and who has it",
    .options = options,
    .run = run,
};
