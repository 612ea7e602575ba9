/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * tests/unit/test-agent-parts.c - the agent's small parts, without a cluster
 */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "agent/access.h"
#include "agent/arrivals.h"
#include "agent/files.h"
#include "agent/host.h"
#include "agent/parallel.h"

#include <glib/gstdio.h>
#include <string.h>
#include <unistd.h>

static guint
count_files(const char *dir)
{
    g_autoptr(GDir) list = g_dir_open(dir, 0, NULL);
    guint n = 0;

    while (list && g_dir_read_name(list))
        n++;
    return n;
}

#define WEB1 "c79257ca-3d12-495b-bb39-58a0b93654cb"
#define WEB2 "719e6c6e-f7c2-497c-9696-51d171f75136"

static void
test_arrivals(void **state)
{
    g_autofree char *top = g_dir_make_tmp("arrivals-XXXXXX", NULL);
    g_autofree char *dir = g_build_filename(top, "arrivals", NULL);
    g_autofree char *first = NULL;
    g_autofree char *second = NULL;
    g_autofree char *other = NULL;

    (void)state;
    assert_false(arrivals_take(dir, WEB1, "0123456789abcdef0123456789abcdef"));
    first = arrivals_note(dir, WEB1, NULL);
    assert_non_null(first);
    assert_false(arrivals_take(dir, WEB2, first));
    assert_false(arrivals_take(dir, WEB1, NULL));
    assert_true(arrivals_take(dir, WEB1, first));
    /* For one use. */
    assert_false(arrivals_take(dir, WEB1, first));

    /* A later arrival of the same domain is the only one. */
    second = arrivals_note(dir, WEB1, NULL);
    other = arrivals_note(dir, WEB2, NULL);
    assert_string_not_equal(first, second);
    assert_false(arrivals_take(dir, WEB1, first));
    g_free(first);
    first = arrivals_note(dir, WEB1, NULL);
    assert_int_equal(count_files(dir), 2);
    assert_false(arrivals_take(dir, WEB1, second));
    assert_true(arrivals_take(dir, WEB1, first));
    assert_true(arrivals_take(dir, WEB2, other));
    assert_int_equal(count_files(dir), 0);

    assert_int_equal(g_rmdir(dir), 0);
    assert_int_equal(g_rmdir(top), 0);
}

/* Domain and number come from a definition. */
static void
test_arrivals_hostile(void **state)
{
    g_autofree char *top = g_dir_make_tmp("arrivals-XXXXXX", NULL);
    g_autofree char *dir = g_build_filename(top, "arrivals", NULL);
    g_autofree char *victim = g_build_filename(top, "victim", NULL);
    g_autofree char *number = arrivals_note(dir, WEB1, NULL);
    g_autofree char *upper = g_ascii_strup(number, -1);
    g_autofree char *longer = g_strconcat(number, "0", NULL);
    const char *const numbers[] = {
        "",
        ".",
        "/../../victim",
        "../victim",
        longer,
        number + 1,
        "................................",
        "g123456789abcdef0123456789abcdef",
    };
    g_autofree char *path = g_strdup_printf("%s/%s.%s", dir, WEB1, number);

    (void)state;
    assert_true(g_file_set_contents(victim, "x", 1, NULL));
    for (gsize i = 0; i < G_N_ELEMENTS(numbers); i++)
        assert_false(arrivals_take(dir, WEB1, numbers[i]));
    if (strcmp(upper, number) != 0)
        assert_false(arrivals_take(dir, WEB1, upper));
    assert_false(arrivals_take(dir, "../victim", number));
    assert_false(arrivals_take(dir, "", number));
    assert_true(g_file_test(victim, G_FILE_TEST_EXISTS));
    assert_true(g_file_test(path, G_FILE_TEST_EXISTS));
    assert_true(arrivals_take(dir, WEB1, number));

    assert_int_equal(g_unlink(victim), 0);
    assert_int_equal(g_rmdir(dir), 0);
    assert_int_equal(g_rmdir(top), 0);
}

/* An offline migration leaves a number that nobody comes with. */
static void
test_arrivals_old(void **state)
{
    static const struct {
        gint64 age_s;
        bool good;
    } cases[] = {{0, true}, {50, true}, {61, false}, {-10, false}};
    g_autofree char *dir = g_dir_make_tmp("arrivals-XXXXXX", NULL);

    (void)state;
    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autofree char *number = arrivals_note(dir, WEB1, NULL);
        g_autofree char *path = g_strdup_printf("%s/%s.%s", dir, WEB1, number);
        g_autofree char *text = g_strdup_printf(
            "%" G_GINT64_FORMAT,
            g_get_monotonic_time() - cases[i].age_s * G_USEC_PER_SEC);

        assert_true(g_file_set_contents(path, text, -1, NULL));
        assert_int_equal(arrivals_take(dir, WEB1, number), cases[i].good);
        /* Good or not, it is gone. */
        assert_false(g_file_test(path, G_FILE_TEST_EXISTS));
    }
    assert_int_equal(g_rmdir(dir), 0);
}

typedef struct {
    const char *dir;
    const char *number;
    gint taken; /* atomic */
} Race;

static void
take_arrival(gpointer item)
{
    Race *race = item;

    if (arrivals_take(race->dir, WEB1, race->number))
        g_atomic_int_inc(&race->taken);
}

/* Of all that come with one number at once, one is an arrival. */
static void
test_arrivals_race(void **state)
{
    g_autofree char *dir = g_dir_make_tmp("arrivals-XXXXXX", NULL);
    g_autoptr(GPtrArray) items = g_ptr_array_new();
    Race race = {.dir = dir};

    (void)state;
    for (int i = 0; i < 8; i++)
        g_ptr_array_add(items, &race);
    for (int i = 0; i < 50; i++) {
        g_autofree char *number = arrivals_note(dir, WEB1, NULL);

        race.number = number;
        race.taken = 0;
        parallel_run(take_arrival, items);
        assert_int_equal(race.taken, 1);
    }
    assert_int_equal(g_rmdir(dir), 0);
}

static void
test_arrivals_unwritable(void **state)
{
    g_autoptr(GError) error = NULL;

    (void)state;
    assert_null(arrivals_note("/dev/null/arrivals", WEB1, &error));
    assert_non_null(error);
}

static void
test_access(void **state)
{
    static const char *const unset[] = {
        "",
        "# access_drivers = [ \"polkit\" ]\n",
        "access_drivers = [ ]",
        "access_drivers = [\n # \"polkit\"\n]\n",
        "  access_drivers=[]\n",
        "access_drivers\n",
        "access_drivers_of = [ \"polkit\" ]",
        "auth_unix_rw = \"polkit\" # access_drivers = [ \"polkit\" ]\n",
    };
    static const char *const set[] = {
        "access_drivers = [ \"polkit\" ]\n",
        "access_drivers=[\"polkit\"]",
        "\taccess_drivers\t=\n[\n# the only one\n\"polkit\"\n]",
        "a = 1\naccess_drivers = []\naccess_drivers = [ 'polkit' ]",
        "access_drivers = \"polkit\"",
        "access_drivers = [",
    };

    (void)state;
    for (gsize i = 0; i < G_N_ELEMENTS(unset); i++)
        if (access_is_set(unset[i]))
            fail_msg("set: %s", unset[i]);
    for (gsize i = 0; i < G_N_ELEMENTS(set); i++)
        if (!access_is_set(set[i]))
            fail_msg("not set: %s", set[i]);
}

#define JOBS 100

static void
square(gpointer item)
{
    gint *number = item;

    g_usleep(1000);
    *number = *number * *number;
}

static void
test_parallel(void **state)
{
    gint numbers[JOBS];
    g_autoptr(GPtrArray) items = g_ptr_array_new();

    (void)state;
    parallel_run(square, items); /* none: nothing happens */
    for (gint i = 0; i < JOBS; i++) {
        numbers[i] = i;
        g_ptr_array_add(items, &numbers[i]);
    }
    parallel_run(square, items);
    for (gint i = 0; i < JOBS; i++)
        assert_int_equal(numbers[i], i * i);
}

/* A file with content, whose name is g_free()d after it was removed. */
static char *
file_of(const char *content, gssize len)
{
    char *path = NULL;
    int fd = g_file_open_tmp("remora-test-XXXXXX", &path, NULL);

    assert_true(fd >= 0);
    (void)close(fd);
    assert_true(g_file_set_contents(path, content, len, NULL));
    return path;
}

static void
test_files(void **state)
{
    g_autofree char *path = file_of("0123456789", -1);
    g_autoptr(GError) error = NULL;
    GString *text = files_read(path, 10, &error);

    (void)state;
    assert_null(error);
    assert_string_equal(text->str, "0123456789");
    g_string_free(text, TRUE);
    assert_null(files_read(path, 9, &error));
    assert_true(g_error_matches(error, G_FILE_ERROR, G_FILE_ERROR_FAILED));
    g_clear_error(&error);
    (void)g_unlink(path);
    assert_null(files_read(path, 10, &error));
    assert_true(g_error_matches(error, G_FILE_ERROR, G_FILE_ERROR_NOENT));
}

/* The secret must have the same UUID on every host of a cluster, today and
 * after an upgrade: these values may never change. */
static void
test_secret_uuid(void **state)
{
    g_autofree char *empty = file_of("", 0);
    g_autofree char *set =
        file_of("clusters = ( { secret_uuid = "
                "\"e21a123a-31f8-425a-86db-7204c33a6161\"; } );",
                -1);
    g_autofree char *guest =
        file_of("clusters = ( { guest_user = \"guest\"; } );", -1);
    const char *fsid = "11111111-2222-3333-4444-555555555555";
    const char *const paths[] = {empty, guest, set};
    char *uuids[3];

    (void)state;
    for (int i = 0; i < 3; i++) {
        Host *host = host_new(paths[i], NULL, NULL, NULL);

        assert_non_null(host);
        uuids[i] = cluster_secret_uuid(host_cluster(host, 0), fsid);
        assert_true(g_uuid_string_is_valid(uuids[i]));
        host_unref(host);
        (void)g_unlink(paths[i]);
    }
    assert_string_equal(uuids[0], "a389366b-a33e-5618-8282-2ff5d30511ca");
    assert_string_equal(uuids[1], "c3da0357-3b94-5cd2-bb7a-5c5540ca9259");
    assert_string_equal(uuids[2], "e21a123a-31f8-425a-86db-7204c33a6161");
    for (int i = 0; i < 3; i++)
        g_free(uuids[i]);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_access),
        cmocka_unit_test(test_arrivals),
        cmocka_unit_test(test_arrivals_hostile),
        cmocka_unit_test(test_arrivals_old),
        cmocka_unit_test(test_arrivals_race),
        cmocka_unit_test(test_arrivals_unwritable),
        cmocka_unit_test(test_parallel),
        cmocka_unit_test(test_files),
        cmocka_unit_test(test_secret_uuid),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
