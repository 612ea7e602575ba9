/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * tests/unit/test-store-full.c - is there space in this pool?
 */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "agent/rbd/disk/pool-space.h"

#include <errno.h>
#include <string.h>

#define POOL(name, flags)                                                      \
    "{\"pool_id\": 1, \"pool_name\": \"" name "\", \"flags\": 1, "             \
    "\"flags_names\": \"" flags "\"}"

static int
space(const char *json, const char *pool)
{
    return store_pool_space(json, strlen(json), pool);
}

#define MAP(flags, pools) "{\"flags\": \"" flags "\", \"pools\": [" pools "]}"
#define POOLS                                                                  \
    POOL("vms", "hashpspool")                                                  \
    "," POOL("images", "hashpspool,full_quota") "," POOL(                      \
        "volumes",                                                             \
        "hashpspool,full") "," POOL("both",                                    \
                                    "full,full_quota") "," POOL("soon",        \
                                                                "nearfull,backfillfull")

static void
test_flags(void **state)
{
    static const char map[] = MAP("sortbitwise,nearfull", POOLS);

    (void)state;
    assert_int_equal(space(map, "vms"), 0);
    assert_int_equal(space(map, "images"), -EDQUOT);
    assert_int_equal(space(map, "volumes"), -ENOSPC);
    assert_int_equal(space(map, "both"), -EDQUOT);
    assert_int_equal(space(map, "soon"), 0);
    assert_int_equal(space(map, "image"), 0);
}

static void
test_cluster(void **state)
{
    static const char map[] = MAP("noout,full", POOLS);

    (void)state;
    assert_int_equal(space(map, "vms"), -ENOSPC);
    assert_int_equal(space(map, "images"), -EDQUOT);
    assert_int_equal(space(map, "soon"), -ENOSPC);
}

/* What cannot be read refuses nobody. */
static void
test_nonsense(void **state)
{
    static const char *const texts[] = {
        "",
        "[",
        "{}",
        "[1, \"full\", null, {}]",
        "{\"flags\": 7, \"pools\": 7}",
        "{\"flags\": [\"full\"], \"pools\": {\"vms\": \"full\"}}",
        MAP("", "1, \"full\", null, {}"),
        MAP("", "{\"pool_name\": \"vms\"}"),
        MAP("", "{\"pool_name\": \"vms\", \"flags_names\": 7}"),
        MAP("", "{\"pool_name\": 7, \"flags_names\": \"full\"}"),
    };

    (void)state;
    for (gsize i = 0; i < G_N_ELEMENTS(texts); i++)
        assert_int_equal(space(texts[i], "vms"), 0);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_flags),
        cmocka_unit_test(test_cluster),
        cmocka_unit_test(test_nonsense),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
