/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * agent/rbd/disk/state.c - how an image stands, for whoever shows it
 *
 * The image and its claim are read one after the other: what is shown is what
 * was so a moment ago, good to look at, never to decide by.
 *
 * Who has an image open only librbd tells, and only of one that it has open
 * itself, which takes longer than all the rest. But librbd writes to an image
 * that has a lock only with that lock, which its header shows.
 */
#include "config.h"

#include "agent/rbd/disk/state.h"

#include "agent/rbd/claim/object.h"
#include "agent/rbd/conn/ask.h"
#include "agent/rbd/conn/connection.h"
#include "agent/rbd/conn/stall.h"
#include "agent/rbd/conn/warm.h"
#include "agent/rbd/disk/survey.h"
#include "agent/rbd/image/look.h"

#include <errno.h>
#include <string.h>

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

/* Each that is asked for there waits until its time is up, and there may be
 * hundreds. */
gboolean
store_state_in_turn(StoreCluster *cluster,
                    const char *pool,
                    const char *image,
                    StoreState *ret_state,
                    GError **error)
{
    const StoreTarget target = {.pool = pool, .image = image};

    return store_stalls_admit(cluster, &target, error) &&
           store_state(cluster, pool, image, ret_state, error);
}

/* ---- many ---------------------------------------------------------------------- */

/* The number behind the slash is random, and so the client's. */
static bool
is_client(const char *addr, guint32 number)
{
    const char *slash = addr ? strrchr(addr, '/') : NULL;

    return slash && g_ascii_strtoull(slash + 1, NULL, 10) == number;
}

StoreOpen
store_open_by(const StoreOpenFacts *facts)
{
    if (!facts->has_lock || facts->holders > 1)
        return STORE_OPEN_UNCLEAR;
    if (facts->holders == 0)
        return facts->claimed ? STORE_OPEN_UNCLEAR : STORE_OPEN_BY_NOBODY;
    return is_client(facts->running, facts->holder) ? STORE_OPEN_BY_CLAIMED
                                                    : STORE_OPEN_UNCLEAR;
}

/* Whether it is known without opening it. */
static bool
take_state(StoreSurvey *survey,
           const StoreClaimSeen *claim,
           int claim_r,
           StoreState *state)
{
    const StoreRecord *record = claim_r >= 0 ? claim->record : NULL;
    const StoreOpenFacts facts = {
        .has_lock = survey->has_lock,
        .holders = survey->holders,
        .holder = survey->holder,
        .claimed = record != NULL,
        .running = record && record->phase == STORE_PHASE_RUNNING
                       ? record->who.addr
                       : NULL,
    };
    StoreOpen open = survey->there ? store_open_by(&facts) //
                                   : STORE_OPEN_BY_NOBODY;

    if (!survey->known || open == STORE_OPEN_UNCLEAR ||
        (claim_r < 0 && claim_r != -ENOENT))
        return false;
    *state = (StoreState){
        .there = survey->there,
        .opens = survey->there,
        .ready = survey->marked,
        .size = survey->size,
        .overlap = survey->overlap,
        .owner = g_steal_pointer(&survey->owner),
        .parent = g_steal_pointer(&survey->parent),
        .held = open == STORE_OPEN_BY_CLAIMED,
    };
    if (record)
        set_claim(state, record);
    return true;
}

/* As many as are surveyed at once. */
static int
read_some(StoreConn *conn,
          rados_ioctx_t io,
          const char *const *images,
          guint n,
          StoreState *states,
          bool *known)
{
    g_autofree StoreSurvey *surveys = g_new0(StoreSurvey, n);
    g_autofree StoreClaimSeen *claims = g_new0(StoreClaimSeen, n);
    g_autofree int *claims_r = g_new0(int, n);
    int r;

    for (guint i = 0; i < n; i++)
        surveys[i].image = images[i];
    r = store_survey(conn, io, surveys, n);
    if (r >= 0)
        store_claims_read(io, images, n, claims, claims_r);
    for (guint i = 0; i < n; i++) {
        known[i] = r >= 0 &&
                   take_state(&surveys[i], &claims[i], claims_r[i], &states[i]);
        store_survey_clear(&surveys[i]);
        store_claim_seen_clear(&claims[i]);
    }
    return r;
}

gboolean
store_states(StoreCluster *cluster,
             const char *pool,
             const char *const *images,
             guint n,
             StoreState *ret_states,
             bool *ret_known,
             GError **error)
{
    g_autoptr(StoreConn) conn = store_conn_acquire(cluster, error);
    g_auto(StoreIo) io = NULL;
    int r = 0;

    if (!conn || !store_ioctx(conn, pool, &io, error))
        return FALSE;
    for (guint i = 0; i < n; i++)
        ret_known[i] = false;
    for (guint i = 0; r >= 0 && i < n; i += STORE_SURVEY_MAX)
        r = read_some(conn, io, images + i, MIN(n - i, STORE_SURVEY_MAX),
                      ret_states + i, ret_known + i);
    if (r < 0)
        store_conn_note(conn, r, pool, images[0]);
    return TRUE;
}
