/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * agent/parallel.h - several jobs at once, waited for together
 *
 * Threads:  any. A job must not call parallel_run() itself: all callers share
 *           a limited number of threads, and jobs that wait for jobs can use
 *           them up.
 */
#ifndef REMORA_AGENT_PARALLEL_H
#define REMORA_AGENT_PARALLEL_H

#include <glib.h>

typedef void (*ParallelFunc)(gpointer item);

/* Runs func on each item and returns when all are done. The first runs in the
 * caller's own thread. */
void parallel_run(ParallelFunc func, const GPtrArray *items);

#endif
