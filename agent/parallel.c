/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * agent/parallel.c - several jobs at once, waited for together
 */
#include "config.h"

#include "agent/parallel.h"

/* librbd has no asynchronous clone, so each clone under way needs a thread;
 * more than this only queue up in the cluster instead of here. */
#define THREADS_MAX 32

typedef struct {
    ParallelFunc func;
    GMutex lock;
    GCond done;
    guint left;
} Batch;

typedef struct {
    Batch *batch;
    gpointer item;
} Job;

static void
run_job(gpointer data, gpointer unused)
{
    Job *job = data;
    Batch *batch = job->batch;

    (void)unused;
    batch->func(job->item);
    g_free(job);
    g_mutex_lock(&batch->lock);
    if (--batch->left == 0)
        g_cond_signal(&batch->done);
    g_mutex_unlock(&batch->lock);
}

static gpointer
make_pool(gpointer unused)
{
    (void)unused;
    return g_thread_pool_new(run_job, NULL, THREADS_MAX, FALSE, NULL);
}

void
parallel_run(ParallelFunc func, const GPtrArray *items)
{
    static GOnce once = G_ONCE_INIT;
    Batch batch = {.func = func, .left = items->len - 1};

    if (items->len == 0)
        return;
    g_mutex_init(&batch.lock);
    g_cond_init(&batch.done);
    for (guint i = 1; i < items->len; i++) {
        Job *job = g_new0(Job, 1);

        job->batch = &batch;
        job->item = g_ptr_array_index(items, i);
        g_once(&once, make_pool, NULL);
        g_thread_pool_push(once.retval, job, NULL);
    }
    func(g_ptr_array_index(items, 0));
    g_mutex_lock(&batch.lock);
    while (batch.left > 0)
        g_cond_wait(&batch.done, &batch.lock);
    g_mutex_unlock(&batch.lock);
    g_mutex_clear(&batch.lock);
    g_cond_clear(&batch.done);
}
