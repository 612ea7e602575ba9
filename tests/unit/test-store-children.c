/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * tests/unit/test-store-children.c - what the object classes say of clones
 */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "agent/rbd/image/children.h"
#include "agent/rbd/image/show.h"

#include <errno.h>
#include <string.h>

/* Two: pool 3, id "ab", namespace "n"; pool -1, id "c" by a later version, with
 * two bytes behind what is known. */
static const guint8 v2[] = {
    2,    0,    0,    0,                            //
    2,    1,    19,   0,    0,    0,                //
    3,    0,    0,    0,    0,    0,    0,    0,    //
    2,    0,    0,    0,    'a',  'b',              //
    1,    0,    0,    0,    'n',                    //
    3,    1,    19,   0,    0,    0,                //
    0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, //
    1,    0,    0,    0,    'c',                    //
    0,    0,    0,    0,    7,    7,
};
/* The first version had no namespaces. */
static const guint8 v2_old[] = {
    1, 0, 0, 0, 1, 1, 13, 0, 0, 0, 9, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 'x',
};
static const guint8 v1[] = {
    2, 0, 0, 0, 2, 0, 0, 0, 'a', 'b', 1, 0, 0, 0, 'c',
};

static GPtrArray *
list_new(void)
{
    return g_ptr_array_new_with_free_func((GDestroyNotify)store_child_free);
}

static void
check(const StoreChild *child,
      guint format,
      gint64 pool,
      const char *id,
      const char *space)
{
    assert_int_equal(child->format, format);
    assert_int_equal(child->pool_id, pool);
    assert_string_equal(child->id, id);
    assert_string_equal(child->space, space);
}

static void
test_format_2(void **state)
{
    g_autoptr(GPtrArray) list = list_new();

    (void)state;
    assert_int_equal(store_children_parse_v2(v2, sizeof(v2), list), 0);
    assert_int_equal(list->len, 2);
    check(list->pdata[0], 2, 3, "ab", "n");
    check(list->pdata[1], 2, -1, "c", "");
    assert_int_equal(store_children_parse_v2(v2_old, sizeof(v2_old), list), 0);
    check(list->pdata[2], 2, 9, "x", "");
}

static void
test_format_1(void **state)
{
    g_autoptr(GPtrArray) list = list_new();

    (void)state;
    assert_int_equal(store_children_parse_v1(v1, sizeof(v1), list), 0);
    assert_int_equal(list->len, 2);
    check(list->pdata[0], 1, 0, "ab", "");
    check(list->pdata[1], 1, 0, "c", "");
}

/* Every shortened answer is refused; what was read of it is whole. */
static void
test_short(void **state)
{
    (void)state;
    for (gsize len = 0; len < sizeof(v2); len++) {
        g_autoptr(GPtrArray) list = list_new();
        g_autofree guint8 *copy = g_memdup2(v2, len);

        assert_int_equal(store_children_parse_v2(copy, len, list), -EBADMSG);
        assert_true(list->len < 2);
    }
    for (gsize len = 0; len < sizeof(v1); len++) {
        g_autoptr(GPtrArray) list = list_new();
        g_autofree guint8 *copy = g_memdup2(v1, len);

        assert_int_equal(store_children_parse_v1(copy, len, list), -EBADMSG);
        assert_true(list->len < 2);
    }
}

/* A number that promises more than there is. */
static void
test_huge(void **state)
{
    g_autoptr(GPtrArray) list = list_new();
    guint8 data[sizeof(v2)];

    (void)state;
    memcpy(data, v2, sizeof(v2));
    memset(data, 0xff, 4);
    assert_int_equal(store_children_parse_v2(data, sizeof(data), list),
                     -EBADMSG);
    memcpy(data, v2, sizeof(v2));
    memset(data + 6, 0xff, 4);
    assert_int_equal(store_children_parse_v2(data, sizeof(data), list),
                     -EBADMSG);
}

static void
test_location(void **state)
{
    g_autofree char *plain =
        store_image_location("f-1", "images", "a.b_c~", "snap");
    g_autofree char *odd =
        store_image_location("/", "a b", "c/d%", "e@\xc3\xa9");

    (void)state;
    assert_string_equal(plain, "rbd://f-1/images/a.b_c~/snap");
    assert_string_equal(odd, "rbd://%2F/a%20b/c%2Fd%25/e%40%C3%A9");
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_format_2), cmocka_unit_test(test_format_1),
        cmocka_unit_test(test_short),    cmocka_unit_test(test_huge),
        cmocka_unit_test(test_location),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
