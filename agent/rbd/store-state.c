/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * agent/rbd/store-state.c - how an image stands, for whoever shows it
 *
 * The image and its claim are read one after the other: what is shown is what
 * was so a moment ago, good to look at, never to decide by.
 */
#include "config.h"

#include "agent/rbd/store-internal.h"

#include <errno.h>

void
store_state_clear(StoreState *state)
{
    g_clear_pointer(&state->owner, g_free);
    g_clear_pointer(&state->parent, g_free);
    g_clear_pointer(&state->watchers, g_strfreev);
    g_clear_pointer(&state->claim_holder, g_free);
    g_clear_pointer(&state->claim_owner, g_free);
}

static gint64
since_of(const char *holder)
{
    g_autofree char *text = store_holder_field(holder, "since");

    return g_ascii_strtoll(text, NULL, 10);
}

gboolean
store_state(StoreCluster *cluster,
            const char *pool,
            const char *image,
            StoreState *ret_state,
            GError **error)
{
    g_autoptr(StoreConn) conn = store_conn_acquire(cluster, error);
    g_auto(StoreLook) look = {0};
    g_auto(StoreClaimSeen) claim = {0};
    int r;

    if (!conn || !store_look(conn, pool, image, NULL, &look, error))
        return FALSE;
    r = store_claim_read(conn, pool, image, &claim);
    if (r < 0 && r != -ENOENT)
        return store_fail(error, conn, r, "cannot read the claim on '%s/%s'",
                          pool, image);
    *ret_state = (StoreState){
        .there = look.there,
        .opens = look.opens,
        .ready = look.marked,
        .size = look.size,
        .overlap = look.overlap,
        .owner = g_steal_pointer(&look.owner),
        .parent = g_steal_pointer(&look.parent_name),
        .watchers = g_steal_pointer(&look.watchers),
    };
    if (!ret_state->watchers)
        ret_state->watchers = g_new0(char *, 1);
    if (r < 0)
        return TRUE;
    ret_state->claim_holder = store_holder_field(claim.holder, "host");
    ret_state->claim_owner = store_holder_field(claim.holder, "owner");
    ret_state->claim_since = since_of(claim.holder);
    return TRUE;
}
