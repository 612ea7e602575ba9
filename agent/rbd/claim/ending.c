/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * agent/rbd/claim/ending.c - what becomes of a guest's claim, as a pure function
 */
#include "config.h"

#include "agent/rbd/claim/ending.h"

static bool
guest_has_ended(const StoreEndFacts *facts)
{
    return facts->guest == STORE_GUEST_ENDED || !facts->this_boot;
}

static bool
was_unplugged(const StoreEndFacts *facts)
{
    return facts->guest == STORE_GUEST_RUNS && !facts->plugged;
}

/* What a call asks for is not there until it is, so that it is missing says
 * nothing before the call is known to be over. What the domain started with may
 * be open still although it was unplugged, by a client that nobody knows. */
static bool
came_to_nothing(const StoreEndFacts *facts)
{
    return facts->attach && facts->call_over && was_unplugged(facts);
}

static StoreEnd
end_handed(const StoreEndFacts *facts)
{
    if (guest_has_ended(facts) || came_to_nothing(facts))
        /* Whose watch it is cannot be told; a dead one goes by itself. */
        return facts->watched ? STORE_END_KEEP : STORE_END_DROP;
    if (facts->guest == STORE_GUEST_RUNS && facts->plugged &&
        facts->one_is_ours)
        return STORE_END_NOTE_WATCH;
    return STORE_END_KEEP;
}

/* A guest that was killed writes no more, but its kernel may: what it wrote last
 * waits there for an answer of the network, longer than the watch lasts. */
static bool
may_arrive_yet(const StoreEndFacts *facts)
{
    return facts->watch_is_there || (facts->this_boot && !facts->let_go);
}

/* Who unplugs a disk and plugs it in again past the proxy may be done with both
 * before anybody has looked: QEMU has made another client for it then. */
static bool
has_another(const StoreEndFacts *facts)
{
    return facts->guest == STORE_GUEST_RUNS && facts->plugged &&
           !facts->shared && !facts->watch_is_there && facts->one_is_ours;
}

static StoreEnd
end_running(const StoreEndFacts *facts)
{
    bool late = may_arrive_yet(facts);

    if (facts->has_arrival && !guest_has_ended(facts))
        return STORE_END_KEEP;
    if (facts->has_arrival)
        return late ? STORE_END_CUT_PROMOTE : STORE_END_PROMOTE;
    /* libvirt takes a disk out of the definition before QEMU has closed it. A
     * client that hangs in that, without network, is not even seen. */
    if (was_unplugged(facts) && !guest_has_ended(facts))
        return STORE_END_CUT_DROP;
    if (!guest_has_ended(facts))
        return has_another(facts) ? STORE_END_NOTE_OTHER : STORE_END_KEEP;
    return late ? STORE_END_CUT_DROP : STORE_END_DROP;
}

/* libvirt says which of the two runs, the watch only whose it is. It may be that
 * the source has not heard of it, and stays, paused: it is cut off before anybody
 * resumes it, as libvirt itself does if the answer was lost. */
static StoreEnd
end_arrival(const StoreEndFacts *facts)
{
    if (facts->guest == STORE_GUEST_ENDED || !facts->arrival_this_boot)
        return STORE_END_FORGET_ARRIVAL;
    if (facts->guest == STORE_GUEST_RUNS && facts->plugged &&
        facts->one_is_ours)
        return STORE_END_NOTE_WATCH;
    return STORE_END_KEEP;
}

/* The claim is nobody's of this host, or was taken away. */
static StoreEnd
end_lost(const StoreEndFacts *facts)
{
    bool active =
        facts->guest == STORE_GUEST_OPENING || facts->guest == STORE_GUEST_RUNS;

    return facts->handed && active ? STORE_END_DESTROY : STORE_END_KEEP;
}

static StoreEnd
end_missing(const StoreEndFacts *facts)
{
    return facts->guest == STORE_GUEST_RUNS && facts->plugged &&
                   !facts->shared && facts->one_is_ours
               ? STORE_END_CREATE
               : STORE_END_KEEP;
}

static StoreEnd
end_fenced(const StoreEndFacts *facts)
{
    if (facts->here && facts->same_domain && guest_has_ended(facts))
        return STORE_END_DROP;
    return end_lost(facts);
}

StoreEnd
store_claim_end(const StoreEndFacts *facts)
{
    bool mine = facts->here && facts->same_domain;

    switch (facts->phase) {
    case STORE_PHASE_NONE:
        return end_missing(facts);
    case STORE_PHASE_FENCED:
        return end_fenced(facts);
    case STORE_PHASE_OLD:
    case STORE_PHASE_HANDED:
        return mine ? end_handed(facts) : end_lost(facts);
    case STORE_PHASE_RUNNING:
        if (mine)
            return end_running(facts);
        return facts->has_arrival && facts->arrival_here && facts->same_domain
                   ? end_arrival(facts)
                   : end_lost(facts);
    case STORE_PHASE_BUILDING: /* its process, or the next one, ends it */
        break;
    }
    return STORE_END_KEEP;
}

static bool
is_ours(const StoreEndFacts *facts)
{
    return facts->phase != STORE_PHASE_NONE && facts->same_domain &&
           (facts->here || (facts->has_arrival && facts->arrival_here));
}

/* A guest that has the disk open, or may come to have it, without a claim of its
 * own: as long as its watch cannot be told from others, or somebody who is about
 * to be refused has the claim, it is looked at again. Nobody else would ever make
 * its claim, and once its watch is lost, as with the host's network, the disk
 * would be anybody's. */
static bool
lacks_claim(const StoreEndFacts *facts)
{
    if (facts->guest == STORE_GUEST_RUNS)
        return facts->plugged && !facts->shared;
    return facts->guest != STORE_GUEST_ENDED;
}

StoreSettled
store_claim_kept(const StoreEndFacts *facts)
{
    bool on_record = facts->phase == STORE_PHASE_RUNNING && facts->here &&
                     !facts->has_arrival;

    if (!is_ours(facts))
        return lacks_claim(facts) ? STORE_SETTLED_WAITING : STORE_SETTLED_NONE;
    return on_record && facts->guest != STORE_GUEST_UNKNOWN
               ? STORE_SETTLED_RUNNING
               : STORE_SETTLED_WAITING;
}
