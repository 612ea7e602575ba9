/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * agent/rbd/disk/flatten-verdict.h - who flattens a disk, as a pure function
 *
 * The manager, if it can and gets on; else this process. flatten.c collects the
 * facts, again and again, and carries it out.
 */
#ifndef REMORA_AGENT_RBD_DISK_FLATTEN_VERDICT_H
#define REMORA_AGENT_RBD_DISK_FLATTEN_VERDICT_H

#include "agent/rbd/image/task-verdict.h"

#include <stdbool.h>

typedef struct {
    bool wanted;     /* it is to be flattened */
    bool has_parent; /* asked after the manager was */
    bool lingers;    /* the manager, whom the mark names, has not closed it
                       * yet; not for long */
    bool here;       /* this process was told to, whatever the manager says */
    bool others;     /* another process of remora's is at it, and may live */
    bool mapped;     /* it has an object map, by which librbd could skip what is
                       * not there */
    bool map_off;    /* it had one, which is off for as long as it takes */
    bool lockless;   /* it has no exclusive lock: of two who flatten it one may
                       * undo what a guest did after the other */
    bool mgr_named;  /* the mark names a client of the manager's */
    bool mgr_watches; /* which has it open */
    StoreMgrSays mgr; /* what it says of its tasks */
    bool queued;      /* it was given this one before */
    bool still;       /* none of its tasks has moved for a while */
} StoreFlattenFacts;

typedef enum {
    STORE_FLATTEN_DONE,    /* it has no parent any more */
    STORE_FLATTEN_NOTHING, /* nobody wants it */
    STORE_FLATTEN_ASK,     /* ask the manager */
    STORE_FLATTEN_QUEUE,   /* give it to the manager */
    STORE_FLATTEN_WAIT,    /* and look again */
    STORE_FLATTEN_HERE,    /* do it */
    STORE_FLATTEN_MAP_OFF, /* first */
    STORE_FLATTEN_MAP_ON,  /* last, but for the mark */
    STORE_FLATTEN_LEAVE,   /* somebody has taken it out of the queue */
} StoreFlattenDo;

StoreFlattenDo store_flatten_verdict(const StoreFlattenFacts *facts);

/* Whether the manager has it, and goes on without us. */
bool store_flatten_goes_on(const StoreFlattenFacts *facts);
/* The task that it has was taken out of its queue. */
void store_flatten_cancelled(StoreFlattenFacts *facts);

/* As one line. */
const char *store_flatten_why_here(const StoreFlattenFacts *facts);

#endif
