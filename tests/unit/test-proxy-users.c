/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * tests/unit/test-proxy-users.c - clients counted in and out, and their asking
 */
#include "config.h"

#include "hooks/proxy/users.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static void
test_clients(void **state)
{
    struct proxy_users users;

    (void)state;
    proxy_users_init(&users, 3, 2);
    assert_null(proxy_users_enter(&users, 0, 1));
    assert_null(proxy_users_enter(&users, 0, 1));
    assert_non_null(proxy_users_enter(&users, 0, 1)); /* root, too */
    assert_null(proxy_users_enter(&users, 7, 1));
    assert_non_null(proxy_users_enter(&users, 8, 1));
    proxy_users_leave(&users, 0);
    assert_null(proxy_users_enter(&users, 8, 1));
    proxy_users_leave(&users, 99); /* who never was there */
    assert_int_equal(users.clients, 3);
    proxy_users_clear(&users);
}

static unsigned
asks(struct proxy_users *users, uid_t uid, int64_t now)
{
    unsigned n = 0;

    while (n < 1000 && proxy_users_may_ask(users, uid, now)) {
        proxy_users_count_ask(users, uid);
        n++;
    }
    return n;
}

static void
test_asks(void **state)
{
    struct proxy_users users;

    (void)state;
    proxy_users_init(&users, 10, 10);
    assert_false(proxy_users_may_ask(&users, 7, 1000));
    assert_null(proxy_users_enter(&users, 7, 1000));
    assert_null(proxy_users_enter(&users, 8, 1000));
    /* Who gets nothing has had nothing. */
    for (unsigned i = 0; i < 2 * PROXY_ASKS_BURST; i++)
        assert_true(proxy_users_may_ask(&users, 7, 1000));
    assert_int_equal(asks(&users, 7, 1000), PROXY_ASKS_BURST);
    assert_int_equal(asks(&users, 7, 1000), 0);
    assert_int_equal(asks(&users, 8, 1000), PROXY_ASKS_BURST);
    assert_int_equal(asks(&users, 7, 2000), PROXY_ASKS_PER_SECOND);
    assert_int_equal(asks(&users, 7, 2010), PROXY_ASKS_PER_SECOND / 100);
    assert_int_equal(asks(&users, 7, 999999), PROXY_ASKS_BURST);
    assert_int_equal(asks(&users, 0, 1000), 1000);
    /* To connect anew is no way round it. */
    proxy_users_leave(&users, 7);
    for (uid_t uid = 100; uid < 150; uid++) {
        assert_null(proxy_users_enter(&users, uid, 999999));
        proxy_users_leave(&users, uid);
    }
    assert_null(proxy_users_enter(&users, 7, 999999));
    assert_int_equal(asks(&users, 7, 999999), 0);
    proxy_users_clear(&users);
}

static void
test_forgotten(void **state)
{
    struct proxy_users users;

    (void)state;
    proxy_users_init(&users, 10, 10);
    for (uid_t uid = 0; uid < 1000; uid++) {
        assert_null(proxy_users_enter(&users, uid, 1));
        proxy_users_leave(&users, uid);
    }
    assert_true(users.capacity <= 16);
    proxy_users_clear(&users);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_clients),
        cmocka_unit_test(test_asks),
        cmocka_unit_test(test_forgotten),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
