/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * agent/sweep.c - what processes of this host that are dead have left claimed
 */
#include "config.h"

#include "agent/sweep.h"

#include "agent/log.h"
#include "agent/recoveries.h"

/* A claim that was handed over for a start which is still under way when the
 * agent is replaced is left alone for so long. */
#define AGE_S 60
/* One that fails with a cluster that answers may fail for ever. */
#define FAIL_MAX 6

struct Sweep {
    GMutex running;
    gint due; /* atomic, as is the next */
    gint failed;
};

Sweep *
sweep_new(void)
{
    Sweep *sweep = g_new0(Sweep, 1);

    g_mutex_init(&sweep->running);
    sweep->due = 1;
    return sweep;
}

void
sweep_free(Sweep *sweep)
{
    if (!sweep)
        return;
    g_mutex_clear(&sweep->running);
    g_free(sweep);
}

bool
sweep_is_due(Sweep *sweep)
{
    return g_atomic_int_get(&sweep->due);
}

static bool
may_repeat(Sweep *sweep, const GError *error)
{
    if (g_error_matches(error, STORE_ERROR, STORE_ERROR_DOWN))
        return true;
    log_warning(NULL, "%s", error->message);
    return g_atomic_int_add(&sweep->failed, 1) + 1 < FAIL_MAX;
}

static void
note(const GPtrArray *dropped)
{
    for (guint i = 0; i < dropped->len; i++) {
        const StoreRecovery *recovery = g_ptr_array_index(dropped, i);
        const LogAbout about = {.image = recovery->image};

        recoveries_note(&about, recovery->text);
    }
}

static void
run(Sweep *sweep, Host *host)
{
    g_autoptr(GPtrArray) dropped =
        g_ptr_array_new_with_free_func((GDestroyNotify)store_recovery_free);
    g_autoptr(GError) error = NULL;
    bool waiting = false;
    gboolean done = store_claims_sweep(host_cluster(host), AGE_S, dropped,
                                       &waiting, &error);

    note(dropped);
    g_atomic_int_set(&sweep->due, done ? waiting : may_repeat(sweep, error));
}

void
sweep_run(Sweep *sweep, Host *host)
{
    if (!sweep_is_due(sweep) || !g_mutex_trylock(&sweep->running))
        return;
    run(sweep, host);
    g_mutex_unlock(&sweep->running);
}
