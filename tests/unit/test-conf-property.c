/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * tests/unit/test-conf-property.c - any configuration survives its own dump
 *
 * The files are random but good. The seed is printed; REMORA_TEST_SEED in the
 * environment runs one again.
 */
#include "config.h"

#include "conf/conf-keys.h"
#include "tests/unit/conf-help.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define ROUNDS 500

static GRand *dice;

/* 0 to n - 1 */
static guint
roll(guint n)
{
    return (guint)g_rand_int_range(dice, 0, (gint32)n);
}

static void
add(GString *out, const char *text)
{
    g_string_append(out, text);
}

/* Letters that a string may hold, and such as need an escape in the file. */
static void
add_letters(GString *out, guint max)
{
    static const char *const letters[] = {
        "a", "Z", "0", ".", "-", "_", " ", ",",  "'", "#",    ";",   "=",
        "{", "}", "(", "*", "$", "%", "ä", "日", "🐟", "\\\"", "\\\\"};

    for (guint i = roll(max) + 1; i > 0; i--)
        add(out, letters[roll(G_N_ELEMENTS(letters))]);
}

static void
add_string(GString *out, const char *head)
{
    add(out, "\"");
    add(out, head);
    add_letters(out, 20);
    add(out, "\"");
}

/* The number keeps the pools of one configuration apart, whatever letters and
 * digits follow. */
static void
add_pool(GString *out, const char *head, guint n)
{
    g_autofree char *unique = g_strdup_printf("%s%u-", head, n);

    add_string(out, unique);
}

static void
add_pools(GString *out, const char *head, guint least)
{
    guint n = least + roll(roll(4) ? 4 : CONF_POOLS_MAX - least + 1);
    gboolean array = roll(2) == 0;

    add(out, array ? "[" : "(");
    for (guint i = 0; i < n; i++) {
        add(out, i == 0 ? "" : ",");
        add_pool(out, head, i);
    }
    add(out, array ? "]" : ")");
}

static void
add_time(GString *out, const ConfKey *key, guint64 unit_ms)
{
    guint64 value = (guint64)g_rand_double_range(dice, (double)key->min,
                                                 (double)key->max + 1);

    value = CLAMP(value, key->min, key->max) * unit_ms;
    if (value % 60000 == 0 && roll(2))
        g_string_append_printf(out, "\"%" G_GUINT64_FORMAT "min\"",
                               value / 60000);
    else
        g_string_append_printf(out, "\"%" G_GUINT64_FORMAT " ms\"", value);
}

static void
add_features(GString *out)
{
    static const char *const sets[] = {
        "[]",
        "[\"layering\"]",
        "(\"exclusive-lock\",\"layering\",\"journaling\")",
        "[\"fast-diff\",\"object-map\",\"exclusive-lock\",\"layering\"]",
        "[\"deep-flatten\",\"layering\"]",
    };

    add(out, sets[roll(G_N_ELEMENTS(sets))]);
}

static void
add_cachemodes(GString *out)
{
    static const char *const modes[] = {
        "",
        "network=none",
        "network=default",
        "block=none",
        "file=unsafe,network=writethrough",
        "mount=default , network=directsync",
    };

    g_string_append_printf(out, "\"%s\"", modes[roll(G_N_ELEMENTS(modes))]);
}

/* The counter keeps the clusters of one configuration apart. */
static void
add_name(GString *out)
{
    static guint counter;

    g_string_append_printf(out, "\"C-%u.x_%u\"", ++counter, roll(1000));
}

static void
add_uuid(GString *out)
{
    g_autofree char *lower = g_uuid_string_random();
    g_autofree char *upper = g_ascii_strup(lower, -1);

    g_string_append_printf(out, "\"%s\"", roll(2) ? lower : upper);
}

static void
add_value(GString *out, const ConfKey *key)
{
    if (key->none && roll(4) == 0) {
        g_string_append_printf(out, "\"%s\"", key->none);
        return;
    }
    switch (key->type) {
    case CONF_TYPE_BOOL:
        add(out, roll(2) ? "true" : "FALSE");
        return;
    case CONF_TYPE_COUNT:
        g_string_append_printf(out, "%u", roll((guint)key->max + 1));
        return;
    case CONF_TYPE_TIME_MS:
        add_time(out, key, 1);
        return;
    case CONF_TYPE_TIME_S:
        add_time(out, key, 1000);
        return;
    case CONF_TYPE_SIZE:
        g_string_append_printf(out, "\"%uB\"", 4096u << roll(14));
        return;
    case CONF_TYPE_WORD:
        g_string_append_printf(
            out, "\"%s\"",
            key->words[roll(g_strv_length((char **)key->words))]);
        return;
    case CONF_TYPE_NAME:
        add_name(out);
        return;
    case CONF_TYPE_PATH:
        add_string(out, "/");
        return;
    case CONF_TYPE_USER:
        add_string(out, "");
        return;
    case CONF_TYPE_UUID:
        add_uuid(out);
        return;
    case CONF_TYPE_POOL:
        add_pool(out, "v", 0);
        return;
    case CONF_TYPE_CACHEMODES:
        add_cachemodes(out);
        return;
    case CONF_TYPE_POOLS:
        add_pools(out, g_str_equal(key->path, "pools.images") ? "i" : "o",
                  (guint)key->min);
        return;
    case CONF_TYPE_FEATURES:
        add_features(out);
        return;
    case CONF_TYPE_CLUSTERS:
        break;
    }
    fail_msg("no values for '%s'", key->path);
}

static void
add_clusters(GString *out)
{
    guint n = 1 + roll(roll(4) ? 3 : CONF_CLUSTERS_MAX);

    add(out, "clusters=(");
    for (guint i = 0; i < n; i++) {
        gboolean guest = roll(2) == 0;

        g_string_append_printf(out, "%s{conf=\"/c/%u\";", i ? "," : "", i);
        if (roll(2) == 0)
            add(out, "disk={bus=\"scsi\";discard=\"\";};");
        if (roll(2) == 0)
            add(out,
                "clone={features=[\"layering\"];max_depth=0;flatten=true;};");
        for (const ConfKey *key = conf_cluster_keys; key->path; key++) {
            gboolean of_guest = g_str_has_prefix(key->path, "guest");

            /* A keyring needs its user; names, files and secrets differ. */
            if ((of_guest && !guest) ||
                (key->type == CONF_TYPE_UUID && i > 0) ||
                g_str_equal(key->path, "conf"))
                continue;
            if (!of_guest && key->type != CONF_TYPE_NAME && roll(3) == 0)
                continue;
            add(out, key->path);
            add(out, "=");
            if (of_guest && key->type == CONF_TYPE_USER)
                add_string(out, "g");
            else
                add_value(out, key);
            add(out, ";\n");
        }
        add(out, "}");
    }
    add(out, ");\n");
}

/* A group's keys stand together in the table, so that one brace opens it. */
static char *
random_file(void)
{
    GString *out = g_string_new(NULL);
    g_autofree char *open = g_strdup("");

    for (const ConfKey *key = conf_keys; key->path; key++) {
        const char *dot = strchr(key->path, '.');
        g_autofree char *group =
            g_strndup(key->path, dot ? (gsize)(dot - key->path) : 0);

        if (!g_str_equal(group, open)) {
            add(out, *open ? "}\n" : "");
            g_string_append_printf(out, *group ? "%s={\n" : "%s", group);
            g_free(open);
            open = g_strdup(group);
        }
        if (roll(3) == 0)
            continue;
        if (key->type == CONF_TYPE_CLUSTERS) {
            add_clusters(out);
            continue;
        }
        g_string_append_printf(out, "%s=", dot ? dot + 1 : key->path);
        add_value(out, key);
        add(out, ";\n");
    }
    add(out, *open ? "}\n" : "");
    return g_string_free(out, FALSE);
}

static void
test_round_trip(void **state)
{
    (void)state;
    for (guint i = 0; i < ROUNDS; i++) {
        g_autofree char *text = random_file();
        g_autoptr(Conf) conf = help_load(text);
        g_autofree char *dump = conf_dump(conf);
        g_autoptr(Conf) again = help_load(dump);
        g_autofree char *second = conf_dump(again);

        help_assert_equal(again, conf);
        assert_string_equal(second, dump);
    }
}

/* Bytes of a good file dropped, doubled or changed: taken or refused with one
 * line, and what is taken round-trips. */
static void
test_damaged(void **state)
{
    (void)state;
    for (guint i = 0; i < ROUNDS; i++) {
        g_autofree char *text = random_file();
        g_autoptr(GString) damaged = g_string_new(text);
        g_autoptr(GError) error = NULL;
        g_autoptr(Conf) conf = NULL;
        gsize at = roll((guint)damaged->len);

        if (roll(2))
            damaged->str[at] = (char)roll(256);
        else
            g_string_erase(damaged, (gssize)at,
                           (gssize)roll((guint)(damaged->len - at)) + 1);
        conf = conf_load(help_file(damaged->str, damaged->len), &error);
        assert_true((conf == NULL) == (error != NULL));
        if (error) {
            assert_null(strpbrk(error->message, "\n\r\t"));
        } else {
            g_autofree char *dump = conf_dump(conf);
            g_autoptr(Conf) again = help_load(dump);

            help_assert_equal(again, conf);
        }
    }
}

static int
setup(void **state)
{
    const char *given = g_getenv("REMORA_TEST_SEED");
    guint32 seed =
        given ? (guint32)g_ascii_strtoull(given, NULL, 10) : g_random_int();

    (void)state;
    printf("# REMORA_TEST_SEED=%u\n", seed);
    fflush(stdout);
    dice = g_rand_new_with_seed(seed);
    return 0;
}

static int
teardown(void **state)
{
    g_rand_free(dice);
    return help_clean(state);
}

/* libconfig's scanner forgets the string that it was reading when the text
 * ends inside one; the file is read once in a process's life, and nothing of
 * ours can free it. */
const char *__lsan_default_suppressions(void);

const char *
__lsan_default_suppressions(void)
{
    return "leak:strbuf_append\nleak:libconfig_yylex\n";
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_round_trip),
        cmocka_unit_test(test_damaged),
    };

    return cmocka_run_group_tests(tests, setup, teardown);
}
