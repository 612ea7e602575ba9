/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * tests/unit/test-store-plain.c - what an object class says of an image
 */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "agent/rbd/image/class.h"
#include "agent/rbd/image/plain.h"

/* seq 7, and so many ids from 100 on. */
static GByteArray *
context_of(guint n)
{
    GByteArray *bytes = g_byte_array_new();

    store_coded_put(bytes, 7, 8);
    store_coded_put(bytes, n, 4);
    for (guint i = 0; i < n; i++)
        store_coded_put(bytes, 100 + i, 8);
    return bytes;
}

static void
test_snaps(void **state)
{
    guint64 ids[STORE_PLAIN_SNAPS];
    guint n = 99;

    (void)state;
    for (guint wanted = 0; wanted <= STORE_PLAIN_SNAPS; wanted++) {
        g_autoptr(GByteArray) bytes = context_of(wanted);

        assert_true(store_plain_parse_snaps(bytes->data, bytes->len, ids, &n));
        assert_int_equal(n, wanted);
        for (guint i = 0; i < n; i++)
            assert_int_equal(ids[i], 100 + i);
    }
}

static void
test_too_many(void **state)
{
    g_autoptr(GByteArray) bytes = context_of(STORE_PLAIN_SNAPS + 1);
    guint64 ids[STORE_PLAIN_SNAPS];
    guint n;

    (void)state;
    assert_false(store_plain_parse_snaps(bytes->data, bytes->len, ids, &n));
}

static void
test_cut_short(void **state)
{
    g_autoptr(GByteArray) bytes = context_of(3);
    guint64 ids[STORE_PLAIN_SNAPS];
    guint n;

    (void)state;
    for (guint len = 0; len < bytes->len; len++)
        assert_false(store_plain_parse_snaps(bytes->data, len, ids, &n));
}

static void
test_strings(void **state)
{
    g_autoptr(GByteArray) bytes = g_byte_array_new();

    (void)state;
    store_coded_put_string(bytes, "snap");
    store_coded_put(bytes, 0x0102030405060708, 8);
    for (guint len = 0; len <= bytes->len; len++) {
        StoreCoded from = {bytes->data, len, false};
        g_autofree char *text = store_coded_take_string(&from);
        guint64 value = store_coded_take(&from, 8);

        assert_int_equal(from.bad, len < bytes->len);
        assert_string_equal(text, len < 8 ? "" : "snap");
        assert_true(value == (from.bad ? 0 : 0x0102030405060708));
    }
}

/* The parent's pool, its id, and its snapshot's. */
static void
test_arguments(void **state)
{
    static const guint8 parent[] = {3, 0,   0,   0, 0, 0, 0, 0, 2, 0, 0,
                                    0, 'a', 'b', 4, 0, 0, 0, 0, 0, 0, 0};
    g_autoptr(GByteArray) argument = store_class_parent(3, "ab", 4);

    (void)state;
    assert_int_equal(argument->len, sizeof(parent));
    assert_memory_equal(argument->data, parent, sizeof(parent));
}

/* A method that failed has answered nothing, whatever is in its bytes. */
static void
test_answer(void **state)
{
    StoreClassAnswer answer = {.bytes = {7}, .len = 1};
    StoreCoded from = store_class_read(&answer);

    (void)state;
    assert_int_equal(store_coded_take(&from, 1), 7);
    assert_false(from.bad);
    answer.r = -1;
    from = store_class_read(&answer);
    assert_int_equal(store_coded_take(&from, 1), 0);
    assert_true(from.bad);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_snaps),     cmocka_unit_test(test_too_many),
        cmocka_unit_test(test_cut_short), cmocka_unit_test(test_strings),
        cmocka_unit_test(test_arguments), cmocka_unit_test(test_answer),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
