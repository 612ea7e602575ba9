/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * agent/cli/fence.c - remora fence: who may still write is cut off, and what it
 * claimed is free again
 *
 * It shows whom it is about to cut off, and asks. First the blocklist, then the
 * tombstones: killed in between, it only has to be called again.
 */
#include "config.h"

#include "agent/cli/cmd.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

typedef struct {
    char *cluster;
    char *host;
    char *watcher;
    gboolean host_is_off;
    gboolean dry_run;
    gboolean yes;
} Options;

/* In one cluster. */
typedef struct {
    const Options *options;
    const Cluster *cluster;
    GPtrArray *all;     /* of StoreClaimInfo: every claim of the pools */
    GPtrArray *claims;  /* those that name the host or the client; borrowed */
    GPtrArray *clients; /* of char *: who will be cut off */
} Fence;

static void
fence_free(gpointer data)
{
    Fence *fence = data;

    g_ptr_array_unref(fence->all);
    g_ptr_array_unref(fence->claims);
    g_ptr_array_unref(fence->clients);
    g_free(fence);
}

static Fence *
fence_new(const Options *options, const Cluster *cluster)
{
    Fence *fence = g_new0(Fence, 1);

    fence->options = options;
    fence->cluster = cluster;
    fence->all =
        g_ptr_array_new_with_free_func((GDestroyNotify)store_claim_info_free);
    fence->claims = g_ptr_array_new();
    fence->clients = g_ptr_array_new_with_free_func(g_free);
    return fence;
}

/* ---- what there is -------------------------------------------------------------- */

/* A pool that is not there has no claims. */
static gboolean
list_pool(Fence *fence, const char *pool, GError **error)
{
    g_autoptr(GError) why = NULL;

    if (store_claims_list(cluster_store(fence->cluster), pool, fence->all,
                          &why) ||
        g_error_matches(why, STORE_ERROR, STORE_ERROR_MISSING))
        return TRUE;
    g_propagate_error(error, g_steal_pointer(&why));
    return FALSE;
}

static gboolean
list_pools(Fence *fence, char *const *pools, GError **error)
{
    for (gsize i = 0; pools && pools[i]; i++)
        if (!list_pool(fence, pools[i], error))
            return FALSE;
    return TRUE;
}

static gboolean
list_all(Fence *fence, GError **error)
{
    const ConfCluster *conf = cluster_conf(fence->cluster);

    return list_pool(fence, conf->vms_pool, error) &&
           list_pools(fence, conf->volume_pools, error) &&
           list_pools(fence, conf->image_pools, error);
}

/* The address of the agent of a guest that nobody has seen is not the guest's,
 * which would come all the same. */
static bool
is_it(const Options *options, const StoreClaimNamed *named)
{
    return options->watcher
               ? !named->unseen && g_strcmp0(named->addr, options->watcher) == 0
               : g_strcmp0(named->host, options->host) == 0;
}

static bool
names_it(const Options *options, const StoreClaimInfo *info)
{
    /* A guest of the host that somebody else's claim owes is cut off by whoever
     * takes that. */
    if (options->host)
        return g_strcmp0(info->host, options->host) == 0 ||
               g_strcmp0(info->to_host, options->host) == 0;
    for (guint i = 0; i < info->named->len; i++)
        if (is_it(options, g_ptr_array_index(info->named, i)))
            return true;
    return false;
}

static bool
is_client(const Fence *fence, const char *all)
{
    return g_ptr_array_find_with_equal_func(fence->clients, all, g_str_equal,
                                            NULL);
}

static void
add_client(Fence *fence, const char *addr)
{
    char *all = store_client_of_host(addr);

    if (!all || is_client(fence, all)) {
        g_free(all);
        return;
    }
    g_ptr_array_add(fence->clients, all);
}

/* Its agent and its guests may have different addresses. */
static void
add_clients(Fence *fence, const StoreClaimInfo *info)
{
    for (guint i = 0; i < info->named->len; i++) {
        const StoreClaimNamed *named = g_ptr_array_index(info->named, i);

        if (is_it(fence->options, named))
            add_client(fence, named->addr);
    }
}

static void
choose(Fence *fence)
{
    const Options *options = fence->options;

    for (guint i = 0; i < fence->all->len; i++) {
        StoreClaimInfo *info = g_ptr_array_index(fence->all, i);

        if (names_it(options, info))
            g_ptr_array_add(fence->claims, info);
        if (options->host && !options->host_is_off)
            add_clients(fence, info);
    }
    if (options->watcher)
        g_ptr_array_add(fence->clients, g_strdup(options->watcher));
}

static const char *
neighbour_in(const Fence *fence, const StoreClaimInfo *info)
{
    for (guint i = 0; i < info->named->len; i++) {
        const StoreClaimNamed *named = g_ptr_array_index(info->named, i);
        g_autofree char *all = store_client_of_host(named->addr);

        if (all && named->host && named->host[0] &&
            !is_it(fence->options, named) && is_client(fence, all))
            return named->host;
    }
    return NULL;
}

/* Another host whose clients have the same address would be cut off, too. */
static const char *
find_neighbour(const Fence *fence)
{
    const char *host = NULL;

    for (guint i = 0; i < fence->all->len && !host; i++)
        host = neighbour_in(fence, g_ptr_array_index(fence->all, i));
    return host;
}

/* ---- what is said ------------------------------------------------------------------ */

static void
print_claims(const Fence *fence)
{
    static const char *const headings[] = {"IMAGE",  "PHASE",  "HOST", "TO",
                                           "DOMAIN", "CLIENT", NULL};
    CmdTable *table = cmd_table_new(headings);

    for (guint i = 0; i < fence->claims->len; i++) {
        const StoreClaimInfo *info = g_ptr_array_index(fence->claims, i);
        g_autofree char *image =
            g_strdup_printf("%s/%s", info->pool, info->image);

        cmd_table_add(table, image, info->phase, info->host, info->to_host,
                      info->domain, info->addr);
    }
    cmd_table_print(table);
}

static void
print_clients(const Fence *fence)
{
    for (guint i = 0; i < fence->clients->len; i++) {
        const char *addr = g_ptr_array_index(fence->clients, i);

        printf("%s %s will be cut off\n",
               fence->options->watcher ? "client" : "every client at", addr);
    }
}

/* Claims that stay, although the client is cut off. */
static void
print_unseen(const Fence *fence, const StoreClaimInfo *info)
{
    for (guint i = 0; i < info->named->len; i++) {
        const StoreClaimNamed *named = g_ptr_array_index(info->named, i);

        if (named->unseen &&
            g_strcmp0(named->addr, fence->options->watcher) == 0)
            printf("%s/%s stays claimed: this is the agent of host '%s', and "
                   "the client of its guest is not known ('remora fence "
                   "--host %s')\n",
                   info->pool, info->image, named->host, named->host);
    }
}

static void
print_rest(const Fence *fence)
{
    const ConfCluster *conf = cluster_conf(fence->cluster);
    g_autofree char *volumes = g_strjoinv(" ", conf->volume_pools);
    g_autofree char *images = g_strjoinv(" ", conf->image_pools);

    for (guint i = 0; fence->options->watcher && i < fence->all->len; i++)
        print_unseen(fence, g_ptr_array_index(fence->all, i));
    printf("claims were looked for in the pools of this host: %s %s %s\n",
           conf->vms_pool, volumes, images);
}

static bool
asked(void)
{
    char answer[16] = "";

    printf("Go on? [y/N] ");
    (void)fflush(stdout);
    return fgets(answer, sizeof(answer), stdin) &&
           (answer[0] == 'y' || answer[0] == 'Y');
}

/* ---- what is done ------------------------------------------------------------------- */

static gboolean
cut_off(const Fence *fence, GError **error)
{
    for (guint i = 0; i < fence->clients->len; i++)
        if (!store_client_cut_off(cluster_store(fence->cluster),
                                  g_ptr_array_index(fence->clients, i), error))
            return FALSE;
    return TRUE;
}

/* Takes the message over. */
static int
refuse(char *message)
{
    fprintf(stderr, "remora: %s\n", message);
    g_free(message);
    return 1;
}

static gboolean
bury(const Fence *fence,
     const StoreClaimInfo *info,
     bool *ret_done,
     GError **error)
{
    static const char *const words[] = {
        [STORE_FENCED_NOT] = "its claim has changed meanwhile, and stays",
        [STORE_FENCED_LESS] = "its claim does not name it any more",
        [STORE_FENCED_FREE] = "free: its domain may start elsewhere now",
    };
    const Options *options = fence->options;
    StoreFenced fenced;

    if (!store_claim_fence(cluster_store(fence->cluster), info, options->host,
                           options->watcher, &fenced, error))
        return FALSE;
    printf("%s/%s: %s\n", info->pool, info->image, words[fenced]);
    *ret_done &= fenced != STORE_FENCED_NOT;
    return TRUE;
}

/* Whom a claim names that has changed since was not shown, and not cut off. */
static int
carry_out(const Fence *fence)
{
    g_autoptr(GError) error = NULL;
    bool done = true;

    if (!cut_off(fence, &error))
        return cmd_fail(NULL, error);
    for (guint i = 0; i < fence->claims->len; i++)
        if (!bury(fence, g_ptr_array_index(fence->claims, i), &done, &error))
            return cmd_fail(NULL, error);
    return done ? 0
                : refuse(g_strdup("not every claim is given up: see who is in "
                                  "them by now, by calling it again"));
}

static int
check_neighbour(const Fence *fence)
{
    const Options *options = fence->options;
    const char *neighbour = options->host ? find_neighbour(fence) : NULL;

    if (!neighbour)
        return 0;
    return refuse(g_strdup_printf(
        "host '%s' has the same address, and would be cut off, too: "
        "switch '%s' off, then say --host-is-off",
        neighbour, options->host));
}

static int
check_host(const Options *options, guint claims, guint clients)
{
    if (options->host && claims == 0)
        return refuse(g_strdup_printf(
            "no claim names host '%s': nothing is to be cut off ('remora "
            "fence --host NAME --dry-run' with the name that the refusal of "
            "the start gave)",
            options->host));
    if (options->host && !options->host_is_off && clients == 0)
        return refuse(g_strdup_printf(
            "no claim says what address host '%s' has: switch it off, then "
            "say --host-is-off",
            options->host));
    return 0;
}

static int
check(const Options *options, const GPtrArray *fences)
{
    guint claims = 0;
    guint clients = 0;

    for (guint i = 0; i < fences->len; i++) {
        const Fence *fence = g_ptr_array_index(fences, i);

        claims += fence->claims->len;
        clients += fence->clients->len;
        if (check_neighbour(fence) != 0)
            return 1;
    }
    return check_host(options, claims, clients);
}

static void
print_all(const Options *options, const GPtrArray *fences)
{
    for (guint i = 0; i < fences->len; i++) {
        const Fence *fence = g_ptr_array_index(fences, i);

        if (fences->len > 1)
            printf("cluster %s\n", cluster_name(fence->cluster));
        print_claims(fence);
        print_clients(fence);
        print_rest(fence);
    }
    if (options->host_is_off)
        printf("nobody will be cut off: host '%s' is off, as you say\n",
               options->host);
}

static int
fence_them(const Options *options, const GPtrArray *fences)
{
    g_autoptr(GError) error = NULL;
    int status = 0;

    for (guint i = 0; i < fences->len; i++) {
        Fence *fence = g_ptr_array_index(fences, i);

        if (!list_all(fence, &error))
            return cmd_fail(NULL, error);
        choose(fence);
    }
    if (check(options, fences) != 0)
        return 1;
    print_all(options, fences);
    if (options->dry_run)
        return 0;
    if (!options->yes && !asked())
        return refuse(g_strdup("nothing was done"));
    for (guint i = 0; i < fences->len && status == 0; i++)
        status = carry_out(g_ptr_array_index(fences, i));
    return status;
}

static const char *
usage_error(const Options *options, char *const *rest)
{
    if (rest[0])
        return "no argument is taken";
    if (!options->host == !options->watcher)
        return "either --host or --watcher is needed";
    if (options->host_is_off && !options->host)
        return "--host-is-off goes with --host";
    if (!options->yes && !options->dry_run && !isatty(STDIN_FILENO))
        return "it asks before it cuts off: say --yes where nobody can answer";
    return NULL;
}

static int
run(const CmdGlobals *globals, const Options *options)
{
    g_autoptr(GPtrArray) fences = g_ptr_array_new_with_free_func(fence_free);
    g_autoptr(Host) host = cmd_host(globals);

    if (!host)
        return 1;
    for (guint i = 0; i < host_clusters(host); i++) {
        const Cluster *cluster = host_cluster(host, i);

        if (!options->cluster ||
            g_str_equal(options->cluster, cluster_name(cluster)))
            g_ptr_array_add(fences, fence_new(options, cluster));
    }
    if (fences->len == 0)
        return cmd_usage("fence", "no cluster of that name is configured");
    if (options->watcher && fences->len > 1)
        return cmd_usage("fence", "which cluster's client that is, --cluster "
                                  "has to say");
    return fence_them(options, fences);
}

static Options wanted;

static const GOptionEntry options[] = {
    {"cluster", 0, 0, G_OPTION_ARG_STRING, &wanted.cluster,
     "Only in that cluster", "CLUSTER"},
    {"host", 0, 0, G_OPTION_ARG_STRING, &wanted.host,
     "Every client of that host", "NAME"},
    {"watcher", 0, 0, G_OPTION_ARG_STRING, &wanted.watcher,
     "One client, as 'rbd status' shows it", "ADDRESS"},
    {"host-is-off", 0, 0, G_OPTION_ARG_NONE, &wanted.host_is_off,
     "Cut nobody off: that host is switched off", NULL},
    {"dry-run", 0, 0, G_OPTION_ARG_NONE, &wanted.dry_run,
     "Show who would be cut off, and exit", NULL},
    {"yes", 'y', 0, G_OPTION_ARG_NONE, &wanted.yes, "Do not ask", NULL},
    {NULL, 0, 0, 0, NULL, NULL, NULL},
};

static int
run_fence(const CmdGlobals *globals, char **rest)
{
    const char *wrong = usage_error(&wanted, rest);

    return wrong ? cmd_usage("fence", wrong) : run(globals, &wanted);
}

const CmdVerb cmd_fence = {
    .name = "fence",
    .arguments = "--host NAME | --watcher ADDRESS",
    .summary = "Cuts off who may still write to disks, and gives up its claims",
    .options = options,
    .run = run_fence,
};
