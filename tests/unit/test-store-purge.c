/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * tests/unit/test-store-purge.c - what may go from the trash, and who removes it
 */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "agent/rbd/image/purge-facts.h"
#include "agent/rbd/image/purge-verdict.h"
#include "agent/rbd/image/task-verdict.h"
#include "agent/rbd/image/task.h"
#include "agent/rbd/image/trash.h"

#include <string.h>

/* ---- may it go? ---------------------------------------------------------------- */

static const struct {
    StorePurgeFacts facts;
    StorePurgeDo what;
} purges[] = {
    {{0}, STORE_PURGE_GO},
    {{.clones = 1}, STORE_PURGE_KEEP_CLONES},
    {{.clones = 2, .snapshots = 1, .watched = true}, STORE_PURGE_KEEP_CLONES},
    {{.clones = 1, .task = true}, STORE_PURGE_KEEP_CLONES},
    {{.snapshots = 3}, STORE_PURGE_KEEP_SNAPSHOTS},
    {{.snapshots = 1, .watched = true, .task = true},
     STORE_PURGE_KEEP_SNAPSHOTS},
    {{.watched = true}, STORE_PURGE_KEEP_WATCHED},
    {{.watched = true, .task = true}, STORE_PURGE_GO},
    {{.task = true}, STORE_PURGE_GO},
};

static void
test_purges(void **state)
{
    (void)state;
    for (gsize i = 0; i < G_N_ELEMENTS(purges); i++)
        if (store_purge_verdict(&purges[i].facts) != purges[i].what)
            fail_msg("case %zu: %d", i,
                     (int)store_purge_verdict(&purges[i].facts));
}

/* An image is not taken for one of its snapshots, nor for one of another place. */
static void
test_keys(void **state)
{
    g_autofree char *image = store_purge_key(7, NULL, "10ab");
    g_autofree char *same = store_purge_key(7, "", "10ab");
    g_autofree char *space = store_purge_key(7, "s", "10ab");
    g_autofree char *snap = store_purge_snap_key(7, "", "10ab", 42);
    g_autofree char *other = store_purge_snap_key(7, "", "10ab", 4);

    (void)state;
    assert_string_equal(image, same);
    assert_string_not_equal(image, space);
    assert_string_not_equal(image, snap);
    assert_string_not_equal(snap, other);
}

static void
test_due(void **state)
{
    static const struct {
        StoreTrashSource source;
        gint64 until;
        bool due;
    } table[] = {
        {STORE_TRASH_USER, 99, true},
        {STORE_TRASH_USER, 100, false},
        {STORE_TRASH_USER, 101, false},
        {STORE_TRASH_USER_PARENT, 99, true},
        {STORE_TRASH_USER_PARENT, 101, false},
        {STORE_TRASH_MIGRATION, 0, false},
        {STORE_TRASH_MIRRORING, 0, false},
        {STORE_TRASH_REMOVING, 0, false},
        {(StoreTrashSource)17, 0, false},
    };

    (void)state;
    for (gsize i = 0; i < G_N_ELEMENTS(table); i++) {
        const StoreTrashed trashed = {.source = table[i].source,
                                      .until = table[i].until};

        if (store_trash_is_due(&trashed, 100) != table[i].due)
            fail_msg("case %zu", i);
    }
}

static void
test_words(void **state)
{
    (void)state;
    assert_string_equal(store_trash_source_word(STORE_TRASH_USER), "user");
    assert_string_equal(store_trash_source_word(STORE_TRASH_USER_PARENT),
                        "user parent");
    assert_string_equal(store_trash_source_word((StoreTrashSource)17), "?");
}

/* ---- who removes it ------------------------------------------------------------ */

static const struct {
    StoreTaskFacts facts;
    StoreTaskDo what;
} tasks[] = {
    {{STORE_MGR_NOT_ASKED, false, false}, STORE_TASK_ASK},
    {{STORE_MGR_NOT_ASKED, true, true}, STORE_TASK_ASK},
    {{STORE_MGR_CANNOT, false, false}, STORE_TASK_HERE},
    {{STORE_MGR_CANNOT, true, false}, STORE_TASK_HERE},
    {{STORE_MGR_NO_TASK, false, false}, STORE_TASK_QUEUE},
    {{STORE_MGR_NO_TASK, false, true}, STORE_TASK_QUEUE},
    {{STORE_MGR_NO_TASK, true, false}, STORE_TASK_LEAVE},
    {{STORE_MGR_TASK, false, false}, STORE_TASK_WAIT},
    {{STORE_MGR_TASK, true, false}, STORE_TASK_WAIT},
    {{STORE_MGR_TASK, true, true}, STORE_TASK_HERE},
    {{STORE_MGR_TASK, false, true}, STORE_TASK_HERE},
};

static void
test_tasks(void **state)
{
    (void)state;
    for (gsize i = 0; i < G_N_ELEMENTS(tasks); i++)
        if (store_task_verdict(&tasks[i].facts) != tasks[i].what)
            fail_msg("case %zu: %d", i,
                     (int)store_task_verdict(&tasks[i].facts));
}

/* As Ceph 16.2 answers: a removal from the trash has no name of the image. */
static void
test_answer(void **state)
{
    static const char json[] =
        "[{\"id\": \"t1\", \"message\": \"Flattening image vms/x\", \"refs\": "
        "{\"action\": \"flatten\", \"image_id\": \"10ab\", \"image_name\": "
        "\"x\", \"pool_name\": \"vms\", \"pool_namespace\": \"\"}, "
        "\"sequence\": 1}, {\"id\": \"t2\", \"in_progress\": true, "
        "\"message\": \"Removing image vms/10ab from trash\", \"progress\": "
        "0.5, \"refs\": {\"action\": \"trash remove\", \"image_id\": \"10ab\", "
        "\"pool_name\": \"vms\", \"pool_namespace\": \"\"}, \"sequence\": 2}]";
    g_auto(StoreTask) flatten = {0};
    g_auto(StoreTask) removal = {0};
    g_auto(StoreTask) none = {0};

    (void)state;
    assert_true(store_task_parse(json, strlen(json), STORE_TASK_FLATTEN, "vms",
                                 "10ab", &flatten));
    assert_string_equal(flatten.id, "t1");
    assert_true(store_task_parse(json, strlen(json), STORE_TASK_TRASH_REMOVE,
                                 "vms", "10ab", &removal));
    assert_string_equal(removal.id, "t2");
    assert_true(removal.at_work);
    assert_true(store_task_parse(json, strlen(json), STORE_TASK_TRASH_REMOVE,
                                 "vms", "10ac", &none));
    assert_null(none.id);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_purges), cmocka_unit_test(test_keys),
        cmocka_unit_test(test_due),    cmocka_unit_test(test_words),
        cmocka_unit_test(test_tasks),  cmocka_unit_test(test_answer),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
