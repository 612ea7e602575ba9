/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * tests/unit/test-cli-parts.c - what the command line says of work and of sums
 */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "agent/cli/digest.h"
#include "agent/cli/progress.h"

#include <string.h>

#define MiB ((guint64)1024 * 1024)
#define S   ((gint64)G_USEC_PER_SEC)

static void
test_progress(void **state)
{
    static const struct {
        guint64 done;
        guint64 total;
        gint64 elapsed_us;
        const char *text;
    } cases[] = {
        {0, 100 * MiB, 0, "0 B of 100 MiB (0 %)"},
        {50 * MiB, 100 * MiB, S / 2, "50 MiB of 100 MiB (50 %)"},
        {50 * MiB, 100 * MiB, S,
         "50 MiB of 100 MiB (50 %), 50 MiB/s, 2 s left"},
        {MiB, 100 * MiB, S, "1 MiB of 100 MiB (1 %), 1 MiB/s, 1 min 40 s left"},
        {MiB, 10000 * MiB, S,
         "1 MiB of 9.8 GiB (0 %), 1 MiB/s, 2 h 46 min left"},
        {100 * MiB, 100 * MiB, 2 * S, "100 MiB of 100 MiB (100 %), 50 MiB/s"},
        {0, 100 * MiB, 9 * S, "0 B of 100 MiB (0 %), 0 B/s"},
        /* Nobody knows how much it will be. */
        {10 * MiB, 0, 2 * S, "10 MiB, 5 MiB/s"},
        {0, 0, 0, "0 B"},
    };

    (void)state;
    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autofree char *text = cmd_progress_text(cases[i].done, cases[i].total,
                                                  cases[i].elapsed_us);

        assert_string_equal(text, cases[i].text);
    }
}

static void
test_no_sums(void **state)
{
    const char *const none[] = {NULL};
    const char *bad = NULL;
    CmdDigest *digest = cmd_digest_new(none, &bad);

    (void)state;
    assert_non_null(digest);
    cmd_digest_add(digest, (const guint8 *)"abc", 3);
    assert_null(cmd_digest_sums(digest)[0]);
    cmd_digest_free(digest);
}

static void
test_sums(void **state)
{
    const char *const names[] = {"md5", "sha1", NULL};
    const char *bad = NULL;
    CmdDigest *digest = cmd_digest_new(names, &bad);
    char **sums;

    (void)state;
    assert_non_null(digest);
    cmd_digest_add(digest, (const guint8 *)"a", 1);
    cmd_digest_add(digest, (const guint8 *)"bc", 2);
    sums = cmd_digest_sums(digest);
    assert_string_equal(sums[0], "900150983cd24fb0d6963f7d28e17f72");
    assert_string_equal(sums[1], "a9993e364706816aba3e25717850c26c9cd0d89d");
    assert_null(sums[2]);
    cmd_digest_free(digest);
}

/* More than waits at most, and zeroes that nobody has in memory. */
static void
test_long(void **state)
{
    const char *const names[] = {"sha256", NULL};
    g_autofree guint8 *block = g_malloc0(20 * MiB + 1);
    g_autofree char *whole = NULL;
    const char *bad = NULL;
    CmdDigest *digest = cmd_digest_new(names, &bad);

    (void)state;
    for (gsize i = 0; i < 12 * MiB; i++)
        block[i] = (guint8)(i * 7 + i / 4096);
    whole = g_compute_checksum_for_data(G_CHECKSUM_SHA256, block, 20 * MiB + 1);
    cmd_digest_add(digest, block, 12 * MiB);
    cmd_digest_add(digest, NULL, 8 * MiB + 1);
    assert_string_equal(cmd_digest_sums(digest)[0], whole);
    cmd_digest_free(digest);
}

static void
test_unknown(void **state)
{
    const char *const names[] = {"md5", "nonsense", NULL};
    const char *const endless[] = {"shake128", NULL};
    const char *bad = NULL;

    (void)state;
    assert_null(cmd_digest_new(names, &bad));
    assert_string_equal(bad, "nonsense");
    assert_null(cmd_digest_new(endless, &bad));
    assert_string_equal(bad, "shake128");
}

static void
test_names(void **state)
{
    static const struct {
        guint len;
        const char *name;
    } cases[] = {
        {32, "md5"},    {40, "sha1"},    {64, "sha256"},
        {96, "sha384"}, {128, "sha512"}, {56, "sha224"},
        {0, NULL},      {31, NULL},      {129, NULL},
    };

    (void)state;
    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autofree char *sum = g_strnfill(cases[i].len, 'F');
        const char *name = cmd_digest_name_of(sum);

        if (cases[i].name)
            assert_string_equal(name, cases[i].name);
        else
            assert_null(name);
    }
    assert_null(cmd_digest_name_of("zz15098cd24fb0d6963f7d28e17f7212"));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_progress), cmocka_unit_test(test_no_sums),
        cmocka_unit_test(test_sums),     cmocka_unit_test(test_long),
        cmocka_unit_test(test_unknown),  cmocka_unit_test(test_names),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
