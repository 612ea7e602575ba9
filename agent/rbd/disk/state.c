/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * agent/rbd/disk/state.c - how an image stands, for whoever shows it
 *
 * The image and its claim are read one after the other: what is shown is what
 * was so a moment ago, good to look at, never to decide by.
 */
#include "config.h"

#include "agent/rbd/disk/state.h"

#include "agent/rbd/claim/object.h"
#include "agent/rbd/conn/connection.h"
#include "agent/rbd/conn/warm.h"
#include "agent/rbd/image/look.h"

#include <errno.h>

void
store_state_clear(StoreState *state)
{
    g_clear_pointer(&state->owner, g_free);
    g_clear_pointer(&state->parent, g_free);
    g_clear_pointer(&state->watchers, g_strfreev);
    g_clear_pointer(&state->claim_phase, g_free);
    g_clear_pointer(&state->claim_host, g_free);
    g_clear_pointer(&state->claim_owner, g_free);
    g_clear_pointer(&state->claim_addr, g_free);
    g_clear_pointer(&state->claim_to, g_free);
}

static void
set_claim(StoreState *state, const StoreRecord *record)
{
    state->claim_phase = g_strdup(store_phase_word(record->phase));
    state->claim_host = g_strdup(record->who.place.host);
    state->claim_owner = g_strdup(record->who.domain);
    state->claim_addr = g_strdup(record->who.addr);
    state->claim_to =
        record->arrival ? g_strdup(record->arrival->place.host) : NULL;
    state->claim_since = record->since;
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
        .crowded = look.crowded,
    };
    if (!ret_state->watchers)
        ret_state->watchers = g_new0(char *, 1);
    if (r >= 0)
        set_claim(ret_state, claim.record);
    return TRUE;
}
