/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * tests/unit/test-store-asleep.c - threads that rest, and one that does not
 */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "agent/rbd/conn/asleep.h"

/* Longer than any machine takes to put a thread to sleep. */
#define LONG_MS 60000u

static void
test_parse(void **state)
{
    static const struct {
        const char *stat;
        bool sleeps;
    } cases[] = {
        {"42 (io_context_pool) S 1 42 42 0 -1", true},
        {"42 (io_context_pool) R 1 42 42 0 -1", false},
        {"42 (io_context_pool) D 1 42 42 0 -1", false},
        {"42 (a) S (b) R 1 42", false},
        {"42 (a) R (b) S 1 42", true},
        {"42 (a", false},
        {"42 (a)", false},
        {"", false},
    };

    (void)state;
    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++)
        if (store_asleep_parse(cases[i].stat) != cases[i].sleeps)
            fail_msg("'%s'", cases[i].stat);
}

typedef struct {
    gint spins;   /* atomic */
    gint started; /* atomic */
    GMutex lock;  /* held by the test, so that the thread ends no earlier */
} Spinner;

static gpointer
spin(gpointer data)
{
    Spinner *spinner = data;

    g_atomic_int_set(&spinner->started, 1);
    while (g_atomic_int_get(&spinner->spins))
        continue;
    g_mutex_lock(&spinner->lock);
    g_mutex_unlock(&spinner->lock);
    return NULL;
}

static void
test_wait(void **state)
{
    Spinner spinner = {.spins = 1};
    GThread *thread;

    (void)state;
    assert_true(store_asleep_wait(LONG_MS));
    g_mutex_init(&spinner.lock);
    g_mutex_lock(&spinner.lock);
    thread = g_thread_new("spin", spin, &spinner);
    while (!g_atomic_int_get(&spinner.started))
        g_usleep(100);
    assert_false(store_asleep_wait(50));
    g_atomic_int_set(&spinner.spins, 0);
    assert_true(store_asleep_wait(LONG_MS));
    g_mutex_unlock(&spinner.lock);
    g_thread_join(thread);
    g_mutex_clear(&spinner.lock);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_parse),
        cmocka_unit_test(test_wait),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
