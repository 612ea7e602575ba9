/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * agent/rbd/volume/progress.h - how far librbd's long calls are
 */
#ifndef REMORA_AGENT_RBD_VOLUME_PROGRESS_H
#define REMORA_AGENT_RBD_VOLUME_PROGRESS_H

#include "agent/rbd/image/source.h"

#include <stdbool.h>

/* For a call of librbd's that counts objects: told in bytes, of this size. */
typedef struct {
    StoreProgress show; /* or NULL */
    gpointer data;
    guint64 size;
    bool cancelled; /* what show said */
} StoreSteps;

/* A librbd_progress_fn_t, whose data is a StoreSteps. Threads: librbd's. */
int store_steps(guint64 done, guint64 total, void *data);
/* Of a call that ended with r because of it. */
bool store_steps_cancelled(const StoreSteps *steps, int r);

#endif
