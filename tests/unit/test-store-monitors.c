/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * tests/unit/test-store-monitors.c - monitor maps of every shape
 */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "agent/rbd/conn/error.h"
#include "agent/rbd/conn/monitors.h"

#include <errno.h>
#include <string.h>

#define MON(addrvec) "{\"public_addrs\":{\"addrvec\":[" addrvec "]}}"
#define MAP(mons)    "{\"epoch\":1,\"mons\":[" mons "]}"
#define V1(addr)     "{\"type\":\"v1\",\"addr\":\"" addr "\",\"nonce\":0}"
#define V2(addr)     "{\"type\":\"v2\",\"addr\":\"" addr "\",\"nonce\":0}"

static void
assert_list(const GPtrArray *monitors, const char *expected)
{
    g_autoptr(GString) text = g_string_new(NULL);

    assert_non_null(monitors);
    for (guint i = 0; i < monitors->len; i++) {
        const StoreMonitor *monitor = g_ptr_array_index(monitors, i);

        g_string_append_printf(text, "%s %s %s%s;", monitor->host,
                               monitor->port, monitor->v2 ? "v2" : "v1",
                               monitor->other ? "+" : "");
    }
    assert_string_equal(text->str, expected);
}

static void
assert_map(const char *json, const char *expected)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(GPtrArray) monitors =
        store_monitors_parse(json, strlen(json), &error);

    assert_null(error);
    assert_list(monitors, expected);
}

static void
assert_refused(const char *json)
{
    g_autoptr(GError) error = NULL;

    assert_null(store_monitors_parse(json, strlen(json), &error));
    assert_true(g_error_matches(error, STORE_ERROR, STORE_ERROR_FAILED));
    assert_non_null(strstr(error->message, "monitor map cannot be read"));
}

static void
test_shapes(void **state)
{
    (void)state;
    /* v1 first, whatever the order, and the second address marked */
    assert_map(MAP(MON(V2("10.0.0.1:3300") "," V1("10.0.0.1:6789"))),
               "10.0.0.1 6789 v1;10.0.0.1 3300 v2+;");
    assert_map(MAP(MON(V2("10.0.0.1:3300"))), "10.0.0.1 3300 v2;");
    assert_map(MAP(MON(V1("[::1]:6789")) "," MON(V1("[fd00::2]:6790"))),
               "::1 6789 v1;fd00::2 6790 v1;");
    assert_map("{\"mons\":[" MON(V1("[::1]:6789\\/0")) "," MON(
                   V1("127.0.0.1:6792")) "]}",
               "127.0.0.1 6792 v1;");
}

/* Those of Nova's and Cinder's tests, which read the field of before: the order
 * stays, and no bracket does. */
static void
test_as_openstack(void **state)
{
    (void)state;
    assert_map(MAP(MON(V1("[::1]:6789")) "," MON(V1("[::1]:6790")) "," MON(
                   V1("[::1]:6791")) "," MON(V1("127.0.0.1:6792"))),
               "::1 6789 v1;::1 6790 v1;::1 6791 v1;127.0.0.1 6792 v1;");
    /* The banner is the command line's, and nothing that the monitors say. */
    assert_refused("dumped monmap epoch 1\n" MAP(MON(V1("10.0.0.1:6789"))));
}

static void
test_not_permitted(void **state)
{
    g_autoptr(GError) error = NULL;

    (void)state;
    assert_false(store_explain(&error, -EPERM, "cannot clone 'images/a@snap'"));
    assert_true(g_error_matches(error, STORE_ERROR, STORE_ERROR_FAILED));
    assert_non_null(strstr(error->message, "not permitted"));
    assert_non_null(strstr(error->message, "images/a@snap"));
}

static void
test_unreadable(void **state)
{
    (void)state;
    assert_refused("");
    assert_refused("{");
    assert_refused("[]");
    assert_refused(MAP(""));
    assert_refused(MAP(MON(V1("nonsense"))));
    assert_refused(MAP(MON(V1(":6789"))));
    assert_refused(MAP(MON(V1("10.0.0.1:0"))));
    assert_refused(MAP(MON(V1("10.0.0.1:65536"))));
    assert_refused(MAP(MON(V1("fd00::1:6789x"))));
    assert_refused(MAP(MON(V1("fd00::1"))));
    assert_refused(MAP(MON(V1("mon-a:6789"))));
    assert_refused(MAP(MON(V1("10.0.0.1:6789"))) "garbage");
}

static GString *
map_of(guint count)
{
    GString *json = g_string_new("{\"mons\":[");

    for (guint i = 0; i < count; i++)
        g_string_append_printf(json, "%s" MON(V1("10.0.0.1:%u")), i ? "," : "",
                               6000 + i);
    return g_string_append(json, "]}");
}

static void
test_limit(void **state)
{
    (void)state;
    for (guint count = STORE_MONITORS_MAX; count <= STORE_MONITORS_MAX + 1;
         count++) {
        g_autoptr(GString) json = map_of(count);
        g_autoptr(GPtrArray) monitors =
            store_monitors_parse(json->str, json->len, NULL);

        assert_non_null(monitors);
        assert_int_equal(monitors->len, STORE_MONITORS_MAX);
    }
}

/* Of another cluster: whose connection is in order is not told that its is not. */
static void
test_error_from(void **state)
{
    g_autoptr(GError) late = NULL;
    g_autoptr(GError) missing = NULL;
    GError *none = NULL;

    (void)state;
    assert_false(store_explain(&late, -ETIMEDOUT, "cannot read 'images/a'"));
    assert_int_equal(late->code, STORE_ERROR_DOWN);
    store_error_from(&late, "far");
    assert_int_equal(late->code, STORE_ERROR_OTHER_DOWN);
    assert_true(g_str_has_prefix(late->message,
                                 "cluster 'far': cannot read 'images/a': "));
    assert_false(store_explain(&missing, -ENOENT, "cannot open 'images/a'"));
    store_error_from(&missing, "far");
    assert_int_equal(missing->code, STORE_ERROR_MISSING);
    store_error_from(&none, "far");
    store_error_from(NULL, "far");
    assert_null(none);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_shapes),
        cmocka_unit_test(test_as_openstack),
        cmocka_unit_test(test_not_permitted),
        cmocka_unit_test(test_unreadable),
        cmocka_unit_test(test_limit),
        cmocka_unit_test(test_error_from),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
