/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * tests/unit/test-store-place.c - which host this is, and which of its boots
 */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "agent/rbd/conn/place.h"
#include "agent/rbd/store.h"

#include <glib/gstdio.h>
#include <string.h>

#define THREADS 8

static StorePlace
place_of(const char *host, const char *machine, const char *boot)
{
    return (StorePlace){(char *)(gsize)host, (char *)(gsize)machine,
                        (char *)(gsize)boot};
}

static void
test_same(void **state)
{
    const StorePlace place = place_of("alpha", "m", "b");
    static const struct {
        const char *host;
        const char *machine;
        const char *boot;
        bool same_host;
        bool same_boot;
    } cases[] = {
        {"alpha", "m", "b", true, true},
        {"alpha", "m", "c", true, false},
        {"alpha", "m", NULL, true, false},
        {"alpha", "m", "", true, false},
        /* Two that were cloned from one image. */
        {"beta", "m", "c", false, false},
        {"alpha", "n", "b", false, false},
        {"Alpha", "m", "c", false, false},
        /* One that was given its name after it had booted. */
        {"beta", "m", "b", true, true},
        /* What is not known is nobody's. */
        {NULL, NULL, NULL, false, false},
        {"", "", "", false, false},
        {"alpha", NULL, "b", false, false},
        {NULL, "m", "c", false, false},
    };

    (void)state;
    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
        StorePlace other =
            place_of(cases[i].host, cases[i].machine, cases[i].boot);

        assert_int_equal(store_place_same_host(&place, &other),
                         cases[i].same_host);
        assert_int_equal(store_place_same_host(&other, &place),
                         cases[i].same_host);
        assert_int_equal(store_place_same_boot(&place, &other),
                         cases[i].same_boot);
        assert_int_equal(store_place_same_boot(&other, &place),
                         cases[i].same_boot);
    }
    const StorePlace nowhere = place_of(NULL, NULL, NULL);
    const StorePlace empty = place_of("", "", "");

    assert_false(store_place_same_host(&nowhere, &nowhere));
    assert_false(store_place_same_host(&empty, &empty));
}

static void
clear_dir(const char *dir)
{
    g_autoptr(GDir) list = g_dir_open(dir, 0, NULL);
    const char *name;

    while (list && (name = g_dir_read_name(list))) {
        g_autofree char *path = g_build_filename(dir, name, NULL);

        assert_int_equal(g_unlink(path), 0);
    }
    assert_int_equal(g_rmdir(dir), 0);
}

static void
test_here(void **state)
{
    g_autofree char *top = g_dir_make_tmp("remora-place-XXXXXX", NULL);
    g_autofree char *dir = g_build_filename(top, "state", NULL);
    g_autofree char *file = g_build_filename(dir, "host-id", NULL);
    g_auto(StorePlace) first = {0};
    g_auto(StorePlace) again = {0};
    g_auto(StorePlace) other = {0};
    g_auto(StorePlace) copy = {0};
    g_autoptr(GError) error = NULL;

    (void)state;
    assert_true(store_place_here(dir, &first, &error));
    assert_true(first.host[0] && first.machine[0] && first.boot[0]);
    assert_null(strpbrk(first.machine, " =;,\n"));
    assert_true(store_place_here(dir, &again, &error));
    assert_true(store_place_same_boot(&first, &again));
    store_place_copy(&first, &copy);
    assert_true(store_place_same_boot(&first, &copy));

    /* A host that was installed anew is another one. */
    assert_int_equal(g_unlink(file), 0);
    assert_true(store_place_here(dir, &other, &error));
    assert_false(store_place_same_host(&first, &other));
    clear_dir(dir);
    assert_int_equal(g_rmdir(top), 0);
}

typedef struct {
    const char *dir;
    StorePlace place;
} Caller;

static gpointer
ask(gpointer opaque)
{
    Caller *caller = opaque;

    return GINT_TO_POINTER(store_place_here(caller->dir, &caller->place, NULL));
}

/* Of all that come first at once, one makes the id, and nothing else stays. */
static void
test_race(void **state)
{
    g_autofree char *dir = g_dir_make_tmp("remora-place-XXXXXX", NULL);
    Caller callers[THREADS];
    GThread *threads[THREADS];
    g_autoptr(GDir) list = NULL;

    (void)state;
    for (int i = 0; i < THREADS; i++) {
        callers[i] = (Caller){.dir = dir};
        threads[i] = g_thread_new("ask", ask, &callers[i]);
    }
    for (int i = 0; i < THREADS; i++)
        assert_true(GPOINTER_TO_INT(g_thread_join(threads[i])));
    for (int i = 0; i < THREADS; i++) {
        assert_true(
            store_place_same_boot(&callers[0].place, &callers[i].place));
        if (i > 0)
            store_place_clear(&callers[i].place);
    }
    store_place_clear(&callers[0].place);
    list = g_dir_open(dir, 0, NULL);
    assert_string_equal(g_dir_read_name(list), "host-id");
    assert_null(g_dir_read_name(list));
    clear_dir(dir);
}

/* Empty after a power failure that came before its content: no id at all. */
static void
test_empty(void **state)
{
    g_autofree char *dir = g_dir_make_tmp("remora-place-XXXXXX", NULL);
    g_autofree char *file = g_build_filename(dir, "host-id", NULL);
    g_auto(StorePlace) place = {0};
    g_autoptr(GError) error = NULL;

    (void)state;
    assert_true(g_file_set_contents(file, " \n", -1, NULL));
    assert_false(store_place_here(dir, &place, &error));
    assert_true(g_error_matches(error, STORE_ERROR, STORE_ERROR_FAILED));
    assert_null(place.host);
    clear_dir(dir);
}

static void
test_unwritable(void **state)
{
    g_auto(StorePlace) place = {0};
    g_autoptr(GError) error = NULL;

    (void)state;
    assert_false(store_place_here("/dev/null/state", &place, &error));
    assert_true(g_error_matches(error, STORE_ERROR, STORE_ERROR_FAILED));
    assert_null(place.host);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_same),       cmocka_unit_test(test_here),
        cmocka_unit_test(test_race),       cmocka_unit_test(test_empty),
        cmocka_unit_test(test_unwritable),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
