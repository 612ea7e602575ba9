/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * tests/unit/test-disk-header.c - what is said to RBD's object class
 *
 * The bytes are librbd's of Ceph 16.2.15. Arguments: what 'rbd resize --size
 * 10G' and 'rbd image-meta set IMAGE remora.ready "id=x owner=y"' on a clone of
 * 8 MiB objects gave to sendmsg(), noted by a preloaded library; in messenger
 * version 2 with 'ms_client_mode = crc' they stand there as they are, right
 * behind the names of class and method. Answers: what the same methods, called
 * by rados_exec() on the header of such a clone, and of an image of 10 MiB,
 * returned.
 */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "agent/rbd/disk/header.h"
#include "agent/rbd/image/class.h"

#include <rbd/librbd.h>
#include <string.h>

#define KIB G_GUINT64_CONSTANT(1024)
#define MIB (KIB * KIB)
#define GIB (MIB * KIB)

static void
assert_bytes(GByteArray *is, const void *wanted, gsize len)
{
    assert_int_equal(is->len, len);
    assert_memory_equal(is->data, wanted, len);
    g_byte_array_unref(is);
}

#define assert_says(is, ...)                                                   \
    do {                                                                       \
        const guint8 wanted[] = {__VA_ARGS__};                                 \
        assert_bytes(is, wanted, sizeof(wanted));                              \
    } while (0)

static void
test_arguments(void **state)
{
    (void)state;
    assert_says(store_header_arg_head(), 0xfe, 0xff, 0xff, 0xff, 0xff, 0xff,
                0xff, 0xff);
    assert_says(store_header_arg_features(), 0xfe, 0xff, 0xff, 0xff, 0xff, 0xff,
                0xff, 0xff, 0x00);
    assert_says(store_class_number(10 * GIB), 0x00, 0x00, 0x00, 0x80, 0x02,
                0x00, 0x00, 0x00);
    assert_says(store_header_arg_objects(10 * GIB / (8 * MIB)), 0x00, 0x05,
                0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00);
    assert_says(store_header_arg_metadata("remora.ready", "id=x owner=y"), //
                0x01, 0x00, 0x00, 0x00,                                    //
                0x0c, 0x00, 0x00, 0x00, 'r', 'e', 'm', 'o', 'r', 'a', '.', 'r',
                'e', 'a', 'd', 'y', //
                0x0c, 0x00, 0x00, 0x00, 'i', 'd', '=', 'x', ' ', 'o', 'w', 'n',
                'e', 'r', '=', 'y');
}

static const guint8 size_answer[] = {0x17, 0x00, 0x00, 0x00, 0x01,
                                     0x00, 0x00, 0x00, 0x00};
static const guint8 features_answer[] = {0x3d, 0x01, 0x00, 0x00, 0x00, 0x00,
                                         0x00, 0x00, 0x3d, 0x01, 0x00, 0x00,
                                         0x00, 0x00, 0x00, 0x00};
static const guint8 op_features_answer[] = {0x02, 0x00, 0x00, 0x00,
                                            0x00, 0x00, 0x00, 0x00};
static const guint8 parent_answer[] = {
    0x01, 0x01, 0x24, 0x00, 0x00, 0x00, 0x01, 0x00, 0x00, 0x00, 0x00,
    0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x0c, 0x00, 0x00, 0x00,
    '1',  '0',  '2',  '5',  'e',  'a',  'd',  '0',  '3',  'e',  '2',
    'b',  0x04, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00};
static const guint8 no_parent_answer[] = {
    0x01, 0x01, 0x18, 0x00, 0x00, 0x00, 0xff, 0xff, 0xff, 0xff,
    0xff, 0xff, 0xff, 0xff, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,
    0x00, 0x00, 0xfe, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff};

static StoreCoded
of(gconstpointer data, gsize len)
{
    return (StoreCoded){data, len, false};
}

#define all_of(answer) of(answer, sizeof(answer))

static void
test_answers(void **state)
{
    StoreCloneHeader header = {0};

    (void)state;
    assert_true(store_header_read_size(all_of(size_answer), &header));
    assert_int_equal(header.size, 16 * MIB);
    assert_int_equal(header.order, 23);
    assert_true(
        store_header_read_number(all_of(features_answer), &header.features));
    assert_int_equal(header.features, 317);
    assert_true(store_header_read_number(all_of(op_features_answer),
                                         &header.op_features));
    assert_int_equal(header.op_features, 2);
    assert_true(store_header_read_parent(all_of(parent_answer), &header));
    assert_string_equal(header.parent, "1025ead03e2b");
    assert_int_equal(header.parent_snap, 4);
    assert_true(store_header_read_parent(all_of(no_parent_answer), &header));
    assert_string_equal(header.parent, "");
}

/* Cut off anywhere, it is refused; in memory of its own, so that a checker sees
 * a byte read too many. */
static void
test_short_answers(void **state)
{
    StoreCloneHeader header;
    guint64 number;

    (void)state;
    for (gsize n = 0; n < sizeof(parent_answer); n++) {
        g_autofree guint8 *part = g_memdup2(parent_answer, n);

        assert_false(store_header_read_parent(of(part, n), &header));
        if (n < sizeof(size_answer))
            assert_false(store_header_read_size(of(part, n), &header));
        if (n < sizeof(number))
            assert_false(store_header_read_number(of(part, n), &number));
    }
}

static void
test_odd_answers(void **state)
{
    guint8 odd[sizeof(parent_answer) + 1];
    StoreCloneHeader header;

    (void)state;
    memcpy(odd, parent_answer, sizeof(parent_answer));
    odd[sizeof(parent_answer)] = 'x';
    assert_true(store_header_read_parent(all_of(odd), &header));
    odd[0] = 2; /* with more than we know */
    assert_true(store_header_read_parent(all_of(odd), &header));
    odd[1] = 2; /* and that one must know */
    assert_false(store_header_read_parent(all_of(odd), &header));
    odd[1] = 1;
    odd[2]--; /* the number of the snapshot is cut off */
    assert_false(store_header_read_parent(all_of(odd), &header));
    odd[2]++;
    odd[14] = 0xff; /* a name longer than all of it */
    assert_false(store_header_read_parent(all_of(odd), &header));
    odd[14] = 0;
    odd[21] = 0xff;
    assert_false(store_header_read_parent(all_of(odd), &header));
}

/* An id that fits into what it is copied to, and one byte more. */
static void
test_long_id(void **state)
{
    StoreCloneHeader header;
    g_autofree char *id = g_strnfill(sizeof(header.parent), 'i');

    (void)state;
    for (gsize n = sizeof(header.parent) - 1; n <= sizeof(header.parent); n++) {
        g_autoptr(GByteArray) bytes = g_byte_array_new();

        store_coded_put(bytes, 0x0101, 2);
        store_coded_put(bytes, 8 + 4 + 4 + n + 8, 4);
        store_coded_put(bytes, 1, 8);
        store_coded_put_string(bytes, "");
        store_coded_put(bytes, n, 4);
        g_byte_array_append(bytes, (const guint8 *)id, (guint)n);
        store_coded_put(bytes, 4, 8);
        assert_int_equal(
            store_header_read_parent(of(bytes->data, bytes->len), &header),
            n < sizeof(header.parent));
    }
}

#define PLAIN                                                                  \
    (RBD_FEATURE_LAYERING | RBD_FEATURE_EXCLUSIVE_LOCK |                       \
     RBD_FEATURE_DEEP_FLATTEN | RBD_FEATURE_OPERATIONS)
#define MAP (PLAIN | RBD_FEATURE_OBJECT_MAP | RBD_FEATURE_FAST_DIFF)

static void
test_way(void **state)
{
    static const struct {
        guint order;
        guint64 features;
        guint64 op_features;
        guint64 flags;
        guint64 size;
        StoreGrowWay way;
    } cases[] = {
        {23, MAP, 2, 0, 10 * GIB, STORE_GROW_MAP_AND_HEADER},
        {23, MAP, 2, 0, 16 * MIB + 1, STORE_GROW_MAP_AND_HEADER},
        {23, MAP, 2, 0, 16 * MIB, STORE_GROW_NOT},
        {23, MAP | RBD_FEATURE_DATA_POOL, 2, 0, GIB, STORE_GROW_MAP_AND_HEADER},
        {23, PLAIN, 2, 0, 10 * GIB, STORE_GROW_HEADER},
        {23, RBD_FEATURE_LAYERING, 0, 0, GIB, STORE_GROW_HEADER},
        /* somebody made it larger meanwhile */
        {23, MAP, 2, 0, 16 * MIB - 1, STORE_GROW_BY_LIBRBD},
        {23, MAP | RBD_FEATURE_JOURNALING, 2, 0, GIB, STORE_GROW_BY_LIBRBD},
        /* even if it need not grow: the mark is an event of the journal */
        {23, MAP | RBD_FEATURE_JOURNALING, 2, 0, 16 * MIB,
         STORE_GROW_BY_LIBRBD},
        {23, MAP | RBD_FEATURE_STRIPINGV2, 2, 0, GIB, STORE_GROW_BY_LIBRBD},
        {23, MAP | RBD_FEATURE_MIGRATING, 2, 0, GIB, STORE_GROW_BY_LIBRBD},
        {23, MAP | RBD_FEATURE_NON_PRIMARY, 2, 0, GIB, STORE_GROW_BY_LIBRBD},
        {23, MAP | RBD_FEATURE_DIRTY_CACHE, 2, 0, GIB, STORE_GROW_BY_LIBRBD},
        {23, MAP | G_GUINT64_CONSTANT(1) << 40, 2, 0, GIB,
         STORE_GROW_BY_LIBRBD},
        /* a snapshot's child, and what is not known */
        {23, MAP, 3, 0, GIB, STORE_GROW_BY_LIBRBD},
        {23, MAP, 16, 0, GIB, STORE_GROW_BY_LIBRBD},
        /* the object map is not valid */
        {23, MAP, 2, 1, GIB, STORE_GROW_BY_LIBRBD},
        {11, MAP, 2, 0, GIB, STORE_GROW_BY_LIBRBD},
        {26, MAP, 2, 0, GIB, STORE_GROW_BY_LIBRBD},
        {255, MAP, 2, 0, GIB, STORE_GROW_BY_LIBRBD},
        /* as many objects as a map can have, and one more */
        {12, MAP, 2, 0, 256000000 * 4 * KIB, STORE_GROW_MAP_AND_HEADER},
        {12, MAP, 2, 0, 256000000 * 4 * KIB + 1, STORE_GROW_BY_LIBRBD},
        {12, PLAIN, 2, 0, 256000000 * 4 * KIB + 1, STORE_GROW_HEADER},
    };

    (void)state;
    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
        const StoreCloneHeader header = {.size = 16 * MIB,
                                         .order = cases[i].order,
                                         .features = cases[i].features,
                                         .op_features = cases[i].op_features,
                                         .flags = cases[i].flags};

        if (store_grow_way(&header, cases[i].size) != cases[i].way)
            fail_msg("case %zu", i);
    }
}

static void
test_objects(void **state)
{
    const StoreCloneHeader header = {.order = 23};

    (void)state;
    assert_int_equal(store_grow_objects(&header, 0), 0);
    assert_int_equal(store_grow_objects(&header, 1), 1);
    assert_int_equal(store_grow_objects(&header, 8 * MIB), 1);
    assert_int_equal(store_grow_objects(&header, 8 * MIB + 1), 2);
    assert_int_equal(store_grow_objects(&header, 10 * GIB), 1280);
    assert_int_equal(store_grow_objects(&header, G_MAXUINT64),
                     G_GUINT64_CONSTANT(1) << 41);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_arguments),
        cmocka_unit_test(test_answers),
        cmocka_unit_test(test_short_answers),
        cmocka_unit_test(test_odd_answers),
        cmocka_unit_test(test_long_id),
        cmocka_unit_test(test_way),
        cmocka_unit_test(test_objects),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
