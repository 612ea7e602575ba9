/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * tests/unit/test-claim-tombstone.c - what is left of a claim whose holder was
 * cut off
 */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "agent/rbd/claim/tombstone.h"

#include <string.h>

#define AGENT       "192.0.2.1:0/1"
#define GUEST       "192.0.2.1:0/2"
#define THERE       "192.0.2.2:0/3"
#define OWED        "192.0.2.3:0/4"
#define EARLY       "192.0.2.4:0/5"
#define WHO         "host=alpha machine=m boot=b domain=web since=1 nonce=1"
#define COMES       " arrival=beta;m;b;web;" THERE
#define LISTS       " owed=gamma;m;b;web;" OWED " builders=" EARLY
#define ADDED(addr) " addr=" addr

/* What a claim says, whom is cut off, and what it says then: its phase, host,
 * host that the guest goes to, how many are owed and how many builders; NULL: it
 * stays as it is. */
static const struct {
    const char *says;
    const char *host;
    const char *addr;
    const char *left;
    bool free;
} cases[] = {
    /* A whole host. */
    {"phase=handed " WHO ADDED(AGENT), "alpha", NULL, "fenced alpha - 0 0",
     true},
    {"phase=running " WHO ADDED(GUEST), "alpha", NULL, "fenced alpha - 0 0",
     true},
    /* It may only have been said to be off. */
    {"phase=running " WHO ADDED(GUEST) COMES, "alpha", NULL,
     "handed beta - 1 0", false},
    {"phase=running " WHO ADDED(GUEST) COMES, "beta", NULL,
     "running alpha - 0 0", false},
    {"phase=building instance=i " WHO ADDED(AGENT) LISTS, "alpha", NULL,
     "building alpha - 1 1", true},
    /* Whom another's claim owes is cut off by who takes that. */
    {"phase=building instance=i " WHO ADDED(AGENT) LISTS, "gamma", NULL, NULL,
     false},
    {"phase=running " WHO ADDED(GUEST), "gamma", NULL, NULL, false},

    /* One client. */
    {"phase=running " WHO ADDED(GUEST), NULL, GUEST, "fenced alpha - 0 0",
     true},
    {"phase=running " WHO ADDED(GUEST) COMES, NULL, GUEST, "handed beta - 0 0",
     false},
    {"phase=building instance=i " WHO ADDED(AGENT), NULL, AGENT,
     "building alpha - 0 0", true},
    {"phase=building instance=i " WHO ADDED(AGENT) LISTS, NULL, OWED,
     "building alpha - 0 1", false},
    {"phase=building instance=i " WHO ADDED(AGENT) LISTS, NULL, EARLY,
     "building alpha - 1 0", false},
    {"phase=building " WHO LISTS, NULL, EARLY, "building alpha - 1 0", true},
    {"phase=running " WHO ADDED(GUEST), NULL, AGENT, NULL, false},
    /* An agent's is not its guest's, which may come all the same. */
    {"phase=handed " WHO ADDED(AGENT), NULL, AGENT, NULL, false},
    {"phase=running " WHO ADDED(GUEST) COMES, NULL, THERE, NULL, false},
};

static char *
describe(const StoreRecord *record)
{
    return g_strdup_printf("%s %s %s %u %u", store_phase_word(record->phase),
                           record->who.place.host,
                           record->arrival ? record->arrival->place.host : "-",
                           record->owed->len, record->builders->len);
}

static void
test_cases(void **state)
{
    (void)state;
    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autofree char *text = g_strdup_printf("v=2 %s", cases[i].says);
        g_autoptr(StoreRecord) seen = store_record_parse(text);
        g_autoptr(StoreRecord) left = NULL;
        g_autofree char *words = NULL;

        assert_non_null(seen);
        left = store_tombstone_new(seen, cases[i].host, cases[i].addr);
        words = left ? describe(left) : NULL;
        if (g_strcmp0(words, cases[i].left) != 0)
            fail_msg("%s, without %s: %s, not %s", cases[i].says,
                     cases[i].host ? cases[i].host : cases[i].addr,
                     words ? words : "nothing",
                     cases[i].left ? cases[i].left : "nothing");
        if (left)
            assert_int_equal(store_tombstone_is_free(left), cases[i].free);
    }
}

/* Who had it is cut off before what came is on record. */
static void
test_source(void **state)
{
    g_autoptr(StoreRecord) seen =
        store_record_parse("v=2 phase=running " WHO ADDED(GUEST) COMES);
    g_autoptr(StoreRecord) left = store_tombstone_new(seen, "alpha", NULL);
    const StoreGuest *owed;

    (void)state;
    assert_non_null(left);
    assert_string_equal(left->who.addr, THERE);
    assert_int_equal(left->owed->len, 1);
    owed = g_ptr_array_index(left->owed, 0);
    assert_string_equal(owed->addr, GUEST);
    assert_string_equal(owed->place.host, "alpha");
}

/* Whom to cut off is never forgotten: a client goes out of a claim only if it is
 * the one that was cut off. */
static void
test_named(void **state)
{
    g_autoptr(StoreRecord) seen =
        store_record_parse("v=2 phase=running " WHO ADDED(
            GUEST) " ips=192.0.2.7%202001:db8::7" COMES ";192.0.2.8" LISTS);
    g_autoptr(GPtrArray) named = store_record_named(seen);
    static const StoreClaimNamed expected[] = {
        {(char *)"alpha", (char *)GUEST, false},
        {(char *)"alpha", (char *)"192.0.2.7:0/0", true},
        {(char *)"alpha", (char *)"[2001:db8::7]:0/0", true},
        {(char *)"beta", (char *)THERE, true},
        {(char *)"beta", (char *)"192.0.2.8:0/0", true},
        {(char *)"gamma", (char *)OWED, false},
        {NULL, (char *)EARLY, false},
    };

    (void)state;
    assert_int_equal(named->len, G_N_ELEMENTS(expected));
    for (guint i = 0; i < named->len; i++) {
        const StoreClaimNamed *one = g_ptr_array_index(named, i);

        assert_int_equal(g_strcmp0(one->host, expected[i].host), 0);
        assert_string_equal(one->addr, expected[i].addr);
        assert_int_equal(one->unseen, expected[i].unseen);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_cases),
        cmocka_unit_test(test_source),
        cmocka_unit_test(test_named),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
