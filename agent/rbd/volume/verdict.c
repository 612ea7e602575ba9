/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * agent/rbd/volume/verdict.c - what is to be done about a volume
 */
#include "config.h"

#include "agent/rbd/volume/verdict.h"

StoreVolumeStatus
store_volume_status(const StoreVolumeFacts *facts)
{
    if (facts->claimed && !facts->found)
        return STORE_VOLUME_MAKING;
    if (facts->claimed)
        return STORE_VOLUME_AT_WORK;
    if (!facts->opens || facts->filling)
        return STORE_VOLUME_HALF_MADE;
    if (facts->guest ||
        (facts->watched && !(facts->flattening && facts->by_mgr)))
        return STORE_VOLUME_IN_USE;
    return facts->flattening ? STORE_VOLUME_FLATTENING : STORE_VOLUME_AVAILABLE;
}

const char *
store_volume_status_word(StoreVolumeStatus status)
{
    static const char *const words[] = {
        [STORE_VOLUME_AVAILABLE] = "available",
        [STORE_VOLUME_IN_USE] = "in use",
        [STORE_VOLUME_AT_WORK] = "at work",
        [STORE_VOLUME_MAKING] = "being made",
        [STORE_VOLUME_FLATTENING] = "flattening",
        [STORE_VOLUME_HALF_MADE] = "half-made",
    };

    return words[status];
}

/* Where there is a lock, who flattens beside another one does no harm, so that a
 * manager that hangs need not be told from a client of somebody else's. */
static bool
is_in_the_way(const StoreClaimedFacts *facts)
{
    return facts->watched &&
           !(facts->flattening && facts->by_task && !facts->lockless);
}

/* What a rollback writes over was whole before, so its building mark means
 * another thing than a maker's. */
StoreClaimedState
store_claimed_verdict(const StoreClaimedFacts *facts)
{
    if (!facts->there)
        return STORE_CLAIMED_MISSING;
    if (is_in_the_way(facts))
        return STORE_CLAIMED_WATCHED;
    if (!facts->opens)
        return STORE_CLAIMED_HALF_MADE;
    if (facts->dead_maker && (facts->filling || facts->empty))
        return STORE_CLAIMED_HALF_MADE;
    if (facts->filling)
        return STORE_CLAIMED_CUT_SHORT;
    return facts->flattening ? STORE_CLAIMED_FLATTENING : STORE_CLAIMED_WHOLE;
}

/* One that is to be flattened still is whole. */
bool
store_claimed_keeps(StoreClaimedState state, bool dead_maker)
{
    return dead_maker && state != STORE_CLAIMED_MISSING &&
           state != STORE_CLAIMED_WHOLE && state != STORE_CLAIMED_FLATTENING;
}

/* A clone of format 1 loses its content with its parent; one of format 2 keeps
 * its parent in the trash. */
StoreRm
store_rm_verdict(const StoreRmFacts *facts)
{
    if (facts->clones_old > 0)
        return STORE_RM_REFUSE_CLONES;
    if (facts->unseen)
        return STORE_RM_REFUSE_UNSEEN;
    if (facts->to_trash)
        return STORE_RM_TRASH;
    if (facts->snapshots > 0)
        return STORE_RM_REFUSE_SNAPSHOTS;
    return facts->clones > 0 ? STORE_RM_RETIRE : STORE_RM_REMOVE;
}

bool
store_rm_refuses(StoreRm what)
{
    return what == STORE_RM_REFUSE_SNAPSHOTS ||
           what == STORE_RM_REFUSE_CLONES || what == STORE_RM_REFUSE_UNSEEN;
}

StoreSize
store_size_verdict(guint64 has, guint64 wanted, bool may_shrink)
{
    if (wanted == has)
        return STORE_SIZE_KEEP;
    if (wanted > has)
        return STORE_SIZE_GROW;
    return may_shrink ? STORE_SIZE_SHRINK : STORE_SIZE_REFUSE;
}

/* Who may not ask has given it none. */
static bool
is_nobodys(const StoreFlatFacts *facts)
{
    if (facts->here)
        return !facts->was_wanted;
    return facts->asked &&
           (facts->none || (facts->barred && !facts->was_wanted));
}

StoreFlatDo
store_flat_verdict(const StoreFlatFacts *facts)
{
    if (facts->end == STORE_FLAT_END_QUEUED && !facts->to_end)
        return STORE_FLAT_GOES_ON;
    if (!facts->asked && !facts->here)
        return STORE_FLAT_CALL_BACK;
    if (!facts->has_parent)
        return STORE_FLAT_FINISH;
    return is_nobodys(facts) ? STORE_FLAT_FORGET : STORE_FLAT_LEAVE;
}

/* Cinder flattens a clone of what stands on as many volumes as are allowed; that it
 * stands on more, because fewer were allowed since, is no error. */
bool
store_clone_flattens(guint depth, guint max_depth, bool wanted)
{
    return wanted || max_depth == 0 || depth > max_depth;
}
