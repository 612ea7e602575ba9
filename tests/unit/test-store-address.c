/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * tests/unit/test-store-address.c - a client's address, as the cluster writes it
 */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "agent/rbd/conn/address.h"
#include "agent/rbd/conn/ways.h"
#include "agent/rbd/store.h"

#include <glib.h>

static void
test_ip(void **state)
{
    static const struct {
        const char *address;
        const char *ip;
    } cases[] = {
        {"192.0.2.7:0/1234", "192.0.2.7"},
        {"v1:192.0.2.7:0/1234", "192.0.2.7"},
        {"v2:192.0.2.7:3300/0", "192.0.2.7"},
        {"[2001:db8::7]:0/1234", "2001:db8::7"},
        {"v2:[2001:db8::7]:0/1234", "2001:db8::7"},
        {"[::1]:0/1", "::1"},
        {"", NULL},
        {":", NULL},
        {":0/1", NULL},
        {"v1:", NULL},
        {"192.0.2.7", NULL},
        {"[2001:db8::7]", NULL},
        {"[2001:db8::7", NULL},
        {"[2001:db8::7]0/1", NULL},
        {"[", NULL},
    };

    (void)state;
    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autofree char *ip = store_address_ip(cases[i].address);

        if (g_strcmp0(ip, cases[i].ip) != 0)
            fail_msg("'%s': '%s'", cases[i].address, ip ? ip : "none");
    }
}

static void
test_same_ip(void **state)
{
    static const struct {
        const char *a;
        const char *b;
        bool same;
    } cases[] = {
        {"192.0.2.7:0/1", "192.0.2.7:0/2", true},
        {"v1:192.0.2.7:0/1", "v2:192.0.2.7:0/2", true},
        {"192.0.2.7:0/1", "192.0.2.70:0/1", false},
        {"192.0.2.7:0/1", "192.0.2.8:0/1", false},
        /* One address has many spellings. */
        {"[2001:db8::7]:0/1", "[2001:0db8:0:0:0:0:0:7]:0/1", true},
        {"[2001:DB8::7]:0/1", "[2001:db8::7]:0/1", true},
        {"[2001:db8::7]:0/1", "[2001:db8::8]:0/1", false},
        {"[::]:0/1", "0.0.0.0:0/1", false},
        /* What is no address is nobody's. */
        {"host:0/1", "host:0/1", false},
        {"", "", false},
        {"192.0.2.7:0/1", "", false},
        {"1.2.3:0/1", "1.2.3:0/1", false},
    };

    (void)state;
    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
        if (store_address_same_ip(cases[i].a, cases[i].b) != cases[i].same)
            fail_msg("'%s' and '%s'", cases[i].a, cases[i].b);
        if (store_address_same_ip(cases[i].b, cases[i].a) != cases[i].same)
            fail_msg("'%s' and '%s'", cases[i].b, cases[i].a);
    }
}

static void
test_local(void **state)
{
    (void)state;
    if (!store_address_is_local("127.0.0.1:0/1"))
        skip(); /* a build's sandbox may have no network at all */
    assert_true(store_address_is_local("v1:127.0.0.1:0/1"));
    /* Of a range that is kept for documents. */
    assert_false(store_address_is_local("192.0.2.7:0/1"));
    assert_false(store_address_is_local("[2001:db8::7]:0/1"));
    assert_false(store_address_is_local("0.0.0.0:0/1"));
    assert_false(store_address_is_local(""));
    assert_false(store_address_is_local("localhost:0/1"));
}

/* Of the loopback network every address is sent from, and to. */
static void
test_others(void **state)
{
    StoreMonitor a = {(char *)"127.0.0.1", (char *)"6789", false, false};
    StoreMonitor b = {(char *)"127.0.0.2", (char *)"6789", false, false};
    StoreMonitor name = {(char *)"mon.example.org", (char *)"6789", false,
                         false};
    g_autoptr(GPtrArray) monitors = g_ptr_array_new();
    g_autofree char *others = NULL;

    (void)state;
    assert_null(store_ways_to(monitors, "127.0.0.1:0/1"));
    g_ptr_array_add(monitors, &a);
    g_ptr_array_add(monitors, &b);
    g_ptr_array_add(monitors, &name);
    assert_null(store_ways_to(monitors, "127.0.0.1:0/1"));
    others = store_ways_to(monitors, "192.0.2.1:0/1");
    assert_string_equal(others, "127.0.0.1");
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_others),
        cmocka_unit_test(test_ip),
        cmocka_unit_test(test_same_ip),
        cmocka_unit_test(test_local),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
