/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * tests/unit/test-store-copy.c - how an image grows ahead of a pipe
 *
 * The numbers are those of the tests of Glance's driver, which grows so.
 */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "agent/rbd/image/copy.h"

#define MiB (G_GUINT64_CONSTANT(1) << 20)
#define GiB (G_GUINT64_CONSTANT(1) << 30)

static const StoreImageSource source = {.object_size = 8 * MiB};

/* Twice an object at first, then each time by twice as much. */
static void
test_doubles(void **state)
{
    static const guint64 sizes[] = {16 * MiB, 48 * MiB, 112 * MiB, 240 * MiB};
    StoreCopy copy = {.source = &source};

    (void)state;
    for (gsize i = 0; i < G_N_ELEMENTS(sizes); i++) {
        assert_true(store_copy_make_space(&copy, copy.size + 1));
        assert_int_equal(copy.size, sizes[i]);
        assert_false(store_copy_make_space(&copy, copy.size));
        assert_int_equal(copy.size, sizes[i]);
    }
}

/* But never by more than 8 GiB, however long it is by then. */
static void
test_most(void **state)
{
    static const guint64 sizes[] = {5 * GiB, 13 * GiB, 21 * GiB, 29 * GiB};
    StoreCopy copy = {.source = &source, .size = 1 * GiB, .step = 2 * GiB};

    (void)state;
    for (gsize i = 0; i < G_N_ELEMENTS(sizes); i++) {
        assert_true(store_copy_make_space(&copy, copy.size + 1));
        assert_int_equal(copy.size, sizes[i]);
    }
}

/* In one step where several are needed; and another image begins anew. */
static void
test_once(void **state)
{
    StoreCopy copy = {.source = &source};
    StoreCopy other = {.source = &source};

    (void)state;
    assert_true(store_copy_make_space(&copy, 57 * MiB));
    assert_int_equal(copy.size, 112 * MiB);
    assert_true(store_copy_make_space(&other, 1));
    assert_int_equal(other.size, 16 * MiB);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_doubles),
        cmocka_unit_test(test_most),
        cmocka_unit_test(test_once),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
