/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * tests/unit/test-store-going.c - what an entry of the trash says of its image
 */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "agent/rbd/image/going.h"

#include <string.h>

enum { AT_VERSION = 0, AT_SOURCE = 6, AT_NAME_LENGTH = 7, AT_STATE = 29 };

/* As Ceph 16.2 writes it: being removed, "ab", two times, quite in the trash. */
static const guint8 removing[] = {
    2, 1, 24, 0, 0,   0,         //
    3,                           //
    2, 0, 0,  0, 'a', 'b',       //
    1, 2, 3,  4, 5,   6,   7, 8, //
    1, 2, 3,  4, 5,   6,   7, 8, //
    0,
};

/* The entry with one byte changed. */
static gboolean
parse(gsize at, guint8 byte, StoreGoing *going)
{
    guint8 entry[sizeof(removing)];

    memcpy(entry, removing, sizeof(entry));
    entry[at] = byte;
    return store_going_parse(entry, sizeof(entry), going);
}

static void
test_entry(void **state)
{
    StoreGoing going;

    (void)state;
    assert_true(store_going_parse(removing, sizeof(removing), &going));
    assert_string_equal(going.name, "ab");
    assert_true(going.going);
    assert_false(going.stuck);
    g_free(going.name);
}

static void
test_states(void **state)
{
    StoreGoing going;

    (void)state;
    assert_true(parse(AT_STATE, 1, &going));
    assert_true(going.stuck);
    g_free(going.name);
    assert_true(parse(AT_STATE, 2, &going));
    assert_false(going.stuck);
    g_free(going.name);
    for (guint8 source = 0; source < 8; source++) {
        assert_true(parse(AT_SOURCE, source, &going));
        assert_int_equal(going.going, source == 3);
        g_free(going.name);
    }
}

/* The first version had no state; a later one may have more. */
static void
test_versions(void **state)
{
    guint8 longer[sizeof(removing) + 3] = {0};
    StoreGoing going;

    (void)state;
    assert_true(parse(AT_VERSION, 1, &going));
    assert_false(going.stuck);
    g_free(going.name);
    assert_true(store_going_parse(removing, sizeof(removing) - 1, &going));
    assert_false(going.stuck);
    g_free(going.name);
    memcpy(longer, removing, sizeof(removing));
    longer[AT_VERSION] = 9;
    assert_true(store_going_parse(longer, sizeof(longer), &going));
    assert_true(going.going);
    g_free(going.name);
}

static void
test_nonsense(void **state)
{
    StoreGoing going;

    (void)state;
    for (gsize len = 0; len < sizeof(removing) - 1; len++) {
        g_autofree guint8 *copy = g_memdup2(removing, len);

        assert_false(store_going_parse(copy, len, &going));
    }
    assert_false(parse(AT_VERSION, 0, &going));
    assert_false(parse(AT_NAME_LENGTH, 200, &going));
    assert_false(parse(AT_NAME_LENGTH + 3, 255, &going));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_entry),
        cmocka_unit_test(test_states),
        cmocka_unit_test(test_versions),
        cmocka_unit_test(test_nonsense),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
