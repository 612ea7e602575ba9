/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * agent/rbd/claim/fence.c - an operator says who has to be cut off
 *
 * A claim that was handed ends by what its own host knows, and that host may be
 * gone for good. Then people decide: first whoever may write is cut off, and
 * only when the OSDs know it does a tombstone take the claim's place, which
 * anybody may take over, and by which the host learns of it when it comes back.
 */
#include "config.h"

#include "agent/rbd/claim/fence.h"

#include "agent/rbd/claim/claim.h"
#include "agent/rbd/claim/object.h"
#include "agent/rbd/claim/tombstone.h"
#include "agent/rbd/conn/address.h"
#include "agent/rbd/conn/ask.h"
#include "agent/rbd/conn/connection.h"
#include "agent/rbd/conn/error.h"
#include "agent/rbd/conn/fence.h"
#include "agent/rbd/conn/names.h"
#include "agent/rbd/conn/warm.h"
#include "agent/rbd/conn/ways.h"

#include <errno.h>
#include <string.h>

#define CLAIMS_MAX 65536u

void
store_claim_info_free(StoreClaimInfo *info)
{
    if (!info)
        return;
    g_free(info->pool);
    g_free(info->image);
    g_free(info->text);
    g_free(info->host);
    g_free(info->domain);
    g_free(info->addr);
    g_free(info->to_host);
    g_clear_pointer(&info->named, g_ptr_array_unref);
    g_free(info);
}

static StoreClaimInfo *
info_new(const char *pool, const char *image, const StoreClaimSeen *seen)
{
    const StoreRecord *record = seen->record;
    const StoreGuest *to = record->arrival;
    StoreClaimInfo *info = g_new0(StoreClaimInfo, 1);

    info->pool = g_strdup(pool);
    info->image = g_strdup(image);
    info->text = g_strdup(seen->text);
    info->phase = store_phase_word(record->phase);
    info->host = g_strdup(record->who.place.host);
    info->domain = g_strdup(record->who.domain);
    info->addr = g_strdup(record->who.addr);
    info->since = record->since;
    info->to_host = to ? g_strdup(to->place.host) : NULL;
    info->named = store_record_named(record);
    return info;
}

/* One that ends meanwhile is none; one that cannot be read is left out. */
static int
add_claim(StoreConn *conn, const char *pool, const char *image, GPtrArray *list)
{
    g_auto(StoreClaimSeen) seen = {0};
    int r = store_claim_read(conn, pool, image, &seen);

    if (r == -ENOENT || r == -EINVAL)
        return 0;
    if (r >= 0)
        g_ptr_array_add(list, info_new(pool, image, &seen));
    return r;
}

static int
list_objects(StoreConn *conn,
             const char *pool,
             rados_ioctx_t io,
             GPtrArray *list)
{
    rados_list_ctx_t objects = NULL;
    const char *name;
    int r = rados_nobjects_list_open(io, &objects);

    if (r < 0)
        return r;
    while ((r = rados_nobjects_list_next(objects, &name, NULL, NULL)) >= 0) {
        if (!g_str_has_prefix(name, STORE_CLAIM_PREFIX))
            continue;
        r = list->len < CLAIMS_MAX
                ? add_claim(conn, pool, name + strlen(STORE_CLAIM_PREFIX), list)
                : -ERANGE;
        if (r < 0)
            break;
    }
    rados_nobjects_list_close(objects);
    return r == -ENOENT ? 0 : r;
}

gboolean
store_claims_list(StoreCluster *cluster,
                  const char *pool,
                  GPtrArray *list,
                  GError **error)
{
    g_autoptr(StoreConn) conn = store_conn_acquire(cluster, error);
    g_auto(StoreIo) io = NULL;
    int r;

    if (!conn || !store_ioctx(conn, pool, &io, error))
        return FALSE;
    r = list_objects(conn, pool, io, list);
    return r >= 0 || store_fail(error, conn, r,
                                "cannot list the claims in pool '%s'", pool);
}

/* Whether that cuts off all clients at an address that those here may have. */
static bool
is_this_host(StoreConn *conn, const char *addr)
{
    g_autofree char *others = store_ways(conn);
    g_auto(GStrv) ips = g_strsplit(others ? others : "", " ", -1);
    bool found = store_address_same_ip(addr, conn->addr);

    for (gsize i = 0; ips[i] && !found; i++) {
        g_autofree char *other = store_address_all_of(ips[i]);

        found = store_address_same_ip(addr, other);
    }
    return found && g_str_has_suffix(addr, "/0");
}

gboolean
store_client_cut_off(StoreCluster *cluster, const char *addr, GError **error)
{
    g_autoptr(StoreConn) conn = store_conn_acquire(cluster, error);

    if (!conn)
        return FALSE;
    if (is_this_host(conn, addr))
        return store_refuse(error, STORE_ERROR_REFUSED,
                            "'%s' is this host, too: it would cut off itself",
                            addr);
    return store_fence(conn, addr, STORE_CUT_OFF_S, error);
}

/* Whether it says still what it said when people were shown it. */
static bool
is_as_listed(const StoreClaimInfo *info, const StoreClaimSeen *seen)
{
    return strcmp(info->text, seen->text) == 0;
}

gboolean
store_claim_fence(StoreCluster *cluster,
                  const StoreClaimInfo *info,
                  const char *host,
                  const char *addr,
                  StoreFenced *ret_fenced,
                  GError **error)
{
    g_autoptr(StoreConn) conn = store_conn_acquire(cluster, error);
    g_auto(StoreClaimSeen) seen = {0};
    g_autoptr(StoreRecord) record = NULL;
    g_autofree char *text = NULL;
    int r;

    *ret_fenced = STORE_FENCED_NOT;
    if (!conn)
        return FALSE;
    r = store_claim_read(conn, info->pool, info->image, &seen);
    if (r >= 0 && is_as_listed(info, &seen))
        record = store_tombstone_new(seen.record, host, addr);
    if (record)
        text = store_record_text(record);
    if (text)
        r = store_claim_swap(conn, info->pool, info->image, &seen, text);
    if (r == -ENOENT || (text && r >= 0 && store_tombstone_is_free(record)))
        *ret_fenced = STORE_FENCED_FREE;
    else if (text && r >= 0)
        *ret_fenced = STORE_FENCED_LESS;
    return r >= 0 || r == -ENOENT || r == -ECANCELED ||
           store_fail(error, conn, r, "cannot change the claim on '%s/%s'",
                      info->pool, info->image);
}
