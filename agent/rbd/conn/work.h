/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * agent/rbd/conn/work.h - which disks this process is at work on
 *
 * Threads:  any.
 */
#ifndef REMORA_AGENT_RBD_CONN_WORK_H
#define REMORA_AGENT_RBD_CONN_WORK_H

#include "agent/rbd/conn/stall.h"

/* A disk that is being made ready, between the two calls, which are around the
 * claim, too, and all in one thread. */
typedef struct {
    StoreTarget target;
    const char *owner; /* as in StoreDisk, and borrowed as there */
    const char *waiter;
    gint64 since_us;
    const GThread *thread;
    bool hung; /* a call of it has timed out */
} StoreWork;

/* work is filled in but for the last three. */
void store_work_begin(StoreCluster *cluster, StoreWork *work);
void store_work_end(StoreCluster *cluster, StoreWork *work);
/* What has been made ready for waiter (a domain's name, or an owner) the longest,
 * since before so many microseconds; false: nothing. see is called under the
 * lock. */
bool store_work_oldest(StoreCluster *cluster,
                       const char *waiter,
                       gint64 before_us,
                       void (*see)(const StoreTarget *target, gpointer data),
                       gpointer data);
/* Whether anything is being made ready for waiter. */
bool store_work_any(const StoreCluster *cluster, const char *waiter);
/* A call of this thread has timed out. */
void store_work_note_hung(StoreCluster *cluster);
/* What is being made ready for waiter takes too long. */
void store_work_suspect(StoreCluster *cluster, const char *waiter);

#endif
