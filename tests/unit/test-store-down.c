/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * tests/unit/test-store-down.c - what one process tells the next of a cluster
 * that does not answer
 *
 * The cluster is a port on the loopback that takes connections and says
 * nothing, as monitors that hang.
 */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "agent/rbd/conn/down.h"
#include "agent/rbd/conn/error.h"
#include "agent/rbd/conn/probe.h"
#include "agent/rbd/conn/warm.h"

#include <arpa/inet.h>
#include <glib/gstdio.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define WAIT_MS 200

typedef struct {
    char *dir;
    char *conf;
    char *note;
    int fd;
    StoreCluster *cluster;
} Fixture;

static int
listen_silently(guint *ret_port)
{
    struct sockaddr_in address = {.sin_family = AF_INET};
    socklen_t len = sizeof(address);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    assert_true(fd >= 0);
    assert_int_equal(bind(fd, (struct sockaddr *)&address, len), 0);
    assert_int_equal(listen(fd, 8), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&address, &len), 0);
    *ret_port = ntohs(address.sin_port);
    return fd;
}

static StoreCluster *
cluster_new(const Fixture *f)
{
    static const char *const pools[] = {"vms", NULL};
    const StoreSettings settings = {
        .name = "a/b",
        .conf = f->conf,
        .user = "remora",
        .connect_timeout_ms = 3000,
        .op_timeout_ms = 1000,
        .run_dir = f->dir,
        .probe_pools = pools,
    };

    return store_cluster_new(&settings);
}

static int
set_up(void **state)
{
    Fixture *f = g_new0(Fixture, 1);
    g_autofree char *text = NULL;
    guint port;

    f->dir = g_dir_make_tmp("remora-down-XXXXXX", NULL);
    f->conf = g_build_filename(f->dir, "ceph.conf", NULL);
    f->note = g_build_filename(f->dir, "down.a%2Fb", NULL);
    f->fd = listen_silently(&port);
    text = g_strdup_printf("[global]\nmon_host = v2:127.0.0.1:%u\n"
                           "auth_client_required = none\n",
                           port);
    assert_true(g_file_set_contents(f->conf, text, -1, NULL));
    f->cluster = cluster_new(f);
    *state = f;
    return 0;
}

static int
tear_down(void **state)
{
    Fixture *f = *state;

    store_cluster_unref(f->cluster);
    (void)close(f->fd);
    (void)g_unlink(f->note);
    (void)g_unlink(f->conf);
    (void)g_rmdir(f->dir);
    g_free(f->dir);
    g_free(f->conf);
    g_free(f->note);
    g_free(f);
    return 0;
}

static gint64
boot_seconds(void)
{
    struct timespec now;

    assert_int_equal(clock_gettime(CLOCK_BOOTTIME, &now), 0);
    return (gint64)now.tv_sec;
}

static void
write_note(const Fixture *f, gint64 when_s)
{
    g_autofree char *text = g_strdup_printf("%" G_GINT64_FORMAT "\n", when_s);

    assert_true(g_file_set_contents(f->note, text, -1, NULL));
}

static void
expect_not_down(const Fixture *f)
{
    guint seconds;

    assert_false(store_cluster_recall_down(f->cluster, WAIT_MS));
    assert_false(store_cluster_is_down(f->cluster, &seconds));
}

static void
test_no_note(void **state)
{
    expect_not_down(*state);
}

/* Nobody waits for more than it was said, and calls are refused at once. */
static void
test_note(void **state)
{
    const Fixture *f = *state;
    g_autoptr(GError) error = NULL;
    gint64 start = g_get_monotonic_time();
    guint seconds = 0;

    store_cluster_note_down(f->cluster);
    assert_true(store_cluster_recall_down(f->cluster, WAIT_MS));
    assert_true(store_cluster_is_down(f->cluster, &seconds));
    assert_false(store_cluster_connect(f->cluster, &error));
    assert_true(g_error_matches(error, STORE_ERROR, STORE_ERROR_DOWN));
    assert_non_null(strstr(error->message, "cluster 'a/b' has not answered"));
    assert_true(g_get_monotonic_time() - start < 2500 * 1000);
    /* It is there for the next one. */
    assert_true(g_file_test(f->note, G_FILE_TEST_EXISTS));
}

static void
test_age(void **state)
{
    const Fixture *f = *state;
    guint seconds = 0;

    gint64 age = MIN(40, boot_seconds());

    write_note(f, boot_seconds() - age);
    assert_true(store_cluster_recall_down(f->cluster, 1));
    assert_true(store_cluster_is_down(f->cluster, &seconds));
    assert_in_range(seconds, age, 59);
}

/* A message that says which cluster it is about does not say it again. */
static void
test_named_once(void **state)
{
    static const struct {
        const char *cluster;
        const char *text;
        const char *named;
    } cases[] = {
        {"far", "cluster 'far' has not answered for 3 s: see 'ceph -s'",
         "cluster 'far' has not answered for 3 s: see 'ceph -s'"},
        {"far", "no image 'x' in pool 'images' of cluster 'far'",
         "no image 'x' in pool 'images' of cluster 'far'"},
        {"far", "cannot open image 'images/x': in use",
         "cluster 'far': cannot open image 'images/x': in use"},
        {"far", "cluster 'farther' has no pool 'x'",
         "cluster 'far': cluster 'farther' has no pool 'x'"},
        {"far", "cluster 'far': cannot read", "cluster 'far': cannot read"},
    };

    (void)state;
    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autoptr(GError) error = NULL;

        store_refuse(&error, STORE_ERROR_DOWN, "%s", cases[i].text);
        store_error_from(&error, cases[i].cluster);
        assert_string_equal(error->message, cases[i].named);
        assert_true(
            g_error_matches(error, STORE_ERROR, STORE_ERROR_OTHER_DOWN));
    }
}

/* What is old, of another boot, or no time at all, says nothing, and goes. */
static void
test_stale_notes(void **state)
{
    const Fixture *f = *state;

    write_note(f, boot_seconds() + 100);
    expect_not_down(f);
    assert_false(g_file_test(f->note, G_FILE_TEST_EXISTS));
    if (boot_seconds() > 61) {
        write_note(f, boot_seconds() - 61);
        expect_not_down(f);
    }
    assert_true(g_file_set_contents(f->note, "", -1, NULL));
    expect_not_down(f);
    assert_true(g_file_set_contents(f->note, "yesterday\n", -1, NULL));
    expect_not_down(f);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_no_note),
        TEST(test_note),
        TEST(test_age),
        TEST(test_stale_notes),
        cmocka_unit_test(test_named_once),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
