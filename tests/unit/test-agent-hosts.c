/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * tests/unit/test-agent-hosts.c - which <host> is a monitor
 */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "agent/hosts.h"
#include "agent/monitors.h"

#include <string.h>

/* "host port; host port" as a monitor map */
static GPtrArray *
map_of(const char *json)
{
    GPtrArray *monitors = monitors_from_text(json, NULL);

    assert_non_null(monitors);
    return monitors;
}

static bool
known(const char *host, const char *port, const char *map)
{
    g_autoptr(GPtrArray) monitors = map_of(map);
    g_autoptr(GPtrArray) hosts = g_ptr_array_new();
    DomHost one = {(char *)host, (char *)port};
    const DomDisk disk = {.hosts = hosts};

    g_ptr_array_add(hosts, &one);
    return hosts_known(&disk, monitors);
}

static void
test_addresses(void **state)
{
    (void)state;
    assert_true(known("10.0.0.1", "6789", "10.0.0.1:6789"));
    assert_false(known("10.0.0.1", "6789", "10.0.0.2:6789"));
    assert_false(known("10.0.0.1", "6790", "10.0.0.1:6789"));
    assert_true(known("10.0.0.2", "6789", "10.0.0.1:6789,10.0.0.2:6789"));
    assert_true(
        known("10.0.0.1", "3300", "[v2:10.0.0.1:3300,v1:10.0.0.1:6789]"));
    /* libvirt takes that for 6789. */
    assert_true(known("10.0.0.1", " +06789", "10.0.0.1:6789"));
    assert_false(known("10.0.0.1", "-6789", "10.0.0.1:6789"));
    assert_false(known("10.0.0.1", "6789 ", "10.0.0.1:6789"));
    /* IPv6 has many spellings. */
    assert_true(known("fd00:0:0::1", "6789", "[fd00::1]:6789"));
    assert_false(known("fd00::2", "6789", "[fd00::1]:6789"));
}

static void
test_no_port(void **state)
{
    (void)state;
    assert_true(known("10.0.0.1", NULL, "10.0.0.1:6789"));
    assert_true(known("10.0.0.1", NULL, "10.0.0.1:3300"));
    assert_false(known("10.0.0.1", NULL, "10.0.0.1:6790"));
}

static void
test_names(void **state)
{
    (void)state;
    assert_true(known("Mon-A.example", "6789", "mon-a.example:6789"));
    assert_true(known("localhost", "6789", "127.0.0.1:6789"));
    assert_false(known("localhost", "6789", "10.0.0.1:6789"));
}

/* As mon_host has them, in one attribute. */
static void
test_lists(void **state)
{
    (void)state;
    assert_true(known("10.0.0.9,10.0.0.1", "6789", "10.0.0.1:6789"));
    assert_false(known("10.0.0.1,10.0.0.9", "6790", "10.0.0.1:6790"));
    assert_false(known("10.0.0.1 and", "x", "10.0.0.1:6789"));
    assert_true(known("10.0.0.9;10.0.0.1", NULL, "10.0.0.1:6789"));
    assert_true(known("10.0.0.9 10.0.0.1:6790", "6789", "10.0.0.1:6790"));
    assert_false(known("10.0.0.9,10.0.0.8", "6789", "10.0.0.1:6789"));
    assert_true(known("10.0.0.1:6789", NULL, "10.0.0.1:6789"));
    assert_false(known("10.0.0.1:6790", "6789", "10.0.0.1:6789"));
    assert_true(known("v2:10.0.0.1:3300/0", NULL, "10.0.0.1:3300"));
    assert_true(
        known("[v2:10.0.0.1:3300,v1:10.0.0.1:6789]", NULL, "10.0.0.1:6789"));
    assert_true(known("[fd00::1]:6789", NULL, "[fd00::1]:6789"));
    assert_true(
        known("[v2:[fd00::1]:3300,v1:[fd00::1]:6789]", NULL, "[fd00::1]:6789"));
    assert_true(known("fd00::9,fd00::1", "6789", "[fd00::1]:6789"));
    assert_false(known(",; ", "6789", "10.0.0.1:6789"));
    assert_false(known("[", "6789", "10.0.0.1:6789"));
    assert_false(known("[v1:]", NULL, "10.0.0.1:6789"));
}

static void
test_none(void **state)
{
    g_autoptr(GPtrArray) monitors = map_of("10.0.0.1");
    g_autoptr(GPtrArray) hosts = g_ptr_array_new();
    const DomDisk empty = {.hosts = hosts};
    const DomDisk missing = {0};

    (void)state;
    assert_true(hosts_known(&empty, monitors));
    assert_true(hosts_known(&missing, monitors));
}

static void
test_text(void **state)
{
    g_autoptr(GPtrArray) hosts = g_ptr_array_new();
    DomHost one = {(char *)"10.0.0.1", (char *)"6789"};
    DomHost two = {(char *)"mon-b", NULL};
    const DomDisk disk = {.hosts = hosts};
    g_autofree char *text = NULL;

    (void)state;
    g_ptr_array_add(hosts, &one);
    g_ptr_array_add(hosts, &two);
    text = hosts_text(&disk);
    assert_string_equal(text, "10.0.0.1:6789 mon-b");
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_addresses), cmocka_unit_test(test_no_port),
        cmocka_unit_test(test_names),     cmocka_unit_test(test_none),
        cmocka_unit_test(test_text),      cmocka_unit_test(test_lists),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
