/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * tests/unit/test-claim-record.c - what a claim says, to text and back
 */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "agent/rbd/claim/record.h"

#include <string.h>

#define DOMAIN "982b8eac-6bcc-4a21-bd04-b67e26188be0"
#define ADDR   "192.0.2.7:0/1234567890"
#define WHO                                                                    \
    "host=alpha machine=m boot=b domain=" DOMAIN " addr=" ADDR " since=12"

#define ROUNDS 2000

static StoreGuest
guest_of(const char *host,
         const char *machine,
         const char *boot,
         const char *domain,
         const char *addr)
{
    return (StoreGuest){
        .place = {g_strdup(host), g_strdup(machine), g_strdup(boot)},
        .domain = g_strdup(domain),
        .addr = g_strdup(addr),
    };
}

static StoreGuest *
guest_new(const char *host, const char *domain, const char *addr)
{
    StoreGuest guest = guest_of(host, "m-1", "b-1", domain, addr);

    return g_memdup2(&guest, sizeof(guest));
}

/* What is not known is written as empty. */
static void
assert_same_word(const char *a, const char *b)
{
    assert_string_equal(a ? a : "", b ? b : "");
}

static void
assert_same_guest(const StoreGuest *a, const StoreGuest *b)
{
    assert_same_word(a->place.host, b->place.host);
    assert_same_word(a->place.machine, b->place.machine);
    assert_same_word(a->place.boot, b->place.boot);
    assert_same_word(a->domain, b->domain);
    assert_same_word(a->addr, b->addr);
    assert_same_word(a->ips, b->ips);
}

/* All but the nonce. */
static void
assert_same(const StoreRecord *a, const StoreRecord *b)
{
    assert_int_equal(a->phase, b->phase);
    assert_same_guest(&a->who, &b->who);
    assert_int_equal(g_strcmp0(a->instance, b->instance), 0);
    assert_int_equal(g_strcmp0(a->adopted, b->adopted), 0);
    assert_int_equal(a->attach, b->attach);
    assert_true(a->since == b->since);
    assert_int_equal(a->arrival != NULL, b->arrival != NULL);
    if (a->arrival)
        assert_same_guest(a->arrival, b->arrival);
    assert_int_equal(a->owed->len, b->owed->len);
    for (guint i = 0; i < a->owed->len; i++)
        assert_same_guest(g_ptr_array_index(a->owed, i),
                          g_ptr_array_index(b->owed, i));
    assert_int_equal(a->builders->len, b->builders->len);
    for (guint i = 0; i < a->builders->len; i++)
        assert_string_equal(g_ptr_array_index(a->builders, i),
                            g_ptr_array_index(b->builders, i));
}

/* One of each field. */
static StoreRecord *
full_new(StorePhase phase)
{
    StoreRecord *record = store_record_new(phase);

    record->who = guest_of("alpha", "0123abcd", "boot-1", DOMAIN, ADDR);
    record->who.ips = g_strdup("192.0.2.70 2001:db8::70");
    record->instance = g_strdup("0f0f0f0f-0000-4000-8000-000000000001");
    record->adopted = g_strdup("5e3a1b2c3d4e");
    record->attach = true;
    record->since = G_GINT64_CONSTANT(1700000000);
    record->arrival = guest_new("beta", DOMAIN, "[2001:db8::7]:0/77");
    record->arrival->ips = g_strdup("192.0.2.71");
    g_ptr_array_add(record->owed,
                    guest_new("gamma", "other", "v1:192.0.2.9:0/1"));
    g_ptr_array_add(record->owed, guest_new("delta", DOMAIN, "192.0.2.9:0/2"));
    g_ptr_array_add(record->builders, g_strdup("192.0.2.8:0/3"));
    g_ptr_array_add(record->builders, g_strdup("[fe80::1]:0/4"));
    return record;
}

static void
check_round(const StoreRecord *record)
{
    g_autofree char *text = store_record_text(record);
    g_autofree char *again = store_record_text(record);
    g_autoptr(StoreRecord) parsed = NULL;

    assert_non_null(text);
    assert_true(strlen(text) <= STORE_CLAIM_MAX);
    assert_null(strpbrk(text, "\n\r\t"));
    /* No two texts are the same. */
    assert_string_not_equal(text, again);
    parsed = store_record_parse(text);
    if (!parsed)
        fail_msg("cannot be read: %s", text);
    assert_same(record, parsed);
    assert_non_null(parsed->nonce);
}

static void
test_all_fields(void **state)
{
    (void)state;
    for (StorePhase phase = STORE_PHASE_BUILDING; phase <= STORE_PHASE_FENCED;
         phase++) {
        g_autoptr(StoreRecord) full = full_new(phase);
        g_autoptr(StoreRecord) copy = store_record_copy(full);
        g_autoptr(StoreRecord) bare = store_record_new(phase);

        check_round(full);
        assert_same(full, copy);
        bare->who.domain = g_strdup(DOMAIN);
        check_round(bare);
    }
}

static void
test_text(void **state)
{
    g_autoptr(StoreRecord) record = full_new(STORE_PHASE_RUNNING);
    g_autofree char *text = store_record_text(record);
    const char *nonce = strstr(text, " nonce=");
    g_autofree char *rest = g_strdup(strstr(nonce + 1, " "));

    (void)state;
    assert_true(g_str_has_prefix(text, "v=2 phase=running nonce="));
    assert_string_equal(
        rest, " host=alpha machine=0123abcd boot=boot-1 domain=" DOMAIN
              " addr=" ADDR " ips=192.0.2.70%202001:db8::70"
              " instance=0f0f0f0f-0000-4000-8000-000000000001"
              " adopted=5e3a1b2c3d4e attach=yes since=1700000000"
              " arrival=beta;m-1;b-1;" DOMAIN ";[2001:db8::7]:0/77;192.0.2.71"
              " owed=gamma;m-1;b-1;other;v1:192.0.2.9:0/1,"
              "delta;m-1;b-1;" DOMAIN ";192.0.2.9:0/2"
              " builders=192.0.2.8:0/3,[fe80::1]:0/4");
}

/* What separates words and fields may be in any value. */
static void
test_separators(void **state)
{
    static const char odd[] = "a b=c;d,e%f\ng\"h'\x01\xc3\xa4 phase=handed";
    g_autoptr(StoreRecord) record = store_record_new(STORE_PHASE_BUILDING);

    (void)state;
    record->who = guest_of(odd, odd, odd, odd, odd);
    record->instance = g_strdup(odd);
    record->adopted = g_strdup(odd);
    record->arrival = guest_new(odd, odd, odd);
    g_ptr_array_add(record->owed, guest_new(odd, odd, odd));
    g_ptr_array_add(record->builders, g_strdup(odd));
    check_round(record);
}

/* ---- limits ------------------------------------------------------------------------ */

static void
test_many(void **state)
{
    g_autoptr(StoreRecord) record = store_record_new(STORE_PHASE_BUILDING);

    (void)state;
    record->who.domain = g_strdup(DOMAIN);
    for (guint i = 0; i < STORE_CLAIM_OWED_MAX; i++)
        g_ptr_array_add(record->owed, guest_new("alpha", DOMAIN, ADDR));
    for (guint i = 0; i < STORE_CLAIM_BUILDERS_MAX; i++)
        g_ptr_array_add(record->builders, g_strdup(ADDR));
    check_round(record);
}

static void
test_too_many(void **state)
{
    g_autoptr(GString) owed =
        g_string_new("v=2 phase=building nonce=1 " WHO " owed=");
    g_autoptr(GString) builders =
        g_string_new("v=2 phase=building nonce=1 " WHO " builders=");

    (void)state;
    for (guint i = 0; i <= STORE_CLAIM_OWED_MAX; i++)
        g_string_append_printf(owed, "%sa;b;c;d;e", i ? "," : "");
    for (guint i = 0; i <= STORE_CLAIM_BUILDERS_MAX; i++)
        g_string_append_printf(builders, "%sa", i ? "," : "");
    assert_null(store_record_parse(owed->str));
    assert_null(store_record_parse(builders->str));
}

/* Longer than an attribute may be: neither written nor read. */
static void
test_too_long(void **state)
{
    g_autoptr(StoreRecord) record = store_record_new(STORE_PHASE_BUILDING);
    g_autofree char *fits = NULL;
    gsize base;

    (void)state;
    record->who.domain = g_strdup("");
    fits = store_record_text(record);
    base = strlen(fits);

    g_free(record->who.domain);
    record->who.domain = g_strnfill(STORE_CLAIM_MAX - base, 'x');
    check_round(record);
    g_free(record->who.domain);
    record->who.domain = g_strnfill(STORE_CLAIM_MAX - base + 1, 'x');
    assert_null(store_record_text(record));

    g_autofree char *tail = g_strnfill(STORE_CLAIM_MAX, 'x');
    g_autofree char *text =
        g_strconcat("v=2 phase=handed nonce=1 " WHO " more=", tail, NULL);
    assert_null(store_record_parse(text));
}

/* ---- texts that others wrote --------------------------------------------------------- */

static void
test_refused(void **state)
{
    static const char *const texts[] = {
        "",
        " ",
        "v=2",
        "v=1 phase=handed nonce=1 " WHO,
        "v=3 phase=handed nonce=1 " WHO,
        "v=22 phase=handed nonce=1 " WHO,
        "v= phase=handed nonce=1 " WHO,
        "v phase=handed nonce=1 " WHO,
        "phase=handed nonce=1 " WHO,
        "v=2 nonce=1 " WHO,
        "v=2 phase= nonce=1 " WHO,
        "v=2 phase=none nonce=1 " WHO,
        "v=2 phase=old nonce=1 " WHO,
        "v=2 phase=HANDED nonce=1 " WHO,
        "v=2 phase=handed%20 nonce=1 " WHO,
        "v=2 phase=handed " WHO,
        "v=2 phase=handed nonce=%zz " WHO,
        "v=2 phase=handed nonce=1 host=alpha",
        "v=2 phase=handed nonce=1 domain=%",
        "v=2 phase=handed nonce=1 domain=%00",
        "v=2 phase=handed nonce=1 domain=%4",
        /* A list is read as a whole, or the claim is not: whom it names is
         * never forgotten. */
        "v=2 phase=building nonce=1 " WHO " arrival=",
        "v=2 phase=building nonce=1 " WHO " arrival=a;b;c;d",
        "v=2 phase=building nonce=1 " WHO " arrival=a;b;c;d;e;f;g",
        "v=2 phase=building nonce=1 " WHO " arrival=a;b;c;d;%zz",
        "v=2 phase=building nonce=1 " WHO " arrival=a;b;c;%;e",
        "v=2 phase=building nonce=1 " WHO " owed=a",
        "v=2 phase=building nonce=1 " WHO " owed=a;b;c;d;e,",
        "v=2 phase=building nonce=1 " WHO " owed=a;b;c;d;e,,a;b;c;d;e",
        "v=2 phase=building nonce=1 " WHO " owed=a;b;c;d;%zz",
        "v=2 phase=building nonce=1 " WHO " builders=a,%zz",
        "v=2 phase=building nonce=1 " WHO " builders=%00",
    };

    (void)state;
    for (gsize i = 0; i < G_N_ELEMENTS(texts); i++) {
        g_autoptr(StoreRecord) record = store_record_parse(texts[i]);

        if (record)
            fail_msg("is read: %s", texts[i]);
    }
}

/* A guest's address is what it would be cut off by. */
static void
test_bad_address(void **state)
{
    static const char *const texts[] = {
        "v=2 phase=running nonce=1 domain=" DOMAIN " addr=%zz",
        "v=2 phase=handed nonce=1 domain=" DOMAIN " host=%zz",
        "v=2 phase=handed nonce=1 domain=" DOMAIN " machine=%zz",
        "v=2 phase=handed nonce=1 domain=" DOMAIN " boot=%zz",
        "v=2 phase=building nonce=1 domain=" DOMAIN " instance=%zz",
        "v=2 phase=building nonce=1 domain=" DOMAIN " adopted=%zz",
    };

    (void)state;
    for (gsize i = 0; i < G_N_ELEMENTS(texts); i++) {
        g_autoptr(StoreRecord) record = store_record_parse(texts[i]);

        if (record)
            fail_msg("is read: %s", texts[i]);
    }
}

/* A later change of this version may add words. */
static void
test_unknown_words(void **state)
{
    g_autoptr(StoreRecord) record = store_record_parse(
        "v=2 colour=red phase=handed nonce=1 " WHO " =x more");

    (void)state;
    assert_non_null(record);
    assert_string_equal(record->who.place.host, "alpha");
    assert_true(record->since == 12);
}

/* Cut anywhere: read as something, or refused. */
static void
test_shortened(void **state)
{
    g_autoptr(StoreRecord) full = full_new(STORE_PHASE_BUILDING);
    g_autofree char *text = store_record_text(full);
    gsize whole = 0;

    (void)state;
    for (gsize len = 0; len <= strlen(text); len++) {
        g_autofree char *part = g_strndup(text, len);
        g_autoptr(StoreRecord) record = store_record_parse(part);

        if (!record)
            continue;
        whole++;
        assert_int_equal(record->phase, STORE_PHASE_BUILDING);
        assert_non_null(record->who.domain);
        assert_non_null(record->nonce);
    }
    assert_in_range(whole, 1, strlen(text));
}

static void
test_seeded(void **state)
{
    g_autoptr(GRand) rand = g_rand_new_with_seed(20240917);

    (void)state;
    for (int i = 0; i < ROUNDS; i++) {
        g_autoptr(StoreRecord) record = full_new((StorePhase)g_rand_int_range(
            rand, STORE_PHASE_BUILDING, STORE_PHASE_FENCED + 1));
        char odd[24] = "";
        int len = g_rand_int_range(rand, 0, (int)sizeof(odd) - 1);

        for (int c = 0; c < len; c++)
            odd[c] = (char)g_rand_int_range(rand, 1, 256);
        record->attach = g_rand_boolean(rand);
        record->since = ((gint64)g_rand_int(rand) << 31) - g_rand_int(rand);
        g_free(record->who.domain);
        record->who.domain = g_strdup(odd);
        if (g_rand_boolean(rand))
            g_clear_pointer(&record->instance, g_free);
        if (g_rand_boolean(rand))
            g_clear_pointer(&record->adopted, g_free);
        if (g_rand_boolean(rand))
            g_clear_pointer(&record->arrival, store_guest_free);
        g_ptr_array_set_size(record->owed, g_rand_int_range(rand, 0, 3));
        g_ptr_array_set_size(record->builders, g_rand_int_range(rand, 0, 3));
        check_round(record);
    }
}

/* One byte of a good text is another: never a crash. */
static void
test_mangled(void **state)
{
    g_autoptr(GRand) rand = g_rand_new_with_seed(7);
    g_autoptr(StoreRecord) full = full_new(STORE_PHASE_RUNNING);
    g_autofree char *text = store_record_text(full);

    (void)state;
    for (int i = 0; i < ROUNDS * 5; i++) {
        g_autofree char *bad = g_strdup(text);
        gint32 at = g_rand_int_range(rand, 0, (gint32)strlen(text));

        bad[at] = (char)g_rand_int_range(rand, 1, 256);
        store_record_free(store_record_parse(bad));
        store_record_free(store_record_parse_old(bad));
    }
}

/* ---- version 0.1 --------------------------------------------------------------------- */

static void
test_old(void **state)
{
    g_autoptr(StoreRecord) record = store_record_parse_old(
        "v=1 number=abc instance=" DOMAIN " host=alpha owner=web addr=" ADDR
        " since=99 after=192.0.2.8:0/3,192.0.2.9:0/4");
    g_autoptr(StoreRecord) less = store_record_parse_old("owner=web");
    g_autoptr(StoreRecord) none = store_record_parse_old("");

    (void)state;
    assert_int_equal(record->phase, STORE_PHASE_OLD);
    assert_string_equal(record->nonce, "abc");
    assert_string_equal(record->instance, DOMAIN);
    assert_string_equal(record->who.place.host, "alpha");
    assert_null(record->who.place.machine);
    assert_null(record->who.place.boot);
    assert_string_equal(record->who.domain, "web");
    assert_string_equal(record->who.addr, ADDR);
    assert_true(record->since == 99);
    assert_int_equal(record->builders->len, 2);
    assert_string_equal(g_ptr_array_index(record->builders, 1),
                        "192.0.2.9:0/4");
    assert_int_equal(less->phase, STORE_PHASE_OLD);
    assert_string_equal(less->who.domain, "web");
    assert_int_equal(none->phase, STORE_PHASE_OLD);
}

/* What asks for whom the claim is compares with this. */
static void
test_old_without_owner(void **state)
{
    g_autoptr(StoreRecord) record = store_record_parse_old("host=alpha");

    (void)state;
    assert_non_null(record->who.domain);
}

static void
test_words(void **state)
{
    (void)state;
    assert_string_equal(store_phase_word(STORE_PHASE_BUILDING), "building");
    assert_string_equal(store_phase_word(STORE_PHASE_HANDED), "handed");
    assert_string_equal(store_phase_word(STORE_PHASE_RUNNING), "running");
    assert_string_equal(store_phase_word(STORE_PHASE_FENCED), "fenced");
    assert_string_equal(store_phase_word(STORE_PHASE_OLD), "old");
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_all_fields),
        cmocka_unit_test(test_text),
        cmocka_unit_test(test_separators),
        cmocka_unit_test(test_many),
        cmocka_unit_test(test_too_many),
        cmocka_unit_test(test_too_long),
        cmocka_unit_test(test_refused),
        cmocka_unit_test(test_bad_address),
        cmocka_unit_test(test_unknown_words),
        cmocka_unit_test(test_shortened),
        cmocka_unit_test(test_seeded),
        cmocka_unit_test(test_mangled),
        cmocka_unit_test(test_old),
        cmocka_unit_test(test_old_without_owner),
        cmocka_unit_test(test_words),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
