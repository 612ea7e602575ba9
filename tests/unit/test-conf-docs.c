/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * tests/unit/test-conf-docs.c - the man page and the sample, held to the
 * table of keys
 *
 * REMORA_REGENERATE=1 writes the sample file anew.
 */
#include "config.h"

#include "conf/conf-keys.h"
#include "tests/unit/conf-help.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#define SAMPLE "conf/remora.conf.sample"
#define MANUAL "conf/remora.conf.pod"

/* What the man page calls every key, with its default. */
static GHashTable *
table_keys(void)
{
    GHashTable *keys =
        g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);

    for (const ConfKey *key = conf_keys; key->path; key++)
        g_hash_table_insert(keys, g_strdup(key->path), (gpointer)key->preset);
    for (const ConfKey *key = conf_cluster_keys; key->path; key++)
        g_hash_table_insert(keys, g_strconcat("clusters[].", key->path, NULL),
                            (gpointer)key->preset);
    return keys;
}

/* Every key in the table has been taken out of it. */
static void
assert_none_left(GHashTable *keys, const char *where)
{
    GHashTableIter iter;
    gpointer name;

    g_hash_table_iter_init(&iter, keys);
    if (g_hash_table_iter_next(&iter, &name, NULL))
        fail_msg("%s says nothing about '%s'", where, (char *)name);
}

/* The lines of one section, without its head. */
static char **
section(const char *text, const char *title)
{
    g_autofree char *head = g_strdup_printf("\n=head1 %s\n", title);
    const char *begin = strstr(text, head);
    const char *end;
    g_autofree char *body = NULL;

    if (!begin)
        fail_msg("%s has no section '%s'", MANUAL, title);
    begin += strlen(head);
    end = strstr(begin, "\n=head1 ");
    body = g_strndup(begin, end ? (gsize)(end - begin) : strlen(begin));
    return g_strsplit(body, "\n", -1);
}

static void
test_manual_keys(void **state)
{
    g_autofree char *text = help_source(MANUAL);
    g_auto(GStrv) lines = section(text, "KEYS");
    g_autoptr(GHashTable) keys = table_keys();
    g_autoptr(GRegex) regex =
        g_regex_new("^=item B<(.*?)> = C<(.*)>$", 0, 0, NULL);

    (void)state;
    for (guint i = 0; lines[i]; i++) {
        g_autoptr(GMatchInfo) match = NULL;
        g_autofree char *name = NULL;
        g_autofree char *preset = NULL;
        const char *expected;

        if (!g_str_has_prefix(lines[i], "=item"))
            continue;
        if (!g_regex_match(regex, lines[i], 0, &match))
            fail_msg("not of the form B<key> = C<default>: %s", lines[i]);
        name = g_match_info_fetch(match, 1);
        preset = g_match_info_fetch(match, 2);
        expected = g_hash_table_lookup(keys, name);
        if (!expected)
            fail_msg("'%s' is no key, or is described twice", name);
        if (!g_str_equal(preset, expected))
            fail_msg("'%s' is %s, not %s", name, expected, preset);
        g_hash_table_remove(keys, name);
    }
    assert_none_left(keys, "the section KEYS");
}

static void
test_manual_names(void **state)
{
    g_autofree char *text = help_source(MANUAL);
    g_auto(GStrv) lines = section(text, "NAMES IN OPENSTACK");
    g_autoptr(GHashTable) keys = table_keys();

    (void)state;
    for (guint i = 0; lines[i]; i++) {
        g_autofree char *name =
            g_strndup(lines[i], 1 + strcspn(lines[i] + !!*lines[i], " "));
        const char *rest;

        /* A row begins behind one blank; its continuation further right. */
        if (lines[i][0] != ' ' || lines[i][1] == ' ' || lines[i][1] == '-' ||
            g_str_has_prefix(lines[i], " remora.conf "))
            continue;
        rest = lines[i] + strlen(name);
        while (*rest == ' ')
            rest++;
        if (!*rest)
            fail_msg("'%s' is mapped to nothing, not even '-'", name + 1);
        if (!g_hash_table_remove(keys, name + 1))
            fail_msg("'%s' is no key, or has two rows", name + 1);
    }
    assert_none_left(keys, "the section NAMES IN OPENSTACK");
}

static void
test_manual_examples(void **state)
{
    g_autofree char *text = help_source(MANUAL);
    g_auto(GStrv) lines = section(text, "EXAMPLES");
    g_autoptr(GString) example = g_string_new(NULL);
    g_autoptr(Conf) conf = NULL;
    const ConfCluster *cluster;

    (void)state;
    for (guint i = 0; lines[i]; i++) {
        if (lines[i][0] == ' ')
            g_string_append_printf(example, "%s\n", lines[i]);
    }
    conf = help_load(example->str);
    cluster = g_ptr_array_index(conf->clusters, 0);
    assert_string_equal(cluster->guest_user, "remora-guest");
    assert_string_equal(cluster->image_pools[1], "iso");
    cluster = g_ptr_array_index(conf->clusters, 1);
    assert_string_equal(cluster->image_pools[0], "glance");
    assert_string_equal(cluster->discard, "ignore");
}

/* The message that the man page shows is the one that is given. */
static void
test_manual_message(void **state)
{
    static const char shown[] =
        " /etc/remora/remora.conf:12: 'hook.deadline': found \"90 s\", "
        "expected a\n time from 1 s to 60 s such as \"30 s\"\n";
    g_autofree char *text = help_source(MANUAL);
    g_autofree char *message = NULL;
    static const char bad[] = "\n\n\n\n\n\n\n\n\n\n\nhook={deadline=\"90 s\";}";
    int code;

    (void)state;
    assert_non_null(strstr(text, shown));
    message = help_refused(bad, strlen(bad), &code);
    assert_string_equal(message,
                        "12: 'hook.deadline': found \"90 s\", expected a "
                        "time from 1 s to 60 s such as \"30 s\"");
}

static void
test_sample_is_current(void **state)
{
    g_autofree char *sample = conf_sample();
    g_autofree char *file = NULL;

    (void)state;
    if (g_getenv("REMORA_REGENERATE")) {
        g_autofree char *path =
            g_build_filename(g_getenv("srcdir"), SAMPLE, NULL);
        g_autoptr(GError) error = NULL;

        g_file_set_contents(path, sample, -1, &error);
        g_assert_no_error(error);
    }
    file = help_source(SAMPLE);
    assert_string_equal(file, sample);
}

static void
test_sample_parses(void **state)
{
    g_autofree char *file = help_source(SAMPLE);
    g_autoptr(Conf) defaults = conf_load(NULL, NULL);
    g_autoptr(Conf) conf = help_load(file);
    g_autoptr(GRegex) regex =
        g_regex_new("^( *)#(?=\\w)", G_REGEX_MULTILINE, 0, NULL);
    g_autofree char *bare = NULL;
    g_autoptr(Conf) uncommented = NULL;
    g_auto(GStrv) lines = NULL;
    guint n = 0;

    (void)state;
    help_assert_equal(conf, defaults);
    bare = g_regex_replace(regex, file, -1, 0, "\\1", 0, NULL);
    uncommented = help_load(bare);
    help_assert_equal(uncommented, defaults);
    /* One '#' was taken away for each key but 'clusters'. */
    lines = g_regex_split(regex, file, 0);
    n = (g_strv_length(lines) - 1) / 2;
    assert_int_equal(n, 22 + 7);
}

static void
test_sample_width(void **state)
{
    g_autofree char *sample = conf_sample();
    g_auto(GStrv) lines = g_strsplit(sample, "\n", -1);

    (void)state;
    for (guint i = 0; lines[i]; i++) {
        if (!g_str_has_prefix(g_strchug(lines[i]), "# Takes") &&
            strlen(lines[i]) > 80)
            fail_msg("longer than 80 columns: %s", lines[i]);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_manual_keys),
        cmocka_unit_test(test_manual_names),
        cmocka_unit_test(test_manual_examples),
        cmocka_unit_test(test_manual_message),
        cmocka_unit_test(test_sample_is_current),
        cmocka_unit_test(test_sample_parses),
        cmocka_unit_test(test_sample_width),
    };

    return cmocka_run_group_tests(tests, NULL, help_clean);
}
