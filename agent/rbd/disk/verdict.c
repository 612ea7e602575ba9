/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * agent/rbd/disk/verdict.c - what is to be done about the image that is there
 */
#include "config.h"

#include "agent/rbd/disk/verdict.h"

/* It is somebody's disk. Whose, and is it free? */
static StoreDo
use(const StoreDiskFacts *facts)
{
    if (facts->writes && facts->others_owner)
        return STORE_DO_REFUSE_OWNER;
    if (facts->writes && facts->watched)
        return STORE_DO_REFUSE_WATCHED;
    return facts->larger ? STORE_DO_GROW : STORE_DO_USE;
}

/* Unmarked and without data: either a half-made clone, or a whole one that was
 * never written to. What its parent lists was made to its end. */
static StoreDo
empty_clone(const StoreDiskFacts *facts)
{
    if (facts->parent == STORE_PARENT_NONE)
        return STORE_DO_REFUSE_HALF_MADE;
    if (facts->listed == STORE_NOT_ASKED)
        return STORE_DO_ASK_LISTED;
    return facts->listed == STORE_YES ? use(facts) : STORE_DO_REFUSE_HALF_MADE;
}

/* Whether what was asked for is more than so many bytes. */
static bool
has_content(const StoreDiskFacts *facts)
{
    return facts->source == STORE_SOURCE_CLONE ||
           facts->source == STORE_SOURCE_FILLED;
}

/* No builder of ours had a hand in it, as far as is known. */
static StoreDo
somebodys(const StoreDiskFacts *facts)
{
    if (!facts->opens)
        return STORE_DO_REFUSE_UNOPENABLE;
    if (facts->ready)
        return use(facts);
    if (facts->building)
        return STORE_DO_REFUSE_BUILDING;
    if (!has_content(facts) || facts->snapshots ||
        facts->parent == STORE_PARENT_OTHER)
        return use(facts);
    if (facts->data == STORE_NOT_ASKED)
        return STORE_DO_ASK_DATA;
    return facts->data == STORE_YES ? use(facts) : empty_clone(facts);
}

/* Who asks for what exists gets nothing in its place, nor does a guest that goes
 * on with what it has: its disk was renamed or moved away under it. */
static bool
may_build(const StoreDiskFacts *facts)
{
    return facts->source != STORE_SOURCE_EXISTING && !facts->arrived;
}

/* A builder writes no data before the building mark. Where one was to be there,
 * it was; a clone that its parent lists, which is the last step of making it,
 * was in use before. */
static StoreDo
leftover_with_data(const StoreDiskFacts *facts)
{
    if (!may_build(facts))
        return use(facts);
    if (facts->parent == STORE_PARENT_NONE)
        return STORE_DO_REFUSE_ODD;
    if (facts->listed == STORE_NOT_ASKED)
        return STORE_DO_ASK_LISTED;
    return facts->listed == STORE_YES ? use(facts) : STORE_DO_REFUSE_ODD;
}

/* Of the builder's own kind and accounted for in every respect: nobody's. */
static StoreDo
nobodys(const StoreDiskFacts *facts)
{
    if (!may_build(facts))
        return STORE_DO_REFUSE_HALF_MADE;
    return facts->watched ? STORE_DO_REFUSE_WATCHED : STORE_DO_TRASH;
}

static StoreDo
leftover(const StoreDiskFacts *facts)
{
    if (!facts->opens)
        return may_build(facts) ? STORE_DO_REMOVE_NAME
                                : STORE_DO_REFUSE_UNOPENABLE;
    if (facts->ready)
        return use(facts);
    if (facts->building && !may_build(facts))
        return STORE_DO_REFUSE_BUILDING;
    if (facts->snapshots || facts->parent == STORE_PARENT_OTHER)
        return may_build(facts) ? STORE_DO_REFUSE_ODD : use(facts);
    /* Whatever a filled disk holds then, it is not whole. */
    if (facts->building)
        return nobodys(facts);
    if (facts->data == STORE_NOT_ASKED)
        return STORE_DO_ASK_DATA;
    return facts->data == STORE_YES ? leftover_with_data(facts)
                                    : nobodys(facts);
}

StoreDo
store_disk_verdict(const StoreDiskFacts *facts)
{
    if (!facts->there)
        return may_build(facts) ? STORE_DO_BUILD : STORE_DO_REFUSE_MISSING;
    return facts->dead_builder ? leftover(facts) : somebodys(facts);
}
