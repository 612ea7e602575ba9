/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * agent/rbd/conn/offline.c - what ceph.conf says, for who may not connect
 *
 * librados reads the file and its includes; nothing here opens a socket.
 */
#include "config.h"

#include "agent/rbd/conn/offline.h"

#include "agent/rbd/conn/error.h"
#include "agent/rbd/conn/monitors.h"

#include <rados/librados.h>
#include <string.h>

#define OPTION_MAX 8192u

/* NULL: not set, or the file cannot be read. */
static char *
conf_option(const StoreCluster *cluster, const char *option)
{
    g_autofree char *value = g_malloc0(OPTION_MAX);
    rados_t rados = NULL;
    int r = rados_create(&rados, store_cluster_user(cluster));

    if (r < 0)
        return NULL;
    /* What is wrong with it is said by whoever connects. */
    (void)rados_conf_set(rados, "log_to_stderr", "false");
    (void)rados_conf_set(rados, "err_to_stderr", "false");
    r = rados_conf_read_file(rados, store_settings(cluster)->conf);
    if (r >= 0)
        r = rados_conf_get(rados, option, value, OPTION_MAX);
    rados_shutdown(rados);
    return r >= 0 && value[0] != '\0' ? g_steal_pointer(&value) : NULL;
}

char *
store_conf_fsid(const StoreCluster *cluster)
{
    g_autofree char *fsid = conf_option(cluster, "fsid");
    bool set = fsid && g_uuid_string_is_valid(fsid) &&
               strcmp(fsid, "00000000-0000-0000-0000-000000000000") != 0;

    return set ? g_steal_pointer(&fsid) : NULL;
}

GPtrArray *
store_monitors_from_conf(const StoreCluster *cluster, GError **error)
{
    g_autofree char *hosts = conf_option(cluster, "mon_host");

    if (!hosts) {
        store_refuse(error, STORE_ERROR_MISSING,
                     "'%s' cannot be read or names no monitors: set mon_host "
                     "there",
                     store_conf_path(cluster));
        return NULL;
    }
    return store_monitors_parse_hosts(hosts, error);
}
