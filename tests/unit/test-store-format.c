/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * tests/unit/test-store-format.c - every format that is told from raw
 */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "agent/rbd/store.h"

#include <string.h>

static void
assert_format(gsize offset, const char *bytes, gsize len, const char *expected)
{
    guint8 head[512] = {0};

    memcpy(head + offset, bytes, len);
    assert_string_equal(store_format_sniff(head, sizeof(head)), expected);
    assert_string_equal(store_format_sniff(head, offset + len), expected);
    /* One byte too few to be sure is taken for raw. */
    assert_null(store_format_sniff(head, offset + len - 1));
    head[offset] ^= 0x20;
    assert_null(store_format_sniff(head, sizeof(head)));
}

static void
test_signatures(void **state)
{
    (void)state;
    assert_format(0, "QFI\xfb", 4, "qcow2");
    assert_format(0, "QED\0", 4, "qed");
    assert_format(0, "KDMV", 4, "vmdk");
    assert_format(0, "COWD", 4, "vmdk");
    assert_format(0, "# Disk DescriptorFile", 21, "vmdk");
    assert_format(0x40, "\x7f\x10\xda\xbe", 4, "vdi");
    assert_format(0, "vhdxfile", 8, "vhdx");
    assert_format(0, "conectix", 8, "vhd");
    assert_format(0, "WithoutFreeSpace", 16, "parallels");
    assert_format(0, "WithouFreSpacExt", 16, "parallels");
}

static void
test_luks(void **state)
{
    static const guint8 one[] = "LUKS\xba\xbe\0\1";
    static const guint8 two[] = "LUKS\xba\xbe\0\2";
    static const guint8 three[] = "LUKS\xba\xbe\0\3";
    static const guint8 other[] = "LUKS\xba\xbf\0\1";

    (void)state;
    assert_int_equal(store_format_luks(one, 8), 1);
    assert_int_equal(store_format_luks(two, 8), 2);
    assert_int_equal(store_format_luks(three, 8), 0);
    assert_int_equal(store_format_luks(other, 8), 0);
    assert_int_equal(store_format_luks(two, 7), 0);
    assert_int_equal(store_format_luks(two, 0), 0);
}

static void
test_raw(void **state)
{
    guint8 boot[512] = {0xfa, 0x31, 0xc0};

    (void)state;
    boot[510] = 0x55;
    boot[511] = 0xaa;
    assert_null(store_format_sniff(boot, sizeof(boot)));
    assert_null(store_format_sniff(boot, 0));
    assert_null(store_format_sniff((const guint8 *)"LUKS\xba\xbe", 6));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_signatures),
        cmocka_unit_test(test_luks),
        cmocka_unit_test(test_raw),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
