/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * tests/unit/test-store-tree.c - which image hangs from which
 */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "agent/rbd/image/tree.h"

static void
snap_free(gpointer data)
{
    g_free(((StoreTreeSnap *)data)->name);
    g_free(data);
}

/* An image with one snapshot, whose id is snap; parent NULL: none. */
static void
add(GPtrArray *images,
    gint64 pool,
    const char *id,
    guint64 snap,
    gint64 parent_pool,
    const char *parent,
    guint64 parent_snap)
{
    StoreTreeImage *image = g_new0(StoreTreeImage, 1);
    StoreTreeSnap *own = g_new0(StoreTreeSnap, 1);

    own->id = snap;
    image->pool_id = pool;
    image->id = g_strdup(id);
    image->snaps = g_ptr_array_new_with_free_func(snap_free);
    g_ptr_array_add(image->snaps, own);
    image->parent_pool_id = parent_pool;
    image->parent_id = g_strdup(parent);
    image->parent_snap = parent_snap;
    g_ptr_array_add(images, image);
}

static GPtrArray *
images_new(void)
{
    return g_ptr_array_new_with_free_func(
        (GDestroyNotify)store_tree_image_free);
}

static const StoreTreeImage *
at(const GPtrArray *images, guint i)
{
    return g_ptr_array_index(images, i);
}

/* In whatever order; ids are a pool's own. */
static void
test_chain(void **state)
{
    g_autoptr(GPtrArray) images = images_new();

    (void)state;
    add(images, 2, "c", 1, 2, "b", 7);
    add(images, 2, "b", 7, 1, "a", 4);
    add(images, 1, "a", 4, 0, NULL, 0);
    add(images, 1, "b", 7, 0, NULL, 0);
    store_tree_link(images);
    assert_ptr_equal(at(images, 0)->parent, at(images, 1));
    assert_ptr_equal(at(images, 1)->parent, at(images, 2));
    assert_null(at(images, 2)->parent);
    assert_null(at(images, 3)->parent);
    assert_int_equal(at(images, 0)->depth, 2);
    assert_int_equal(at(images, 1)->depth, 1);
    assert_int_equal(at(images, 2)->depth, 0);
    assert_int_equal(store_tree_snap_of(at(images, 0))->id, 7);
    assert_null(store_tree_snap_of(at(images, 2)));
}

/* What is not among them, and a snapshot that nobody has. */
static void
test_unknown(void **state)
{
    g_autoptr(GPtrArray) images = images_new();

    (void)state;
    add(images, 1, "a", 1, 9, "gone", 3);
    add(images, 1, "b", 1, 1, "a", 99);
    store_tree_link(images);
    assert_null(at(images, 0)->parent);
    assert_int_equal(at(images, 0)->depth, 0);
    assert_ptr_equal(at(images, 1)->parent, at(images, 0));
    assert_null(store_tree_snap_of(at(images, 1)));
}

/* A circle, which a broken cluster could show, has an end. */
static void
test_circle(void **state)
{
    g_autoptr(GPtrArray) images = images_new();
    guint roots = 0;

    (void)state;
    add(images, 1, "a", 1, 1, "c", 1);
    add(images, 1, "b", 1, 1, "a", 1);
    add(images, 1, "c", 1, 1, "b", 1);
    add(images, 1, "d", 1, 1, "d", 1);
    store_tree_link(images);
    for (guint i = 0; i < images->len; i++) {
        roots += at(images, i)->parent == NULL;
        assert_true(at(images, i)->depth < images->len);
    }
    assert_int_equal(roots, 2);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_chain),
        cmocka_unit_test(test_unknown),
        cmocka_unit_test(test_circle),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
