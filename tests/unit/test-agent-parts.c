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
#include "agent/process.h"

#include <glib/gstdio.h>
#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define LONG_NAME 1000

/* As a process that is no more left it, so many seconds ago. */
static void
make_old(const char *dir, gint64 seconds)
{
    g_autoptr(GDir) list = g_dir_open(dir, 0, NULL);
    const char *name = g_dir_read_name(list);
    g_autofree char *path = g_build_filename(dir, name, NULL);
    g_autofree char *text = g_strdup_printf(
        "%" G_GINT64_FORMAT, g_get_monotonic_time() - seconds * G_USEC_PER_SEC);

    assert_null(g_dir_read_name(list));
    assert_true(g_file_set_contents(path, text, -1, NULL));
}

static guint
count_files(const char *dir)
{
    g_autoptr(GDir) list = g_dir_open(dir, 0, NULL);
    guint n = 0;

    while (list && g_dir_read_name(list))
        n++;
    return n;
}

static void
test_arrivals(void **state)
{
    g_autofree char *top = g_dir_make_tmp("arrivals-XXXXXX", NULL);
    g_autofree char *dir = g_build_filename(top, "arrivals", NULL);
    g_autofree char *name = g_strnfill(LONG_NAME, '/');

    (void)state;
    assert_false(arrivals_take(dir, "web1"));
    assert_true(arrivals_note(dir, "web1", NULL));
    assert_false(arrivals_take(dir, "web2"));
    assert_true(arrivals_take(dir, "web1"));
    /* For one use. */
    assert_false(arrivals_take(dir, "web1"));

    assert_true(arrivals_note(dir, name, NULL));
    assert_true(arrivals_take(dir, name));

    assert_true(arrivals_note(dir, "web1", NULL));
    make_old(dir, 9);
    assert_true(arrivals_take(dir, "web1"));
    assert_true(arrivals_note(dir, "web1", NULL));
    make_old(dir, 11);
    assert_false(arrivals_take(dir, "web1"));
    assert_int_equal(count_files(dir), 0);

    /* What nobody came for does not stay. */
    assert_true(arrivals_note(dir, "web1", NULL));
    make_old(dir, 11);
    assert_true(arrivals_note(dir, "web2", NULL));
    assert_int_equal(count_files(dir), 1);
    assert_true(arrivals_take(dir, "web2"));
    /* The clock of another boot may be ahead. */
    assert_true(arrivals_note(dir, "web1", NULL));
    make_old(dir, -11);
    assert_false(arrivals_take(dir, "web1"));

    assert_int_equal(g_rmdir(dir), 0);
    assert_int_equal(g_rmdir(top), 0);
}

static void
test_arrivals_unwritable(void **state)
{
    g_autoptr(GError) error = NULL;

    (void)state;
    assert_false(arrivals_note("/dev/null/arrivals", "web1", &error));
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

static void *
stay(void *unused)
{
    for (;;)
        (void)pause();
    return unused;
}

/* A child whose first thread ends at once, and another one stays if wanted. */
static pid_t
headless_child(bool with_thread)
{
    pid_t pid = fork();
    pthread_t thread;

    assert_true(pid >= 0);
    if (pid > 0)
        return pid;
    if (!with_thread)
        _exit(0);
    if (pthread_create(&thread, NULL, stay, NULL) != 0)
        _exit(1);
    pthread_exit(NULL);
}

static void
wait_for_zombie(pid_t pid)
{
    g_autofree char *path = g_strdup_printf("/proc/%d/stat", (int)pid);
    g_autofree char *text = NULL;

    for (int i = 0; i < 1000; i++) {
        g_clear_pointer(&text, g_free);
        assert_true(g_file_get_contents(path, &text, NULL, NULL));
        if (strstr(text, ") Z "))
            return;
        g_usleep(10000);
    }
    fail_msg("the child does not become a zombie: %s", text);
}

static void
test_process(void **state)
{
    guint64 start = 0;
    guint64 again = 0;
    pid_t pid = headless_child(true);

    (void)state;
    assert_true(process_start(getpid(), &start));
    assert_true(process_start(getpid(), &again));
    assert_true(start > 0 && start == again);

    wait_for_zombie(pid);
    assert_true(process_start(pid, &start));
    assert_true(start > 0); /* its other thread runs */
    assert_int_equal(kill(pid, SIGKILL), 0);
    assert_int_equal(waitpid(pid, NULL, 0), pid);
    assert_true(process_start(pid, &start));
    assert_true(start == 0);

    pid = headless_child(false);
    wait_for_zombie(pid);
    assert_true(process_start(pid, &start));
    assert_true(start == 0);
    assert_int_equal(waitpid(pid, NULL, 0), pid);
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
        uuids[i] = host_secret_uuid(host, fsid);
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
        cmocka_unit_test(test_arrivals_unwritable),
        cmocka_unit_test(test_parallel),
        cmocka_unit_test(test_process),
        cmocka_unit_test(test_files),
        cmocka_unit_test(test_secret_uuid),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
