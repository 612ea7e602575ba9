/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * tests/unit/test-disk-clone.c - what RBD's object class is told of a new clone
 *
 * The bytes are librbd's of Ceph 16.2.15. Arguments: what it gave to sendmsg(),
 * noted by a preloaded library, for 'rbd clone --data-pool' of an image of 16 MiB
 * in objects of 8 MiB with two keys of metadata, in the second format, and for 'rbd
 * resize --size 10G'; in messenger version 2 with 'ms_client_mode = crc' they stand
 * there as they are, right behind the names of class and method. Answers: what the
 * same methods, called by rados_exec() on the header of such an image, returned.
 */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "agent/rbd/disk/clone-plan.h"
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

/* Without the NUL behind them. */
static const char name_bytes[] =
    "\004\000\000\000disk\013\000\000\00010337dbae39";
static const char create_bytes[] =
    "\000\000\000\001\000\000\000\000\027\275\000\000\000\000\000"
    "\000\000\026\000\000\000rbd_data.2.10337dbae39\003\000\000\000"
    "\000\000\000\000";
static const char parent_bytes[] =
    "\001\001$\000\000\000\001\000\000\000\000\000\000\000\000\000"
    "\000\000\014\000\000\00010293b4eeae7\004\000\000\000\000\000"
    "\000\000\000\000\000\001\000\000\000\000\000";
static const char child_bytes[] =
    "\004\000\000\000\000\000\000\000\002\001\033\000\000\000\002"
    "\000\000\000\000\000\000\000\013\000\000\00010337dbae39\000"
    "\000\000\000";
static const char ops_bytes[] =
    "\002\000\000\000\000\000\000\000\002\000\000\000\000\000\000"
    "\000";
static const char list_bytes[] =
    "\005\000\000\000conf_@\000\000\000\000\000\000\000";
static const char metadata_bytes[] =
    "\002\000\000\000\001\000\000\000a\001\000\000\000b\004\000\000"
    "\000note\015\000\000\000of the parent";

#define assert_is(argument, bytes)                                             \
    assert_bytes(argument, bytes, sizeof(bytes) - 1)

static void
test_arguments(void **state)
{
    static const StoreClonePlan plan = {
        .size = 16 * MIB, .order = 23, .features = 0xbd};
    static const StoreCloneImage parent = {1, "", "10293b4eeae7"};
    static const StoreCloneImage child = {2, "", "10337dbae39"};

    (void)state;
    assert_is(store_clone_arg_name("disk", "10337dbae39"), name_bytes);
    assert_is(store_clone_arg_create(&plan, "rbd_data.2.10337dbae39", 3),
              create_bytes);
    assert_is(store_clone_arg_parent(&parent, 4, 16 * MIB), parent_bytes);
    assert_is(store_clone_arg_child(4, &child), child_bytes);
    assert_is(store_clone_arg_ops(), ops_bytes);
    assert_is(store_clone_arg_list("conf_"), list_bytes);
    assert_says(store_class_features(), 0xfe, 0xff, 0xff, 0xff, 0xff, 0xff,
                0xff, 0xff, 0x01);
    assert_says(store_clone_arg_objects(10 * GIB / (8 * MIB)), 0x00, 0x05, 0x00,
                0x00, 0x00, 0x00, 0x00, 0x00, 0x00);
    assert_says(store_class_metadata("remora.ready", "id=x owner=y"), //
                0x01, 0x00, 0x00, 0x00,                               //
                0x0c, 0x00, 0x00, 0x00, 'r', 'e', 'm', 'o', 'r', 'a', '.', 'r',
                'e', 'a', 'd', 'y', //
                0x0c, 0x00, 0x00, 0x00, 'i', 'd', '=', 'x', ' ', 'o', 'w', 'n',
                'e', 'r', '=', 'y');
}

/* A namespace of the parent's, and of the clone's. */
static void
test_namespaces(void **state)
{
    static const StoreCloneImage image = {1, "team", "id"};

    (void)state;
    assert_says(store_clone_arg_parent(&image, 4, 5),           //
                0x01, 0x01, 0x1e, 0x00, 0x00, 0x00,             //
                0x01, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, //
                0x04, 0x00, 0x00, 0x00, 't', 'e', 'a', 'm',     //
                0x02, 0x00, 0x00, 0x00, 'i', 'd',               //
                0x04, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, //
                0x05, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00);
    assert_says(store_clone_arg_child(4, &image),               //
                0x04, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, //
                0x02, 0x01, 0x16, 0x00, 0x00, 0x00,             //
                0x01, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, //
                0x02, 0x00, 0x00, 0x00, 'i', 'd',               //
                0x04, 0x00, 0x00, 0x00, 't', 'e', 'a', 'm');
}

static StoreCoded
of(gconstpointer data, gsize len)
{
    return (StoreCoded){data, len, false};
}

/* What a list of metadata answers is what is told of them. */
static void
test_lists(void **state)
{
    static const char none[] = "\0\0\0";
    const gsize len = sizeof(metadata_bytes) - 1;
    guint keys;
    bool found;

    (void)state;
    assert_true(
        store_clone_read_list(of(metadata_bytes, len), "no", &keys, &found));
    assert_int_equal(keys, 2);
    assert_true(found);
    assert_true(
        store_clone_read_list(of(metadata_bytes, len), "ote", &keys, &found));
    assert_false(found);
    assert_true(
        store_clone_read_list(of(none, sizeof(none)), "", &keys, &found));
    assert_int_equal(keys, 0);
    assert_false(found);
    /* Cut off anywhere, in memory of its own, so that a checker sees a byte read
     * too many; and more keys than there are bytes. */
    for (gsize n = 0; n < len; n++) {
        g_autofree guint8 *part = g_memdup2(metadata_bytes, n);

        assert_false(store_clone_read_list(of(part, n), "", &keys, &found));
    }
    assert_false(
        store_clone_read_list(of("\377\377\377\377", 4), "", &keys, &found));
}

static void
test_numbers(void **state)
{
    static const guint8 features[] = {0x3d, 0x01, 0x00, 0x00, 0x00, 0x00,
                                      0x00, 0x00, 0x3d, 0x01, 0x00, 0x00,
                                      0x00, 0x00, 0x00, 0x00};
    guint64 number;

    (void)state;
    assert_true(
        store_clone_read_number(of(features, sizeof(features)), &number));
    assert_int_equal(number, 317);
    for (gsize n = 0; n < sizeof(number); n++) {
        g_autofree guint8 *part = g_memdup2(features, n);

        assert_false(store_clone_read_number(of(part, n), &number));
    }
}

#define LAYERING RBD_FEATURE_LAYERING
#define LOCK     (LAYERING | RBD_FEATURE_EXCLUSIVE_LOCK)
#define MAP      (LOCK | RBD_FEATURE_OBJECT_MAP)
#define FAST     (MAP | RBD_FEATURE_FAST_DIFF)
#define BIT_40   (G_GUINT64_CONSTANT(1) << 40)

static void
test_plan(void **state)
{
    /* is: 0: for librbd */
    static const struct {
        guint64 features;
        guint64 parent;
        guint64 parent_ops;
        guint64 object_size;
        guint64 size;
        bool elsewhere;
        guint64 is;
        guint64 objects; /* 0: no map */
    } cases[] = {
        {FAST, LAYERING, 0, 8 * MIB, 16 * MIB, false, FAST, 2},
        {FAST, LAYERING, 0, 8 * MIB, 16 * MIB + 1, false, FAST, 3},
        {FAST, LAYERING, 0, 8 * MIB, GIB, true, FAST | RBD_FEATURE_DATA_POOL,
         128},
        {LOCK, FAST, 0, 8 * MIB, GIB, false, LOCK, 0},
        {LAYERING, FAST, 0, 8 * MIB, GIB, false, LAYERING, 0},
        {FAST | RBD_FEATURE_DEEP_FLATTEN, FAST, 0, 8 * MIB, GIB, false,
         FAST | RBD_FEATURE_DEEP_FLATTEN, 128},
        /* the parent's, without what follows from something else */
        {0, FAST, 0, 8 * MIB, GIB, false, FAST, 128},
        {0, FAST | RBD_FEATURE_DATA_POOL, 0, 8 * MIB, GIB, false, FAST, 128},
        {0, LAYERING | RBD_FEATURE_OPERATIONS, 15, 8 * MIB, GIB, false,
         LAYERING, 0},
        {0, LAYERING | RBD_FEATURE_JOURNALING, 0, 8 * MIB, GIB, false, 0, 0},
        {LAYERING, FAST | RBD_FEATURE_JOURNALING, 0, 8 * MIB, GIB, false,
         LAYERING, 0},
        /* a map has what it needs, and is not without it */
        {MAP, FAST, 0, 8 * MIB, GIB, false, FAST, 128},
        {FAST & ~(guint64)RBD_FEATURE_EXCLUSIVE_LOCK, FAST, 0, 8 * MIB, GIB,
         false, 0, 0},
        {FAST & ~(guint64)RBD_FEATURE_OBJECT_MAP, FAST, 0, 8 * MIB, GIB, false,
         0, 0},
        /* no clone without it, nor a parent */
        {RBD_FEATURE_EXCLUSIVE_LOCK, FAST, 0, 8 * MIB, GIB, false, 0, 0},
        {FAST, RBD_FEATURE_EXCLUSIVE_LOCK, 0, 8 * MIB, GIB, false, 0, 0},
        {0, 0, 0, 8 * MIB, GIB, false, 0, 0},
        /* what is not known here, of either */
        {FAST | RBD_FEATURE_JOURNALING, FAST, 0, 8 * MIB, GIB, false, 0, 0},
        {FAST | RBD_FEATURE_STRIPINGV2, FAST, 0, 8 * MIB, GIB, false, 0, 0},
        {FAST | RBD_FEATURE_DATA_POOL, FAST, 0, 8 * MIB, GIB, false, 0, 0},
        {FAST | BIT_40, FAST, 0, 8 * MIB, GIB, false, 0, 0},
        {FAST, FAST | BIT_40, 0, 8 * MIB, GIB, false, 0, 0},
        {FAST, FAST | RBD_FEATURE_MIGRATING, 0, 8 * MIB, GIB, false, 0, 0},
        /* a clone is as striped as its parent */
        {FAST, FAST | RBD_FEATURE_STRIPINGV2, 0, 8 * MIB, GIB, false, 0, 0},
        {FAST, FAST, 16, 8 * MIB, GIB, false, 0, 0},
        {FAST, FAST, BIT_40, 8 * MIB, GIB, false, 0, 0},
        /* sizes of objects */
        {FAST, FAST, 0, 0, GIB, false, 0, 0},
        {FAST, FAST, 0, 2 * KIB, GIB, false, 0, 0},
        {FAST, FAST, 0, 4 * KIB, 8 * KIB, false, FAST, 2},
        {FAST, FAST, 0, 32 * MIB, GIB, false, FAST, 32},
        {FAST, FAST, 0, 64 * MIB, GIB, false, 0, 0},
        {FAST, FAST, 0, 8 * MIB + 1, GIB, false, 0, 0},
        /* as many objects as a map can have, and one more */
        {FAST, FAST, 0, 4 * KIB, 256000000 * 4 * KIB, false, FAST, 256000000},
        {FAST, FAST, 0, 4 * KIB, 256000000 * 4 * KIB + 1, false, 0, 0},
        {LOCK, FAST, 0, 4 * KIB, 256000000 * 4 * KIB + 1, false, LOCK, 0},
        {FAST, FAST, 0, 4 * KIB, G_MAXUINT64, false, 0, 0},
    };

    (void)state;
    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
        const StoreCloneFacts facts = {.features = cases[i].features,
                                       .parent_features = cases[i].parent,
                                       .parent_ops = cases[i].parent_ops,
                                       .object_size = cases[i].object_size,
                                       .size = cases[i].size,
                                       .elsewhere = cases[i].elsewhere};
        StoreClonePlan plan = {0};

        if (store_clone_plan(&facts, &plan) != (cases[i].is != 0))
            fail_msg("case %zu: whether", i);
        if (cases[i].is == 0)
            continue;
        if (plan.features != cases[i].is || plan.size != cases[i].size ||
            plan.map != (cases[i].objects > 0) ||
            (plan.map && plan.map_objects != cases[i].objects) ||
            G_GUINT64_CONSTANT(1) << plan.order != cases[i].object_size)
            fail_msg("case %zu: how", i);
    }
}

/* One that is empty has a map all the same, of no objects. */
static void
test_empty(void **state)
{
    const StoreCloneFacts facts = {
        .features = FAST, .parent_features = FAST, .object_size = 8 * MIB};
    StoreClonePlan plan = {0};

    (void)state;
    assert_true(store_clone_plan(&facts, &plan));
    assert_true(plan.map);
    assert_int_equal(plan.map_objects, 0);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_arguments), cmocka_unit_test(test_namespaces),
        cmocka_unit_test(test_lists),     cmocka_unit_test(test_numbers),
        cmocka_unit_test(test_plan),      cmocka_unit_test(test_empty),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
