/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * tests/unit/test-volume-verdict.c - what is done about a volume, and its names
 */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "agent/rbd/volume/create.h"
#include "agent/rbd/volume/name.h"
#include "agent/rbd/volume/origin-note.h"
#include "agent/rbd/volume/verdict.h"

#define UUID  "0a64fa67-3e34-42e7-b7b0-423c11850e18"
#define UPPER "0A64FA67-3E34-42E7-B7B0-423C11850E18"

/* ---- removal ---------------------------------------------------------------------- */

static void
test_rm(void **state)
{
    static const struct {
        const char *name;
        StoreRm what;
        StoreRmFacts facts;
    } cases[] = {
        {"nothing in the way", STORE_RM_REMOVE, {0}},
        {"a snapshot", STORE_RM_REFUSE_SNAPSHOTS, {.snapshots = 1}},
        {"a clone of its clone's snapshot", STORE_RM_RETIRE, {.clones = 1}},
        {"a snapshot, and a clone of it",
         STORE_RM_REFUSE_SNAPSHOTS,
         {.snapshots = 1, .clones = 1}},
        {"a clone of format 1", STORE_RM_REFUSE_CLONES, {.clones_old = 1}},
        {"of both formats",
         STORE_RM_REFUSE_CLONES,
         {.clones_old = 1, .clones = 1}},
        {"where nobody may look", STORE_RM_REFUSE_UNSEEN, {.unseen = true}},
        {"to the trash", STORE_RM_TRASH, {.to_trash = true}},
        {"there with all it has",
         STORE_RM_TRASH,
         {.to_trash = true, .snapshots = 2, .clones = 3}},
        {"there, and a clone of format 1",
         STORE_RM_REFUSE_CLONES,
         {.to_trash = true, .clones_old = 1}},
        {"there, where nobody may look",
         STORE_RM_REFUSE_UNSEEN,
         {.to_trash = true, .unseen = true}},
    };

    (void)state;
    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
        if (store_rm_verdict(&cases[i].facts) == cases[i].what)
            continue;
        fail_msg("%s: %d", cases[i].name, store_rm_verdict(&cases[i].facts));
    }
}

/* Before anything is done: what is refused is left as it was. */
static void
test_rm_refuses(void **state)
{
    (void)state;
    assert_false(store_rm_refuses(STORE_RM_REMOVE));
    assert_false(store_rm_refuses(STORE_RM_TRASH));
    assert_false(store_rm_refuses(STORE_RM_RETIRE));
    assert_true(store_rm_refuses(STORE_RM_REFUSE_SNAPSHOTS));
    assert_true(store_rm_refuses(STORE_RM_REFUSE_CLONES));
    assert_true(store_rm_refuses(STORE_RM_REFUSE_UNSEEN));
}

/* ---- may something be done with it? -------------------------------------------------- */

static void
test_claimed(void **state)
{
    static const struct {
        const char *name;
        StoreClaimedState state;
        StoreClaimedFacts facts;
    } cases[] = {
        {"not there", STORE_CLAIMED_MISSING, {0}},
        {"not there after a dead maker",
         STORE_CLAIMED_MISSING,
         {.dead_maker = true}},
        {"whole", STORE_CLAIMED_WHOLE, {.there = true, .opens = true}},
        {"in use",
         STORE_CLAIMED_WATCHED,
         {.there = true, .opens = true, .watched = true}},
        {"in use, whatever else it is",
         STORE_CLAIMED_WATCHED,
         {.there = true,
          .opens = true,
          .filling = true,
          .dead_maker = true,
          .empty = true,
          .watched = true}},
        {"a name without an image", STORE_CLAIMED_HALF_MADE, {.there = true}},
        {"a rollback was cut short",
         STORE_CLAIMED_CUT_SHORT,
         {.there = true, .opens = true, .filling = true}},
        {"it is flattened",
         STORE_CLAIMED_FLATTENING,
         {.there = true, .opens = true, .flattening = true}},
        {"it is flattened, and open elsewhere",
         STORE_CLAIMED_WATCHED,
         {.there = true, .opens = true, .flattening = true, .watched = true}},
        {"it is flattened by a manager that hangs, perhaps",
         STORE_CLAIMED_FLATTENING,
         {.there = true,
          .opens = true,
          .flattening = true,
          .watched = true,
          .by_task = true}},
        {"the same of one that a maker left",
         STORE_CLAIMED_HALF_MADE,
         {.there = true,
          .opens = true,
          .filling = true,
          .dead_maker = true,
          .flattening = true,
          .watched = true,
          .by_task = true}},
        {"the same without a lock",
         STORE_CLAIMED_WATCHED,
         {.there = true,
          .opens = true,
          .flattening = true,
          .watched = true,
          .by_task = true,
          .lockless = true}},
        {"one that nobody wants flat",
         STORE_CLAIMED_WATCHED,
         {.there = true, .opens = true, .watched = true, .by_task = true}},
        {"flattened, and its maker was cut short",
         STORE_CLAIMED_HALF_MADE,
         {.there = true,
          .opens = true,
          .filling = true,
          .dead_maker = true,
          .flattening = true}},
        {"a maker was",
         STORE_CLAIMED_HALF_MADE,
         {.there = true, .opens = true, .filling = true, .dead_maker = true}},
        {"a maker died, and it is blank",
         STORE_CLAIMED_HALF_MADE,
         {.there = true, .opens = true, .dead_maker = true, .empty = true}},
        {"blank, and nobody died",
         STORE_CLAIMED_WHOLE,
         {.there = true, .opens = true, .empty = true}},
        {"somebody's data, although a maker died",
         STORE_CLAIMED_WHOLE,
         {.there = true, .opens = true, .dead_maker = true}},
    };

    (void)state;
    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
        if (store_claimed_verdict(&cases[i].facts) == cases[i].state)
            continue;
        fail_msg("%s: %d", cases[i].name,
                 store_claimed_verdict(&cases[i].facts));
    }
}

/* What is whole but for its parent is no half-made one any more. */
static void
test_claimed_keeps(void **state)
{
    (void)state;
    assert_true(store_claimed_keeps(STORE_CLAIMED_HALF_MADE, true));
    assert_true(store_claimed_keeps(STORE_CLAIMED_WATCHED, true));
    assert_true(store_claimed_keeps(STORE_CLAIMED_CUT_SHORT, true));
    assert_false(store_claimed_keeps(STORE_CLAIMED_MISSING, true));
    assert_false(store_claimed_keeps(STORE_CLAIMED_WHOLE, true));
    assert_false(store_claimed_keeps(STORE_CLAIMED_FLATTENING, true));
    assert_false(store_claimed_keeps(STORE_CLAIMED_HALF_MADE, false));
}

static void
test_status(void **state)
{
    static const struct {
        const char *word;
        StoreVolumeFacts facts;
    } cases[] = {
        {"available", {.opens = true}},
        {"half-made", {.opens = false}},
        {"half-made", {.opens = true, .filling = true}},
        {"half-made", {.opens = true, .filling = true, .watched = true}},
        {"in use", {.opens = true, .watched = true}},
        {"flattening", {.opens = true, .flattening = true}},
        {"in use", {.opens = true, .flattening = true, .watched = true}},
        {"in use", {.opens = true, .watched = true, .by_mgr = true}},
        {"flattening",
         {.opens = true, .flattening = true, .watched = true, .by_mgr = true}},
        {"in use",
         {.opens = true,
          .flattening = true,
          .watched = true,
          .by_mgr = true,
          .guest = true}},
        {"in use", {.opens = true, .flattening = true, .guest = true}},
        {"in use", {.opens = true, .guest = true}},
        {"being made", {.opens = true, .claimed = true}},
        {"being made", {.claimed = true}},
        {"at work", {.opens = true, .claimed = true, .found = true}},
    };

    (void)state;
    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++)
        assert_string_equal(
            store_volume_status_word(store_volume_status(&cases[i].facts)),
            cases[i].word);
}

static void
test_clone_flattens(void **state)
{
    (void)state;
    assert_false(store_clone_flattens(0, 5, false));
    assert_false(store_clone_flattens(5, 5, false));
    assert_true(store_clone_flattens(6, 5, false));
    assert_true(store_clone_flattens(7, 5, false));
    assert_true(store_clone_flattens(1, 5, true));
    assert_true(store_clone_flattens(0, 0, false));
    assert_true(store_clone_flattens(3, 0, false));
}

/* ---- what becomes of one that is not flat ------------------------------------------- */

#define QUEUED  .end = STORE_FLAT_END_QUEUED, .has_parent = true
#define STOPPED .end = STORE_FLAT_END_STOPPED, .has_parent = true
#define FAILED  .end = STORE_FLAT_END_FAILED, .has_parent = true
#define NOBODY  .asked = true, .none = true

static const struct {
    const char *name;
    StoreFlatDo what;
    StoreFlatFacts facts;
} flats[] = {
    {"the manager has it", STORE_FLAT_GOES_ON, {QUEUED}},
    {"it has, but a snapshot is to go",
     STORE_FLAT_CALL_BACK,
     {QUEUED, .to_end = true}},
    {"it left off", STORE_FLAT_FORGET, {QUEUED, .to_end = true, NOBODY}},
    {"it does not say whether it did",
     STORE_FLAT_LEAVE,
     {QUEUED, .to_end = true, .asked = true}},
    {"it was faster",
     STORE_FLAT_FINISH,
     {.end = STORE_FLAT_END_QUEUED, .to_end = true, NOBODY}},
    {"and does not answer any more",
     STORE_FLAT_FINISH,
     {.end = STORE_FLAT_END_QUEUED, .to_end = true, .asked = true}},
    {"stopped", STORE_FLAT_CALL_BACK, {STOPPED}},
    {"stopped, and nobody goes on", STORE_FLAT_FORGET, {STOPPED, NOBODY}},
    {"nor on that which somebody else began",
     STORE_FLAT_FORGET,
     {STOPPED, NOBODY, .was_wanted = true}},
    {"stopped, and nobody knows", STORE_FLAT_LEAVE, {STOPPED, .asked = true}},
    {"stopped by who may not ask",
     STORE_FLAT_FORGET,
     {STOPPED, .asked = true, .barred = true}},
    {"what somebody else began",
     STORE_FLAT_LEAVE,
     {STOPPED, .asked = true, .barred = true, .was_wanted = true}},
    {"stopped while the object map is rebuilt",
     STORE_FLAT_FINISH,
     {.end = STORE_FLAT_END_STOPPED, NOBODY}},
    {"failed", STORE_FLAT_CALL_BACK, {FAILED}},
    {"failed, and nobody goes on", STORE_FLAT_FORGET, {FAILED, NOBODY}},
    {"failed, and nobody knows", STORE_FLAT_LEAVE, {FAILED, .asked = true}},
    {"only its object map failed",
     STORE_FLAT_FINISH,
     {.end = STORE_FLAT_END_FAILED, NOBODY}},
    {"the manager is left out of it",
     STORE_FLAT_FORGET,
     {FAILED, .here = true}},
    {"and stopped", STORE_FLAT_FORGET, {STOPPED, .here = true}},
    {"of what somebody else began",
     STORE_FLAT_LEAVE,
     {STOPPED, .here = true, .was_wanted = true}},
};

static void
test_flat(void **state)
{
    (void)state;
    for (gsize i = 0; i < G_N_ELEMENTS(flats); i++) {
        StoreFlatDo what = store_flat_verdict(&flats[i].facts);

        if (what != flats[i].what)
            fail_msg("%s: %d", flats[i].name, what);
    }
}

static void
check_flat(const StoreFlatFacts *facts)
{
    StoreFlatDo what = store_flat_verdict(facts);

    /* It is asked once. */
    if (what == STORE_FLAT_CALL_BACK)
        assert_false(facts->asked || facts->here);
    /* What is to be done behind it is done by whoever waits, or by nobody yet. */
    if (what == STORE_FLAT_GOES_ON)
        assert_true(facts->end == STORE_FLAT_END_QUEUED && !facts->to_end);
    /* The mark goes only if nobody can be at it. */
    if (what == STORE_FLAT_FORGET)
        assert_true(facts->has_parent && (facts->none || !facts->was_wanted));
    if (what == STORE_FLAT_FORGET && !facts->here)
        assert_true(facts->asked && (facts->none || facts->barred));
    if (what == STORE_FLAT_FINISH)
        assert_false(facts->has_parent);
}

static void
test_flat_all(void **state)
{
    (void)state;
    for (guint bits = 0; bits < 128; bits++)
        for (int end = STORE_FLAT_END_QUEUED; end <= STORE_FLAT_END_FAILED;
             end++) {
            const StoreFlatFacts facts = {
                .end = (StoreFlatEnd)end,
                .to_end = bits & 1,
                .here = bits & 2,
                .was_wanted = bits & 4,
                .asked = bits & 8,
                .none = bits & 16,
                .barred = bits & 32,
                .has_parent = bits & 64,
            };

            check_flat(&facts);
        }
}

/* ---- the note of what it hung from ---------------------------------------------------- */

static void
test_origin_note(void **state)
{
    const StoreOwnSnap from = {.own = true,
                               .pool = 7,
                               .space = (char *)"",
                               .id = (char *)"12ef",
                               .name = (char *)"volume-" UUID,
                               .snap = (char *)"volume-" UUID ".clone_snap",
                               .snap_id = 42};
    g_autofree char *text = store_origin_note_new("10ab", &from);
    g_auto(StoreOwnSnap) origin = {0};

    (void)state;
    assert_string_equal(text, "id=10ab pool=7 space= image=12ef snap=volume-" //
                        UUID ".clone_snap snap_id=42");
    assert_true(store_origin_note_parse(text, "10ab", &origin));
    assert_true(origin.own && origin.lets_go && !origin.in_trash);
    assert_int_equal(origin.pool, 7);
    assert_string_equal(origin.space, "");
    assert_string_equal(origin.id, "12ef");
    assert_string_equal(origin.snap, from.snap);
    assert_int_equal(origin.snap_id, 42);
    /* Its parent may have another one by then. */
    assert_null(origin.name);
    assert_true(store_origin_note_same(&origin, &from));
    origin.snap_id = 43;
    assert_false(store_origin_note_same(&origin, &from));
}

static void
test_origin_no_note(void **state)
{
    static const char *const bad[] = {
        "",
        "id=10ac pool=7 space= image=12ef snap=x.clone_snap snap_id=42",
        "id=10ab space= image=12ef snap=x.clone_snap snap_id=42",
        "id=10ab pool=-7 space= image=12ef snap=x.clone_snap snap_id=42",
        "id=10ab pool=x space= image=12ef snap=x.clone_snap snap_id=42",
        "id=10ab pool=7 space= snap=x.clone_snap snap_id=42",
        "id=10ab pool=7 space= image=12ef snap_id=42",
        "id=10ab pool=7 space= image=12ef snap=x.clone_snap",
        /* Somebody's own snapshot is never removed. */
        "id=10ab pool=7 space= image=12ef snap=snapshot-" UUID " snap_id=42",
    };

    (void)state;
    for (gsize i = 0; i < G_N_ELEMENTS(bad); i++) {
        g_auto(StoreOwnSnap) origin = {0};

        if (store_origin_note_parse(bad[i], "10ab", &origin) || origin.own)
            fail_msg("'%s'", bad[i]);
    }
}

/* ---- sizes ------------------------------------------------------------------------ */

static void
test_size(void **state)
{
    (void)state;
    assert_int_equal(store_size_verdict(2, 2, false), STORE_SIZE_KEEP);
    assert_int_equal(store_size_verdict(2, 2, true), STORE_SIZE_KEEP);
    assert_int_equal(store_size_verdict(2, 3, false), STORE_SIZE_GROW);
    assert_int_equal(store_size_verdict(2, 3, true), STORE_SIZE_GROW);
    assert_int_equal(store_size_verdict(2, 1, false), STORE_SIZE_REFUSE);
    assert_int_equal(store_size_verdict(2, 1, true), STORE_SIZE_SHRINK);
}

static void
test_object_size(void **state)
{
    static const guint64 good[] = {4096, 4194304, 33554432};
    static const guint64 bad[] = {0, 2048, 4097, 6291456, 67108864};

    (void)state;
    for (gsize i = 0; i < G_N_ELEMENTS(good); i++)
        assert_true(store_object_size_valid(good[i]));
    for (gsize i = 0; i < G_N_ELEMENTS(bad); i++)
        assert_false(store_object_size_valid(bad[i]));
}

/* ---- names ------------------------------------------------------------------------ */

static void
test_names(void **state)
{
    static const struct {
        const char *text;
        const char *name;
    } cases[] = {
        {UUID, "volume-" UUID},
        {UPPER, "volume-" UUID},
        {"volume-" UUID, "volume-" UUID},
        {"snapshot-" UUID, NULL},
        {"volume-" UUID ".deleted", NULL},
        {"volume-", NULL},
        {"", NULL},
        {UUID "x", NULL},
        {UUID "@" UUID, NULL},
        {"pool/" UUID, NULL},
    };

    (void)state;
    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autofree char *name = store_volume_name(cases[i].text);

        if (g_strcmp0(name, cases[i].name) != 0)
            fail_msg("'%s': '%s'", cases[i].text, name);
    }
    g_autofree char *snap = store_snapshot_name(UUID);
    assert_string_equal(snap, "snapshot-" UUID);
    assert_string_equal(store_volume_uuid("volume-" UUID), UUID);
    assert_string_equal(store_snapshot_uuid("snapshot-" UUID), UUID);
    assert_null(store_volume_uuid("volume-" UPPER));
    assert_null(store_volume_uuid(UUID));
    assert_null(store_snapshot_uuid("snap"));
}

static void
test_image_names(void **state)
{
    static const char *const good[] = {"a", "0", "a.b_c-d", UUID "_disk"};
    static const char *const bad[] = {"",    "-a",  ".a",  "a/b",     "a@b",
                                      "a b", "a\n", "a:b", "\xc3\xa4"};
    g_autofree char *longest = g_strnfill(200, 'x');
    g_autofree char *longer = g_strnfill(201, 'x');

    (void)state;
    for (gsize i = 0; i < G_N_ELEMENTS(good); i++)
        assert_true(store_image_name_valid(good[i]));
    for (gsize i = 0; i < G_N_ELEMENTS(bad); i++)
        assert_false(store_image_name_valid(bad[i]));
    assert_true(store_image_name_valid(longest));
    assert_false(store_image_name_valid(longer));
}

static void
test_own_snaps(void **state)
{
    g_autofree char *own = store_clone_snap("volume-" UUID);

    (void)state;
    assert_string_equal(own, "volume-" UUID ".clone_snap");
    assert_true(store_snap_is_own(own));
    /* That of an image. */
    assert_true(store_snap_is_own(UUID ".clone_snap"));
    assert_false(store_snap_is_own("mine.clone_snap"));
    assert_false(store_snap_is_own(".clone_snap"));
    assert_true(store_snap_is_clones(own));
    assert_false(store_snap_is_clones("backup." UUID ".snap.1700000000.17"));
    assert_true(store_snap_is_own("backup." UUID ".snap.1700000000.17"));
    assert_false(store_snap_is_own("backup"));
    assert_false(store_snap_is_own("snapshot-" UUID));
    assert_false(store_snap_is_own("mine.clone_snap"));
    assert_false(store_snap_is_own("snap"));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rm),
        cmocka_unit_test(test_claimed),
        cmocka_unit_test(test_status),
        cmocka_unit_test(test_size),
        cmocka_unit_test(test_object_size),
        cmocka_unit_test(test_names),
        cmocka_unit_test(test_own_snaps),
        cmocka_unit_test(test_image_names),
        cmocka_unit_test(test_clone_flattens),
        cmocka_unit_test(test_rm_refuses),
        cmocka_unit_test(test_claimed_keeps),
        cmocka_unit_test(test_flat),
        cmocka_unit_test(test_flat_all),
        cmocka_unit_test(test_origin_note),
        cmocka_unit_test(test_origin_no_note),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
