/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * tests/unit/test-claim-verdict.c - who may take a claim over
 *
 * The named cases stand in a table. What must hold whatever the facts are is
 * said once more, in other words than the code's, and asked of every combination
 * of facts that can be.
 */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "agent/rbd/claim/verdict.h"

#include <string.h>

static const char *const words[] = {
    [STORE_TAKE_DEAD] = "dead",
    [STORE_TAKE_SILENT] = "silent",
    [STORE_TAKE_WAIT] = "wait",
    [STORE_TAKE_PUT_BACK] = "put back",
    [STORE_TAKE_ARRIVE] = "arrive",
    [STORE_TAKE_REFUSE_BUILDING] = "refuse: building",
    [STORE_TAKE_REFUSE_HANDED] = "refuse: handed",
    [STORE_TAKE_REFUSE_RUNNING] = "refuse: running",
    [STORE_TAKE_REFUSE_ARRIVAL] = "refuse: arrival",
    [STORE_TAKE_REFUSE_OWN] = "refuse: own",
};

/* ---- the cases by name ---------------------------------------------------------------- */

/* What a start of the claim's own domain brings, after libvirt and /proc. */
#define HERE   .here = true, .this_boot = true
#define BOOTED .here = true, .this_boot = false
#define STARTS .starts = true
#define ENDED  .same_domain = true, .starts = true, .ended = true
#define COMES                                                                  \
    .same_domain = true, .starts = true, .arriving = true, .ended = true
#define ARRIVES .has_arrival = true
#define TO_HERE .has_arrival = true, .arrival_here = true

static const struct {
    const char *name;
    StoreTake take;
    StoreTakeFacts facts;
} cases[] = {
    {"fenced by an operator", STORE_TAKE_DEAD, {.phase = STORE_PHASE_FENCED}},
    {"fenced, and its watch is listed yet",
     STORE_TAKE_DEAD,
     {.phase = STORE_PHASE_FENCED, .watched = STORE_WATCHED_BY_OTHERS}},

    /* building */
    {"a builder at work",
     STORE_TAKE_REFUSE_BUILDING,
     {.phase = STORE_PHASE_BUILDING,
      .builder = STORE_BUILDER_AT_WORK,
      HERE,
      ENDED}},
    {"a dead builder of this host",
     STORE_TAKE_DEAD,
     {.phase = STORE_PHASE_BUILDING, .builder = STORE_BUILDER_DEAD, HERE}},
    {"a builder of another host, seen for the first time",
     STORE_TAKE_WAIT,
     {.phase = STORE_PHASE_BUILDING, .builder = STORE_BUILDER_UNKNOWN}},
    {"one that was silent for long enough",
     STORE_TAKE_SILENT,
     {.phase = STORE_PHASE_BUILDING, .builder = STORE_BUILDER_SILENT}},
    {"one of a boot before this",
     STORE_TAKE_DEAD,
     {.phase = STORE_PHASE_BUILDING, .builder = STORE_BUILDER_UNKNOWN, BOOTED}},
    {"a dead builder that took it from a guest which is there again",
     STORE_TAKE_PUT_BACK,
     {.phase = STORE_PHASE_BUILDING,
      .builder = STORE_BUILDER_DEAD,
      .watched = STORE_WATCHED_BY_OWED,
      HERE}},
    {"a silent one that did",
     STORE_TAKE_PUT_BACK,
     {.phase = STORE_PHASE_BUILDING,
      .builder = STORE_BUILDER_SILENT,
      .watched = STORE_WATCHED_BY_OWED}},
    {"one that did, and is at work",
     STORE_TAKE_REFUSE_BUILDING,
     {.phase = STORE_PHASE_BUILDING,
      .builder = STORE_BUILDER_AT_WORK,
      .watched = STORE_WATCHED_BY_OWED}},

    /* handed */
    {"handed on another host",
     STORE_TAKE_REFUSE_HANDED,
     {.phase = STORE_PHASE_HANDED, STARTS}},
    {"handed there for the same domain",
     STORE_TAKE_REFUSE_HANDED,
     {.phase = STORE_PHASE_HANDED, ENDED}},
    {"handed there, and it migrates to here",
     STORE_TAKE_WAIT,
     {.phase = STORE_PHASE_HANDED, COMES}},
    {"handed here to another domain",
     STORE_TAKE_REFUSE_HANDED,
     {.phase = STORE_PHASE_HANDED, HERE, .starts = true, .ended = true}},
    {"handed here, and a QEMU is left",
     STORE_TAKE_REFUSE_HANDED,
     {.phase = STORE_PHASE_HANDED, HERE, .same_domain = true, STARTS}},
    {"handed here to the domain that starts again",
     STORE_TAKE_DEAD,
     {.phase = STORE_PHASE_HANDED, HERE, ENDED}},
    {"handed here before it has booted",
     STORE_TAKE_DEAD,
     {.phase = STORE_PHASE_HANDED, BOOTED}},
    {"handed here, and the domain attaches it once more",
     STORE_TAKE_REFUSE_OWN,
     {.phase = STORE_PHASE_HANDED, HERE, .same_domain = true}},

    /* running */
    {"running on another host",
     STORE_TAKE_REFUSE_RUNNING,
     {.phase = STORE_PHASE_RUNNING, .watched = STORE_WATCHED_BY_GUEST, ENDED}},
    {"it did, and nobody has the image open",
     STORE_TAKE_SILENT,
     {.phase = STORE_PHASE_RUNNING, ENDED}},
    {"the same for another domain",
     STORE_TAKE_SILENT,
     {.phase = STORE_PHASE_RUNNING, STARTS}},
    {"it did, and somebody else has it open",
     STORE_TAKE_REFUSE_RUNNING,
     {.phase = STORE_PHASE_RUNNING, .watched = STORE_WATCHED_BY_OTHERS, ENDED}},
    {"running here",
     STORE_TAKE_REFUSE_RUNNING,
     {.phase = STORE_PHASE_RUNNING,
      .watched = STORE_WATCHED_BY_GUEST,
      HERE,
      STARTS}},
    {"running here, out of reach of the cluster",
     STORE_TAKE_REFUSE_RUNNING,
     {.phase = STORE_PHASE_RUNNING, HERE, STARTS}},
    {"it ran here, and starts again",
     STORE_TAKE_DEAD,
     {.phase = STORE_PHASE_RUNNING,
      .watched = STORE_WATCHED_BY_GUEST,
      HERE,
      ENDED}},
    {"it ran here before it has booted",
     STORE_TAKE_DEAD,
     {.phase = STORE_PHASE_RUNNING, .watched = STORE_WATCHED_BY_GUEST, BOOTED}},
    {"running here, and it attaches it once more",
     STORE_TAKE_REFUSE_OWN,
     {.phase = STORE_PHASE_RUNNING, HERE, .same_domain = true}},

    /* migration */
    {"it migrates to here",
     STORE_TAKE_ARRIVE,
     {.phase = STORE_PHASE_RUNNING, .watched = STORE_WATCHED_BY_GUEST, COMES}},
    {"it migrates to here, while its host is out of reach",
     STORE_TAKE_ARRIVE,
     {.phase = STORE_PHASE_RUNNING, COMES}},
    {"another domain migrates to here",
     STORE_TAKE_REFUSE_RUNNING,
     {.phase = STORE_PHASE_RUNNING,
      .starts = true,
      .arriving = true,
      .ended = true}},
    {"it migrates to the host that it is on",
     STORE_TAKE_REFUSE_RUNNING,
     {.phase = STORE_PHASE_RUNNING, HERE, COMES}},
    {"it migrates to here, and somebody else has it open",
     STORE_TAKE_REFUSE_RUNNING,
     {.phase = STORE_PHASE_RUNNING, .watched = STORE_WATCHED_BY_OTHERS, COMES}},
    {"it migrates to here while it does to another host",
     STORE_TAKE_REFUSE_ARRIVAL,
     {.phase = STORE_PHASE_RUNNING,
      .watched = STORE_WATCHED_BY_GUEST,
      ARRIVES,
      COMES}},
    {"it did not get here, and migrates again",
     STORE_TAKE_ARRIVE,
     {.phase = STORE_PHASE_RUNNING,
      .watched = STORE_WATCHED_BY_GUEST,
      TO_HERE,
      .arrival_this_boot = true,
      COMES}},
    {"it migrates elsewhere, and nobody has the image open",
     STORE_TAKE_REFUSE_ARRIVAL,
     {.phase = STORE_PHASE_RUNNING, ARRIVES, ENDED}},
    {"the same, and it ran here and starts again",
     STORE_TAKE_REFUSE_ARRIVAL,
     {.phase = STORE_PHASE_RUNNING, HERE, ARRIVES, ENDED}},
    {"it was on the way here before this host has booted",
     STORE_TAKE_SILENT,
     {.phase = STORE_PHASE_RUNNING, TO_HERE, STARTS}},

    /* version 0.1 */
    {"of version 0.1",
     STORE_TAKE_REFUSE_HANDED,
     {.phase = STORE_PHASE_OLD, .builder = STORE_BUILDER_SILENT, ENDED}},
    {"of a dead process of this host, which never handed it",
     STORE_TAKE_DEAD,
     {.phase = STORE_PHASE_OLD,
      .builder = STORE_BUILDER_DEAD,
      .not_handed = true}},
    {"of one that did, and the domain starts again",
     STORE_TAKE_DEAD,
     {.phase = STORE_PHASE_OLD, .builder = STORE_BUILDER_DEAD, ENDED}},
    {"of one that did, to another domain",
     STORE_TAKE_REFUSE_HANDED,
     {.phase = STORE_PHASE_OLD,
      .builder = STORE_BUILDER_DEAD,
      .starts = true,
      .ended = true}},
};

static void
test_cases(void **state)
{
    (void)state;
    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
        StoreTake take = store_claim_may_take(&cases[i].facts);

        if (take != cases[i].take)
            fail_msg("%s: %s, not %s", cases[i].name, words[take],
                     words[cases[i].take]);
    }
}

/* ---- who has to be cut off -------------------------------------------------------------- */

static const struct {
    const char *name;
    StoreTake how;
    bool owes;
    StoreTakeFacts facts;
} debts[] = {
    {"it ended here, and what it wrote last may be on its way",
     STORE_TAKE_DEAD,
     true,
     {.phase = STORE_PHASE_RUNNING, HERE, ENDED}},
    {"it ended here, and closed its disk in order",
     STORE_TAKE_DEAD,
     false,
     {.phase = STORE_PHASE_RUNNING, HERE, ENDED, .let_go = true}},
    {"it ended here, and its watch is listed yet",
     STORE_TAKE_DEAD,
     true,
     {.phase = STORE_PHASE_RUNNING,
      HERE,
      ENDED,
      .watched = STORE_WATCHED_BY_GUEST}},
    {"it ended with its host",
     STORE_TAKE_DEAD,
     false,
     {.phase = STORE_PHASE_RUNNING, BOOTED, ENDED}},
    {"it is out of reach elsewhere",
     STORE_TAKE_SILENT,
     true,
     {.phase = STORE_PHASE_RUNNING, STARTS}},
    {"it is out of reach elsewhere, and has let go of the lock",
     STORE_TAKE_SILENT,
     true,
     {.phase = STORE_PHASE_RUNNING, STARTS, .let_go = true}},
    {"its host is off, somebody said",
     STORE_TAKE_DEAD,
     true,
     {.phase = STORE_PHASE_FENCED, STARTS}},
    {"nobody has seen its client",
     STORE_TAKE_DEAD,
     false,
     {.phase = STORE_PHASE_HANDED, HERE, ENDED}},
    {"a builder is on another list",
     STORE_TAKE_DEAD,
     false,
     {.phase = STORE_PHASE_BUILDING, HERE, STARTS}},
};

static void
test_debts(void **state)
{
    (void)state;
    for (gsize i = 0; i < G_N_ELEMENTS(debts); i++)
        if (store_claim_owes(&debts[i].facts, debts[i].how) != debts[i].owes)
            fail_msg("%s: it does%s have to be cut off", debts[i].name,
                     debts[i].owes ? "" : " not");
}

/* ---- every combination ------------------------------------------------------------------ */

#define FLAGS 10

static StoreTakeFacts
facts_of(guint phase, guint builder, guint watched, guint flags)
{
    return (StoreTakeFacts){
        .phase = (StorePhase)phase,
        .builder = (StoreBuilder)builder,
        .watched = (StoreWatched)watched,
        .here = flags & 1,
        .this_boot = flags & 2,
        .same_domain = flags & 4,
        .ended = flags & 8,
        .starts = flags & 16,
        .arriving = flags & 32,
        .not_handed = flags & 64,
        .has_arrival = flags & 128,
        .arrival_here = flags & 256,
        .arrival_this_boot = flags & 512,
    };
}

/* What acquire.c can bring. */
static bool
can_be(const StoreTakeFacts *f)
{
    bool built =
        f->phase == STORE_PHASE_BUILDING || f->phase == STORE_PHASE_OLD;

    return !(f->this_boot && !f->here) &&
           !(f->arrival_this_boot && !f->arrival_here) &&
           !(f->arrival_here && !f->has_arrival) &&
           !(f->has_arrival && f->phase != STORE_PHASE_RUNNING) &&
           !(f->ended && !f->starts) && !(f->arriving && !f->starts) &&
           !(f->builder != STORE_BUILDER_AT_WORK && !built) &&
           !(f->watched == STORE_WATCHED_BY_GUEST &&
             f->phase != STORE_PHASE_RUNNING) &&
           !(f->not_handed && f->builder != STORE_BUILDER_DEAD) &&
           !(f->here && f->phase == STORE_PHASE_OLD);
}

typedef void (*Check)(const StoreTakeFacts *facts, StoreTake take);

static void
for_all(Check check)
{
    guint asked = 0;

    for (guint phase = STORE_PHASE_BUILDING; phase <= STORE_PHASE_OLD; phase++)
        for (guint builder = 0; builder <= STORE_BUILDER_UNKNOWN; builder++)
            for (guint watched = 0; watched <= STORE_WATCHED_BY_OTHERS;
                 watched++)
                for (guint flags = 0; flags < 1u << FLAGS; flags++) {
                    StoreTakeFacts facts =
                        facts_of(phase, builder, watched, flags);

                    if (!can_be(&facts))
                        continue;
                    asked++;
                    check(&facts, store_claim_may_take(&facts));
                }
    assert_in_range(asked, 1000, 100000);
}

static void
wrong(const StoreTakeFacts *f, StoreTake take, const char *rule)
{
    fail_msg(
        "%s, but '%s' at: %s builder %d watched %d here %d boot %d same %d "
        "ended %d starts %d arriving %d not-handed %d arrival %d here %d "
        "boot %d",
        rule, words[take], store_phase_word(f->phase), f->builder, f->watched,
        f->here, f->this_boot, f->same_domain, f->ended, f->starts, f->arriving,
        f->not_handed, f->has_arrival, f->arrival_here, f->arrival_this_boot);
}

static void
hold(bool holds, const StoreTakeFacts *facts, StoreTake take, const char *rule)
{
    if (!holds)
        wrong(facts, take, rule);
}

static bool
is_taken(StoreTake take)
{
    return take == STORE_TAKE_DEAD || take == STORE_TAKE_SILENT;
}

/* The only proofs that nobody writes who did. */
static bool
has_proof(const StoreTakeFacts *f)
{
    return f->phase == STORE_PHASE_FENCED || (f->here && !f->this_boot) ||
           ((f->phase == STORE_PHASE_BUILDING || f->phase == STORE_PHASE_OLD) &&
            f->builder == STORE_BUILDER_DEAD) ||
           (f->here && f->same_domain && f->ended);
}

static void
check_proof(const StoreTakeFacts *f, StoreTake take)
{
    if (take == STORE_TAKE_DEAD)
        hold(has_proof(f), f, take, "without a proof nobody is taken for dead");
}

static void
check_handed(const StoreTakeFacts *f, StoreTake take)
{
    if (f->phase != STORE_PHASE_HANDED)
        return;
    hold(take != STORE_TAKE_SILENT && take != STORE_TAKE_ARRIVE &&
             take != STORE_TAKE_PUT_BACK,
         f, take, "no silence ends what was handed");
    hold((take == STORE_TAKE_WAIT) ==
             (f->arriving && f->same_domain && !f->here),
         f, take, "only who arrives waits for it to be more");
    if (!f->here)
        hold(!is_taken(take), f, take, "handed elsewhere is never taken");
    if (f->here && f->this_boot && !(f->same_domain && f->ended))
        hold(!is_taken(take), f, take,
             "handed here is taken only when that domain has ended");
    if (f->arriving)
        hold(!is_taken(take), f, take, "who arrives takes nothing away");
}

static void
check_running(const StoreTakeFacts *f, StoreTake take)
{
    if (f->phase != STORE_PHASE_RUNNING)
        return;
    if (!f->here && f->watched != STORE_WATCHED_BY_NOBODY)
        hold(!is_taken(take), f, take,
             "running elsewhere is never taken while anybody has it open");
    if (!f->here)
        hold(take != STORE_TAKE_DEAD, f, take,
             "nobody of another host is proved dead");
    if (f->has_arrival && (!f->arrival_here || f->arrival_this_boot) &&
        !(f->arrival_here && f->same_domain && f->ended))
        hold(!is_taken(take) && take != STORE_TAKE_ARRIVE, f, take,
             "who is on the way may be the one that runs");
    if (f->here && f->this_boot && !(f->same_domain && f->ended))
        hold(!is_taken(take), f, take,
             "running here is taken only when that domain has ended");
    if (take == STORE_TAKE_SILENT)
        hold(!f->here, f, take, "this host's guests are proved dead or live");
    if (f->arriving)
        hold(!is_taken(take), f, take, "who arrives takes nothing away");
}

static void
check_building(const StoreTakeFacts *f, StoreTake take)
{
    bool booted = f->here && !f->this_boot;

    if (f->phase != STORE_PHASE_BUILDING)
        return;
    if (f->builder == STORE_BUILDER_AT_WORK && !booted)
        hold(take == STORE_TAKE_REFUSE_BUILDING, f, take,
             "who is at work is left alone");
    if (f->builder == STORE_BUILDER_UNKNOWN && !booted)
        hold(take == STORE_TAKE_WAIT, f, take, "nobody is judged at one look");
    if (f->watched == STORE_WATCHED_BY_OWED)
        hold(!is_taken(take), f, take,
             "a guest that is there again gets its disk back");
    if (take == STORE_TAKE_SILENT)
        hold(f->builder == STORE_BUILDER_SILENT, f, take,
             "only who was watched is silent");
}

static void
check_arrival(const StoreTakeFacts *f, StoreTake take)
{
    if (take != STORE_TAKE_ARRIVE)
        return;
    hold(f->phase == STORE_PHASE_RUNNING, f, take,
         "nothing arrives from where nothing runs");
    hold(f->arriving && f->same_domain && !f->here, f, take,
         "only the domain itself arrives, from another host");
    hold(f->watched <= STORE_WATCHED_BY_GUEST, f, take,
         "nobody arrives beside a stranger");
}

static void
check_others(const StoreTakeFacts *f, StoreTake take)
{
    if (take == STORE_TAKE_PUT_BACK)
        hold(f->phase == STORE_PHASE_BUILDING &&
                 f->watched == STORE_WATCHED_BY_OWED,
             f, take, "only what was taken is put back");
    if (take == STORE_TAKE_REFUSE_OWN)
        hold(f->here && f->same_domain && !f->starts, f, take,
             "who starts has nothing yet");
    if (take == STORE_TAKE_WAIT)
        hold(f->phase == STORE_PHASE_HANDED ||
                 (f->phase == STORE_PHASE_BUILDING &&
                  f->builder == STORE_BUILDER_UNKNOWN),
             f, take, "only a builder that may be alive is watched");
    if (f->phase == STORE_PHASE_FENCED)
        hold(take == STORE_TAKE_DEAD, f, take, "fenced is free");
    if (f->phase == STORE_PHASE_OLD)
        hold(take == STORE_TAKE_DEAD || take == STORE_TAKE_REFUSE_HANDED, f,
             take, "version 0.1 counts as handed");
}

static void
test_every_combination(void **state)
{
    static const Check checks[] = {check_proof,    check_handed,  check_running,
                                   check_building, check_arrival, check_others};

    (void)state;
    for (gsize i = 0; i < G_N_ELEMENTS(checks); i++)
        for_all(checks[i]);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_cases),
        cmocka_unit_test(test_debts),
        cmocka_unit_test(test_every_combination),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
