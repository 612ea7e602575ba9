/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * tests/unit/test-hook-policy.c - the table of operations, row by row, and
 * held to the man page
 */
#include "config.h"

#include "hooks/qemu/policy.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define MANUAL "hooks/qemu/remora-qemu-hook.pod"

static void
assert_row(const char *operation,
           const char *suboperation,
           unsigned ask,
           unsigned tell,
           bool filter,
           bool may_refuse)
{
    const struct hook_policy *row = hook_policy_find(operation, suboperation);

    assert_non_null(row->operation);
    assert_string_equal(row->operation, operation);
    assert_string_equal(row->suboperation, suboperation);
    assert_int_equal(row->ask, ask);
    assert_int_equal(row->tell, tell);
    assert_int_equal(row->filter, filter);
    assert_int_equal(row->may_refuse, may_refuse);
}

static void
assert_unknown(const char *operation, const char *suboperation)
{
    const struct hook_policy *row = hook_policy_find(operation, suboperation);

    assert_null(row->operation);
    assert_int_equal(row->ask, HOOK_NO_OP);
    assert_int_equal(row->tell, HOOK_NO_OP);
    assert_false(row->filter);
    assert_false(row->may_refuse);
}

static void
test_rows(void **state)
{
    size_t rows = 0;

    (void)state;
    assert_row("prepare", "begin", WIRE_PREPARE, 0, false, true);
    assert_row("migrate", "begin", WIRE_MIGRATE, 0, true, true);
    assert_row("restore", "begin", WIRE_RESTORE, 0, true, true);
    assert_row("start", "begin", 0, 0, false, false);
    assert_row("started", "begin", 0, WIRE_STARTED, false, false);
    assert_row("stopped", "end", 0, WIRE_STOPPED, false, false);
    assert_row("release", "end", 0, WIRE_RELEASE, false, false);
    assert_row("reconnect", "begin", 0, 0, false, false);
    assert_row("attach", "begin", 0, 0, false, false);
    while (hook_policies[rows].operation)
        rows++;
    assert_int_equal(rows, 9);
}

static void
test_unknown(void **state)
{
    (void)state;
    assert_unknown("", "");
    assert_unknown("prepare", "");
    assert_unknown("prepare", "end");
    assert_unknown("", "begin");
    assert_unknown("Prepare", "begin");
    assert_unknown("prepare ", "begin");
    assert_unknown("prepar", "begin");
    assert_unknown("stopped", "begin");
    assert_unknown("started", "end");
    assert_unknown("begin", "prepare");
    assert_unknown("snapshot", "begin");
}

/* Only who waits for an answer can refuse or filter, and nobody does both. */
static void
test_sense(void **state)
{
    (void)state;
    for (const struct hook_policy *row = hook_policies; row->operation; row++) {
        assert_int_equal(row->may_refuse, row->ask != HOOK_NO_OP);
        assert_true(!row->filter || row->ask != HOOK_NO_OP);
        assert_true(row->ask == HOOK_NO_OP || row->tell == HOOK_NO_OP);
        assert_ptr_equal(hook_policy_find(row->operation, row->suboperation),
                         row);
    }
}

static char *
read_manual(void)
{
    char path[1024];
    const char *srcdir = getenv("srcdir");
    char *text = calloc(1, 65536);
    FILE *file;

    snprintf(path, sizeof(path), "%s/" MANUAL, srcdir ? srcdir : ".");
    file = fopen(path, "re");
    if (!file)
        fail_msg("cannot open %s", path);
    assert_non_null(text);
    assert_in_range(fread(text, 1, 65535, file), 1, 65534);
    fclose(file);
    return text;
}

/* The section's items are the table's rows, in both directions. */
static void
test_manual(void **state)
{
    char *text = read_manual();
    char *at = strstr(text, "\n=head1 OPERATIONS\n");
    char operation[64], suboperation[64];
    size_t items = 0, rows = 0;

    (void)state;
    assert_non_null(at);
    at += strlen("\n=head1 ");
    *strstr(at, "\n=head1 ") = '\0';
    for (char *item = at; (item = strstr(item, "\n=item ")); items++) {
        item += strlen("\n=item ");
        assert_int_equal(
            sscanf(item, "B<%63[a-z] %63[a-z]>", operation, suboperation), 2);
        if (!hook_policy_find(operation, suboperation)->operation)
            fail_msg("%s knows '%s %s', and the table does not", MANUAL,
                     operation, suboperation);
    }
    for (const struct hook_policy *row = hook_policies; row->operation; row++) {
        char item[160];

        snprintf(item, sizeof(item), "\n=item B<%s %s>\n", row->operation,
                 row->suboperation);
        if (!strstr(at, item))
            fail_msg("%s says nothing about '%s %s'", MANUAL, row->operation,
                     row->suboperation);
        rows++;
    }
    assert_int_equal(items, rows);
    free(text);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rows),
        cmocka_unit_test(test_unknown),
        cmocka_unit_test(test_sense),
        cmocka_unit_test(test_manual),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
