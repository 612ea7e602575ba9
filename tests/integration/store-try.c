/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * tests/integration/store-try.c - agent/rbd/ from the command line of a test
 *
 *     store-try monitors
 *     store-try provision POOL/IMAGE PARENT SIZE OWNER [hold|rounds N]
 *
 * PARENT is POOL/IMAGE@SNAP, or - where nothing is to be cloned. 'hold' keeps
 * the claim until the process is killed; 'rounds' provisions and drops the
 * claim N times over one connection.
 */
#include "config.h"

#include "agent/rbd/store.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static StoreCluster *
open_cluster(void)
{
    const StoreSettings settings = {
        .name = "ceph",
        .conf = "/etc/ceph/ceph.conf",
        .user = "remora",
        .keyring = g_getenv("STORE_TRY_KEYRING"),
        .connect_timeout_ms = 3000,
        .op_timeout_ms = 5000,
        .run_dir = "/run/remora",
        .probe_pool = "vms",
        .trash_expiry_s = 3600,
    };

    return store_cluster_new(&settings);
}

static int
fail(const GError *error)
{
    fprintf(stderr, "%s\n", error->message);
    return 1;
}

static int
monitors(StoreCluster *cluster)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(GPtrArray) list = store_monitors(cluster, &error);

    if (!list)
        return fail(error);
    for (guint i = 0; i < list->len; i++) {
        const StoreMonitor *monitor = g_ptr_array_index(list, i);

        printf("%s %s%s\n", monitor->host, monitor->port,
               monitor->other ? " other" : "");
    }
    return 0;
}

static int
provision(StoreCluster *cluster, const StoreDisk *disk, int rounds, bool hold)
{
    static const char *const words[] = {"built", "ready", "grown"};

    for (int i = 0; i < rounds; i++) {
        g_autoptr(GError) error = NULL;
        StoreResult result = {0};

        if (!store_provision(cluster, disk, &result, &error))
            return fail(error);
        printf("%s %" G_GUINT64_FORMAT "%s\n", words[result.outcome],
               result.size, result.recovered ? " recovered" : "");
        (void)fflush(stdout);
        while (hold)
            (void)pause();
        store_claim_drop(result.claim);
        store_result_clear(&result);
    }
    return 0;
}

int
main(int argc, char **argv)
{
    g_autoptr(StoreCluster) cluster = open_cluster();

    if (argc == 2 && strcmp(argv[1], "monitors") == 0)
        return monitors(cluster);
    if (argc < 6 || strcmp(argv[1], "provision") != 0)
        return 2;

    g_auto(GStrv) name = g_strsplit(argv[2], "/", 2);
    g_auto(GStrv) parent = g_strsplit_set(argv[3], "/@", 3);
    bool clone = g_strv_length(parent) == 3;
    const StoreDisk disk = {
        .parent = {clone ? parent[0] : NULL, clone ? parent[1] : NULL,
                   clone ? parent[2] : NULL},
        .pool = name[0],
        .image = name[1],
        .size = g_ascii_strtoull(argv[4], NULL, 10),
        .owner = argv[5],
        .label = "vda",
    };

    return provision(cluster, &disk, argc > 7 ? atoi(argv[7]) : 1,
                     argc == 7 && strcmp(argv[6], "hold") == 0);
}
