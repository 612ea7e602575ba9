/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * agent/rbd/claim/verdict.c - who may take a claim over, as a pure function
 */
#include "config.h"

#include "agent/rbd/claim/verdict.h"

/* No process outlives the boot that it was started in. */
static bool
booted_since(const StoreTakeFacts *facts)
{
    return facts->here && !facts->this_boot;
}

/* That libvirt starts the domain shows that it had no guest of that name, and
 * /proc that no QEMU was left behind. Both are of this host only. */
static bool
guest_has_ended(const StoreTakeFacts *facts)
{
    return booted_since(facts) ||
           (facts->here && facts->same_domain && facts->ended);
}

static bool
arrival_has_ended(const StoreTakeFacts *facts)
{
    return facts->arrival_here &&
           (!facts->arrival_this_boot || (facts->same_domain && facts->ended));
}

static StoreTake
take_building(const StoreTakeFacts *facts)
{
    StoreBuilder builder =
        booted_since(facts) ? STORE_BUILDER_DEAD : facts->builder;

    if (builder == STORE_BUILDER_AT_WORK)
        return STORE_TAKE_REFUSE_BUILDING;
    if (builder == STORE_BUILDER_UNKNOWN)
        return STORE_TAKE_WAIT;
    /* It was taken from a guest that seemed gone, and is not. */
    if (facts->watched == STORE_WATCHED_BY_OWED)
        return STORE_TAKE_PUT_BACK;
    return builder == STORE_BUILDER_DEAD ? STORE_TAKE_DEAD : STORE_TAKE_SILENT;
}

/* A QEMU that nobody has seen may come at any time. No silence ends that. */
static StoreTake
take_handed(const StoreTakeFacts *facts)
{
    if (guest_has_ended(facts) && !facts->arriving)
        return STORE_TAKE_DEAD;
    /* It runs there, and its host has not seen its watch yet. */
    if (facts->arriving && facts->same_domain && !facts->here)
        return STORE_TAKE_WAIT;
    return facts->here && facts->same_domain && !facts->starts
               ? STORE_TAKE_REFUSE_OWN
               : STORE_TAKE_REFUSE_HANDED;
}

static StoreTake
arrive(const StoreTakeFacts *facts)
{
    if (facts->has_arrival && !arrival_has_ended(facts))
        return STORE_TAKE_REFUSE_ARRIVAL;
    if (facts->here || !facts->same_domain ||
        facts->watched > STORE_WATCHED_BY_GUEST)
        return STORE_TAKE_REFUSE_RUNNING;
    return STORE_TAKE_ARRIVE;
}

static StoreTake
take_running(const StoreTakeFacts *facts)
{
    if (facts->arriving)
        return arrive(facts);
    if (facts->has_arrival && !arrival_has_ended(facts))
        return STORE_TAKE_REFUSE_ARRIVAL;
    if (guest_has_ended(facts))
        return STORE_TAKE_DEAD;
    if (facts->here)
        return facts->same_domain && !facts->starts ? STORE_TAKE_REFUSE_OWN
                                                    : STORE_TAKE_REFUSE_RUNNING;
    return facts->watched == STORE_WATCHED_BY_NOBODY
               ? STORE_TAKE_SILENT
               : STORE_TAKE_REFUSE_RUNNING;
}

/* It does not say of which boot it is, so only a process of this one, whose
 * file is there, can be proved dead. */
static StoreTake
take_old(const StoreTakeFacts *facts)
{
    if (facts->builder == STORE_BUILDER_DEAD &&
        (facts->not_handed || (facts->same_domain && facts->ended)))
        return STORE_TAKE_DEAD;
    return STORE_TAKE_REFUSE_HANDED;
}

StoreTake
store_claim_may_take(const StoreTakeFacts *facts)
{
    switch (facts->phase) {
    case STORE_PHASE_BUILDING:
        return take_building(facts);
    case STORE_PHASE_HANDED:
        return take_handed(facts);
    case STORE_PHASE_RUNNING:
        return take_running(facts);
    case STORE_PHASE_OLD:
        return take_old(facts);
    case STORE_PHASE_FENCED: /* before it stood there, all were cut off */
    case STORE_PHASE_NONE:
        break;
    }
    return STORE_TAKE_DEAD;
}

/* A guest that was killed writes no more, but what it wrote last may still be in
 * its kernel's buffers, or on its way. Its watch, if it is there, stands in the
 * way besides. Where an operator said that a host was off, nobody has been cut off
 * yet. */
bool
store_claim_owes(const StoreTakeFacts *facts, StoreTake how)
{
    if (facts->phase == STORE_PHASE_FENCED)
        return true;
    if (facts->phase != STORE_PHASE_RUNNING)
        return false;
    return how != STORE_TAKE_DEAD ||
           facts->watched != STORE_WATCHED_BY_NOBODY ||
           (!booted_since(facts) && !facts->let_go);
}
