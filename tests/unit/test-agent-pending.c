/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * tests/unit/test-agent-pending.c - what is to be settled, and when
 */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "agent/pending.h"

#define WEB1 "c79257ca-3d12-495b-bb39-58a0b93654cb"
#define WEB2 "719e6c6e-f7c2-497c-9696-51d171f75136"

#define ROUNDS  200
#define THREADS 8

/* What was asked to be settled, and what is answered. */
typedef struct {
    Pending *pending;
    GString *seen;   /* 'UUID-BEGINNING=XML ' each */
    int waiting;     /* so many times it is answered 'again later' */
    const char *add; /* is added while this one is settled, once */
} Fixture;

static bool
settle(const char *uuid, const char *xml, gpointer data)
{
    Fixture *f = data;

    g_string_append_printf(f->seen, "%.3s=%s ", uuid, xml ? xml : "-");
    if (f->add) {
        const char *add = f->add;

        f->add = NULL;
        pending_add(f->pending, add, "new");
        pending_run_one(f->pending, add);
    }
    return f->waiting-- <= 0;
}

/* Looks at what is due, and waits for it. */
static void
run(Pending *pending)
{
    pending_run(pending);
    while (!pending_is_at_rest(pending))
        g_usleep(1000);
}

static int
set_up(void **state)
{
    Fixture *f = g_new0(Fixture, 1);

    f->seen = g_string_new(NULL);
    f->pending = pending_new(settle, f);
    *state = f;
    return 0;
}

static int
tear_down(void **state)
{
    Fixture *f = *state;

    pending_free(f->pending);
    g_string_free(f->seen, TRUE);
    g_free(f);
    return 0;
}

static void
test_one(void **state)
{
    Fixture *f = *state;

    run(f->pending);
    pending_run_one(f->pending, WEB1);
    assert_string_equal(f->seen->str, "");

    pending_add(f->pending, WEB1, "a");
    assert_int_equal(pending_count(f->pending), 1);
    pending_run_one(f->pending, WEB2);
    assert_string_equal(f->seen->str, "");
    pending_run_one(f->pending, WEB1);
    assert_string_equal(f->seen->str, "c79=a ");
    assert_int_equal(pending_count(f->pending), 0);
    pending_run_one(f->pending, WEB1);
    assert_string_equal(f->seen->str, "c79=a ");
}

static void
test_definitions(void **state)
{
    Fixture *f = *state;

    pending_add(f->pending, WEB1, "a");
    pending_add(f->pending, WEB1, NULL); /* the last one that is known stays */
    pending_add(f->pending, WEB2, NULL);
    assert_int_equal(pending_count(f->pending), 2);
    pending_run_one(f->pending, WEB1);
    pending_run_one(f->pending, WEB2);
    assert_string_equal(f->seen->str, "c79=a 719=- ");
}

typedef struct {
    GMutex lock;
    GCond come;
    int inside;
} Meeting;

/* Until two are at it. */
static bool
settle_together(const char *uuid, const char *xml, gpointer data)
{
    Meeting *meeting = data;

    (void)uuid;
    (void)xml;
    g_mutex_lock(&meeting->lock);
    meeting->inside++;
    g_cond_broadcast(&meeting->come);
    while (meeting->inside < 2)
        g_cond_wait(&meeting->come, &meeting->lock);
    g_mutex_unlock(&meeting->lock);
    return true;
}

static void
test_together(void **state)
{
    Meeting meeting = {0};
    Pending *pending = pending_new(settle_together, &meeting);

    (void)state;
    g_mutex_init(&meeting.lock);
    g_cond_init(&meeting.come);
    pending_add(pending, WEB1, NULL);
    pending_add(pending, WEB2, NULL);
    run(pending);
    assert_int_equal(meeting.inside, 2);
    assert_int_equal(pending_count(pending), 0);
    pending_free(pending);
    g_cond_clear(&meeting.come);
    g_mutex_clear(&meeting.lock);
}

/* ---- where nothing answers ---------------------------------------------------- */

typedef struct {
    GMutex lock;
    GCond change;
    guint inside;
    guint most;
    guint settled;
    bool go;
} Stall;

static bool
settle_stalled(const char *uuid, const char *xml, gpointer data)
{
    Stall *stall = data;

    (void)uuid;
    (void)xml;
    g_mutex_lock(&stall->lock);
    stall->inside++;
    stall->most = MAX(stall->most, stall->inside);
    g_cond_broadcast(&stall->change);
    while (!stall->go)
        g_cond_wait(&stall->change, &stall->lock);
    stall->inside--;
    stall->settled++;
    g_mutex_unlock(&stall->lock);
    return true;
}

static void
add_and_run(Pending *pending, int number)
{
    g_autofree char *uuid = g_strdup_printf("%08x", number);

    pending_add(pending, uuid, NULL);
    pending_run(pending);
}

/* However often it is asked for, a few threads are at it, and none is waited
 * for. */
static void
test_stall(void **state)
{
    Stall stall = {0};
    Pending *pending = pending_new(settle_stalled, &stall);

    (void)state;
    g_mutex_init(&stall.lock);
    g_cond_init(&stall.change);
    for (int i = 0; i < ROUNDS; i++)
        add_and_run(pending, i);
    g_mutex_lock(&stall.lock);
    while (stall.inside < PENDING_AT_A_TIME)
        g_cond_wait(&stall.change, &stall.lock);
    g_mutex_unlock(&stall.lock);
    assert_false(pending_is_at_rest(pending));
    assert_int_equal(pending_count(pending), ROUNDS);
    g_mutex_lock(&stall.lock);
    stall.go = true;
    g_cond_broadcast(&stall.change);
    g_mutex_unlock(&stall.lock);
    run(pending);
    assert_int_equal(stall.most, PENDING_AT_A_TIME);
    assert_int_equal(stall.settled, ROUNDS);
    assert_int_equal(pending_count(pending), 0);
    pending_free(pending);
    g_cond_clear(&stall.change);
    g_mutex_clear(&stall.lock);
}

/* What has to wait is not looked at again at once, unless it is asked for. */
static void
test_later(void **state)
{
    Fixture *f = *state;

    f->waiting = 2;
    pending_add(f->pending, WEB1, "a");
    run(f->pending);
    assert_string_equal(f->seen->str, "c79=a ");
    assert_int_equal(pending_count(f->pending), 1);
    run(f->pending);
    assert_string_equal(f->seen->str, "c79=a ");
    pending_add(f->pending, WEB1, "b");
    run(f->pending);
    assert_string_equal(f->seen->str, "c79=a c79=b ");
    pending_run_one(f->pending, WEB1);
    assert_string_equal(f->seen->str, "c79=a c79=b c79=b ");
    assert_int_equal(pending_count(f->pending), 0);
}

/* News that come while it is looked at are not lost. */
static void
test_again(void **state)
{
    Fixture *f = *state;

    f->add = WEB1;
    pending_add(f->pending, WEB1, "a");
    run(f->pending);
    assert_string_equal(f->seen->str, "c79=a c79=new ");
    assert_int_equal(pending_count(f->pending), 0);

    g_string_set_size(f->seen, 0);
    f->add = WEB2;
    pending_add(f->pending, WEB1, "a");
    run(f->pending);
    assert_string_equal(f->seen->str, "c79=a 719=new ");
    assert_int_equal(pending_count(f->pending), 0);
}

static void
test_calls(void **state)
{
    Pending *pending = ((Fixture *)*state)->pending;

    assert_false(pending_call_is_over(pending, WEB1, "vms", "a"));
    assert_true(pending_call_begin(pending, WEB1, "vms", "a"));
    assert_false(pending_call_begin(pending, WEB1, "vms", "a"));
    assert_false(pending_call_is_over(pending, WEB1, "vms", "a"));
    /* Another domain, pool or image is another call. */
    assert_true(pending_call_begin(pending, WEB2, "vms", "a"));
    assert_true(pending_call_begin(pending, WEB1, "volumes", "a"));
    assert_true(pending_call_begin(pending, WEB1, "vms", "b"));

    pending_call_end(pending, WEB1, "vms", "a");
    assert_true(pending_call_is_over(pending, WEB1, "vms", "a"));
    assert_false(pending_call_is_over(pending, WEB2, "vms", "a"));
    assert_true(pending_call_begin(pending, WEB1, "vms", "a"));
    assert_false(pending_call_is_over(pending, WEB1, "vms", "a"));
}

/* A call that is over is remembered until its domain is settled, and one that is
 * under way for longer. */
static void
test_calls_and_settling(void **state)
{
    Fixture *f = *state;
    Pending *pending = f->pending;

    assert_true(pending_call_begin(pending, WEB1, "vms", "a"));
    assert_true(pending_call_begin(pending, WEB1, "vms", "b"));
    assert_true(pending_call_begin(pending, WEB2, "vms", "a"));
    pending_call_end(pending, WEB1, "vms", "a");
    pending_call_end(pending, WEB2, "vms", "a");
    f->waiting = 1;
    pending_add(pending, WEB1, NULL);
    pending_run_one(pending, WEB1);
    assert_true(pending_call_is_over(pending, WEB1, "vms", "a"));
    pending_run_one(pending, WEB1);
    assert_false(pending_call_is_over(pending, WEB1, "vms", "a"));
    assert_false(pending_call_begin(pending, WEB1, "vms", "b"));
    assert_true(pending_call_is_over(pending, WEB2, "vms", "a"));
}

/* ---- many at once ------------------------------------------------------------------ */

typedef struct {
    Pending *pending;
    gint inside; /* atomic */
    gint added;  /* atomic; since the last look began */
    gint crowded;
} Crowd;

static bool
settle_alone(const char *uuid, const char *xml, gpointer data)
{
    Crowd *crowd = data;

    (void)uuid;
    (void)xml;
    if (g_atomic_int_add(&crowd->inside, 1) != 0)
        g_atomic_int_inc(&crowd->crowded);
    g_atomic_int_set(&crowd->added, 0);
    g_thread_yield();
    (void)g_atomic_int_add(&crowd->inside, -1);
    return true;
}

static gpointer
add_often(gpointer data)
{
    Crowd *crowd = data;

    for (int i = 0; i < ROUNDS; i++) {
        g_atomic_int_set(&crowd->added, 1);
        pending_add(crowd->pending, WEB1, "a");
        pending_run_one(crowd->pending, WEB1);
    }
    return NULL;
}

/* Each domain is looked at by one at a time, and after the last news. */
static void
test_crowd(void **state)
{
    Crowd crowd = {0};
    GThread *threads[THREADS];

    (void)state;
    crowd.pending = pending_new(settle_alone, &crowd);
    for (int i = 0; i < THREADS; i++)
        threads[i] = g_thread_new("add", add_often, &crowd);
    for (int i = 0; i < THREADS; i++)
        (void)g_thread_join(threads[i]);
    assert_int_equal(crowd.crowded, 0);
    assert_int_equal(crowd.added, 0);
    assert_int_equal(pending_count(crowd.pending), 0);
    pending_free(crowd.pending);
}

int
main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(test_one),
        TEST(test_definitions),
        TEST(test_later),
        TEST(test_again),
        TEST(test_calls),
        TEST(test_calls_and_settling),
        cmocka_unit_test(test_together),
        cmocka_unit_test(test_stall),
        cmocka_unit_test(test_crowd),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
