/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * tests/unit/test-disk-flatten.c - which disk is flattened, and by whom
 *
 * The named cases stand in a table. What must hold whatever the facts are is said
 * once more, and asked of every combination of facts.
 */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <rbd/librbd.h>
#include <string.h>

#include "agent/rbd/disk/flatten-cancel.h"
#include "agent/rbd/disk/flatten-verdict.h"
#include "agent/rbd/image/depth.h"
#include "agent/rbd/image/flattening.h"
#include "agent/rbd/image/map.h"
#include "agent/rbd/image/task.h"

/* ---- which ---------------------------------------------------------------------------- */

static const struct {
    guint of_parent;
    guint max;
    bool all;
    bool flattened;
} depths[] = {
    {0, 5, false, false}, /* a clone of an image without a parent */
    {4, 5, false, false}, /* the fifth of a chain */
    {5, 5, false, true},  /* the sixth */
    {6, 5, false, true},  /* and what is deeper already */
    {STORE_DEPTH_MAX, 16, false, true},
    {0, 0, false, true}, /* no disk keeps a parent */
    {0, 1, false, false},
    {1, 1, false, true},
    {0, 5, true, true}, /* each is flattened */
    {9, 5, true, true},
};

static void
test_depth(void **state)
{
    (void)state;
    for (gsize i = 0; i < G_N_ELEMENTS(depths); i++) {
        const StoreSettings own = {.clone_max_depth = depths[i].max,
                                   .clone_flatten = depths[i].all};

        if (store_depth_is_too_much(&own, depths[i].of_parent) !=
            depths[i].flattened)
            fail_msg("a clone of depth %u of %u, all: %d", depths[i].of_parent,
                     depths[i].max, depths[i].all);
    }
}

/* ---- by whom ---------------------------------------------------------------------------- */

static const char *const words[] = {
    [STORE_FLATTEN_DONE] = "done",     [STORE_FLATTEN_NOTHING] = "nothing",
    [STORE_FLATTEN_ASK] = "ask",       [STORE_FLATTEN_QUEUE] = "queue",
    [STORE_FLATTEN_WAIT] = "wait",     [STORE_FLATTEN_HERE] = "here",
    [STORE_FLATTEN_LEAVE] = "leave",   [STORE_FLATTEN_MAP_OFF] = "map off",
    [STORE_FLATTEN_MAP_ON] = "map on",
};

#define WANTED .wanted = true, .has_parent = true

static const struct {
    const char *name;
    StoreFlattenDo what;
    StoreFlattenFacts facts;
} cases[] = {
    {"one without a mark", STORE_FLATTEN_NOTHING, {.has_parent = true}},
    {"one without a parent", STORE_FLATTEN_DONE, {.wanted = true}},
    {"at first", STORE_FLATTEN_ASK, {WANTED}},
    {"the manager does not know it",
     STORE_FLATTEN_QUEUE,
     {WANTED, .mgr = STORE_MGR_NO_TASK}},
    {"it was given it by who died",
     STORE_FLATTEN_WAIT,
     {WANTED, .mgr = STORE_MGR_TASK}},
    {"it is at it",
     STORE_FLATTEN_WAIT,
     {WANTED, .mgr = STORE_MGR_TASK, .queued = true}},
    {"it does not get on",
     STORE_FLATTEN_HERE,
     {WANTED, .mgr = STORE_MGR_TASK, .queued = true, .still = true}},
    {"it has no queue, or does not answer",
     STORE_FLATTEN_HERE,
     {WANTED, .mgr = STORE_MGR_CANNOT}},
    {"it stopped to answer",
     STORE_FLATTEN_HERE,
     {WANTED, .mgr = STORE_MGR_CANNOT, .queued = true}},
    {"somebody cancelled its task",
     STORE_FLATTEN_LEAVE,
     {WANTED, .mgr = STORE_MGR_NO_TASK, .queued = true}},
    {"its task has ended",
     STORE_FLATTEN_DONE,
     {.wanted = true, .mgr = STORE_MGR_NO_TASK, .queued = true}},
    {"and has not closed it",
     STORE_FLATTEN_WAIT,
     {.wanted = true,
      .mgr = STORE_MGR_NO_TASK,
      .queued = true,
      .lingers = true}},
    {"another host is at it", STORE_FLATTEN_WAIT, {WANTED, .others = true}},
    {"and this one was told to",
     STORE_FLATTEN_WAIT,
     {WANTED, .others = true, .here = true}},
    {"this one was told to", STORE_FLATTEN_HERE, {WANTED, .here = true}},
    {"or had begun",
     STORE_FLATTEN_HERE,
     {WANTED, .here = true, .mgr = STORE_MGR_TASK}},
    {"without a lock the manager is asked, too",
     STORE_FLATTEN_ASK,
     {WANTED, .lockless = true, .here = true}},
    {"but is not given it",
     STORE_FLATTEN_HERE,
     {WANTED, .lockless = true, .mgr = STORE_MGR_NO_TASK}},
    {"nor when it cannot",
     STORE_FLATTEN_HERE,
     {WANTED, .lockless = true, .mgr = STORE_MGR_CANNOT}},
    {"somebody else gave it to it",
     STORE_FLATTEN_WAIT,
     {WANTED, .lockless = true, .mgr = STORE_MGR_TASK}},
    {"and it hangs",
     STORE_FLATTEN_WAIT,
     {WANTED, .lockless = true, .mgr = STORE_MGR_TASK, .still = true}},
    {"or does not answer any more",
     STORE_FLATTEN_WAIT,
     {WANTED, .lockless = true, .mgr = STORE_MGR_CANNOT, .mgr_named = true}},
    {"it was told to stop, and has not closed it",
     STORE_FLATTEN_WAIT,
     {WANTED, .lockless = true, .mgr = STORE_MGR_NO_TASK, .mgr_named = true,
      .mgr_watches = true}},
    {"and has",
     STORE_FLATTEN_HERE,
     {WANTED, .lockless = true, .mgr = STORE_MGR_NO_TASK, .mgr_named = true}},
    {"with an object map the manager is asked first",
     STORE_FLATTEN_ASK,
     {WANTED, .mapped = true}},
    {"the map is off before the manager gets it",
     STORE_FLATTEN_MAP_OFF,
     {WANTED, .mapped = true, .mgr = STORE_MGR_NO_TASK}},
    {"and before it is done here",
     STORE_FLATTEN_MAP_OFF,
     {WANTED, .mapped = true, .here = true}},
    {"somebody else gave it to the manager",
     STORE_FLATTEN_MAP_OFF,
     {WANTED, .mapped = true, .mgr = STORE_MGR_TASK}},
    {"the map is off",
     STORE_FLATTEN_QUEUE,
     {WANTED, .map_off = true, .mgr = STORE_MGR_NO_TASK}},
    {"another host turns it off",
     STORE_FLATTEN_WAIT,
     {WANTED, .mapped = true, .others = true}},
    {"it has no parent any more",
     STORE_FLATTEN_MAP_ON,
     {.wanted = true, .map_off = true}},
    {"whoever flattened it",
     STORE_FLATTEN_MAP_ON,
     {.map_off = true, .mapped = true}},
    {"another host turns it on",
     STORE_FLATTEN_WAIT,
     {.wanted = true, .map_off = true, .others = true}},
};

static void
test_cases(void **state)
{
    (void)state;
    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
        StoreFlattenDo what = store_flatten_verdict(&cases[i].facts);

        if (what != cases[i].what)
            fail_msg("%s: %s, not %s", cases[i].name, words[what],
                     words[cases[i].what]);
    }
}

static void
check(const StoreFlattenFacts *facts)
{
    StoreFlattenDo what = store_flatten_verdict(facts);
    bool works = what == STORE_FLATTEN_HERE || what == STORE_FLATTEN_QUEUE;

    assert_true((what == STORE_FLATTEN_DONE) ==
                (!facts->has_parent && !facts->lingers && !facts->map_off));
    /* Nobody begins with an object map, nor beside another one. */
    assert_false(works && facts->mapped);
    if (what == STORE_FLATTEN_MAP_OFF)
        assert_true(facts->has_parent && facts->wanted && !facts->others);
    if (what == STORE_FLATTEN_MAP_ON)
        assert_true(!facts->has_parent && !facts->others);
    /* Nothing is done that nobody wants, or that another is at. */
    assert_false(works && (!facts->wanted || facts->others));
    /* One that is to be done does not end but by being done, or by somebody's
     * hand. */
    if (facts->wanted && facts->has_parent)
        assert_true(what != STORE_FLATTEN_NOTHING &&
                    (what != STORE_FLATTEN_LEAVE ||
                     (facts->queued && facts->mgr == STORE_MGR_NO_TASK)));
    /* Without a lock there is never a second one beside the manager. */
    if (facts->lockless)
        assert_false(what == STORE_FLATTEN_QUEUE ||
                     (what == STORE_FLATTEN_HERE &&
                      (facts->mgr == STORE_MGR_TASK || facts->mgr_watches)));
    /* With one, a manager that hangs is not waited for. */
    if (what == STORE_FLATTEN_WAIT && !facts->lockless)
        assert_true(facts->others || !facts->has_parent ||
                    (facts->mgr == STORE_MGR_TASK && !facts->still));
}

static void
test_all(void **state)
{
    (void)state;
    for (guint bits = 0; bits < 4096; bits++)
        for (int mgr = STORE_MGR_NOT_ASKED; mgr <= STORE_MGR_TASK; mgr++) {
            const StoreFlattenFacts facts = {
                .wanted = bits & 1,
                .has_parent = bits & 2,
                .here = bits & 4,
                .others = bits & 8,
                .queued = bits & 16,
                .still = bits & 32,
                .lingers = bits & 64,
                .lockless = bits & 128,
                .mgr_watches = bits & 256,
                .mgr_named = bits & (256 | 512),
                .mapped = bits & 1024,
                .map_off = bits & 2048,
                .mgr = (StoreMgrSays)mgr,
            };

            check(&facts);
        }
}

/* ---- the mark --------------------------------------------------------------------------- */

static void
test_mark(void **state)
{
    const StoreFlattenMark nobody = {.wanted = true};
    const StoreFlattenMark here = {true, (char *)"10.0.0.1:0/7", (char *)"i-1",
                                   NULL, NULL};
    /* It took over from a manager that hangs. */
    const StoreFlattenMark both = {true, (char *)"10.0.0.1:0/7", (char *)"i-1",
                                   (char *)"10.0.0.2:0/9", NULL};
    g_autofree char *wanted = store_flatten_mark_new("10ab", &nobody);
    g_autofree char *one = store_flatten_mark_new("10ab", &here);
    g_autofree char *two = store_flatten_mark_new("10ab", &both);
    g_auto(StoreFlattenMark) mark = {0};

    (void)state;
    store_flatten_mark_parse(wanted, "10ab", &mark);
    assert_true(mark.wanted);
    assert_null(mark.by);
    assert_null(mark.instance);
    assert_false(store_flatten_mark_names(&mark, "10.0.0.1:0/7"));
    store_flatten_mark_clear(&mark);
    store_flatten_mark_parse(one, "10ab", &mark);
    assert_true(mark.wanted);
    assert_string_equal(mark.by, "10.0.0.1:0/7");
    assert_string_equal(mark.instance, "i-1");
    store_flatten_mark_clear(&mark);
    store_flatten_mark_parse(two, "10ab", &mark);
    assert_true(store_flatten_mark_names(&mark, "10.0.0.1:0/7"));
    assert_true(store_flatten_mark_names(&mark, "10.0.0.2:0/9"));
    assert_false(store_flatten_mark_names(&mark, "10.0.0.2:0/99"));
    assert_string_equal(mark.instance, "i-1");
    store_flatten_mark_clear(&mark);
    /* A clone of it has inherited it. */
    store_flatten_mark_parse(two, "10ac", &mark);
    assert_false(mark.wanted);
    assert_null(mark.by);
    assert_string_equal(mark.text, two);
    store_flatten_mark_clear(&mark);
    store_flatten_mark_parse("", "10ab", &mark);
    assert_false(mark.wanted);
    store_flatten_mark_clear(&mark);
    store_flatten_mark_parse("by=10.0.0.2:0/9", "", &mark);
    assert_null(mark.by);
}

static void
check_drop(const StoreFlattenMark *mark, const char *left)
{
    g_auto(GStrv) all = g_strsplit("a b c b", " ", -1);

    store_flatten_mark_filter(mark, all);
    g_autofree char *text = g_strjoinv(" ", all);
    assert_string_equal(text, left);
}

/* Whoever else has it open is left. */
static void
test_drop(void **state)
{
    const StoreFlattenMark nobody = {.wanted = true};
    const StoreFlattenMark one = {.wanted = true, .mgr = (char *)"b"};
    const StoreFlattenMark both = {
        .wanted = true, .by = (char *)"c", .mgr = (char *)"a"};
    const StoreFlattenMark other = {.wanted = true, .by = (char *)"d"};
    char *none[] = {NULL};

    (void)state;
    check_drop(&nobody, "a b c b");
    check_drop(&one, "a c");
    check_drop(&both, "b b");
    check_drop(&other, "a b c b");
    store_flatten_mark_filter(&both, none);
    assert_null(none[0]);
}

static void
test_goes_on(void **state)
{
    static const struct {
        const char *what;
        bool goes_on;
        StoreFlattenFacts facts;
    } table[] = {
        {"it has a task",
         true,
         {.wanted = true, .has_parent = true, .mgr = STORE_MGR_TASK}},
        {"it was given one",
         true,
         {.wanted = true,
          .has_parent = true,
          .mgr = STORE_MGR_NOT_ASKED,
          .queued = true}},
        {"the task that it was given is gone",
         false,
         {.wanted = true,
          .has_parent = true,
          .mgr = STORE_MGR_NO_TASK,
          .queued = true}},
        {"it was asked nothing", false, {.wanted = true, .has_parent = true}},
        {"it does not answer",
         false,
         {.wanted = true,
          .has_parent = true,
          .mgr = STORE_MGR_CANNOT,
          .queued = true}},
        {"it is done here",
         false,
         {.wanted = true,
          .has_parent = true,
          .here = true,
          .mgr = STORE_MGR_TASK}},
        {"it is done", false, {.wanted = true, .mgr = STORE_MGR_TASK}},
    };

    (void)state;
    for (gsize i = 0; i < G_N_ELEMENTS(table); i++)
        if (store_flatten_goes_on(&table[i].facts) != table[i].goes_on)
            fail_msg("%s", table[i].what);
}

/* A task that was cancelled is asked for anew, and nobody goes on meanwhile. */
static void
test_cancelled(void **state)
{
    StoreFlattenFacts facts = {WANTED, .mapped = true, .mgr = STORE_MGR_TASK,
                               .queued = true};

    (void)state;
    assert_true(store_flatten_goes_on(&facts));
    store_flatten_cancelled(&facts);
    assert_false(store_flatten_goes_on(&facts));
    assert_int_equal(store_flatten_verdict(&facts), STORE_FLATTEN_ASK);
    facts.mgr = STORE_MGR_NO_TASK;
    facts.mapped = false;
    assert_int_equal(store_flatten_verdict(&facts), STORE_FLATTEN_QUEUE);
}

/* ---- told to leave off --------------------------------------------------------------------- */

static void
test_cancel(void **state)
{
    static const struct {
        const char *what;
        int r;
        bool task;
        bool open;
        StoreCancel cancel;
    } table[] = {
        {"it has none", 0, false, false, STORE_CANCEL_NONE},
        {"it had one", 0, true, false, STORE_CANCEL_AGAIN},
        {"and has not closed it", 0, false, true, STORE_CANCEL_AGAIN},
        {"it has no queue", -EINVAL, false, false, STORE_CANCEL_NONE},
        {"but somebody is at it", -EINVAL, false, true, STORE_CANCEL_AGAIN},
        {"this user may not ask", -EACCES, false, false, STORE_CANCEL_BARRED},
        {"nor cancel one", -EPERM, true, false, STORE_CANCEL_BARRED},
        {"it does not answer", -ETIMEDOUT, false, false, STORE_CANCEL_UNKNOWN},
        {"nor does it then", -ETIMEDOUT, true, false, STORE_CANCEL_UNKNOWN},
        {"we are cut off", -ESHUTDOWN, false, false, STORE_CANCEL_UNKNOWN},
    };

    (void)state;
    for (gsize i = 0; i < G_N_ELEMENTS(table); i++)
        if (store_flatten_cancel_verdict(table[i].r, table[i].task,
                                         table[i].open) != table[i].cancel)
            fail_msg("%s", table[i].what);
}

/* ---- the object map ----------------------------------------------------------------------- */

static void
test_map(void **state)
{
    static const guint64 both = RBD_FEATURE_OBJECT_MAP | RBD_FEATURE_FAST_DIFF;
    g_autofree char *two = store_map_note_new("10ab", both);
    g_autofree char *one = store_map_note_new("10ab", RBD_FEATURE_OBJECT_MAP);
    /* Nothing else is on record, for nothing else is turned off. */
    g_autofree char *none = store_map_note_new("10ab", RBD_FEATURE_JOURNALING);

    (void)state;
    assert_string_equal(two, "id=10ab features=object-map,fast-diff");
    assert_true(store_map_note_parse(two, "10ab") == both);
    assert_true(store_map_note_parse(one, "10ab") == RBD_FEATURE_OBJECT_MAP);
    assert_true(store_map_note_parse(none, "10ab") == 0);
    /* A clone of it has inherited it. */
    assert_true(store_map_note_parse(two, "10ac") == 0);
    assert_true(store_map_note_parse("", "") == 0);
    assert_true(store_map_note_parse("features=fast-diff", "") == 0);
    assert_true(store_map_note_parse("id=1 features=journaling,fast-diff",
                                     "1") == RBD_FEATURE_FAST_DIFF);
}

/* ---- what the manager says ---------------------------------------------------------------- */

#define REFS(ACTION, POOL, SPACE, ID)                                          \
    "\"refs\": {\"action\": \"" ACTION "\", \"image_id\": \"" ID               \
    "\", \"image_name\": \"x\", \"pool_name\": \"" POOL                        \
    "\", \"pool_namespace\": \"" SPACE "\"}"
#define TASK(ID, REST, REFS)                                                   \
    "{\"id\": \"" ID "\", \"sequence\": 2, " REST REFS "}"
#define WORKS(PROGRESS) "\"in_progress\": true, \"progress\": " PROGRESS ", "

static const struct {
    const char *json;
    const char *id;
    bool at_work;
    bool bad;
} answers[] = {
    {"[]\n", NULL, false, false},
    {"[" TASK("t1", "", REFS("flatten", "vms", "", "10ab")) "]", "t1", false,
     false},
    {"[" TASK("t1", WORKS("0.0"), REFS("flatten", "vms", "", "10ab")) "]", "t1",
     false, false},
    {"[" TASK("t1", WORKS("0.25"), REFS("flatten", "vms", "", "10ab")) "]",
     "t1", true, false},
    {"[" TASK("t1", WORKS("0.5"), REFS("flatten", "vms", "", "10ac")) "," //
     TASK("t2", "", REFS("flatten", "vms", "", "10ab")) "]",
     "t2", false, false},
    {"[" TASK("t1", WORKS("0.5"), REFS("remove", "vms", "", "10ab")) "]", NULL,
     false, false},
    {"[" TASK("t1", WORKS("0.5"), REFS("flatten", "volumes", "", "10ab")) "]",
     NULL, false, false},
    {"[" TASK("t1", WORKS("0.5"), REFS("flatten", "vms", "ns", "10ab")) "]",
     NULL, false, false},
    {"[1, null, {}, {\"refs\": 7}]", NULL, false, false},
    {"{}", NULL, false, true},
    {"", NULL, false, true},
    {"[", NULL, false, true},
};

static void
test_tasks(void **state)
{
    (void)state;
    for (gsize i = 0; i < G_N_ELEMENTS(answers); i++) {
        g_auto(StoreTask) task = {0};
        const char *json = answers[i].json;
        bool good = store_task_parse(json, strlen(json), STORE_TASK_FLATTEN,
                                     "vms", "10ab", &task);

        if (good == answers[i].bad || task.at_work != answers[i].at_work ||
            g_strcmp0(task.id, answers[i].id) != 0)
            fail_msg("'%s': task %s", json, task.id ? task.id : "none");
    }
}

static char *
queue_of(const char *json)
{
    g_auto(StoreTask) task = {0};

    assert_true(store_task_parse(json, strlen(json), STORE_TASK_FLATTEN, "vms",
                                 "10ab", &task));
    return g_steal_pointer(&task.queue);
}

/* Any task that moves, comes or goes shows that the queue does not stand still. */
static void
test_queue(void **state)
{
    g_autofree char *none = queue_of("[]");
    g_autofree char *first = queue_of("[{\"id\": \"a\"}, {\"id\": \"b\"}]");
    g_autofree char *again = queue_of("[{\"id\": \"a\"}, {\"id\": \"b\"}]");
    g_autofree char *moved =
        queue_of("[{\"id\": \"a\", \"progress\": 0.5}, {\"id\": \"b\"}]");
    g_autofree char *gone = queue_of("[{\"id\": \"b\"}]");

    (void)state;
    assert_string_equal(first, again);
    assert_string_not_equal(first, none);
    assert_string_not_equal(first, moved);
    assert_string_not_equal(first, gone);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_depth),  cmocka_unit_test(test_cases),
        cmocka_unit_test(test_all),    cmocka_unit_test(test_mark),
        cmocka_unit_test(test_tasks),  cmocka_unit_test(test_queue),
        cmocka_unit_test(test_map),    cmocka_unit_test(test_goes_on),
        cmocka_unit_test(test_drop),   cmocka_unit_test(test_cancelled),
        cmocka_unit_test(test_cancel),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
