/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * tests/unit/test-disk-survey.c - what headers say of many disks, and who has one
 * open by that
 */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "agent/rbd/disk/state.h"
#include "agent/rbd/disk/survey.h"
#include "agent/rbd/image/class.h"

/* ---- answers ------------------------------------------------------------------ */

/* Around what is behind the first bytes. */
static void
wrap(GByteArray *bytes, guint from)
{
    g_autoptr(GByteArray) head = g_byte_array_new();

    store_coded_put(head, 1, 1);
    store_coded_put(head, 1, 1);
    store_coded_put(head, bytes->len - from, 4);
    g_byte_array_append(head, bytes->data + from, bytes->len - from);
    g_byte_array_set_size(bytes, from);
    g_byte_array_append(bytes, head->data, head->len);
}

static void
put_address(GByteArray *bytes, bool new_kind, guint32 number)
{
    guint at;

    store_coded_put(bytes, new_kind, 1);
    at = bytes->len;
    store_coded_put(bytes, 3, 4);
    store_coded_put(bytes, number, 4);
    store_coded_put(bytes, 16, 4);
    store_coded_put(bytes, 0, 8);
    store_coded_put(bytes, 0, 8);
    wrap(bytes, at);
}

static void
put_holder(GByteArray *bytes, bool new_kind, guint32 number)
{
    guint at = bytes->len;

    store_coded_put(bytes, 8, 1);
    store_coded_put(bytes, 4123, 8);
    store_coded_put_string(bytes, "auto 94213");
    wrap(bytes, at);
    at = bytes->len;
    store_coded_put(bytes, 0, 8);
    put_address(bytes, new_kind, number);
    store_coded_put_string(bytes, "");
    wrap(bytes, at);
}

static GByteArray *
lock_of(guint holders, bool new_kind)
{
    GByteArray *bytes = g_byte_array_new();

    store_coded_put(bytes, holders, 4);
    for (guint i = 0; i < holders; i++)
        put_holder(bytes, new_kind, 543054283 + i);
    store_coded_put(bytes, 1, 1);
    store_coded_put_string(bytes, "internal");
    wrap(bytes, 0);
    return bytes;
}

static void
test_lock(void **state)
{
    (void)state;
    for (guint n = 0; n < 3; n++) {
        g_autoptr(GByteArray) bytes = lock_of(n, true);
        guint holders = 99;
        guint32 holder = 99;

        assert_true(store_survey_read_lock(
            (StoreCoded){bytes->data, bytes->len, false}, &holders, &holder));
        assert_int_equal(holders, n);
        assert_int_equal(holder, n == 1 ? 543054283 : 0);
    }
}

/* What Ceph 16.2.15 answers of an image whose lock 127.0.0.1:0/1650869898 has,
 * and of one that was locked before. */
static const guint8 held_answer[] = {
    0x01, 0x01, 0x6d, 0x00, 0x00, 0x00, 0x01, 0x00, 0x00, 0x00, 0x01, 0x01,
    0x21, 0x00, 0x00, 0x00, 0x08, 0x45, 0x10, 0x00, 0x00, 0x00, 0x00, 0x00,
    0x00, 0x14, 0x00, 0x00, 0x00, 0x61, 0x75, 0x74, 0x6f, 0x20, 0x31, 0x33,
    0x39, 0x37, 0x30, 0x38, 0x33, 0x30, 0x36, 0x39, 0x31, 0x38, 0x31, 0x31,
    0x32, 0x01, 0x01, 0x2f, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,
    0x00, 0x00, 0x00, 0x01, 0x01, 0x01, 0x1c, 0x00, 0x00, 0x00, 0x01, 0x00,
    0x00, 0x00, 0x8a, 0x46, 0x66, 0x62, 0x10, 0x00, 0x00, 0x00, 0x02, 0x00,
    0x00, 0x00, 0x7f, 0x00, 0x00, 0x01, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,
    0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x01, 0x08, 0x00, 0x00, 0x00, 0x69,
    0x6e, 0x74, 0x65, 0x72, 0x6e, 0x61, 0x6c};
static const guint8 free_answer[] = {
    0x01, 0x01, 0x11, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x01, 0x08,
    0x00, 0x00, 0x00, 0x69, 0x6e, 0x74, 0x65, 0x72, 0x6e, 0x61, 0x6c};

static void
test_lock_real(void **state)
{
    guint holders;
    guint32 holder;

    (void)state;
    assert_true(store_survey_read_lock(
        (StoreCoded){held_answer, sizeof(held_answer), false}, &holders,
        &holder));
    assert_int_equal(holders, 1);
    assert_int_equal(holder, 1650869898);
    assert_true(store_survey_read_lock(
        (StoreCoded){free_answer, sizeof(free_answer), false}, &holders,
        &holder));
    assert_int_equal(holders, 0);
}

/* And no byte behind the end is read, which the sanitizers would see. */
static void
test_lock_odd(void **state)
{
    g_autoptr(GByteArray) old = lock_of(1, false);
    g_autoptr(GByteArray) bytes = lock_of(1, true);
    guint holders;
    guint32 holder;

    (void)state;
    assert_false(store_survey_read_lock(
        (StoreCoded){old->data, old->len, false}, &holders, &holder));
    for (gsize len = 0; len < bytes->len; len++) {
        g_autofree guint8 *cut = g_memdup2(bytes->data, len);

        assert_false(store_survey_read_lock((StoreCoded){cut, len, false},
                                            &holders, &holder));
    }
}

/* librbd's of Ceph 16.2.15, as in test-disk-clone.c. */
static const guint8 parent_answer[] = {
    0x01, 0x01, 0x24, 0x00, 0x00, 0x00, 0x01, 0x00, 0x00, 0x00, 0x00,
    0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x0c, 0x00, 0x00, 0x00,
    '1',  '0',  '2',  '5',  'e',  'a',  'd',  '0',  '3',  'e',  '2',
    'b',  0x04, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00};
static const guint8 no_parent_answer[] = {
    0x01, 0x01, 0x18, 0x00, 0x00, 0x00, 0xff, 0xff, 0xff, 0xff,
    0xff, 0xff, 0xff, 0xff, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,
    0x00, 0x00, 0xfe, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff};

static void
assert_parent(const guint8 *data, gsize len, gint64 pool, const char *id)
{
    g_auto(StoreClassParent) origin = {0};
    bool good =
        store_class_read_parent((StoreCoded){data, len, false}, &origin);

    assert_int_equal(good, id != NULL);
    if (good) {
        assert_int_equal(origin.pool, pool);
        assert_string_equal(origin.space, "");
        assert_string_equal(origin.id, id);
    }
}

static void
test_parent(void **state)
{
    (void)state;
    assert_parent(parent_answer, sizeof(parent_answer), 1, "1025ead03e2b");
    assert_parent(no_parent_answer, sizeof(no_parent_answer), -1, "");
    for (gsize len = 0; len < sizeof(parent_answer); len++) {
        g_autofree guint8 *cut = g_memdup2(parent_answer, len);

        assert_parent(cut, len, 0, NULL);
    }
}

static void
test_overlap(void **state)
{
    const guint8 none[] = {0};
    const guint8 some[] = {1, 0, 0, 0, 1, 0, 0, 0, 0};
    guint64 overlap = 99;

    (void)state;
    assert_true(store_survey_read_overlap(
        (StoreCoded){none, sizeof(none), false}, &overlap));
    assert_int_equal(overlap, 0);
    assert_true(store_survey_read_overlap(
        (StoreCoded){some, sizeof(some), false}, &overlap));
    assert_int_equal(overlap, 16777216);
    assert_false(store_survey_read_overlap(
        (StoreCoded){some, sizeof(some) - 1, false}, &overlap));
    assert_false(
        store_survey_read_overlap((StoreCoded){some, 0, false}, &overlap));
}

/* ---- who has it open ------------------------------------------------------------ */

#define GUEST "192.0.2.11:0/543054283"

static const struct {
    const char *title;
    StoreOpenFacts facts;
    StoreOpen open;
} cases[] = {
    {"nobody", {.has_lock = true}, STORE_OPEN_BY_NOBODY},
    {"no lock to have", {.has_lock = false}, STORE_OPEN_UNCLEAR},
    {"a claim, and who it is of never wrote",
     {.has_lock = true, .claimed = true, .running = GUEST},
     STORE_OPEN_UNCLEAR},
    {"a claim of nobody that runs",
     {.has_lock = true, .claimed = true},
     STORE_OPEN_UNCLEAR},
    {"the guest of the claim",
     {.has_lock = true,
      .holders = 1,
      .holder = 543054283,
      .claimed = true,
      .running = GUEST},
     STORE_OPEN_BY_CLAIMED},
    {"another one",
     {.has_lock = true,
      .holders = 1,
      .holder = 543054284,
      .claimed = true,
      .running = GUEST},
     STORE_OPEN_UNCLEAR},
    {"somebody beside a claim that is handed",
     {.has_lock = true, .holders = 1, .holder = 543054283, .claimed = true},
     STORE_OPEN_UNCLEAR},
    {"somebody without a claim",
     {.has_lock = true, .holders = 1, .holder = 543054283},
     STORE_OPEN_UNCLEAR},
    {"two, one of them the guest of the claim",
     {.has_lock = true,
      .holders = 2,
      .holder = 543054283,
      .claimed = true,
      .running = GUEST},
     STORE_OPEN_UNCLEAR},
    {"an address that is none",
     {.has_lock = true, .holders = 1, .claimed = true, .running = "none"},
     STORE_OPEN_UNCLEAR},
};

static void
test_open(void **state)
{
    (void)state;
    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++)
        if (store_open_by(&cases[i].facts) != cases[i].open)
            fail_msg("%s: %d", cases[i].title, store_open_by(&cases[i].facts));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_lock),     cmocka_unit_test(test_lock_real),
        cmocka_unit_test(test_lock_odd), cmocka_unit_test(test_parent),
        cmocka_unit_test(test_overlap),  cmocka_unit_test(test_open),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
