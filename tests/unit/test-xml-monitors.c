/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * tests/unit/test-xml-monitors.c - mon_host and <host> in all their forms
 *
 * What librados 16.2 makes of each text was looked at ('debug_monc = 10'); the
 * tables say the same, but for what stands under 'wider' and 'narrower'.
 */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "xml/dom-monitors.h"

#include <string.h>

/* 'HOST PORT MESSENGER;', '-' where none is said, '+' for another address of
 * the monitor before it. */
static char *
text_of(const GPtrArray *monitors)
{
    static const char *const messengers[] = {"any", "v1", "v2"};
    GString *text = g_string_new(NULL);

    for (guint i = 0; i < monitors->len; i++) {
        const DomMonitor *monitor = g_ptr_array_index(monitors, i);

        g_string_append_printf(text, "%s %s %s%s;", monitor->host,
                               monitor->port ? monitor->port : "-",
                               messengers[monitor->messenger],
                               monitor->other ? "+" : "");
    }
    return g_string_free(text, FALSE);
}

static const struct {
    const char *mon_host;
    const char *read;
} good[] = {
    {"10.0.0.1", "10.0.0.1 - any;"},
    {"10.0.0.1:6789", "10.0.0.1 6789 v1;"},
    {"10.0.0.1:3300", "10.0.0.1 3300 v2;"},
    {"10.0.0.1:6790", "10.0.0.1 6790 any;"},
    {"10.0.0.1:0", "10.0.0.1 - any;"},
    {"10.0.0.1:", "10.0.0.1 - any;"},
    {"10.0.0.1:3300/5", "10.0.0.1 3300 v2;"},
    {"10.0.0.1/24", "10.0.0.1 - any;"},
    {"v1:10.0.0.1", "10.0.0.1 6789 v1;"},
    {"v2:10.0.0.1", "10.0.0.1 3300 v2;"},
    {"v2:10.0.0.1:6789", "10.0.0.1 6789 v2;"},
    {"any:10.0.0.1:3300", "10.0.0.1 3300 v2;"},
    {"any:[fd00::1]", "fd00::1 - any;"},
    {"[10.0.0.1]:6789", "10.0.0.1 6789 v1;"},
    /* An address of its own, whatever it looks like. */
    {"fd00::1:6789", "fd00::1:6789 - any;"},
    {"fd00::1", "fd00::1 - any;"},
    {"::1", "::1 - any;"},
    {"fd00::1,fd00::2", "fd00::1 - any;fd00::2 - any;"},
    {"[fd00::1],[fd00::2]:6789", "fd00::1 - any;fd00::2 6789 v1;"},
    {"v1:[fd00::1]", "fd00::1 6789 v1;"},
    /* Lists. */
    {"10.0.0.1 10.0.0.2,10.0.0.3;10.0.0.4",
     "10.0.0.1 - any;10.0.0.2 - any;10.0.0.3 - any;10.0.0.4 - any;"},
    {" ,10.0.0.1 ,;, 10.0.0.2:6790, ", "10.0.0.1 - any;10.0.0.2 6790 any;"},
    /* One monitor's addresses, that for v1 first. */
    {"[v2:10.0.0.1:3300,v1:10.0.0.1:6789]",
     "10.0.0.1 6789 v1;10.0.0.1 3300 v2+;"},
    {"[v2:[fd00::1]:3300/0,v1:[fd00::1]:6789/0],[fd00::2]:6790",
     "fd00::1 6789 v1;fd00::1 3300 v2+;fd00::2 6790 any;"},
    {"[v2:10.0.0.1:3300/0,v1:10.0.0.1:6789/0] "
     "[v2:10.0.0.2:3300/0,v1:10.0.0.2:6789/0]",
     "10.0.0.1 6789 v1;10.0.0.1 3300 v2+;"
     "10.0.0.2 6789 v1;10.0.0.2 3300 v2+;"},
    {"[v2:10.0.0.1:3300,v1:10.0.0.1:6789][v1:10.0.0.2]",
     "10.0.0.1 6789 v1;10.0.0.1 3300 v2+;10.0.0.2 6789 v1;"},
    {"[v2:10.0.0.1:3300]", "10.0.0.1 3300 v2;"},
    /* Names. */
    {"mon-a", "mon-a - any;"},
    {"Mon_A.ceph.svc.cluster.local:3300",
     "Mon_A.ceph.svc.cluster.local 3300 v2;"},
    {"10.0.0.1,mon-b:3300 [fd00::1]:6790",
     "10.0.0.1 - any;mon-b 3300 v2;fd00::1 6790 any;"},
    {"[mon-a]:6790", "mon-a 6790 any;"},
    {"3rd.example", "3rd.example - any;"},
    /* Wider. */
    /* As Cinder's tests have them. */
    {"[::1]:6789,[::1]:6790,[::1]:6791,127.0.0.1:6792,example.com:6791",
     "::1 6789 v1;::1 6790 any;::1 6791 any;127.0.0.1 6792 any;"
     "example.com 6791 any;"},
    {"10.0.0.1\t10.0.0.2", "10.0.0.1 - any;10.0.0.2 - any;"},
    {"v2:mon-a", "mon-a 3300 v2;"},
    {"[v2:10.0.0.1:3300,v1:10.0.0.1:6789],mon-b",
     "10.0.0.1 6789 v1;10.0.0.1 3300 v2+;mon-b - any;"},
};

static void
test_good(void **state)
{
    (void)state;
    for (gsize i = 0; i < G_N_ELEMENTS(good); i++) {
        g_autoptr(GError) error = NULL;
        g_autoptr(GPtrArray) monitors =
            dom_monitors_parse(good[i].mon_host, &error);
        g_autofree char *text = NULL;

        if (!monitors)
            fail_msg("'%s': %s", good[i].mon_host, error->message);
        text = text_of(monitors);
        assert_string_equal(text, good[i].read);
    }
}

static void
test_bad(void **state)
{
    static const char *const texts[] = {
        "", " ,;", "-", ":6789", "[]", "[v1:]", "[]:6789", "[v2:10.0.0.1:3300",
        "[v2:10.0.0.1:3300 v1:10.0.0.1:6789]", "[v2:10.0.0.1:3300]:6789",
        "[[fd00::1]:6789,[fd00::2]]:0", "[fd00::1", "fd00::1]", "[fd00::1]6789",
        "[fd00::1]x", "10.0.0.1:6789:5", "10.0.0.1x:y", "10.0.0.1:-1",
        "10.0.0.1/x", "10.0.0.300", "10.0.0.1,10.0.0", "::ffff:10.0.0.1",
        "fe80::1%lo", "fd00:::1", "mon a b$", "http://mon-a", "a/b/c",
        /* Narrower: librados goes to 127.0.0.1, and to port 4464. */
        "127.1", "10.0.0.1:70000"};

    (void)state;
    for (gsize i = 0; i < G_N_ELEMENTS(texts); i++) {
        g_autoptr(GError) error = NULL;
        g_autoptr(GPtrArray) monitors = dom_monitors_parse(texts[i], &error);

        if (monitors)
            fail_msg("'%s' was read", texts[i]);
        assert_true(g_error_matches(error, DOM_ERROR, DOM_ERROR_REQUEST));
        assert_non_null(strstr(error->message, "not a list of monitor"));
    }
}

/* Whatever is cut off or put in, what comes out is an address or a name. */
static void
test_pieces(void **state)
{
    (void)state;
    for (gsize i = 0; i < G_N_ELEMENTS(good); i++) {
        for (gsize len = 0; len <= strlen(good[i].mon_host); len++) {
            g_autofree char *piece = g_strndup(good[i].mon_host, len);
            g_autoptr(GPtrArray) monitors = dom_monitors_parse(piece, NULL);

            for (guint j = 0; monitors && j < monitors->len; j++) {
                const DomMonitor *monitor = g_ptr_array_index(monitors, j);

                assert_true(g_hostname_is_ip_address(monitor->host) ||
                            !strpbrk(monitor->host, ":[]/,; \t"));
            }
        }
    }
}

static void
test_limit(void **state)
{
    (void)state;
    for (guint count = DOM_HOSTS_MAX; count <= DOM_HOSTS_MAX + 1; count++) {
        g_autoptr(GString) text = g_string_new(NULL);
        g_autoptr(GPtrArray) monitors = NULL;

        for (guint i = 0; i < count; i++)
            g_string_append_printf(text, "10.0.0.1:%u ", 6000 + i);
        monitors = dom_monitors_parse(text->str, NULL);
        assert_non_null(monitors);
        assert_int_equal(monitors->len, DOM_HOSTS_MAX);
    }
}

static void
assert_hosts(const DomHost *hosts, gsize n, const char *expected)
{
    g_autoptr(GPtrArray) list = g_ptr_array_new();
    g_autoptr(GPtrArray) monitors = NULL;
    g_autofree char *text = NULL;

    for (gsize i = 0; i < n; i++)
        g_ptr_array_add(list, (gpointer)&hosts[i]);
    monitors = dom_monitors_of_hosts(list);
    text = text_of(monitors);
    assert_string_equal(text, expected);
}

#define HOST(name, port) ((DomHost){(char *)(name), (char *)(port)})
#define ASSERT_HOSTS(expected, ...)                                            \
    do {                                                                       \
        const DomHost hosts[] = {__VA_ARGS__};                                 \
        assert_hosts(hosts, G_N_ELEMENTS(hosts), expected);                    \
    } while (0)

static void
test_hosts(void **state)
{
    g_autoptr(GPtrArray) none = dom_monitors_of_hosts(NULL);

    (void)state;
    assert_int_equal(none->len, 0);
    ASSERT_HOSTS("10.0.0.1 6789 v1;10.0.0.2 - any;", HOST("10.0.0.1", "6789"),
                 HOST("10.0.0.2", NULL));
    /* A list in one attribute: the port is the last one's. */
    ASSERT_HOSTS("10.0.0.1 - any;10.0.0.2 6790 any;",
                 HOST("10.0.0.1,10.0.0.2", "6790"));
    ASSERT_HOSTS("10.0.0.1 6789 v1;mon-b 3300 v2;mon-c 6789 v1;",
                 HOST("10.0.0.1:6789; mon-b:3300", NULL),
                 HOST("mon-c", "6789"));
    ASSERT_HOSTS("10.0.0.1 3300 v2;", HOST("10.0.0.1:3300", "6789"));
    ASSERT_HOSTS("fd00::1 6789 v1;fd00::2 - any;", HOST("fd00::1", "6789"),
                 HOST("[fd00::2]", NULL));
    ASSERT_HOSTS("mon-a.example 3300 v2;", HOST("mon-a.example", "3300"));
    ASSERT_HOSTS("mon-a - any;", HOST("mon-a", "0"));
    /* Nowhere. */
    ASSERT_HOSTS("10.0.0.2 - any;", HOST("10.0.0.1", "70000"),
                 HOST("no host", "x"), HOST("", "6789"), HOST(NULL, "6789"),
                 HOST("10.0.0.2", NULL));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_good),   cmocka_unit_test(test_bad),
        cmocka_unit_test(test_pieces), cmocka_unit_test(test_limit),
        cmocka_unit_test(test_hosts),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
