/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * tests/unit/test-store-keyring.c - the right user's key, or none
 */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "agent/rbd/conn/error.h"
#include "agent/rbd/conn/key.h"
#include "agent/rbd/conn/keyring.h"

#include <glib/gstdio.h>

#define KEY   "AQAK7yxNeF+nHBAA0SgSdbs8IkJrxroDeJ6SwQ=="
#define OTHER "AQC1fMRjAAAAABAAqBqYVbkXXq0RBzIXyYT3yg=="

static void
finds(const char *text, const char *user, const char *expected)
{
    g_autofree char *copy = g_strdup(text);
    const char *found = store_keyring_find(copy, user);

    if (expected)
        assert_string_equal(found, expected);
    else
        assert_null(found);
}

static void
test_plain(void **state)
{
    const char *text = "[client.admin]\n\tkey = " OTHER "\n"
                       "\tcaps mon = \"allow *\"\n"
                       "[client.remora]\n\tkey = " KEY "\n"
                       "\tcaps osd = \"profile rbd pool=vms\"\n";

    (void)state;
    finds(text, "remora", KEY);
    finds(text, "admin", OTHER);
    finds(text, "remor", NULL);
    finds(text, "remora2", NULL);
    finds(text, "", NULL);
    finds("", "remora", NULL);
}

static void
test_forms(void **state)
{
    (void)state;
    finds("[client.a]\nkey=" KEY, "a", KEY);
    finds("[client.a]\r\n key = " KEY "\r\n", "a", KEY);
    finds("[ client.a ] # us\nkey = " KEY " ; mine\n", "a", KEY);
    finds("[client.a]\nkey = \"" KEY "\"\n", "a", KEY);
    finds("[client.a]\nkey = \\\n " KEY "\n", "a", KEY);
    finds("[client.a]\nkey = " OTHER "\n[client.a]\nkey = " KEY, "a", KEY);
}

/* What only looks like the key. */
static void
test_lookalikes(void **state)
{
    (void)state;
    finds("key = " KEY "\n[client.a]\n", "a", NULL);
    finds("[client.a]\n#key = " KEY "\n", "a", NULL);
    finds("[client.a]\nkeys = " KEY "\n", "a", NULL);
    finds("[client.a]\ncaps mon = \"x \\\nkey = " KEY "\"\n", "a", NULL);
    finds("[client.a]\ncaps mon = \"x ; \\\nkey = " KEY "\"\n", "a", NULL);
    finds("[osd.a]\nkey = " KEY "\n", "a", NULL);
    finds("[client.a\nkey = " KEY "\n", "a", NULL);
    finds("[\nkey = " KEY "\n", "a", NULL);
    finds("[]\n=\n==\n\"\n", "a", NULL);
}

static void
test_validity(void **state)
{
    (void)state;
    assert_true(store_key_is_valid(KEY));
    assert_true(store_key_is_valid(OTHER));
    assert_false(store_key_is_valid(""));
    assert_false(store_key_is_valid("AQAK"));
    assert_false(store_key_is_valid(KEY " "));
    assert_false(store_key_is_valid("AQAK7yxNeF+nHBAA0SgSdbs8IkJrxroDeJ6S"));
    assert_false(store_key_is_valid("not a key at all"));
}

/* A given keyring needs neither ceph.conf nor a cluster. */
static void
test_given_file(void **state)
{
    const StoreSettings settings = {.name = "ceph", .user = "other"};
    g_autoptr(StoreCluster) cluster = store_cluster_new(&settings);
    g_autofree char *dir = g_dir_make_tmp("remora-keyring-XXXXXX", NULL);
    g_autofree char *path = g_build_filename(dir, "keyring", NULL);
    g_autoptr(GError) none = NULL;
    g_autoptr(GError) malformed = NULL;
    g_autoptr(GError) missing = NULL;
    char *key;

    (void)state;
    assert_true(g_file_set_contents(
        path, "[client.a]\nkey=" KEY "\n[client.b]\nkey=AQAK\n", -1, NULL));
    key = store_user_key(cluster, "a", path, NULL);
    assert_string_equal(key, KEY);
    store_key_free(key);

    assert_null(store_user_key(cluster, "c", path, &none));
    assert_true(g_error_matches(none, STORE_ERROR, STORE_ERROR_MISSING));
    assert_null(store_user_key(cluster, "b", path, &malformed));
    assert_true(g_error_matches(malformed, STORE_ERROR, STORE_ERROR_REFUSED));
    assert_null(strstr(malformed->message, "AQAK"));
    assert_int_equal(g_unlink(path), 0);
    assert_null(store_user_key(cluster, "a", path, &missing));
    assert_true(g_error_matches(missing, STORE_ERROR, STORE_ERROR_FAILED));
    assert_null(store_user_key(cluster, "a", path, NULL));
    assert_int_equal(g_rmdir(dir), 0);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_plain),      cmocka_unit_test(test_forms),
        cmocka_unit_test(test_lookalikes), cmocka_unit_test(test_validity),
        cmocka_unit_test(test_given_file),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
