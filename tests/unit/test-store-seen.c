/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * tests/unit/test-store-seen.c - the history of a cluster's monitors
 */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "agent/rbd/conn/greet.h"
#include "agent/rbd/conn/seen.h"

#include <glib/gstdio.h>

#define FSID    "4387471a-ae2b-47c4-b67e-9004860d0fd0"
#define ANOTHER "0d9f8a77-1111-4222-8333-444455556666"

/* Of 'HOST,HOST'. */
static GPtrArray *
monitors_at(const char *hosts)
{
    GPtrArray *monitors =
        g_ptr_array_new_with_free_func((GDestroyNotify)store_monitor_free);
    g_auto(GStrv) words = g_strsplit(hosts, ",", -1);

    for (gsize i = 0; words[i]; i++) {
        StoreMonitor *monitor = g_new0(StoreMonitor, 1);

        monitor->host = g_strdup(words[i]);
        monitor->port = g_strdup("6789");
        g_ptr_array_add(monitors, monitor);
    }
    return monitors;
}

static bool
update(StoreSeen *seen, const char *fsid, const char *hosts)
{
    g_autoptr(GPtrArray) monitors = monitors_at(hosts);

    return store_seen_update(seen, fsid, monitors);
}

static void
check(const StoreSeen *seen, const char *expected)
{
    g_autofree char *text = store_seen_text(seen);
    g_auto(StoreSeen) again = {0};
    g_autofree char *same = NULL;

    assert_string_equal(text, expected);
    store_seen_parse(text, &again);
    same = store_seen_text(&again);
    assert_string_equal(same, expected);
}

static void
test_history(void **state)
{
    g_auto(StoreSeen) seen = {0};

    (void)state;
    store_seen_parse("", &seen);
    check(&seen, "");
    assert_true(update(&seen, FSID, "10.0.0.1,10.0.0.2"));
    check(&seen, "fsid " FSID "\nnow 10.0.0.1 6789\nnow 10.0.0.2 6789\n");
    assert_false(update(&seen, FSID, "10.0.0.2,10.0.0.1"));
    assert_true(update(&seen, FSID, "10.0.0.2,fd00::3"));
    check(&seen, "fsid " FSID "\nnow 10.0.0.2 6789\nnow fd00::3 6789\n"
                 "former 10.0.0.1 6789\n");
    /* One that comes back is former no more; the newest stands first. */
    assert_true(update(&seen, FSID, "10.0.0.1"));
    check(&seen, "fsid " FSID "\nnow 10.0.0.1 6789\n"
                 "former 10.0.0.2 6789\nformer fd00::3 6789\n");
    assert_true(update(&seen, FSID, "10.0.0.9"));
    check(&seen, "fsid " FSID "\nnow 10.0.0.9 6789\nformer 10.0.0.1 6789\n"
                 "former 10.0.0.2 6789\nformer fd00::3 6789\n");
}

/* One that was made anew under the same name has nothing of the old one's. */
static void
test_another(void **state)
{
    g_auto(StoreSeen) seen = {0};

    (void)state;
    store_seen_parse("fsid " ANOTHER "\nnow 10.0.0.1 6789\n"
                     "former 10.0.0.2 6789\n",
                     &seen);
    assert_true(update(&seen, FSID, "10.0.0.1"));
    check(&seen, "fsid " FSID "\nnow 10.0.0.1 6789\n");
}

/* Before it was ever reached, by what ceph.conf says of it. */
static void
test_expected(void **state)
{
    static const char text[] = "fsid " FSID "\nnow 10.0.0.1 6789\n"
                               "former 10.0.0.2 6789\n";
    g_auto(StoreSeen) seen = {0};

    (void)state;
    store_seen_parse(text, &seen);
    store_seen_expect(&seen, NULL);
    store_seen_expect(&seen, FSID);
    check(&seen, text);
    store_seen_expect(&seen, ANOTHER);
    check(&seen, "");
    store_seen_expect(&seen, ANOTHER);
    check(&seen, "");
}

static void
test_limit(void **state)
{
    g_auto(StoreSeen) seen = {0};

    (void)state;
    store_seen_parse("", &seen);
    for (guint i = 0; i < STORE_FORMER_MAX + 10; i++) {
        g_autofree char *host = g_strdup_printf("10.1.%u.%u", i / 250, i % 250);

        assert_true(update(&seen, FSID, host));
    }
    assert_int_equal(seen.former->len, STORE_FORMER_MAX);
}

static void
test_garbage(void **state)
{
    g_auto(StoreSeen) seen = {0};

    (void)state;
    store_seen_parse("fsid\nnow 1\nnow a b c d\nformer\n\nwhat 1 2\n"
                     "fsid " FSID "\nfsid " ANOTHER "\nnow 10.0.0.1 6789",
                     &seen);
    check(&seen, "fsid " FSID "\nnow 10.0.0.1 6789\n");
}

/* The next process knows what this one has seen. */
static void
test_file(void **state)
{
    g_autofree char *dir = g_dir_make_tmp("remora-seen-XXXXXX", NULL);
    g_autofree char *path = g_build_filename(dir, "monitors.ceph", NULL);
    const StoreSettings settings = {
        .name = "ceph", .user = "remora", .run_dir = dir, .state_dir = dir};
    g_autoptr(StoreCluster) cluster = store_cluster_new(&settings);
    g_auto(StoreSeen) none = {0};
    g_auto(StoreSeen) seen = {0};

    (void)state;
    store_seen_read(cluster, &none);
    assert_null(none.fsid);
    assert_int_equal(none.now->len, 0);
    assert_true(g_file_set_contents(
        path, "fsid " FSID "\nnow 10.0.0.1 6789\nformer fd00::1 3300\n", -1,
        NULL));
    store_seen_read(cluster, &seen);
    assert_string_equal(seen.fsid, FSID);
    assert_int_equal(seen.now->len, 1);
    assert_int_equal(seen.former->len, 1);
    g_unlink(path);
    g_rmdir(dir);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_history),  cmocka_unit_test(test_another),
        cmocka_unit_test(test_expected), cmocka_unit_test(test_limit),
        cmocka_unit_test(test_garbage),  cmocka_unit_test(test_file),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
