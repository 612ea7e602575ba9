/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * tests/unit/test-store-instance.c - who of this host is alive, and what was
 * handed over before it died
 */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "agent/rbd/conn/error.h"
#include "agent/rbd/conn/instance.h"
#include "agent/rbd/conn/own-dir.h"

#include <fcntl.h>
#include <glib/gstdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

typedef struct {
    char *dir;
    char *id;
    char *path;
    StoreInstance *own;
} Fixture;

static int
set_up(void **state)
{
    Fixture *f = g_new0(Fixture, 1);

    f->dir = g_dir_make_tmp("remora-instance-XXXXXX", NULL);
    f->own = store_instance_open(f->dir, NULL);
    assert_non_null(f->own);
    f->id = g_strdup(store_instance_id(f->own));
    f->path = g_build_filename(f->dir, "instances", f->id, NULL);
    *state = f;
    return 0;
}

static int
tear_down(void **state)
{
    Fixture *f = *state;
    g_autofree char *sub = g_build_filename(f->dir, "instances", NULL);

    store_instance_close(f->own);
    (void)g_unlink(f->path);
    (void)g_rmdir(sub);
    (void)g_rmdir(f->dir);
    g_free(f->dir);
    g_free(f->id);
    g_free(f->path);
    g_free(f);
    return 0;
}

static StoreInstanceState
look(const Fixture *f, const char *image, int *ret_handed_s)
{
    return store_instance_look(f->dir, f->id, "vms", image, ret_handed_s);
}

/* As the kernel does it: the file's descriptor goes, and nothing else. */
static void
die(const Fixture *f)
{
    int nothing = open("/dev/null", O_RDWR | O_CLOEXEC);
    g_autoptr(GDir) all = g_dir_open("/proc/self/fd", 0, NULL);
    const char *fd;
    bool found = false;

    while ((fd = g_dir_read_name(all))) {
        g_autofree char *link = g_build_filename("/proc/self/fd", fd, NULL);
        g_autofree char *path = g_file_read_link(link, NULL);

        if (g_strcmp0(path, f->path) != 0)
            continue;
        assert_int_not_equal(dup2(nothing, atoi(fd)), -1);
        found = true;
    }
    assert_true(found);
    (void)close(nothing);
}

static void
test_life_and_death(void **state)
{
    Fixture *f = *state;
    int handed;

    assert_int_equal(look(f, "a", &handed), STORE_INSTANCE_LIVE);
    die(f);
    assert_int_equal(look(f, "a", &handed), STORE_INSTANCE_DEAD);
    assert_int_equal(handed, -1);
}

/* A process that is killed lets go of its lock without a word. */
static void
test_killed_process(void **state)
{
    Fixture *f = *state;
    int handed;
    int status;
    pid_t child = fork();

    if (child == 0)
        _exit(pause());
    die(f); /* now only the child keeps the lock */
    assert_int_equal(look(f, "a", &handed), STORE_INSTANCE_LIVE);
    assert_int_equal(kill(child, SIGKILL), 0);
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(look(f, "a", &handed), STORE_INSTANCE_DEAD);
}

static void
test_notes(void **state)
{
    Fixture *f = *state;
    int handed;

    store_instance_note(f->own, "handed", "vms", "a", "owner");
    store_instance_note(f->own, "handed", "vms", "b", "owner");
    store_instance_note(f->own, "dropped", "vms", "b", "owner");
    die(f);
    assert_int_equal(look(f, "a", &handed), STORE_INSTANCE_DEAD);
    assert_in_range(handed, 0, 5);
    assert_int_equal(look(f, "b", &handed), STORE_INSTANCE_DEAD);
    assert_int_equal(handed, -1);
    assert_int_equal(look(f, "c", &handed), STORE_INSTANCE_DEAD);
    assert_int_equal(handed, -1);
}

/* Whether a claim was handed over is not for a later attempt to undo. */
static void
test_attempts(void **state)
{
    Fixture *f = *state;
    int handed;

    store_instance_note(f->own, "takes", "vms", "a", "owner");
    store_instance_note(f->own, "handed", "vms", "a", "owner");
    store_instance_note(f->own, "takes", "vms", "a", "other");
    store_instance_note(f->own, "takes", "vms", "b", "owner");
    store_instance_note(f->own, "handed", "vms", "b c/d%\n", "owner");
    die(f);
    assert_int_equal(look(f, "a", &handed), STORE_INSTANCE_DEAD);
    assert_in_range(handed, 0, 5);
    assert_int_equal(look(f, "b", &handed), STORE_INSTANCE_DEAD);
    assert_int_equal(handed, -1);
    assert_int_equal(look(f, "b c/d%\n", &handed), STORE_INSTANCE_DEAD);
    assert_in_range(handed, 0, 5);
}

/* A long life does not make a long file, and nothing that stands is lost. */
static void
test_long_life(void **state)
{
    Fixture *f = *state;
    GStatBuf info;
    int handed;

    store_instance_note(f->own, "handed", "vms", "first", "owner");
    for (int i = 0; i < 5000; i++) {
        store_instance_note(f->own, "takes", "vms", "a", "owner");
        store_instance_note(f->own, "handed", "vms", "a", "owner");
        store_instance_note(f->own, "dropped", "vms", "a", "owner");
    }
    store_instance_note(f->own, "handed", "vms", "last", "owner");
    assert_int_equal(g_stat(f->path, &info), 0);
    assert_in_range(info.st_size, 1, 100 * 1024);
    die(f);
    assert_int_equal(look(f, "first", &handed), STORE_INSTANCE_DEAD);
    assert_in_range(handed, 0, 60);
    assert_int_equal(look(f, "a", &handed), STORE_INSTANCE_DEAD);
    assert_int_equal(handed, -1);
    assert_int_equal(look(f, "last", &handed), STORE_INSTANCE_DEAD);
    assert_in_range(handed, 0, 60);
}

/* As shortening leaves it when it dies half way: what stands, then the rest
 * of the old notes, cut anywhere. */
static void
test_cut_anywhere(void **state)
{
    const char *old = "takes vms/a o 1\nhanded vms/a o 2\ndropped vms/a o 3\n"
                      "takes vms/b o 4\nhanded vms/b o 5\n";

    (void)state;
    for (const char *rest = old; *rest; rest++) {
        g_autofree char *text = g_strconcat("handed vms/b o 5\n", rest, NULL);
        g_autoptr(GHashTable) notes = store_notes_parse(text);
        const StoreNote *note = store_notes_find(notes, "vms", "b");

        assert_int_equal(g_hash_table_size(notes), 1);
        assert_true(note->handed);
        assert_string_equal(note->owner, "o");
    }
}

/* Whoever dies while it gives a claim up leaves one that nobody uses, and a
 * file that proves its death. */
static void
test_giving_up(void **state)
{
    g_autoptr(GHashTable) notes =
        store_notes_parse("takes vms/a o 1\nhanded vms/a o 2\ndrops vms/a o 3\n"
                          "takes vms/b o 4\ndrops vms/b o 5\n"
                          "dropped vms/b o 6\n"
                          "drops vms/c o 7\ntakes vms/c o 8\n");
    const StoreNote *note = store_notes_find(notes, "vms", "a");

    (void)state;
    assert_int_equal(g_hash_table_size(notes), 2);
    assert_non_null(note);
    assert_false(note->handed);
    assert_true(note->given_up);
    /* Asked for once more: somebody may build under it. */
    assert_false(store_notes_find(notes, "vms", "c")->given_up);

    /* What shortening writes says the same. */
    g_autofree char *text = store_notes_text(notes);
    g_autoptr(GHashTable) again = store_notes_parse(text);
    note = store_notes_find(again, "vms", "a");
    assert_non_null(note);
    assert_true(note->given_up);
}

static bool
is_same(const StoreNote *a, const StoreNote *b)
{
    return a && b ? strcmp(a->owner, b->owner) == 0 &&
                        strcmp(a->image, b->image) == 0 &&
                        g_strcmp0(a->watch, b->watch) == 0 &&
                        a->when_s == b->when_s && a->handed == b->handed &&
                        a->given_up == b->given_up
                  : a == b;
}

/* Of one disk, and of one owner's, stands what the whole text says of them. */
static void
test_parts(void **state)
{
    static const char text[] =
        "takes vms/a one 1\nhanded vms/a one 2\ntakes vms/ab one 2\n"
        "takes vms/a two 3\nwatch vms/a one 4 v2:10.0.0.1:0/7\n"
        "dropped vms/ab one 5\ntakes vms/ab two 6\nhanded vms/ab two 7\n"
        "takes vms/c%20d two 8\ndrops vms/c%20d two 9\nhanded vms/e on";
    static const char *const images[] = {"a", "ab", "c d", "e", "b"};
    static const char *const owners[] = {"one", "two", "on", "three", ""};
    g_autoptr(GHashTable) all = store_notes_parse(text);
    static const guint sizes[] = {2, 3};
    guint standing = 0;

    (void)state;
    for (gsize i = 0; i < G_N_ELEMENTS(images); i++) {
        g_autoptr(GHashTable) notes =
            store_notes_of_disk(text, "vms", images[i]);
        const StoreNote *note = store_notes_find(all, "vms", images[i]);

        standing += note != NULL;
        assert_int_equal(g_hash_table_size(notes), note != NULL);
        assert_true(is_same(store_notes_find(notes, "vms", images[i]), note));
    }
    assert_int_equal(standing, 3);
    for (gsize i = 0; i < G_N_ELEMENTS(owners); i++) {
        g_autoptr(GHashTable) notes = store_notes_of_owner(text, owners[i]);

        assert_int_equal(g_hash_table_size(notes), i < 2 ? sizes[i] : 0);
        for (gsize j = 0; j < G_N_ELEMENTS(images); j++) {
            const StoreNote *note = store_notes_find(all, "vms", images[j]);

            if (note && strcmp(note->owner, owners[i]) == 0)
                assert_true(
                    is_same(store_notes_find(notes, "vms", images[j]), note));
        }
    }
}

static void
test_clean_end(void **state)
{
    Fixture *f = *state;

    store_instance_note(f->own, "takes", "vms", "a", "owner");
    store_instance_note(f->own, "dropped", "vms", "a", "owner");
    store_instance_close(g_steal_pointer(&f->own));
    assert_false(g_file_test(f->path, G_FILE_TEST_EXISTS));
}

static void
test_unclean_end(void **state)
{
    Fixture *f = *state;

    store_instance_note(f->own, "takes", "vms", "a", "owner");
    store_instance_close(g_steal_pointer(&f->own));
    assert_true(g_file_test(f->path, G_FILE_TEST_EXISTS));
}

static void
test_unknown(void **state)
{
    Fixture *f = *state;
    g_autofree char *other = g_uuid_string_random();
    int handed;

    assert_int_equal(store_instance_look(f->dir, other, "vms", "a", &handed),
                     STORE_INSTANCE_UNKNOWN);
    /* What a claim says must never lead outside the directory. */
    assert_int_equal(
        store_instance_look(f->dir, "../instances", "vms", "a", &handed),
        STORE_INSTANCE_UNKNOWN);
    assert_int_equal(store_instance_look(f->dir, "", "vms", "a", &handed),
                     STORE_INSTANCE_UNKNOWN);
}

static void
test_no_directory(void **state)
{
    g_autoptr(GError) error = NULL;

    (void)state;
    assert_null(store_instance_open("/proc/nowhere", &error));
    assert_true(g_error_matches(error, STORE_ERROR, STORE_ERROR_FAILED));
}

static void
remove_all(const char *dir, const char *file)
{
    g_autofree char *path = g_build_filename(dir, file, NULL);

    (void)g_remove(path);
}

static StoreCluster *
cluster_in(const char *dir, const char *name, bool inherits)
{
    const StoreSettings settings = {.name = name,
                                    .user = "remora",
                                    .run_dir = dir,
                                    .state_dir = dir,
                                    .inherits = inherits};

    return store_cluster_new(&settings);
}

static guint
noted_of(StoreCluster *cluster, const char *owner)
{
    g_autoptr(GPtrArray) noted = store_claims_noted(cluster, owner);

    return noted->len;
}

/* Part of a name is no name. */
static void
test_owners(void **state)
{
    Fixture *f = *state;
    g_autoptr(StoreCluster) cluster = cluster_in(f->dir, "ceph", true);

    store_instance_note(f->own, "handed", "vms", "a", "A");
    store_instance_note(f->own, "takes", "vms", "b", "AB");
    store_instance_note(f->own, "takes", "vms", "c", "AB");
    assert_int_equal(noted_of(cluster, NULL), 3);
    assert_int_equal(noted_of(cluster, "A"), 1);
    assert_int_equal(noted_of(cluster, "AB"), 2);
    assert_int_equal(noted_of(cluster, "B"), 0);
    assert_int_equal(noted_of(cluster, "vms"), 0);
}

/* What an agent left that knew one cluster only is the first one's, and stays that
 * one's when clusters are put into another order. */
static void
test_own_dirs(void **state)
{
    Fixture *f = *state;
    g_autoptr(StoreCluster) first = cluster_in(f->dir, "ceph", true);
    g_autoptr(StoreCluster) second = cluster_in(f->dir, "far", false);
    g_autoptr(StoreCluster) again = NULL;

    store_instance_note(f->own, "handed", "vms", "a", "A");
    assert_string_equal(store_own_dir(first), f->dir);
    assert_null(store_own_dir(second));
    assert_int_equal(noted_of(first, NULL), 1);
    assert_int_equal(noted_of(second, NULL), 0);
    store_own_dir_take(first, "1-1");
    store_own_dir_take(second, "2-2");
    assert_string_equal(store_own_dir(first), f->dir);
    assert_true(g_str_has_suffix(store_own_dir(second), "/2-2"));
    assert_int_equal(noted_of(second, NULL), 0);
    /* Now the second comes first. */
    again = cluster_in(f->dir, "far", true);
    assert_null(store_own_dir(again));
    store_own_dir_take(again, "2-2");
    assert_true(g_str_has_suffix(store_own_dir(again), "/2-2"));
    store_own_dir_take(second, "1-1");
    assert_string_equal(store_own_dir(second), f->dir);
    assert_int_equal(noted_of(second, NULL), 1);
    remove_all(f->dir, "fsid");
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_life_and_death, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_killed_process, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_notes, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_owners, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_own_dirs, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_attempts, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_long_life, set_up, tear_down),
        cmocka_unit_test(test_cut_anywhere),
        cmocka_unit_test(test_parts),
        cmocka_unit_test_setup_teardown(test_giving_up, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_clean_end, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_unclean_end, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_unknown, set_up, tear_down),
        cmocka_unit_test(test_no_directory),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
