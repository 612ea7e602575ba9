/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * tests/unit/test-conf-units.c - times and sizes as people write them
 */
#include "config.h"

#include "conf/conf-units.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#define UNTOUCHED 77

static void
assert_time(const char *text, guint64 ms)
{
    guint64 found = UNTOUCHED;

    assert_true(conf_time_parse(text, &found));
    assert_int_equal(found, ms);
}

static void
assert_size(const char *text, guint64 bytes)
{
    guint64 found = UNTOUCHED;

    assert_true(conf_size_parse(text, &found));
    assert_int_equal(found, bytes);
}

static void
test_times(void **state)
{
    (void)state;
    assert_time("0 ms", 0);
    assert_time("500 ms", 500);
    assert_time("5 s", 5000);
    assert_time("5s", 5000);
    assert_time("5   s", 5000);
    assert_time("005 s", 5000);
    assert_time("2 min", 120 * 1000);
    assert_time("3 h", 3 * 3600 * 1000);
    assert_time("7 d", G_GUINT64_CONSTANT(604800000));
    assert_time("18446744073709551615 ms", G_MAXUINT64);
    assert_time("213503982334 d", G_GUINT64_CONSTANT(213503982334) * 86400000);
}

static void
test_sizes(void **state)
{
    (void)state;
    assert_size("0 B", 0);
    assert_size("512 B", 512);
    assert_size("4 KiB", 4096);
    assert_size("4K", 4096);
    assert_size("8 MiB", 8388608);
    assert_size("8 M", 8388608);
    assert_size("2 GiB", G_GUINT64_CONSTANT(2147483648));
    assert_size("2G", G_GUINT64_CONSTANT(2147483648));
    assert_size("1 TiB", G_GUINT64_CONSTANT(1) << 40);
    assert_size("1T", G_GUINT64_CONSTANT(1) << 40);
    assert_size("16777215 TiB", G_GUINT64_CONSTANT(16777215) << 40);
}

/* Both parsers share their grammar; the units are each one's own. */
static void
test_refused(void **state)
{
    static const char *const texts[] = {
        "",
        " ",
        "5",
        "s",
        "B",
        " 5 s",
        "5 s ",
        " 5 B",
        "5 B ",
        "-5 s",
        "+5 s",
        "5.5 s",
        "5,5 s",
        "0x5 s",
        "5 \ts",
        "5 S",
        "5 sec",
        "5 m",
        "5 b",
        "5 kiB",
        "5 MB",
        "5 s 5 s",
        "18446744073709551616 ms", /* one past what fits */
        "18446744073709551616 B",
        "213503982335 d",
        "16777216 TiB",
        "99999999999999999999999999999 s",
    };

    (void)state;
    for (gsize i = 0; i < G_N_ELEMENTS(texts); i++) {
        guint64 value = UNTOUCHED;

        if (conf_time_parse(texts[i], &value))
            fail_msg("taken as a time: '%s'", texts[i]);
        if (conf_size_parse(texts[i], &value))
            fail_msg("taken as a size: '%s'", texts[i]);
        assert_int_equal(value, UNTOUCHED);
    }
}

static void
assert_text(char *found, const char *text)
{
    assert_string_equal(found, text);
    g_free(found);
}

static void
test_format(void **state)
{
    (void)state;
    assert_text(conf_time_format(1), "1 ms");
    assert_text(conf_time_format(1001), "1001 ms");
    assert_text(conf_time_format(60000), "60 s");
    assert_text(conf_time_format(7200000), "2 h");
    assert_text(conf_time_format(604800000), "7 d");
    assert_text(conf_size_format(4095), "4095 B");
    assert_text(conf_size_format(4096), "4 KiB");
    assert_text(conf_size_format(33554432), "32 MiB");
    assert_text(conf_size_format(G_GUINT64_CONSTANT(3) << 40), "3 TiB");
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_times),
        cmocka_unit_test(test_sizes),
        cmocka_unit_test(test_refused),
        cmocka_unit_test(test_format),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
