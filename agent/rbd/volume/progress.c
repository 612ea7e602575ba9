/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * agent/rbd/volume/progress.c - how far librbd's long calls are
 */
#include "config.h"

#include "agent/rbd/volume/progress.h"

#include <errno.h>

int
store_steps(guint64 done, guint64 total, void *data)
{
    StoreSteps *steps = data;
    double part = total ? (double)MIN(done, total) / (double)total : 0;

    if (!steps->show || steps->show((guint64)(part * (double)steps->size),
                                    steps->size, steps->data))
        return 0;
    steps->cancelled = true;
    return -ECANCELED;
}

/* librbd gives back what the callback said, or that it was told to end. */
bool
store_steps_cancelled(const StoreSteps *steps, int r)
{
    return r < 0 && steps->cancelled;
}
