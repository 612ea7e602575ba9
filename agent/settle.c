/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * agent/settle.c - the claims of a domain's disks follow what the domain does
 */
#include "config.h"

#include "agent/settle.h"

#include "agent/log.h"
#include "agent/process.h"
#include "agent/request.h"

#include <string.h>

/* One disk of the domain: its claim as it was before libvirt was asked. */
typedef struct {
    guint cluster;
    char *pool;
    char *image;
    StoreSight *sight;
} Disk;

typedef struct {
    Host *host;
    const SettleVirt *virt;
    const char *uuid;
    GPtrArray *disks; /* of Disk */
    VirtDomain domain;
    StoreGuestState state;
    bool over; /* nothing is left to be looked at again */
    bool cut_off;
} Settle;

static void
disk_free(gpointer data)
{
    Disk *disk = data;

    g_free(disk->pool);
    g_free(disk->image);
    store_sight_free(disk->sight);
    g_free(disk);
}

static bool
has_disk(const Settle *settle,
         guint cluster,
         const char *pool,
         const char *image)
{
    for (guint i = 0; i < settle->disks->len; i++) {
        const Disk *disk = g_ptr_array_index(settle->disks, i);

        if (disk->cluster == cluster && strcmp(disk->image, image) == 0 &&
            strcmp(disk->pool, pool) == 0)
            return true;
    }
    return false;
}

static void
add_disk(Settle *settle, guint cluster, const char *pool, const char *image)
{
    Disk *disk;

    if (has_disk(settle, cluster, pool, image))
        return;
    disk = g_new0(Disk, 1);
    disk->cluster = cluster;
    disk->pool = g_strdup(pool);
    disk->image = g_strdup(image);
    g_ptr_array_add(settle->disks, disk);
}

static StoreCluster *
store_of(const Settle *settle, guint cluster)
{
    return cluster_store(host_cluster(settle->host, cluster));
}

static void
add_noted(Settle *settle, guint cluster)
{
    g_autoptr(GPtrArray) noted =
        store_claims_noted(store_of(settle, cluster), settle->uuid);

    for (guint i = 0; i < noted->len; i++) {
        const StoreNoted *one = g_ptr_array_index(noted, i);

        add_disk(settle, cluster, one->pool, one->image);
    }
}

static void
add_planned(Settle *settle, const char *xml)
{
    g_autoptr(DomPlan) plan = xml ? request_plan(settle->host, HOST_ASK_NOBODY,
                                                 xml, strlen(xml), false, NULL)
                                  : NULL;
    const GPtrArray *disks = plan ? dom_plan_disks(plan) : NULL;

    for (guint i = 0; disks && i < disks->len; i++) {
        const DomDisk *disk = g_ptr_array_index(disks, i);

        if (disk->writable && !disk->shareable && disk->image && disk->in_place)
            add_disk(settle, disk->cluster, disk->pool, disk->image);
    }
}

static void
see_claims(Settle *settle)
{
    const LogAbout about = {.domain = settle->uuid};

    for (guint i = settle->disks->len; i-- > 0;) {
        Disk *disk = g_ptr_array_index(settle->disks, i);
        g_autoptr(GError) error = NULL;

        disk->sight = store_sight_new(store_of(settle, disk->cluster),
                                      disk->pool, disk->image, &error);
        if (disk->sight)
            continue;
        log_debug(&about, "%s", error->message);
        if (!g_error_matches(error, STORE_ERROR, STORE_ERROR_MISSING))
            settle->over = false;
        g_ptr_array_remove_index(settle->disks, i);
    }
}

static StoreGuestState
state_of(const Settle *settle)
{
    if (!settle->domain.active)
        return process_none_of(settle->uuid) ? STORE_GUEST_ENDED
                                             : STORE_GUEST_UNKNOWN;
    return settle->domain.opened ? STORE_GUEST_RUNS : STORE_GUEST_OPENING;
}

/* A domain that libvirt does not have does not run. */
static void
ask_libvirt(Settle *settle)
{
    g_autoptr(GError) error = NULL;
    const LogAbout about = {.domain = settle->uuid};

    settle->state = STORE_GUEST_UNKNOWN;
    if (settle->virt->ask(settle->virt->data, settle->uuid, &settle->domain,
                          &error) ||
        g_error_matches(error, VIRT_ERROR, VIRT_ERROR_GONE))
        settle->state = state_of(settle);
    else
        log_debug(&about, "%s", error->message);
}

/* Anywhere in the live definition: as a source, below an overlay, or as what a
 * block job writes to. One of another cluster's that has the same name counts,
 * too: a claim that stays too long is no danger. Of one that cannot be read
 * nothing is known. */
static StoreGuestNow
now_of(const Settle *settle, const Disk *disk)
{
    const char *xml = settle->domain.xml;
    g_autofree char *key =
        host_pool_key(settle->host, disk->cluster, disk->pool);
    DomFound found = {DOM_ROLE_NONE, false, false};
    bool read = !xml || dom_find_source(xml, strlen(xml), disk->pool,
                                        disk->image, &found, NULL);

    return (StoreGuestNow){
        .domain = settle->uuid,
        .state = read ? settle->state : STORE_GUEST_UNKNOWN,
        .plugged = found.role >= DOM_ROLE_BACKING,
        .shared = found.shared,
        .call_over = settle->virt->is_over(settle->virt->data, settle->uuid,
                                           key, disk->image),
    };
}

static void
settle_disk(Settle *settle, Disk *disk)
{
    const StoreGuestNow now = now_of(settle, disk);
    g_autofree char *image = g_strdup_printf("%s/%s", disk->pool, disk->image);
    const LogAbout about = {.domain = settle->domain.name ? settle->domain.name
                                                          : settle->uuid,
                            .image = image};
    StoreSettled settled = STORE_SETTLED_WAITING;
    g_autoptr(GError) error = NULL;
    g_autofree char *text = NULL;

    if (!store_sight_settle(disk->sight, &now, &settled, &text, &error))
        log_debug(&about, "%s", error->message);
    if (text)
        log_info(&about, "%s", text);
    if (settled == STORE_SETTLED_WAITING)
        settle->over = false;
    settle->cut_off |= settled == STORE_SETTLED_CUT_OFF;
    if (settled == STORE_SETTLED_RUNNING && settle->virt->flattens)
        flattens_add(settle->virt->flattens,
                     host_cluster(settle->host, disk->cluster), disk->pool,
                     disk->image, about.domain);
}

/* It may write to a disk that is another's by now, as soon as it can. */
static void
end_guest(Settle *settle)
{
    const LogAbout about = {.domain = settle->domain.name};
    g_autoptr(GError) error = NULL;

    log_warning(&about, "its claim was taken away before its QEMU had its "
                        "disks open, by 'remora fence' or by hand: the guest "
                        "is ended");
    if (!settle->virt->destroy(settle->virt->data, settle->uuid, &error)) {
        log_warning(&about, "it cannot be ended: %s", error->message);
        settle->over = false;
    }
}

static void
settle_all(Settle *settle)
{
    for (guint i = 0; i < settle->disks->len; i++)
        settle_disk(settle, g_ptr_array_index(settle->disks, i));
    if (settle->cut_off)
        end_guest(settle);
}

bool
settle_domain(Host *host,
              const SettleVirt *virt,
              const char *uuid,
              const char *xml)
{
    Settle settle = {.host = host, .virt = virt, .uuid = uuid, .over = true};

    settle.disks = g_ptr_array_new_with_free_func(disk_free);
    for (guint i = 0; i < host_clusters(host); i++)
        add_noted(&settle, i);
    add_planned(&settle, xml);
    see_claims(&settle);
    if (settle.disks->len > 0) {
        ask_libvirt(&settle);
        settle_all(&settle);
    }
    g_ptr_array_unref(settle.disks);
    virt_domain_info_clear(&settle.domain);
    return settle.over;
}
