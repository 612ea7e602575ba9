/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * agent/rbd/conn/offline.c - what ceph.conf says, for who may not connect
 *
 * librados reads the file and its includes; nothing here opens a socket.
 */
#include "config.h"

#include "agent/rbd/conn/offline.h"

#include "agent/rbd/conn/ini.h"

#include <rados/librados.h>
#include <string.h>

#define OPTION_MAX 8192u

char *
store_conf_option(const StoreCluster *cluster, const char *option)
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
    g_autofree char *fsid = store_conf_option(cluster, "fsid");
    bool set = fsid && g_uuid_string_is_valid(fsid) &&
               strcmp(fsid, "00000000-0000-0000-0000-000000000000") != 0;

    return set ? g_steal_pointer(&fsid) : NULL;
}

/* Of older files, [mon.NAME] with mon_addr: librados itself looks for these, but
 * does not know it as an option that can be asked for. */
static char *
monitor_addresses(const StoreCluster *cluster)
{
    g_autofree char *text = NULL;
    g_autoptr(GString) found = g_string_new(NULL);
    const char *conf = store_settings(cluster)->conf;
    StoreIni ini = {0};

    if (!conf || !g_file_get_contents(conf, &text, NULL, NULL))
        return NULL;
    ini.rest = text;
    while (store_ini_next(&ini))
        if (ini.section && g_str_has_prefix(ini.section, "mon.") &&
            strcmp(ini.key, "mon_addr") == 0)
            g_string_append_printf(found, "%s ", ini.value);
    return found->len ? g_strdup(found->str) : NULL;
}

char *
store_conf_mon_host(const StoreCluster *cluster)
{
    char *text = store_conf_option(cluster, "mon_host_override");

    if (!text)
        text = store_conf_option(cluster, "mon_host");
    return text ? text : monitor_addresses(cluster);
}
