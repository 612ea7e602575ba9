/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * tests/unit/test-store-capacity.c - how full pools are, as Cinder reckons it
 */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "agent/rbd/conn/error.h"
#include "agent/rbd/image/capacity.h"

#include <string.h>

#define USED G_GUINT64_CONSTANT(1546440971)

typedef struct {
    const char *stats;
    guint64 used;
    guint64 free;
    guint64 total;
    guint64 quota;
} Case;

static const Case cases[] = {
    /* The numbers of Cinder's own tests. */
    {"\"stored\": 1546440971, \"bytes_used\": 4639322913, "
     "\"max_avail\": 28987613184",
     USED, 28987613184, 28987613184 + USED, 0},
    {"\"stored\": 1546440971, \"max_avail\": 28987613184, "
     "\"quota_bytes\": 1073741824",
     USED, 0, USED, 1073741824},
    {"\"stored\": 1546440971, \"max_avail\": 2897613184, "
     "\"quota_bytes\": 3221225472",
     USED, 3221225472 - USED, 3221225472, 3221225472},
    /* An old cluster knows the copies only. */
    {"\"bytes_used\": 7, \"max_avail\": 5", 7, 5, 12, 0},
    /* Less space than the quota allows. */
    {"\"stored\": 10, \"max_avail\": 5, \"quota_bytes\": 100", 10, 5, 15, 100},
    /* No object more. */
    {"\"stored\": 10, \"max_avail\": 5, \"objects\": 3, \"quota_objects\": 3",
     10, 0, 10, 0},
    {"\"stored\": 10, \"max_avail\": 5, \"objects\": 2, \"quota_objects\": 3",
     10, 5, 15, 0},
    /* What makes no sense counts as nothing. */
    {"\"stored\": -1, \"max_avail\": \"much\"", 0, 0, 0, 0},
};

static void
test_cases(void **state)
{
    (void)state;
    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autofree char *json = g_strdup_printf(
            "{\"stats\": {}, \"pools\": [{\"name\": \"images\", \"id\": 1, "
            "\"stats\": {%s}}]}",
            cases[i].stats);
        g_autoptr(GPtrArray) pools =
            store_pools_parse(json, strlen(json), NULL);
        const StorePool *pool;

        assert_non_null(pools);
        assert_int_equal(pools->len, 1);
        pool = pools->pdata[0];
        assert_string_equal(pool->name, "images");
        assert_int_equal(pool->used, cases[i].used);
        assert_int_equal(pool->free, cases[i].free);
        assert_int_equal(pool->total, cases[i].total);
        assert_int_equal(pool->quota, cases[i].quota);
        assert_false(pool->counted);
    }
}

/* The numbers of Nova's own tests: each pool has its own. */
static void
test_pools(void **state)
{
    static const char json[] =
        "{\"stats\": {\"total_bytes\": 25757220864}, \"pools\": ["
        "{\"name\": \"images\", \"stats\": {\"bytes_used\": 12716067, "
        "\"max_avail\": 24195168123}},"
        "{\"name\": \"volumes\", \"stats\": {\"bytes_used\": 0, "
        "\"max_avail\": 24195168789}},"
        "{\"name\": \"rbd\", \"stats\": {\"bytes_used\": 0, "
        "\"max_avail\": 24195168456}}]}";
    static const struct {
        const char *name;
        guint64 used;
        guint64 free;
    } expected[] = {
        {"images", 12716067, 24195168123},
        {"volumes", 0, 24195168789},
        {"rbd", 0, 24195168456},
    };
    g_autoptr(GPtrArray) pools = store_pools_parse(json, strlen(json), NULL);

    (void)state;
    assert_non_null(pools);
    assert_int_equal(pools->len, G_N_ELEMENTS(expected));
    for (guint i = 0; i < pools->len; i++) {
        const StorePool *pool = pools->pdata[i];

        assert_string_equal(pool->name, expected[i].name);
        assert_int_equal(pool->used, expected[i].used);
        assert_int_equal(pool->free, expected[i].free);
        /* Of the pool, not of the cluster, which all pools share. */
        assert_int_equal(pool->total, expected[i].used + expected[i].free);
    }
}

static void
test_nonsense(void **state)
{
    static const char *const texts[] = {
        "",
        "nonsense",
        "[]",
        "{}",
        "{\"pools\": 3}",
        "{\"pools\": [3, {}]}",
        "{\"pools\": [{\"name\": \"a\"}]}",
    };

    (void)state;
    for (gsize i = 0; i < G_N_ELEMENTS(texts); i++) {
        g_autoptr(GError) error = NULL;

        assert_null(store_pools_parse(texts[i], strlen(texts[i]), &error));
        assert_true(g_error_matches(error, STORE_ERROR, STORE_ERROR_FAILED));
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_cases),
        cmocka_unit_test(test_pools),
        cmocka_unit_test(test_nonsense),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
