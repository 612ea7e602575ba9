/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * tests/unit/test-disk-verdict.c - what is done about the image that is there
 *
 * The named cases stand in a table. What must hold whatever the facts are is
 * said once more, in other words than the code's, and asked of every combination
 * of facts.
 */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "agent/rbd/disk/verdict.h"

static const char *const words[] = {
    [STORE_DO_ASK_DATA] = "ask for data",
    [STORE_DO_ASK_LISTED] = "ask the parent",
    [STORE_DO_BUILD] = "build",
    [STORE_DO_USE] = "use",
    [STORE_DO_GROW] = "grow",
    [STORE_DO_TRASH] = "trash",
    [STORE_DO_REMOVE_NAME] = "remove the name",
    [STORE_DO_REFUSE_MISSING] = "refuse: missing",
    [STORE_DO_REFUSE_UNOPENABLE] = "refuse: cannot be opened",
    [STORE_DO_REFUSE_HALF_MADE] = "refuse: half-made",
    [STORE_DO_REFUSE_BUILDING] = "refuse: being filled",
    [STORE_DO_REFUSE_ODD] = "refuse: odd",
    [STORE_DO_REFUSE_OWNER] = "refuse: owner",
    [STORE_DO_REFUSE_WATCHED] = "refuse: watched",
};

/* ---- the cases by name ---------------------------------------------------------------- */

#define CLONE        .source = STORE_SOURCE_CLONE, .writes = true
#define EXISTING     .source = STORE_SOURCE_EXISTING, .writes = true
#define BLANK        .source = STORE_SOURCE_BLANK, .writes = true
#define FILLED       .source = STORE_SOURCE_FILLED, .writes = true
#define THERE        .there = true, .opens = true
#define DEAD         .dead_builder = true
#define CHILD        .parent = STORE_PARENT_ASKED
#define OTHER_PARENT .parent = STORE_PARENT_OTHER
#define EMPTY        .data = STORE_NO
#define DATA         .data = STORE_YES
#define LISTED       .listed = STORE_YES
#define UNLISTED     .listed = STORE_NO

static const struct {
    const char *name;
    StoreDo what;
    StoreDiskFacts facts;
} cases[] = {
    {"a new clone", STORE_DO_BUILD, {CLONE}},
    {"a new blank disk", STORE_DO_BUILD, {BLANK}},
    {"a new filled disk", STORE_DO_BUILD, {FILLED}},
    {"one that must be there, and is not", STORE_DO_REFUSE_MISSING, {EXISTING}},
    {"the same after a dead builder",
     STORE_DO_REFUSE_MISSING,
     {EXISTING, DEAD}},
    {"nothing after a dead builder", STORE_DO_BUILD, {CLONE, DEAD}},
    {"nothing, where its guest comes from another host",
     STORE_DO_REFUSE_MISSING,
     {CLONE, .arrived = true}},
    {"a filled one that is not there, likewise",
     STORE_DO_REFUSE_MISSING,
     {FILLED, .arrived = true}},
    {"what such a guest has open",
     STORE_DO_USE,
     {CLONE, THERE, CHILD, .ready = true, .arrived = true}},

    /* whole */
    {"a clone with its mark",
     STORE_DO_USE,
     {CLONE, THERE, CHILD, .ready = true}},
    {"a larger one is asked for",
     STORE_DO_GROW,
     {CLONE, THERE, CHILD, .ready = true, .larger = true}},
    {"another owner's",
     STORE_DO_REFUSE_OWNER,
     {CLONE, THERE, CHILD, .ready = true, .others_owner = true}},
    {"it is in use",
     STORE_DO_REFUSE_WATCHED,
     {CLONE, THERE, CHILD, .ready = true, .watched = true}},
    {"in use, and only read",
     STORE_DO_USE,
     {.source = STORE_SOURCE_EXISTING,
      THERE,
      .ready = true,
      .watched = true,
      .others_owner = true}},
    {"a whole one of a dead builder",
     STORE_DO_USE,
     {CLONE, DEAD, THERE, CHILD, .ready = true}},
    {"one that was filled to its end",
     STORE_DO_USE,
     {FILLED, DEAD, THERE, .ready = true, .building = true}},

    /* nobody of ours had a hand in it */
    {"somebody's clone, never started",
     STORE_DO_USE,
     {CLONE, THERE, CHILD, EMPTY, LISTED}},
    {"one that its parent does not list",
     STORE_DO_REFUSE_HALF_MADE,
     {CLONE, THERE, CHILD, EMPTY, UNLISTED}},
    {"somebody's disk with data", STORE_DO_USE, {CLONE, THERE, DATA}},
    {"a blank where a clone belongs",
     STORE_DO_REFUSE_HALF_MADE,
     {CLONE, THERE, EMPTY}},
    {"it has snapshots", STORE_DO_USE, {CLONE, THERE, .snapshots = true}},
    {"it has another parent", STORE_DO_USE, {CLONE, THERE, OTHER_PARENT}},
    {"it is being filled",
     STORE_DO_REFUSE_BUILDING,
     {CLONE, THERE, .building = true}},
    {"it must be there, and is being filled",
     STORE_DO_REFUSE_BUILDING,
     {EXISTING, THERE, .building = true}},
    {"it must be there, and is", STORE_DO_USE, {EXISTING, THERE}},
    {"it cannot be opened", STORE_DO_REFUSE_UNOPENABLE, {CLONE, .there = true}},

    {"a blank where a filled one belongs",
     STORE_DO_REFUSE_HALF_MADE,
     {FILLED, THERE, EMPTY}},
    {"somebody's disk with data, where a filled one belongs",
     STORE_DO_USE,
     {FILLED, THERE, DATA}},
    {"a blank where a blank belongs", STORE_DO_USE, {BLANK, THERE}},

    /* a dead builder's */
    {"a half-made clone", STORE_DO_TRASH, {CLONE, DEAD, THERE, CHILD, EMPTY}},
    {"it is open somewhere",
     STORE_DO_REFUSE_WATCHED,
     {CLONE, DEAD, THERE, CHILD, EMPTY, .watched = true}},
    {"a half-filled disk",
     STORE_DO_TRASH,
     {FILLED, DEAD, THERE, .building = true, DATA}},
    {"a blank without a mark", STORE_DO_TRASH, {BLANK, DEAD, THERE, EMPTY}},
    {"a name without a header",
     STORE_DO_REMOVE_NAME,
     {CLONE, DEAD, .there = true}},
    {"the same where one must be there",
     STORE_DO_REFUSE_UNOPENABLE,
     {EXISTING, DEAD, .there = true}},
    {"a clone with data that its parent lists",
     STORE_DO_USE,
     {CLONE, DEAD, THERE, CHILD, DATA, LISTED}},
    {"one that it does not list",
     STORE_DO_REFUSE_ODD,
     {CLONE, DEAD, THERE, CHILD, DATA, UNLISTED}},
    {"data without a parent or a mark",
     STORE_DO_REFUSE_ODD,
     {CLONE, DEAD, THERE, DATA}},
    {"snapshots under a dead builder's claim",
     STORE_DO_REFUSE_ODD,
     {CLONE, DEAD, THERE, CHILD, .snapshots = true}},
    {"a blank one that must be there",
     STORE_DO_REFUSE_HALF_MADE,
     {EXISTING, DEAD, THERE, EMPTY}},
    {"a half-filled one that must be there",
     STORE_DO_REFUSE_BUILDING,
     {EXISTING, DEAD, THERE, .building = true}},
    {"the same with a snapshot",
     STORE_DO_REFUSE_BUILDING,
     {EXISTING, DEAD, THERE, .building = true, .snapshots = true}},
    {"a volume with data that must be there",
     STORE_DO_USE,
     {EXISTING, DEAD, THERE, DATA}},
};

static void
test_cases(void **state)
{
    (void)state;
    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
        StoreDo what = store_disk_verdict(&cases[i].facts);

        if (what != cases[i].what)
            fail_msg("%s: %s, not %s", cases[i].name, words[what],
                     words[cases[i].what]);
    }
}

/* ---- every combination ------------------------------------------------------------------ */

#define FLAGS 11

static StoreDiskFacts
facts_of(guint source, guint parent, guint data, guint listed, guint flags)
{
    return (StoreDiskFacts){
        .source = (StoreSource)source,
        .parent = (StoreParentFact)parent,
        .data = (StoreAnswer)data,
        .listed = (StoreAnswer)listed,
        .writes = flags & 1,
        .dead_builder = flags & 2,
        .there = flags & 4,
        .opens = flags & 8,
        .ready = flags & 16,
        .building = flags & 32,
        .snapshots = flags & 64,
        .others_owner = flags & 128,
        .watched = flags & 256,
        .larger = flags & 512,
        .arrived = flags & 1024,
    };
}

/* What is looked at and opens may have marks; a claim is only of who writes, and
 * what arrives under the source's was no dead builder's and stays as large. */
static bool
can_be(const StoreDiskFacts *f)
{
    return !(f->opens && !f->there) && !(f->ready && !f->opens) &&
           !(f->building && !f->opens) && !(f->snapshots && !f->opens) &&
           !(f->parent != STORE_PARENT_NONE && !f->opens) &&
           !(f->others_owner && !f->ready) &&
           !((f->dead_builder || f->arrived) && !f->writes) &&
           !(f->arrived && (f->dead_builder || f->larger)) &&
           !(f->parent == STORE_PARENT_ASKED &&
             f->source != STORE_SOURCE_CLONE);
}

typedef void (*Check)(const StoreDiskFacts *facts, StoreDo what);

static void
for_all(Check check)
{
    guint asked = 0;

    for (guint i = 0; i < 4 * 3 * 3 * 3; i++)
        for (guint flags = 0; flags < 1u << FLAGS; flags++) {
            StoreDiskFacts facts =
                facts_of(i % 4, i / 4 % 3, i / 12 % 3, i / 36 % 3, flags);

            if (!can_be(&facts))
                continue;
            asked++;
            check(&facts, store_disk_verdict(&facts));
        }
    assert_in_range(asked, 1000, 1000000);
}

static void
hold(bool holds, const StoreDiskFacts *f, StoreDo what, const char *rule)
{
    if (holds)
        return;
    fail_msg("%s, but '%s' at: source %d writes %d dead %d there %d opens %d "
             "ready %d building %d parent %d snapshots %d data %d listed %d "
             "owner %d watched %d larger %d",
             rule, words[what], f->source, f->writes, f->dead_builder, f->there,
             f->opens, f->ready, f->building, f->parent, f->snapshots, f->data,
             f->listed, f->others_owner, f->watched, f->larger);
}

static bool
uses(StoreDo what)
{
    return what == STORE_DO_USE || what == STORE_DO_GROW;
}

/* What is lost by it must be accounted for in every respect. */
static void
check_trash(const StoreDiskFacts *f, StoreDo what)
{
    if (what != STORE_DO_TRASH && what != STORE_DO_REMOVE_NAME)
        return;
    hold(f->dead_builder, f, what, "only a dead builder's work is removed");
    hold(f->there, f, what, "what is not there is not removed");
    hold(!f->ready, f, what, "what is whole is never removed");
    hold(f->source != STORE_SOURCE_EXISTING, f, what,
         "who asks for what exists has nothing removed");
    hold(!f->watched || what == STORE_DO_REMOVE_NAME, f, what,
         "what is open is never removed");
    hold(!f->snapshots, f, what, "what has snapshots is never removed");
    hold(f->parent != STORE_PARENT_OTHER, f, what,
         "another image's clone is never removed");
    if (what == STORE_DO_TRASH) {
        hold(f->opens, f, what, "only what was looked at goes to the trash");
        hold(f->building || f->data == STORE_NO, f, what,
             "data goes only if it is that of a filling that was cut short");
    } else {
        hold(!f->opens, f, what, "a name with an image behind it stays");
    }
}

static void
check_use(const StoreDiskFacts *f, StoreDo what)
{
    if (!uses(what))
        return;
    hold(f->there && f->opens, f, what, "only what can be opened is used");
    hold(!f->building || f->ready, f, what,
         "what was not filled to its end is not used");
    hold(!(f->writes && f->watched), f, what, "one disk has one writer");
    hold(!(f->writes && f->others_owner), f, what, "one disk has one owner");
    hold((what == STORE_DO_GROW) == f->larger, f, what,
         "it grows when a larger one is asked for");
    if ((f->source == STORE_SOURCE_CLONE || f->source == STORE_SOURCE_FILLED) &&
        !f->ready && !f->snapshots && f->parent == STORE_PARENT_NONE)
        hold(f->data == STORE_YES, f, what, "a blank has no content");
    if (f->source == STORE_SOURCE_CLONE && !f->ready && !f->snapshots &&
        f->parent == STORE_PARENT_ASKED && f->data != STORE_YES)
        hold(f->listed == STORE_YES, f, what,
             "an empty clone is whole only if its parent lists it");
    if (f->dead_builder && !f->ready && f->source != STORE_SOURCE_EXISTING)
        hold(f->data == STORE_YES && f->listed == STORE_YES, f, what,
             "a dead builder's is in use only if it was before");
}

static void
check_build(const StoreDiskFacts *f, StoreDo what)
{
    if (what == STORE_DO_BUILD)
        hold(!f->there && f->source != STORE_SOURCE_EXISTING && !f->arrived, f,
             what, "nothing is made where something is, or must be");
    if (!f->there)
        hold(what == STORE_DO_BUILD || what == STORE_DO_REFUSE_MISSING, f, what,
             "there is nothing to be judged");
}

/* Each question is asked once, and a question is all that an answer changes. */
static void
check_questions(const StoreDiskFacts *f, StoreDo what)
{
    StoreDiskFacts other = *f;

    if (what == STORE_DO_ASK_DATA)
        hold(f->data == STORE_NOT_ASKED, f, what, "it was asked already");
    if (what == STORE_DO_ASK_LISTED)
        hold(f->listed == STORE_NOT_ASKED, f, what, "it was asked already");
    other.data = STORE_NOT_ASKED;
    other.listed = STORE_NOT_ASKED;
    if (!f->there || !f->opens || f->ready)
        hold(store_disk_verdict(&other) == what, f, what,
             "what is clear is not asked for");
}

static void
check_existing(const StoreDiskFacts *f, StoreDo what)
{
    if (f->dead_builder || !f->there)
        return;
    hold(what != STORE_DO_REFUSE_ODD, f, what, "nobody died");
    if (f->source == STORE_SOURCE_EXISTING && f->opens && !f->building &&
        !f->watched && !f->others_owner)
        hold(uses(what), f, what, "what exists is used as it is");
}

/* No builder writes data without a building mark. */
static void
check_volumes(const StoreDiskFacts *f, StoreDo what)
{
    if (f->source == STORE_SOURCE_EXISTING && f->opens && !f->building &&
        f->data == STORE_YES && !f->watched && !f->others_owner)
        hold(uses(what), f, what, "a volume with data is somebody's");
    if (f->source == STORE_SOURCE_EXISTING && f->dead_builder && f->opens &&
        !f->ready && f->parent == STORE_PARENT_NONE && !f->snapshots &&
        f->data == STORE_NO)
        hold(!uses(what), f, what, "whether it is whole nobody knows");
}

static void
test_every_combination(void **state)
{
    static const Check checks[] = {check_trash,    check_use,
                                   check_build,    check_questions,
                                   check_existing, check_volumes};

    (void)state;
    for (gsize i = 0; i < G_N_ELEMENTS(checks); i++)
        for_all(checks[i]);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_cases),
        cmocka_unit_test(test_every_combination),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
