/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * tests/unit/test-store-cluster.c - what is kept for a cluster, and how it goes
 */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "agent/rbd/conn/cluster.h"

#include <string.h>

/* What became of the parts, a word each. */
static GString *said;
static StoreCluster *cluster;

typedef struct {
    int value;
} Thing;

static void
say(const char *word)
{
    g_string_append_printf(said, "%s ", word);
}

static void
first_init(gpointer part)
{
    assert_int_equal(((Thing *)part)->value, 0);
    say("first");
}

static void
first_end(gpointer part)
{
    assert_int_equal(((Thing *)part)->value, 7);
    say("end-first");
}

static void
first_clear(gpointer part)
{
    assert_int_equal(((Thing *)part)->value, 7);
    say("clear-first");
}

static const StorePart first = {sizeof(Thing), first_init, first_end,
                                first_clear};

static void
late_init(gpointer part)
{
    (void)part;
    say("late");
}

static void
late_end(gpointer part)
{
    (void)part;
    /* All parts are there until all have ended. */
    assert_int_equal(((Thing *)store_cluster_part(cluster, &first))->value, 7);
    say("end-late");
}

static void
late_clear(gpointer part)
{
    (void)part;
    say("clear-late");
}

static const StorePart late = {sizeof(Thing), late_init, late_end, late_clear};

static void
second_init(gpointer part)
{
    (void)part;
    say("second");
}

/* A thread that ends, or a connection that goes, may ask for what nobody has
 * asked for before. */
static void
second_end(gpointer part)
{
    (void)part;
    say("end-second");
    (void)store_cluster_part(cluster, &late);
}

static void
second_clear(gpointer part)
{
    (void)part;
    say("clear-second");
}

static const StorePart second = {sizeof(Thing), second_init, second_end,
                                 second_clear};

static int
set_up(void **state)
{
    static const char *const pools[] = {"vms", NULL};
    const StoreSettings settings = {.name = "ceph", .probe_pools = pools};

    (void)state;
    said = g_string_new(NULL);
    cluster = store_cluster_new(&settings);
    return 0;
}

static int
tear_down(void **state)
{
    (void)state;
    g_string_free(said, TRUE);
    return 0;
}

static void
test_parts(void **state)
{
    Thing *thing = store_cluster_part(cluster, &first);

    (void)state;
    thing->value = 7;
    (void)store_cluster_part(cluster, &second);
    assert_ptr_equal(store_cluster_part(cluster, &first), thing);
    assert_string_equal(said->str, "first second ");

    g_string_truncate(said, 0);
    store_cluster_unref(store_cluster_ref(cluster));
    assert_string_equal(said->str, "");
    store_cluster_unref(cluster);
    assert_string_equal(said->str, "end-second late end-first end-late "
                                   "clear-first clear-second clear-late ");
}

static void
test_settings(void **state)
{
    char name[] = "ceph";
    const char *pools[] = {"vms", NULL};
    const StoreSettings settings = {
        .name = name, .probe_pools = pools, .op_timeout_ms = 3};
    g_autoptr(StoreCluster) own = store_cluster_new(&settings);

    (void)state;
    store_cluster_unref(cluster);
    name[0] = 'x';
    pools[0] = "other";
    assert_string_equal(store_cluster_name(own), "ceph");
    assert_string_equal(store_settings(own)->probe_pools[0], "vms");
    assert_null(store_settings(own)->probe_pools[1]);
    assert_int_equal(store_settings(own)->op_timeout_ms, 3);
    assert_string_equal(store_conf_path(own), "ceph.conf");
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_parts, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_settings, set_up, tear_down),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
