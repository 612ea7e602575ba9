/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * tests/unit/test-volume-qos.c - each limit of a volume on the right key
 */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "agent/rbd/volume/qos.h"

#include <string.h>

static void
test_names(void **state)
{
    static const struct {
        const char *text;
        const char *name;
    } cases[] = {
        {"iops_limit", "iops_limit"},
        {"rbd_qos_read_bps_burst", "read_bps_burst"},
        {"conf_rbd_qos_write_iops_burst_seconds", "write_iops_burst_seconds"},
        {"total_iops_sec", "iops_limit"},
        {"total_iops_sec_max", "iops_burst"},
        {"total_bytes_sec", "bps_limit"},
        {"total_bytes_sec_max", "bps_burst"},
        {"read_iops_sec", "read_iops_limit"},
        {"write_iops_sec_max", "write_iops_burst"},
        {"read_bytes_sec", "read_bps_limit"},
        {"write_bytes_sec", "write_bps_limit"},
        {"schedule_tick_min", "schedule_tick_min"},
        {"rbd_qos_total_iops_sec", NULL},
        {"iops", NULL},
        {"", NULL},
    };

    (void)state;
    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
        guint key = store_qos_find(cases[i].text);
        const char *name = key < STORE_QOS_KEYS ? store_qos_name(key) : NULL;

        if (g_strcmp0(name, cases[i].name) != 0)
            fail_msg("'%s': %s", cases[i].text, name ? name : "none");
    }
}

/* A burst is checked against what stands before it. */
static void
test_order(void **state)
{
    (void)state;
    for (guint key = 0; key < STORE_QOS_KEYS; key++) {
        const char *name = store_qos_name(key);
        gsize stem = strlen(name) - strlen("_burst");

        assert_int_equal(store_qos_find(name), key);
        if (!g_str_has_suffix(name, "_burst"))
            continue;
        assert_memory_equal(store_qos_name(key - 1), name, stem);
        assert_string_equal(store_qos_name(key - 1) + stem, "_limit");
    }
    assert_true(store_qos_is_bytes(store_qos_find("bps_limit")));
    assert_true(store_qos_is_bytes(store_qos_find("read_bps_burst")));
    assert_false(store_qos_is_bytes(store_qos_find("bps_burst_seconds")));
    assert_false(store_qos_is_bytes(store_qos_find("iops_limit")));
}

static gboolean
fits(const char *key, guint64 value, const char *other, guint64 its)
{
    g_autoptr(GError) error = NULL;
    StoreQos qos = {0};
    gboolean good;

    qos.values[store_qos_find(key)] = value;
    qos.values[store_qos_find(other)] = its;
    good = store_qos_check(&qos, &error);
    assert_true(good == (error == NULL));
    return good;
}

static void
test_check(void **state)
{
    (void)state;
    assert_true(fits("iops_limit", 0, "iops_burst", 0));
    assert_true(fits("iops_limit", 10, "iops_burst", 0));
    assert_true(fits("iops_limit", 10, "iops_burst", 10));
    assert_true(fits("iops_limit", 0, "iops_burst", 10));
    assert_false(fits("iops_limit", 10, "iops_burst", 9));
    assert_true(fits("iops_limit", 10, "bps_burst", 9));
    assert_true(fits("bps_limit", G_MAXINT64, "iops_limit", 1));
    assert_false(fits("bps_limit", (guint64)G_MAXINT64 + 1, "iops_limit", 1));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_names),
        cmocka_unit_test(test_order),
        cmocka_unit_test(test_check),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
