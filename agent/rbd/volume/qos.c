/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * agent/rbd/volume/qos.c - how much of the cluster a volume's clients may have
 */
#include "config.h"

#include "agent/rbd/volume/qos.h"

#include "agent/rbd/conn/ask.h"
#include "agent/rbd/conn/connection.h"
#include "agent/rbd/conn/error.h"
#include "agent/rbd/conn/fault.h"
#include "agent/rbd/conn/warm.h"
#include "agent/rbd/image/handle.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define PREFIX "conf_rbd_qos_"
/* What librbd's throttle takes. */
#define VALUE_MAX ((guint64)G_MAXINT64)

/* A burst stands behind its limit. Cinder's driver sets total_iops_sec_max as
 * bps_burst, which is a slip: it is a burst of operations. */
static const struct {
    const char *name;
    const char *cinder; /* or NULL */
} keys[STORE_QOS_KEYS] = {
    {"iops_limit", "total_iops_sec"},
    {"iops_burst", "total_iops_sec_max"},
    {"iops_burst_seconds", NULL},
    {"bps_limit", "total_bytes_sec"},
    {"bps_burst", "total_bytes_sec_max"},
    {"bps_burst_seconds", NULL},
    {"read_iops_limit", "read_iops_sec"},
    {"read_iops_burst", "read_iops_sec_max"},
    {"read_iops_burst_seconds", NULL},
    {"write_iops_limit", "write_iops_sec"},
    {"write_iops_burst", "write_iops_sec_max"},
    {"write_iops_burst_seconds", NULL},
    {"read_bps_limit", "read_bytes_sec"},
    {"read_bps_burst", "read_bytes_sec_max"},
    {"read_bps_burst_seconds", NULL},
    {"write_bps_limit", "write_bytes_sec"},
    {"write_bps_burst", "write_bytes_sec_max"},
    {"write_bps_burst_seconds", NULL},
    {"schedule_tick_min", NULL},
};

/* ---- pure --------------------------------------------------------------------------- */

const char *
store_qos_name(guint key)
{
    return keys[key].name;
}

guint
store_qos_find(const char *name)
{
    const char *plain = name;
    guint key = 0;

    if (g_str_has_prefix(plain, "conf_"))
        plain += strlen("conf_");
    if (g_str_has_prefix(plain, "rbd_qos_"))
        plain += strlen("rbd_qos_");
    while (key < STORE_QOS_KEYS && strcmp(keys[key].name, plain) != 0 &&
           g_strcmp0(keys[key].cinder, name) != 0)
        key++;
    return key;
}

bool
store_qos_is_bytes(guint key)
{
    return strstr(keys[key].name, "bps") && !strstr(keys[key].name, "seconds");
}

gboolean
store_qos_check(const StoreQos *qos, GError **error)
{
    for (guint key = 0; key < STORE_QOS_KEYS; key++) {
        if (qos->values[key] > VALUE_MAX)
            return store_refuse(error, STORE_ERROR_REFUSED,
                                "%s is too large: nothing was changed",
                                keys[key].name);
        if (!g_str_has_suffix(keys[key].name, "_burst") ||
            qos->values[key] == 0 || qos->values[key] >= qos->values[key - 1])
            continue;
        return store_refuse(error, STORE_ERROR_REFUSED,
                            "%s is less than %s, which it is to exceed: "
                            "nothing was changed",
                            keys[key].name, keys[key - 1].name);
    }
    return TRUE;
}

/* ---- the image's -------------------------------------------------------------------- */

static int
read_all(rbd_image_t handle, StoreQos *qos)
{
    int r = 0;

    for (guint key = 0; r >= 0 && key < STORE_QOS_KEYS; key++) {
        g_autofree char *full = g_strconcat(PREFIX, keys[key].name, NULL);
        char text[64] = "";
        size_t len = sizeof(text) - 1;

        r = rbd_metadata_get(handle, full, text, &len);
        qos->values[key] = r >= 0 ? g_ascii_strtoull(text, NULL, 10) : 0;
        r = r == -ENOENT || r == -ERANGE ? 0 : r;
    }
    return r;
}

static int
write_one(rbd_image_t handle, guint key, guint64 value)
{
    g_autofree char *full = g_strconcat(PREFIX, keys[key].name, NULL);
    g_autofree char *text = g_strdup_printf("%" G_GUINT64_FORMAT, value);
    int r = value ? rbd_metadata_set(handle, full, text)
                  : rbd_metadata_remove(handle, full);

    return r == -ENOENT ? 0 : r;
}

/* What has changed of it, up to a key. */
static int
write_changed(rbd_image_t handle,
              const StoreQos *before,
              const StoreQos *after,
              guint *ret_key)
{
    int r = 0;

    for (guint key = 0; r >= 0 && key < STORE_QOS_KEYS; key++) {
        if (before->values[key] == after->values[key])
            continue;
        *ret_key = key;
        r = write_one(handle, key, after->values[key]);
        if (r >= 0)
            r = STORE_FAULT("volume-qos");
    }
    return r;
}

static gboolean
fail(StoreConn *conn, int r, const char *pool, const char *name, GError **error)
{
    if (r == -ENOENT)
        return store_refuse(error, STORE_ERROR_MISSING,
                            "no volume '%s/%s' (remora volume list)", pool,
                            name);
    return store_fail(error, conn, r, "cannot look at volume '%s/%s'", pool,
                      name);
}

gboolean
store_volume_qos(StoreCluster *cluster,
                 const char *pool,
                 const char *name,
                 StoreQos *ret_qos,
                 GError **error)
{
    g_autoptr(StoreConn) conn = store_conn_acquire(cluster, error);
    g_auto(StoreIo) io = NULL;
    g_auto(StoreHandle) handle = NULL;
    int r;

    if (!conn || !store_ioctx(conn, pool, &io, error))
        return FALSE;
    r = rbd_open_read_only(io, name, &handle, NULL);
    if (r >= 0)
        r = read_all(handle, ret_qos);
    return r >= 0 || fail(conn, r, pool, name, error);
}

gboolean
store_volume_qos_set(StoreCluster *cluster,
                     const char *pool,
                     const char *name,
                     const StoreQos *qos,
                     GError **error)
{
    g_autoptr(StoreConn) conn = NULL;
    g_auto(StoreIo) io = NULL;
    g_auto(StoreHandle) handle = NULL;
    StoreQos before = {0};
    guint key = 0;
    int r;

    if (!store_qos_check(qos, error) ||
        !(conn = store_conn_acquire(cluster, error)) ||
        !store_ioctx(conn, pool, &io, error))
        return FALSE;
    r = rbd_open(io, name, &handle, NULL);
    if (r >= 0)
        r = read_all(handle, &before);
    if (r < 0)
        return fail(conn, r, pool, name, error);
    r = write_changed(handle, &before, qos, &key);
    if (r >= 0)
        return TRUE;
    (void)write_changed(handle, qos, &before, &(guint){0});
    return store_fail(error, conn, r,
                      "cannot set %s of volume '%s/%s', which is as before",
                      keys[key].name, pool, name);
}
