/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * tests/unit/test-disk-options.c - librbd's bare numbers about a new image, in words
 */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <string.h>

#include "agent/rbd/disk/options.h"

static const struct {
    int r;
    const char *data_pool;
    bool no_pool;
    guint64 features;
    const char *says; /* NULL: nothing about the options */
} cases[] = {
    {-ENOENT, NULL, false, 0, NULL},
    {-ENOENT, "ec", false, 0, NULL},
    {-ENOENT, "ec", true, 0, "there is no pool 'ec' for its data"},
    {-EPERM, NULL, false, 0, NULL},
    {-EPERM, "ec", false, 0, "'rbd pool init ec'"},
    {-EINVAL, "ec", false, 61, "allow_ec_overwrites"},
    {-EINVAL, NULL, false, 0, "or set clone.features"},
    {-EINVAL, NULL, false, 61, "see clone.features and clone.object_size"},
    {-EDOM, NULL, false, 0, "or set clone.object_size"},
    {-EDOM, "ec", false, 0, "or set clone.object_size"},
    {-ENOSYS, NULL, false, 0, "lacks the feature layering"},
    {-ETIMEDOUT, "ec", false, 61, NULL},
    {-ENOSPC, "ec", false, 61, NULL},
};

static void
test_advice(void **state)
{
    (void)state;
    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
        const StoreSettings own = {.user = "remora",
                                   .clone_data_pool = cases[i].data_pool,
                                   .clone_features = cases[i].features};
        g_autofree char *text =
            store_new_advice(cases[i].r, &own, cases[i].no_pool);

        if (!cases[i].says)
            assert_null(text);
        else if (!text || !strstr(text, cases[i].says))
            fail_msg("case %zu: '%s' does not say '%s'", i, text ? text : "",
                     cases[i].says);
    }
}

/* What is set of the options, as librbd would take it. */
static guint64
number(rbd_image_options_t options, int option)
{
    uint64_t value = 0;

    return rbd_image_options_get_uint64(options, option, &value) < 0 ? 0
                                                                     : value;
}

static void
assert_order(guint64 own_size, guint64 parent_size, guint64 order)
{
    const StoreSettings own = {.clone_object_size = own_size};
    rbd_image_options_t options;

    rbd_image_options_create(&options);
    assert_int_equal(store_new_options(options, &own, parent_size), 0);
    assert_int_equal(number(options, RBD_IMAGE_OPTION_ORDER), order);
    rbd_image_options_destroy(options);
}

/* 0 leaves it to librbd: the parent's, or the cluster's. */
static void
test_object_size(void **state)
{
    (void)state;
    assert_order(0, 0, 0);
    assert_order(0, 8 << 20, 0);
    assert_order(4 << 20, 8 << 20, 0);
    assert_order(8 << 20, 8 << 20, 0);
    assert_order(16 << 20, 8 << 20, 24);
    assert_order(4 << 10, 0, 12);
}

static void
test_rest(void **state)
{
    const StoreSettings own = {.clone_features = 61, .clone_data_pool = "ec"};
    rbd_image_options_t options;
    char pool[16] = "";

    (void)state;
    rbd_image_options_create(&options);
    assert_int_equal(store_new_options(options, &own, 0), 0);
    assert_int_equal(number(options, RBD_IMAGE_OPTION_FEATURES), 61);
    assert_int_equal(rbd_image_options_get_string(options,
                                                  RBD_IMAGE_OPTION_DATA_POOL,
                                                  pool, sizeof(pool)),
                     0);
    assert_string_equal(pool, "ec");
    rbd_image_options_destroy(options);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_advice),
        cmocka_unit_test(test_object_size),
        cmocka_unit_test(test_rest),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
