/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * agent/rbd/disk/verdict.h - what is to be done about the image that is there
 *
 * A pure function: facts in, one action out. A name that is taken proves
 * nothing, so an image is told by its mark, by data of its own and by its
 * parent; what is not accounted for is refused, never rebuilt and never
 * removed. provision.c carries it out.
 */
#ifndef REMORA_AGENT_RBD_DISK_VERDICT_H
#define REMORA_AGENT_RBD_DISK_VERDICT_H

#include "agent/rbd/disk/disk.h"

/* What costs a look of its own, and is only asked for when it decides. */
typedef enum { STORE_NOT_ASKED, STORE_NO, STORE_YES } StoreAnswer;

/* The image's parent. */
typedef enum {
    STORE_PARENT_NONE,
    STORE_PARENT_ASKED, /* the one that the disk is to be a clone of */
    STORE_PARENT_OTHER,
} StoreParentFact;

typedef struct {
    StoreSource source; /* what was asked for */
    bool writes;        /* the disk is to be written to, by one alone */
    bool dead_builder;  /* the claim was a dead builder's, and he had not
                         * found the image but may have made it */
    bool arrived;       /* its guest comes from another host, where it has
                         * the disk open */
    bool there;         /* the name is taken */
    bool opens;
    bool ready;    /* a ready mark that names this very image */
    bool building; /* a building mark that does */
    StoreParentFact parent;
    bool snapshots;
    StoreAnswer data;   /* it holds data that is not its parent's */
    StoreAnswer listed; /* its parent lists it as a clone */
    bool others_owner;  /* its mark names another owner */
    bool watched;       /* somebody has it open who may not */
    bool larger;        /* a larger one was asked for */
} StoreDiskFacts;

typedef enum {
    STORE_DO_ASK_DATA,   /* answer 'data' first */
    STORE_DO_ASK_LISTED, /* answer 'listed' first */
    STORE_DO_BUILD,
    STORE_DO_USE,
    STORE_DO_GROW,        /* and use it */
    STORE_DO_TRASH,       /* a dead builder's, and nobody's: build anew */
    STORE_DO_REMOVE_NAME, /* a name without an image, if that can be proved */
    STORE_DO_REFUSE_MISSING,
    STORE_DO_REFUSE_UNOPENABLE,
    STORE_DO_REFUSE_HALF_MADE,
    STORE_DO_REFUSE_BUILDING, /* somebody's filling of it was cut short */
    STORE_DO_REFUSE_ODD,      /* a dead builder's claim, but not his work */
    STORE_DO_REFUSE_OWNER,
    STORE_DO_REFUSE_WATCHED,
} StoreDo;

StoreDo store_disk_verdict(const StoreDiskFacts *facts);

#endif
