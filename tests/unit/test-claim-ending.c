/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * tests/unit/test-claim-ending.c - what becomes of a guest's claim
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

#include "agent/rbd/claim/ending.h"

#include <string.h>

static const char *const words[] = {
    [STORE_END_KEEP] = "keep",
    [STORE_END_NOTE_WATCH] = "note the watch",
    [STORE_END_NOTE_OTHER] = "note another watch",
    [STORE_END_CREATE] = "create",
    [STORE_END_DROP] = "drop",
    [STORE_END_CUT_DROP] = "cut off and drop",
    [STORE_END_PROMOTE] = "promote",
    [STORE_END_CUT_PROMOTE] = "cut off and promote",
    [STORE_END_FORGET_ARRIVAL] = "forget the arrival",
    [STORE_END_DESTROY] = "destroy",
};

static const char *const guests[] = {
    [STORE_GUEST_UNKNOWN] = "unknown",
    [STORE_GUEST_ENDED] = "ended",
    [STORE_GUEST_OPENING] = "opening",
    [STORE_GUEST_RUNS] = "runs",
};

/* ---- the cases by name ---------------------------------------------------------------- */

#define OURS     .same_domain = true, .here = true, .this_boot = true
#define BOOTED   .same_domain = true, .here = true
#define THEIRS   .same_domain = true
#define PLUGGED  .guest = STORE_GUEST_RUNS, .plugged = true
#define OWN      .watched = true, .one_is_ours = true
#define SOMEBODY .watched = true
#define GUEST    .watched = true, .watch_is_there = true
#define CAME                                                                   \
    .same_domain = true, .has_arrival = true, .arrival_here = true,            \
    .arrival_this_boot = true

static const struct {
    const char *name;
    StoreEnd end;
    StoreEndFacts facts;
} cases[] = {
    /* handed */
    {"it starts",
     STORE_END_KEEP,
     {.phase = STORE_PHASE_HANDED, .guest = STORE_GUEST_OPENING, OURS}},
    {"it starts, and opens its disk",
     STORE_END_KEEP,
     {.phase = STORE_PHASE_HANDED,
      .guest = STORE_GUEST_OPENING,
      OURS,
      .plugged = true,
      OWN}},
    {"it runs, and has it open",
     STORE_END_NOTE_WATCH,
     {.phase = STORE_PHASE_HANDED, OURS, PLUGGED, OWN}},
    {"it runs, and its watch is lost",
     STORE_END_KEEP,
     {.phase = STORE_PHASE_HANDED, OURS, PLUGGED}},
    {"it runs, and somebody else has it open",
     STORE_END_KEEP,
     {.phase = STORE_PHASE_HANDED, OURS, PLUGGED, SOMEBODY}},
    {"the start has failed",
     STORE_END_DROP,
     {.phase = STORE_PHASE_HANDED, .guest = STORE_GUEST_ENDED, OURS}},
    {"it has ended, and its watch is listed yet",
     STORE_END_KEEP,
     {.phase = STORE_PHASE_HANDED, .guest = STORE_GUEST_ENDED, OURS, OWN}},
    {"libvirt does not answer",
     STORE_END_KEEP,
     {.phase = STORE_PHASE_HANDED, .guest = STORE_GUEST_UNKNOWN, OURS}},
    {"the host has booted since",
     STORE_END_DROP,
     {.phase = STORE_PHASE_HANDED, .guest = STORE_GUEST_UNKNOWN, BOOTED}},
    {"the disk that a call asked for is not there yet",
     STORE_END_KEEP,
     {.phase = STORE_PHASE_HANDED,
      .guest = STORE_GUEST_RUNS,
      OURS,
      .attach = true}},
    {"that call came back, and it is not there",
     STORE_END_DROP,
     {.phase = STORE_PHASE_HANDED,
      .guest = STORE_GUEST_RUNS,
      OURS,
      .attach = true,
      .call_over = true}},
    {"what it started with was unplugged before its watch was seen",
     STORE_END_KEEP,
     {.phase = STORE_PHASE_HANDED, .guest = STORE_GUEST_RUNS, OURS}},
    {"it was handed on another host",
     STORE_END_KEEP,
     {.phase = STORE_PHASE_HANDED,
      .guest = STORE_GUEST_ENDED,
      THEIRS,
      .this_boot = false}},

    /* running */
    {"it goes on",
     STORE_END_KEEP,
     {.phase = STORE_PHASE_RUNNING, OURS, PLUGGED, GUEST}},
    {"it goes on, out of reach",
     STORE_END_KEEP,
     {.phase = STORE_PHASE_RUNNING, OURS, PLUGGED}},
    {"it goes on, and somebody of its host has it open, too",
     STORE_END_KEEP,
     {.phase = STORE_PHASE_RUNNING, OURS, PLUGGED, GUEST, .one_is_ours = true}},
    {"its disk was unplugged and plugged in again at once",
     STORE_END_NOTE_OTHER,
     {.phase = STORE_PHASE_RUNNING, OURS, PLUGGED, OWN}},
    {"the same while it migrates",
     STORE_END_KEEP,
     {.phase = STORE_PHASE_RUNNING, OURS, PLUGGED, OWN, .has_arrival = true}},
    {"it goes on, out of reach, and somebody elsewhere has it open",
     STORE_END_KEEP,
     {.phase = STORE_PHASE_RUNNING, OURS, PLUGGED, SOMEBODY}},
    {"it has ended, and closed its disk in order",
     STORE_END_DROP,
     {.phase = STORE_PHASE_RUNNING,
      .guest = STORE_GUEST_ENDED,
      OURS,
      .let_go = true}},
    {"it has ended, its watch is gone, and what it wrote last may be on its way",
     STORE_END_CUT_DROP,
     {.phase = STORE_PHASE_RUNNING, .guest = STORE_GUEST_ENDED, OURS}},
    {"it ended with its host",
     STORE_END_DROP,
     {.phase = STORE_PHASE_RUNNING, .guest = STORE_GUEST_ENDED, BOOTED}},
    {"it ended with its host, and its watch is listed yet",
     STORE_END_CUT_DROP,
     {.phase = STORE_PHASE_RUNNING, .guest = STORE_GUEST_ENDED, BOOTED, GUEST}},
    {"it has ended, and its watch is there",
     STORE_END_CUT_DROP,
     {.phase = STORE_PHASE_RUNNING, .guest = STORE_GUEST_ENDED, OURS, GUEST}},
    {"it has ended, and somebody else has it open",
     STORE_END_CUT_DROP,
     {.phase = STORE_PHASE_RUNNING,
      .guest = STORE_GUEST_ENDED,
      OURS,
      SOMEBODY}},
    {"it has ended in order, and somebody else has it open",
     STORE_END_DROP,
     {.phase = STORE_PHASE_RUNNING,
      .guest = STORE_GUEST_ENDED,
      OURS,
      SOMEBODY,
      .let_go = true}},
    {"the disk was detached",
     STORE_END_CUT_DROP,
     {.phase = STORE_PHASE_RUNNING, .guest = STORE_GUEST_RUNS, OURS}},
    {"another host's guest",
     STORE_END_KEEP,
     {.phase = STORE_PHASE_RUNNING, .guest = STORE_GUEST_ENDED, THEIRS}},

    /* migration, on the source */
    {"it migrates",
     STORE_END_KEEP,
     {.phase = STORE_PHASE_RUNNING, OURS, PLUGGED, GUEST, .has_arrival = true}},
    {"it has migrated",
     STORE_END_PROMOTE,
     {.phase = STORE_PHASE_RUNNING,
      .guest = STORE_GUEST_ENDED,
      OURS,
      .let_go = true,
      .has_arrival = true}},
    {"it has, and what came has it open",
     STORE_END_PROMOTE,
     {.phase = STORE_PHASE_RUNNING,
      .guest = STORE_GUEST_ENDED,
      OURS,
      SOMEBODY,
      .let_go = true,
      .has_arrival = true}},
    {"it has, and what it wrote last may be on its way",
     STORE_END_CUT_PROMOTE,
     {.phase = STORE_PHASE_RUNNING,
      .guest = STORE_GUEST_ENDED,
      OURS,
      SOMEBODY,
      .has_arrival = true}},
    {"the source has booted since",
     STORE_END_PROMOTE,
     {.phase = STORE_PHASE_RUNNING,
      .guest = STORE_GUEST_UNKNOWN,
      BOOTED,
      .has_arrival = true}},

    /* migration, on the destination */
    {"it comes",
     STORE_END_KEEP,
     {.phase = STORE_PHASE_RUNNING, .guest = STORE_GUEST_OPENING, CAME, GUEST}},
    {"it came, and its watch is not to be told yet",
     STORE_END_KEEP,
     {.phase = STORE_PHASE_RUNNING, CAME, PLUGGED, GUEST}},
    {"it came and runs, and the source has not gone yet",
     STORE_END_NOTE_WATCH,
     {.phase = STORE_PHASE_RUNNING, CAME, PLUGGED, GUEST, .one_is_ours = true}},
    {"it came, and has it open alone",
     STORE_END_NOTE_WATCH,
     {.phase = STORE_PHASE_RUNNING, CAME, PLUGGED, OWN}},
    {"it did not get here",
     STORE_END_FORGET_ARRIVAL,
     {.phase = STORE_PHASE_RUNNING, .guest = STORE_GUEST_ENDED, CAME, GUEST}},
    {"it was on the way before this host has booted",
     STORE_END_FORGET_ARRIVAL,
     {.phase = STORE_PHASE_RUNNING,
      .guest = STORE_GUEST_UNKNOWN,
      .same_domain = true,
      .has_arrival = true,
      .arrival_here = true,
      GUEST}},

    /* no claim, or another's */
    {"it runs without a claim",
     STORE_END_CREATE,
     {.phase = STORE_PHASE_NONE, PLUGGED, OWN, .this_boot = true}},
    {"it does, and somebody else has it open",
     STORE_END_KEEP,
     {.phase = STORE_PHASE_NONE, PLUGGED, SOMEBODY, .this_boot = true}},
    {"it runs without a claim, on a disk of several",
     STORE_END_KEEP,
     {.phase = STORE_PHASE_NONE,
      PLUGGED,
      OWN,
      .shared = true,
      .this_boot = true}},
    {"it does not run, and there is no claim",
     STORE_END_KEEP,
     {.phase = STORE_PHASE_NONE,
      .guest = STORE_GUEST_ENDED,
      .this_boot = true}},
    {"what was handed here is another's while it starts",
     STORE_END_DESTROY,
     {.phase = STORE_PHASE_RUNNING,
      .guest = STORE_GUEST_OPENING,
      .handed = true}},
    {"what was handed here was fenced while it starts",
     STORE_END_DESTROY,
     {.phase = STORE_PHASE_FENCED,
      .guest = STORE_GUEST_OPENING,
      OURS,
      .handed = true}},
    {"what ran here was fenced, and goes on",
     STORE_END_KEEP,
     {.phase = STORE_PHASE_FENCED, .guest = STORE_GUEST_RUNS, OURS}},
    {"what was fenced has ended",
     STORE_END_DROP,
     {.phase = STORE_PHASE_FENCED, .guest = STORE_GUEST_ENDED, OURS}},

    /* others that settle themselves */
    {"a builder's",
     STORE_END_KEEP,
     {.phase = STORE_PHASE_BUILDING, .guest = STORE_GUEST_ENDED, OURS}},
    {"of version 0.1, and it has ended",
     STORE_END_DROP,
     {.phase = STORE_PHASE_OLD, .guest = STORE_GUEST_ENDED, OURS}},
    {"of version 0.1, and it runs",
     STORE_END_NOTE_WATCH,
     {.phase = STORE_PHASE_OLD, OURS, PLUGGED, OWN}},
};

static void
test_cases(void **state)
{
    (void)state;
    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
        StoreEnd end = store_claim_end(&cases[i].facts);

        if (end != cases[i].end)
            fail_msg("%s: %s, not %s", cases[i].name, words[end],
                     words[cases[i].end]);
    }
}

/* ---- what there is to settle yet --------------------------------------------------- */

static const char *const settled_words[] = {
    [STORE_SETTLED_NONE] = "none",       [STORE_SETTLED_WAITING] = "waiting",
    [STORE_SETTLED_RUNNING] = "running", [STORE_SETTLED_DROPPED] = "dropped",
    [STORE_SETTLED_CUT_OFF] = "cut off",
};

#define NO_CLAIM .phase = STORE_PHASE_NONE, .this_boot = true

static const struct {
    const char *name;
    StoreSettled settled;
    StoreEndFacts facts;
} kept[] = {
    {"it runs without a claim, and somebody else has it open, too",
     STORE_SETTLED_WAITING,
     {NO_CLAIM, PLUGGED, SOMEBODY}},
    {"it runs without a claim, and its watch is lost",
     STORE_SETTLED_WAITING,
     {NO_CLAIM, PLUGGED}},
    {"it starts without a claim",
     STORE_SETTLED_WAITING,
     {NO_CLAIM, .guest = STORE_GUEST_OPENING}},
    {"libvirt does not answer",
     STORE_SETTLED_WAITING,
     {NO_CLAIM, .guest = STORE_GUEST_UNKNOWN}},
    {"it runs without the disk, or only reads it",
     STORE_SETTLED_NONE,
     {NO_CLAIM, .guest = STORE_GUEST_RUNS, SOMEBODY}},
    {"several may write to it",
     STORE_SETTLED_NONE,
     {NO_CLAIM, PLUGGED, SOMEBODY, .shared = true}},
    {"it has ended, and there is no claim",
     STORE_SETTLED_NONE,
     {NO_CLAIM, .guest = STORE_GUEST_ENDED, SOMEBODY}},
    {"it runs, and somebody elsewhere asks for the disk just now",
     STORE_SETTLED_WAITING,
     {.phase = STORE_PHASE_BUILDING, PLUGGED, OWN}},
    {"it has ended, and another has the disk",
     STORE_SETTLED_NONE,
     {.phase = STORE_PHASE_RUNNING, .guest = STORE_GUEST_ENDED, SOMEBODY}},
    {"it is on record",
     STORE_SETTLED_RUNNING,
     {.phase = STORE_PHASE_RUNNING, OURS, PLUGGED, GUEST}},
    {"it is on record, and libvirt does not answer",
     STORE_SETTLED_WAITING,
     {.phase = STORE_PHASE_RUNNING, .guest = STORE_GUEST_UNKNOWN, OURS, GUEST}},
    {"it was handed, and has not been seen",
     STORE_SETTLED_WAITING,
     {.phase = STORE_PHASE_HANDED, .guest = STORE_GUEST_OPENING, OURS}},
};

static void
test_kept(void **state)
{
    (void)state;
    for (gsize i = 0; i < G_N_ELEMENTS(kept); i++) {
        StoreSettled settled = store_claim_kept(&kept[i].facts);

        if (settled != kept[i].settled)
            fail_msg("%s: %s, not %s", kept[i].name, settled_words[settled],
                     settled_words[kept[i].settled]);
    }
}

/* ---- every combination ------------------------------------------------------------------ */

#define FLAGS 15

static StoreEndFacts
facts_of(guint phase, guint guest, guint flags)
{
    return (StoreEndFacts){
        .phase = (StorePhase)phase,
        .guest = (StoreGuestState)guest,
        .same_domain = flags & 1,
        .here = flags & 2,
        .this_boot = flags & 4,
        .has_arrival = flags & 8,
        .arrival_here = flags & 16,
        .arrival_this_boot = flags & 32,
        .plugged = flags & 64,
        .attach = flags & 128,
        .call_over = flags & 256,
        .handed = flags & 512,
        .watched = flags & 1024,
        .watch_is_there = flags & 2048,
        .one_is_ours = flags & 4096,
        .shared = flags & 8192,
        .let_go = flags & 16384,
    };
}

/* What settle.c can bring. Where there is no claim, it is of this boot, and of
 * nobody. */
static bool
can_be(const StoreEndFacts *f)
{
    bool none = f->phase == STORE_PHASE_NONE;

    return (none ? f->this_boot && !f->here && !f->same_domain && !f->attach
                 : !(f->this_boot && !f->here)) &&
           !(f->arrival_this_boot && !f->arrival_here) &&
           !(f->arrival_here && !f->has_arrival) &&
           !(f->has_arrival && f->phase != STORE_PHASE_RUNNING) &&
           !((f->watch_is_there || f->one_is_ours) && !f->watched) &&
           !(f->watch_is_there && f->phase != STORE_PHASE_RUNNING) &&
           !(f->let_go && (f->watch_is_there || !f->this_boot ||
                           f->guest != STORE_GUEST_ENDED ||
                           f->phase != STORE_PHASE_RUNNING));
}

typedef void (*Check)(const StoreEndFacts *facts, StoreEnd end);

static void
for_all(Check check)
{
    guint asked = 0;

    for (guint phase = STORE_PHASE_NONE; phase <= STORE_PHASE_OLD; phase++)
        for (guint guest = 0; guest <= STORE_GUEST_RUNS; guest++)
            for (guint flags = 0; flags < 1u << FLAGS; flags++) {
                StoreEndFacts facts = facts_of(phase, guest, flags);

                if (!can_be(&facts))
                    continue;
                asked++;
                check(&facts, store_claim_end(&facts));
            }
    assert_in_range(asked, 1000, 1000000);
}

static void
hold(bool holds, const StoreEndFacts *f, StoreEnd end, const char *rule)
{
    if (holds)
        return;
    fail_msg(
        "%s, but '%s' at: %s guest %s same %d here %d boot %d arrival %d "
        "here %d boot %d plugged %d attach %d over %d handed %d watched %d "
        "recorded %d one-ours %d shared %d let-go %d",
        rule, words[end], store_phase_word(f->phase), guests[f->guest],
        f->same_domain, f->here, f->this_boot, f->has_arrival, f->arrival_here,
        f->arrival_this_boot, f->plugged, f->attach, f->call_over, f->handed,
        f->watched, f->watch_is_there, f->one_is_ours, f->shared, f->let_go);
}

/* The claim goes, or goes over to somebody else. */
static bool
lets_go(StoreEnd end)
{
    return end == STORE_END_DROP || end == STORE_END_CUT_DROP ||
           end == STORE_END_PROMOTE || end == STORE_END_CUT_PROMOTE;
}

static bool
promotes(StoreEnd end)
{
    return end == STORE_END_PROMOTE || end == STORE_END_CUT_PROMOTE;
}

static void
check_letting_go(const StoreEndFacts *f, StoreEnd end)
{
    if (!lets_go(end))
        return;
    hold(f->here && f->same_domain, f, end,
         "only who had it lets go of a claim");
    if (f->this_boot)
        hold(f->guest == STORE_GUEST_ENDED || f->guest == STORE_GUEST_RUNS, f,
             end, "who may be about to open it keeps its claim");
    if (f->this_boot && f->guest == STORE_GUEST_RUNS)
        hold(!f->plugged && f->phase != STORE_PHASE_FENCED, f, end,
             "who runs with the disk keeps its claim");
    if (f->this_boot && f->guest == STORE_GUEST_RUNS &&
        f->phase == STORE_PHASE_HANDED && f->attach)
        hold(f->call_over, f, end, "a call under way may still bring the disk");
    hold(f->phase != STORE_PHASE_NONE && f->phase != STORE_PHASE_BUILDING, f,
         end, "a builder lets go of its claim itself");
}

static void
check_watch(const StoreEndFacts *f, StoreEnd end)
{
    if (end == STORE_END_NOTE_WATCH || end == STORE_END_NOTE_OTHER ||
        end == STORE_END_CREATE) {
        hold(f->guest == STORE_GUEST_RUNS, f, end,
             "only a guest that runs has a watch to be noted");
        hold(f->watched && f->one_is_ours, f, end,
             "only the one watch of this host can be the guest's");
        /* The source of what arrived is cut off first. */
        hold(!f->watch_is_there ||
                 (f->has_arrival && !(f->here && f->same_domain)),
             f, end, "the recorded guest has it open");
    }
    if (end == STORE_END_CREATE)
        hold(f->phase == STORE_PHASE_NONE && f->plugged && !f->shared, f, end,
             "only where there is no claim one is made");
    if (end == STORE_END_NOTE_WATCH)
        hold(f->same_domain && (f->here || f->arrival_here), f, end,
             "only the own guest's watch is noted");
    if (end == STORE_END_NOTE_OTHER)
        hold(f->phase == STORE_PHASE_RUNNING && f->same_domain && f->here &&
                 f->this_boot && f->plugged && !f->has_arrival,
             f, end, "only a guest on record can have another client");
    if (end == STORE_END_NOTE_WATCH)
        hold(f->plugged, f, end, "a guest without the disk has no watch on it");
    if (end == STORE_END_NOTE_WATCH && f->phase != STORE_PHASE_RUNNING)
        hold(f->here && f->this_boot, f, end,
             "the watch is of the guest that it was handed to");
}

static void
check_cutting_off(const StoreEndFacts *f, StoreEnd end)
{
    if (end == STORE_END_CUT_DROP)
        hold(f->phase == STORE_PHASE_RUNNING && !f->has_arrival, f, end,
             "only a recorded client is cut off");
    if (end == STORE_END_CUT_DROP && !f->watch_is_there)
        hold(f->this_boot && !f->let_go, f, end,
             "who has nothing on its way is not cut off");
    if ((end == STORE_END_DROP && f->phase == STORE_PHASE_RUNNING) ||
        end == STORE_END_PROMOTE)
        hold(!f->watch_is_there, f, end, "a watch is left behind");
    if ((end == STORE_END_DROP && f->phase == STORE_PHASE_RUNNING) ||
        end == STORE_END_PROMOTE)
        hold(f->let_go || !f->this_boot, f, end,
             "what a dead guest wrote last may still arrive");
    if (end == STORE_END_DROP && f->phase == STORE_PHASE_RUNNING)
        hold(f->guest == STORE_GUEST_ENDED || !f->this_boot, f, end,
             "what a guest that goes on had open is cut off");
    if (end == STORE_END_DROP &&
        (f->phase == STORE_PHASE_HANDED || f->phase == STORE_PHASE_OLD))
        hold(!f->watched, f, end, "whose watch it is nobody knows");
}

static void
check_migration(const StoreEndFacts *f, StoreEnd end)
{
    if (promotes(end))
        hold(f->has_arrival && (f->guest == STORE_GUEST_ENDED || !f->this_boot),
             f, end, "who came goes on only after the source has ended");
    if (end == STORE_END_DROP || end == STORE_END_CUT_DROP)
        hold(!f->has_arrival, f, end, "who is on the way keeps its claim");
    if (end == STORE_END_FORGET_ARRIVAL)
        hold(f->arrival_here && f->same_domain &&
                 !(f->here && f->same_domain) &&
                 (f->guest == STORE_GUEST_ENDED || !f->arrival_this_boot),
             f, end, "only who came knows that it did not stay");
}

static void
check_destroying(const StoreEndFacts *f, StoreEnd end)
{
    if (end != STORE_END_DESTROY)
        return;
    hold(f->handed, f, end, "only what was handed here, and not seen since");
    hold(f->guest == STORE_GUEST_OPENING || f->guest == STORE_GUEST_RUNS, f,
         end, "only a guest that is there can be ended");
    hold(f->phase != STORE_PHASE_NONE && f->phase != STORE_PHASE_BUILDING, f,
         end, "without a claim of another nobody has taken anything away");
    hold(f->phase == STORE_PHASE_FENCED || !(f->here && f->same_domain), f, end,
         "whose claim it is goes on");
}

/* Nothing follows from what nobody can say. */
static void
check_unknown(const StoreEndFacts *f, StoreEnd end)
{
    bool booted = f->here && f->same_domain && !f->this_boot;
    bool came_before =
        f->has_arrival && f->arrival_here && !f->arrival_this_boot;

    if (f->guest == STORE_GUEST_UNKNOWN && !booted && !came_before)
        hold(end == STORE_END_KEEP, f, end, "who knows nothing does nothing");
    if (f->guest == STORE_GUEST_OPENING && !booted && !came_before)
        hold(end == STORE_END_KEEP || end == STORE_END_DESTROY, f, end,
             "while it opens its disks nothing is known");
    if (f->phase == STORE_PHASE_BUILDING)
        hold(end == STORE_END_KEEP, f, end, "a builder's is left alone");
}

/* Nothing stands for ever: with the guest gone and nobody there, the claim goes
 * on the host that it is of. */
static void
check_progress(const StoreEndFacts *f, StoreEnd end)
{
    bool ours = f->here && f->same_domain && f->phase != STORE_PHASE_BUILDING &&
                f->phase != STORE_PHASE_NONE;

    if (ours && f->guest == STORE_GUEST_ENDED && !f->watched)
        hold(lets_go(end), f, end, "a claim outlives its guest");
    if (f->phase == STORE_PHASE_RUNNING && !ours && f->same_domain &&
        f->arrival_here && f->guest == STORE_GUEST_ENDED)
        hold(end == STORE_END_FORGET_ARRIVAL, f, end,
             "an arrival outlives its guest");
    if (ours && f->phase == STORE_PHASE_HANDED && f->this_boot &&
        f->guest == STORE_GUEST_RUNS && f->plugged && f->one_is_ours)
        hold(end == STORE_END_NOTE_WATCH, f, end, "a watch is not noted");
    if (f->phase == STORE_PHASE_RUNNING && !(f->here && f->same_domain) &&
        f->arrival_here && f->arrival_this_boot && f->same_domain &&
        f->guest == STORE_GUEST_RUNS && f->plugged && f->one_is_ours)
        hold(end == STORE_END_NOTE_WATCH, f, end,
             "a source that may be resumed is not cut off");
}

/* A guest that may write and is not on record is never forgotten. */
static void
check_forgetting(const StoreEndFacts *f, StoreEnd end)
{
    if (end == STORE_END_KEEP && f->guest == STORE_GUEST_RUNS && f->plugged &&
        !f->shared)
        hold(store_claim_kept(f) != STORE_SETTLED_NONE, f, end,
             "a guest that runs with the disk is forgotten");
    if (end == STORE_END_KEEP && f->phase == STORE_PHASE_NONE &&
        f->guest == STORE_GUEST_ENDED)
        hold(store_claim_kept(f) == STORE_SETTLED_NONE, f, end,
             "who has ended and has no claim is remembered for ever");
}

static void
test_every_combination(void **state)
{
    static const Check checks[] = {
        check_letting_go, check_watch,   check_cutting_off, check_migration,
        check_destroying, check_unknown, check_progress,    check_forgetting};

    (void)state;
    for (gsize i = 0; i < G_N_ELEMENTS(checks); i++)
        for_all(checks[i]);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_cases),
        cmocka_unit_test(test_kept),
        cmocka_unit_test(test_every_combination),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
