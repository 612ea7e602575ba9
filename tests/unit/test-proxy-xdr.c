/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * tests/unit/test-proxy-xdr.c - numbers, strings, and their ends
 */
#include "config.h"

#include "hooks/proxy/xdr.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

static void
test_numbers(void **state)
{
    static const uint8_t bytes[] = {0x12, 0x34, 0x56, 0x78, 0xff, 0xff, 0xff};
    struct proxy_xdr xdr;

    (void)state;
    proxy_xdr_begin(&xdr, bytes, sizeof(bytes));
    assert_int_equal(proxy_xdr_u32(&xdr), 0x12345678);
    assert_true(proxy_xdr_good(&xdr));
    assert_int_equal(proxy_xdr_u32(&xdr), 0);
    assert_false(proxy_xdr_good(&xdr));
    /* What was wrong stays wrong. */
    proxy_xdr_skip(&xdr, 0);
    assert_false(proxy_xdr_good(&xdr));
}

static void
test_text(void **state)
{
    (void)state;
    for (size_t len = 0; len <= 9; len++) {
        size_t size = proxy_xdr_size(len);
        uint8_t *bytes = malloc(size);
        struct proxy_xdr xdr;
        struct proxy_text text;

        assert_int_equal(size % 4, 0);
        assert_ptr_equal(proxy_xdr_write(bytes, "abcdefghi", len),
                         bytes + size);
        proxy_xdr_begin(&xdr, bytes, size);
        text = proxy_xdr_text(&xdr);
        assert_true(proxy_xdr_good(&xdr));
        assert_int_equal(xdr.at, size);
        assert_int_equal(text.len, len);
        assert_memory_equal(bytes + text.at, "abcdefghi", len);
        /* Cut short anywhere, padding included, it is none. */
        for (size_t end = 0; end < size; end++) {
            proxy_xdr_begin(&xdr, bytes, end);
            text = proxy_xdr_text(&xdr);
            assert_false(proxy_xdr_good(&xdr));
            assert_int_equal(text.len, 0);
        }
        free(bytes);
    }
}

/* Lengths that lie, up to those that would wrap round. */
static void
test_lies(void **state)
{
    static const uint32_t lies[] = {
        5,          8,          PROXY_XDR_STRING_MAX, PROXY_XDR_STRING_MAX + 1,
        0x7fffffff, 0xfffffffc, 0xffffffff,
    };
    uint8_t bytes[8] = {0};
    struct proxy_xdr xdr;

    (void)state;
    for (size_t i = 0; i < sizeof(lies) / sizeof(lies[0]); i++) {
        proxy_xdr_put(bytes, lies[i]);
        proxy_xdr_begin(&xdr, bytes, sizeof(bytes));
        assert_int_equal(proxy_xdr_text(&xdr).len, 0);
        assert_false(proxy_xdr_good(&xdr));
    }
}

static void
test_limit(void **state)
{
    size_t len = PROXY_XDR_STRING_MAX;
    uint8_t *bytes = calloc(1, len + 8);
    struct proxy_xdr xdr;

    (void)state;
    proxy_xdr_put(bytes, (uint32_t)len);
    proxy_xdr_begin(&xdr, bytes, len + 8);
    assert_int_equal(proxy_xdr_text(&xdr).len, len);
    proxy_xdr_put(bytes, (uint32_t)len + 1);
    proxy_xdr_begin(&xdr, bytes, len + 8);
    (void)proxy_xdr_text(&xdr);
    assert_false(proxy_xdr_good(&xdr));
    free(bytes);
}

static void
test_optional(void **state)
{
    static const uint8_t none[] = {0, 0, 0, 0};
    static const uint8_t some[] = {0, 0, 0, 9, 0, 0, 0, 1, 'a', 1, 2, 3};
    struct proxy_text text = {1, 1};
    struct proxy_xdr xdr;

    (void)state;
    proxy_xdr_begin(&xdr, none, sizeof(none));
    assert_false(proxy_xdr_optional(&xdr, &text));
    assert_true(proxy_xdr_good(&xdr));
    assert_int_equal(text.len, 0);
    /* Any number but 0, and any padding, are good to libvirt. */
    proxy_xdr_begin(&xdr, some, sizeof(some));
    assert_true(proxy_xdr_optional(&xdr, &text));
    assert_int_equal(text.at, 8);
    assert_int_equal(text.len, 1);
    proxy_xdr_begin(&xdr, some, sizeof(some) - 1);
    assert_false(proxy_xdr_optional(&xdr, &text));
    assert_false(proxy_xdr_good(&xdr));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_numbers),  cmocka_unit_test(test_text),
        cmocka_unit_test(test_lies),     cmocka_unit_test(test_limit),
        cmocka_unit_test(test_optional),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
