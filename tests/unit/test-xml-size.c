/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * tests/unit/test-xml-size.c - sizes and image names, in tables
 */
#include "config.h"

#include "tests/unit/xml-site.h"
#include "xml/dom.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#define KIB G_GUINT64_CONSTANT(1024)
#define MIB (1024 * KIB)
#define GIB (1024 * MIB)
#define TIB (1024 * GIB)

static const struct {
    const char *text;
    guint64 bytes;
} good_sizes[] = {
    {"1", 1},
    {"1 B", 1},
    {"1B", 1},
    {"3 GiB", 3 * GIB},
    {"3G", 3 * GIB},
    {"3\tG", 3 * GIB},
    {"100 MiB", 100 * MIB},
    {"100M", 100 * MIB},
    {"4K", 4096},
    {"4KiB", 4096},
    {"2T", 2 * TIB},
    {"2   TiB", 2 * TIB},
    {"007", 7},
    {"1 ", 1},
    {"1.5 KiB", 1536},
    {"0.5K", 512},
    {"1.50000000000000000000000000000000000000000000000 K", 1536},
    {"1.0", 1},
    {"0.0009765625 KiB", 1},
    /* 2^-40, the smallest part of a TiB that is a byte. */
    {"0.0000000000009094947017729282379150390625 TiB", 1},
    {"1.0000000000009094947017729282379150390625 TiB", TIB + 1},
    {"1048576 TiB", DOM_SIZE_MAX},
    {"1152921504606846976", DOM_SIZE_MAX},
    {"1048575.9999999999990905052982270717620849609375 TiB", DOM_SIZE_MAX - 1},
};

static const struct {
    const char *text;
    DomErrorCode code;
} bad_sizes[] = {
    {"", DOM_ERROR_REQUEST},
    {" 1", DOM_ERROR_REQUEST},
    {"-1", DOM_ERROR_REQUEST},
    {"+1", DOM_ERROR_REQUEST},
    {".5 KiB", DOM_ERROR_REQUEST},
    {"1. KiB", DOM_ERROR_REQUEST},
    {"1.5", DOM_ERROR_REQUEST},
    {"1.5 B", DOM_ERROR_REQUEST},
    {"0.1 KiB", DOM_ERROR_REQUEST},
    {"0.00000000000045474735088646411895751953125 TiB", DOM_ERROR_REQUEST},
    {"0.0000000000009094947017729282379150390626 TiB", DOM_ERROR_REQUEST},
    {"1 GB", DOM_ERROR_REQUEST},
    {"1 gib", DOM_ERROR_REQUEST},
    {"1 KiBB", DOM_ERROR_REQUEST},
    {"1 P", DOM_ERROR_REQUEST},
    {"1e3", DOM_ERROR_REQUEST},
    {"0x10", DOM_ERROR_REQUEST},
    {"1,5 G", DOM_ERROR_REQUEST},
    {"big", DOM_ERROR_REQUEST},
    {"0", DOM_ERROR_LIMIT},
    {"0.0 TiB", DOM_ERROR_LIMIT},
    {"1152921504606846977", DOM_ERROR_LIMIT},
    {"1048576.0000000000009094947017729282379150390625 TiB", DOM_ERROR_LIMIT},
    {"1048577 TiB", DOM_ERROR_LIMIT},
    {"18446744073709551617", DOM_ERROR_LIMIT},
    {"99999999999999999999999999999999999999 K", DOM_ERROR_LIMIT},
};

static void
test_good_sizes(void **state G_GNUC_UNUSED)
{
    for (gsize i = 0; i < G_N_ELEMENTS(good_sizes); i++) {
        g_autoptr(GError) error = NULL;
        guint64 bytes = 0;

        if (!dom_size_parse(good_sizes[i].text, &bytes, &error))
            fail_msg("'%s': %s", good_sizes[i].text, error->message);
        assert_null(error);
        if (bytes != good_sizes[i].bytes)
            fail_msg("'%s' gave %" G_GUINT64_FORMAT, good_sizes[i].text, bytes);
    }
}

static void
test_bad_sizes(void **state G_GNUC_UNUSED)
{
    for (gsize i = 0; i < G_N_ELEMENTS(bad_sizes); i++) {
        g_autoptr(GError) error = NULL;
        guint64 bytes = 42;

        if (dom_size_parse(bad_sizes[i].text, &bytes, &error))
            fail_msg("'%s' is taken", bad_sizes[i].text);
        if (!g_error_matches(error, DOM_ERROR, (int)bad_sizes[i].code))
            fail_msg("'%s': code %d: %s", bad_sizes[i].text, error->code,
                     error->message);
        assert_int_equal(bytes, 42);
    }
}

typedef struct {
    const char *text;
    const char *fsid;
    const char *pool;
    const char *image;
    const char *snap;
} GoodRef;

static const GoodRef good_refs[] = {
    {"0a64", NULL, NULL, "0a64", "snap"},
    {"0a64@v2", NULL, NULL, "0a64", "v2"},
    {"images/0a64", NULL, "images", "0a64", "snap"},
    {"images/0a64@v2", NULL, "images", "0a64", "v2"},
    {"images/tenant/0a64@v2", NULL, "images", "tenant/0a64", "v2"},
    {"rbd://fsid/pool/image/snap", "fsid", "pool", "image", "snap"},
    {"rbd://f%2Fs/p%6fol/im%20age/%73nap", "f/s", "pool", "im age", "snap"},
    {"rbd://f/p/%C3%A9/s", "f", "p", "\xc3\xa9", "s"},
    {"rbd://f/p/a%2Fb/s", "f", "p", "a/b", "s"},
    {"a b/c:d@e%20f", NULL, "a b", "c:d", "e%20f"},
};

static const struct {
    const char *text;
    const char *says;
} bad_refs[] = {
    {"", "the image name is empty"},
    {"/x", "the pool name is empty"},
    {"images/", "the image name is empty"},
    {"images/@snap", "the image name is empty"},
    {"images/x@", "the snapshot name is empty"},
    {"@snap", "the image name is empty"},
    {"a/b/c/d", "has a '/' in it"},
    {"a//c", "the namespace name is empty"},
    {"a/b/", "the image name is empty"},
    {"a/b@c/d", "has a '/' in it"},
    {"a/b@c@d", "has a '@' in it"},
    {"a@b/c", "has a '@' in it"},
    {"a\x01", "has a control character in it"},
    {"a\xff", "is not UTF-8"},
    {"rbd://image", "is not of the form"},
    {"http://path/to/somewhere/else", "is not of the form"},
    {"RBD://fsid/pool/image/snap", "is not of the form"},
    {"rbd://image/extra", "is not of the form"},
    {"rbd://image/", "is not of the form"},
    {"rbd://fsid/pool/image/", "is not of the form"},
    {"rbd://fsid/pool/image/snap/", "is not of the form"},
    {"rbd:////", "is not of the form"},
    {"rbd://///", "is not of the form"},
    {"rbd://", "is not of the form"},
    {"rbd://f/p/a%zz/s", "is not of the form"},
    {"rbd://f/p/a%2/s", "is not of the form"},
    {"rbd://f/p/a%00b/s", "is not of the form"},
    {"rbd://f/p/%00/s", "is not of the form"},
    {"rbd://%2F/%2F/%2F/%2F", "the pool name '/' has a '/' in it"},
    {"rbd://f/p/a%2Fb%2Fc/s", "the image name 'b/c' has a '/' in it"},
    {"rbd://f/p/%2Fb/s", "the namespace name is empty"},
    {"rbd://f/p%2Fa/b/s", "the pool name 'p/a' has a '/' in it"},
    {"rbd://f/p/a/s%40t", "the snapshot name 's@t' has a '@' in it"},
    {"rbd://f/p/%FF/s", "the image name is not UTF-8"},
    {"rbd://f/p/a%0Ab/s", "has a control character in it"},
};

static void
assert_same(const char *a, const char *b)
{
    if (g_strcmp0(a, b) != 0)
        fail_msg("'%s' is not '%s'", a ? a : "(none)", b ? b : "(none)");
}

static void
test_good_refs(void **state G_GNUC_UNUSED)
{
    for (gsize i = 0; i < G_N_ELEMENTS(good_refs); i++) {
        const GoodRef *good = &good_refs[i];
        g_autoptr(GError) error = NULL;
        g_autoptr(DomImageRef) ref = dom_image_ref_parse(good->text, &error);

        if (!ref)
            fail_msg("'%s': %s", good->text, error->message);
        assert_same(ref->fsid, good->fsid);
        assert_same(ref->pool, good->pool);
        assert_same(ref->image, good->image);
        assert_same(ref->snap, good->snap);
    }
}

static void
test_bad_refs(void **state G_GNUC_UNUSED)
{
    for (gsize i = 0; i < G_N_ELEMENTS(bad_refs); i++) {
        g_autoptr(GError) error = NULL;
        g_autoptr(DomImageRef) ref =
            dom_image_ref_parse(bad_refs[i].text, &error);

        if (ref)
            fail_msg("'%s' is taken", bad_refs[i].text);
        assert_true(g_error_matches(error, DOM_ERROR, DOM_ERROR_REQUEST));
        if (!strstr(error->message, bad_refs[i].says))
            fail_msg("'%s': %s", bad_refs[i].text, error->message);
    }
}

/* What is written after the rewrite is read by the same function. */
static void
test_ref_again(void **state G_GNUC_UNUSED)
{
    for (gsize i = 0; i < G_N_ELEMENTS(good_refs); i++) {
        const GoodRef *good = &good_refs[i];
        const char *pool = good->pool ? good->pool : "images";
        g_autofree char *text =
            g_strdup_printf("%s/%s@%s", pool, good->image, good->snap);
        g_autoptr(DomImageRef) ref = dom_image_ref_parse(text, NULL);

        assert_non_null(ref);
        assert_same(ref->fsid, NULL);
        assert_same(ref->pool, pool);
        assert_same(ref->image, good->image);
        assert_same(ref->snap, good->snap);
    }
}

static DomImageRef *
parse_long(const char *format, gsize n, GError **error)
{
    g_autofree char *name = g_strnfill(n, 'n');
    g_auto(GStrv) pieces = g_strsplit(format, "N", -1);
    g_autofree char *text = g_strjoinv(name, pieces);

    return dom_image_ref_parse(text, error);
}

/* One byte more than the limit, in each place of each form. */
static void
test_ref_limits(void **state G_GNUC_UNUSED)
{
    static const char *const forms[] = {
        "N",
        "i@N",
        "N/i",
        "p/N",
        "p/i@N",
        "rbd://N/p/i/s",
        "rbd://f/N/i/s",
        "rbd://f/p/N/s",
        "rbd://f/p/i/N",
    };

    for (gsize i = 0; i < G_N_ELEMENTS(forms); i++) {
        g_autoptr(GError) error = NULL;
        g_autoptr(DomImageRef) at = parse_long(forms[i], DOM_NAME_MAX, &error);
        g_autoptr(DomImageRef) past = NULL;

        if (!at)
            fail_msg("'%s': %s", forms[i], error->message);
        past = parse_long(forms[i], DOM_NAME_MAX + 1, &error);
        assert_null(past);
        assert_true(g_error_matches(error, DOM_ERROR, DOM_ERROR_LIMIT));
    }
}

static void
test_ref_encoded_limit(void **state G_GNUC_UNUSED)
{
    g_autoptr(GString) text = g_string_new("rbd:/");
    g_autoptr(GError) error = NULL;
    g_autoptr(DomImageRef) at = NULL;
    g_autoptr(DomImageRef) past = NULL;

    for (gsize piece = 0; piece < 5; piece++) {
        g_string_append(text, piece == 3 ? "%2F" : "/");
        for (gsize i = 0; i < DOM_NAME_MAX; i++)
            g_string_append(text, "%61");
    }
    at = dom_image_ref_parse(text->str, &error);
    assert_non_null(at);
    assert_int_equal(strlen(at->snap), DOM_NAME_MAX);
    g_string_append(text, "%61");
    past = dom_image_ref_parse(text->str, &error);
    assert_null(past);
    assert_true(g_error_matches(error, DOM_ERROR, DOM_ERROR_LIMIT));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_good_sizes),
        cmocka_unit_test(test_bad_sizes),
        cmocka_unit_test(test_good_refs),
        cmocka_unit_test(test_bad_refs),
        cmocka_unit_test(test_ref_again),
        cmocka_unit_test(test_ref_limits),
        cmocka_unit_test(test_ref_encoded_limit),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
