/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * agent/cli/volume-connection.c - remora volume connection: how to attach a volume
 */
#include "config.h"

#include "agent/cli/json.h"
#include "agent/cli/volume.h"

#define DRIVER      "rbd"
#define SECRET_TYPE "ceph"
#define ACCESS_MODE "rw"

static gboolean as_json;

static const GOptionEntry options[] = {
    CMD_IMAGE_CLUSTER,
    {"json", 'j', 0, G_OPTION_ARG_NONE, &as_json,
     "Print JSON, as it does in any case", NULL},
    {NULL, 0, 0, 0, NULL, NULL, NULL},
};

/* One address of each monitor, that which Cinder takes: v1's where it has one. */
static void
fill_hosts(const GPtrArray *monitors, json_t *hosts, json_t *ports)
{
    for (guint i = 0; i < monitors->len; i++) {
        const StoreMonitor *monitor = g_ptr_array_index(monitors, i);

        if (monitor->other)
            continue;
        json_array_append_new(hosts, json_string(monitor->host));
        json_array_append_new(ports, json_string(monitor->port));
    }
}

static void
print(const CmdVolume *volume,
      const GPtrArray *monitors,
      const char *secret,
      bool encrypted)
{
    g_autofree char *name =
        g_strdup_printf("%s/%s", volume->pool, volume->name);
    const char *cluster = cluster_name(volume->cluster);
    const char *user = cluster_guest_user(volume->cluster);
    json_t *hosts = json_array();
    json_t *ports = json_array();

    fill_hosts(monitors, hosts, ports);
    json_t *data = json_pack(
        "{s:s, s:o, s:o, s:s, s:b, s:s, s:s, s:s, s:s, s:b, s:n, s:s, s:b, "
        "s:b}",
        "name", name, "hosts", hosts, "ports", ports, "cluster_name", cluster,
        "auth_enabled", 1, "auth_username", user, "secret_type", SECRET_TYPE,
        "secret_uuid", secret, "volume_id", store_volume_uuid(volume->name),
        "discard", 1, "qos_specs", "access_mode", ACCESS_MODE, "encrypted",
        encrypted, "cacheable", 0);
    json_t *root =
        json_pack("{s:s, s:o}", "driver_volume_type", DRIVER, "data", data);

    cmd_json_print(root);
    json_decref(root);
}

/* What is not whole must not be attached. */
static gboolean
check(const CmdVolume *volume, bool *ret_encrypted, GError **error)
{
    g_autoptr(StoreVolume) info =
        store_volume_show(volume->store, volume->pool, volume->name, error);

    if (!info)
        return FALSE;
    *ret_encrypted = info->luks > 0;
    if (info->status == STORE_VOLUME_AVAILABLE ||
        info->status == STORE_VOLUME_IN_USE)
        return TRUE;
    g_set_error(error, STORE_ERROR, STORE_ERROR_BUSY,
                "volume '%s/%s' is %s: see 'remora volume show %s/%s'",
                volume->pool, volume->name,
                store_volume_status_word(info->status), volume->pool,
                volume->name);
    return FALSE;
}

static int
run(const CmdGlobals *globals, char **rest)
{
    g_auto(CmdVolume) volume = {0};
    g_autoptr(GPtrArray) monitors = NULL;
    g_autoptr(GError) error = NULL;
    const char *fsid = NULL;
    bool encrypted = false;
    int status = cmd_volume_only(globals, "volume connection", rest, &volume);

    if (status)
        return status;
    if (check(&volume, &encrypted, &error))
        fsid = store_cluster_fsid(volume.store, &error);
    if (fsid)
        monitors = cluster_monitors(volume.cluster, &error);
    if (!monitors)
        return cmd_image_fail(NULL, error);
    g_autofree char *secret = cluster_secret_uuid(volume.cluster, fsid);
    print(&volume, monitors, secret, encrypted);
    return 0;
}

const CmdVerb cmd_volume_connection = {
    .name = "volume connection",
    .arguments = "VOLUME",
    .summary = "Prints how to attach a volume, as Cinder tells Nova",
    .options = options,
    .run = run,
};
