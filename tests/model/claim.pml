/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * tests/model/claim.pml - one image's claim, between two hosts
 *
 * One domain may start on either host, again and again. Anything may happen
 * between two steps: a hook or a host dies, a host is cut off, a watch runs
 * out, a QEMU comes late. README.md says what stands for which code.
 *
 * Each attempt to start has a number. Its builder and its QEMU go by it, and
 * so do their addresses; 0 is somebody's tool. A set of numbers is a byte, one
 * bit for each.
 */

/* How many starts there are, arrivals among them, and how often what happens. */
#ifndef ATTEMPTS
#define ATTEMPTS 2
#endif
#ifndef PARTITIONS
#define PARTITIONS 1
#endif
#ifndef CRASHES
#define CRASHES 1 /* of a hook with its builder, or of a whole host */
#endif
#ifndef FENCES
#define FENCES 0
#endif
#ifndef MIGRATIONS
#define MIGRATIONS 0
#endif
#ifndef RESUMES
#define RESUMES 0 /* of a source whose guest runs elsewhere, on record */
#endif
#ifndef REPLUGS
#define REPLUGS 0 /* the disk is unplugged, and plugged again */
#endif
#ifndef TOOLS
#define TOOLS 0 /* somebody opens the image without a claim, and reads it */
#endif
#ifndef FORGETS
#define FORGETS 0 /* libvirt loses a guest whose QEMU goes on */
#endif
#ifndef LATE
#define LATE 0 /* what a dead builder asked for is done after its death */
#endif
#ifndef KILLS
#define KILLS 0 /* of a guest on record, whose last writes are still on their way */
#endif
#ifndef EXPIRIES
#define EXPIRIES 0 /* of an entry of the blocklist */
#endif

#if ATTEMPTS > 3
#error "sets have no room for so many"
#endif

#define BIT(x)    (1 << (x))
#define HAS(s, x) ((s) & BIT(x))
#define SEVERAL(s) ((s) & ((s) - 1))
#define ADD(s, x) s = s | BIT(x)
#define DEL(s, x) s = s & ~BIT(x)

/* ---- the claim: one value, compared as a whole by whoever changes it ------ */

mtype = {NONE, BUILDING, HANDED, RUNNING, FENCED};

mtype phase = NONE;
byte who;      /* whose it is */
byte addr;     /* while running: whose watch is on record */
bool addr_new; /* its, or that of whom it owes: since it was opened again */
byte arrival;  /* who is on its way by migration, or 0 */
byte owes;     /* guests that are to be cut off before anybody builds */
byte builders; /* earlier builders, likewise */
byte nonce;    /* new whenever it is handed anew to the same guest */

#define CLAIM_IS_SEEN \
    (phase == seen_phase && who == seen_who && addr == seen_addr && \
     arrival == seen_arrival && owes == seen_owes && nonce == seen_nonce)
#define CLAIM_IS_MINE (phase == BUILDING && who == me)

inline write_claim(new_phase, new_who)
{
    phase = new_phase;
    who = new_who;
    addr = 0;
    addr_new = false;
    arrival = 0;
    owes = 0;
    builders = 0;
}

/* ---- the rest of the world ----------------------------------------------- */

/* QEMUs. One that is neither coming nor open does not exist. */
byte coming;   /* started, and has opened nothing yet */
byte open;     /* has it open */
byte executes; /* its guest's processors run, so it writes */
byte unplugged; /* its live definition does not have the disk any more */
byte reopened; /* has it open as another client than at first */
byte watches;  /* is among the watchers, alive or not */
byte cut_off;  /* its address is on the blocklist */
byte lingers;  /* is dead, but what it wrote last may still be on its way */

/* Builders: those of a hook or an agent that asks for a start. */
byte builds;      /* writes to the image */
byte in_flight;   /* dead, but what it wrote last may still be on its way */
byte builder_cut; /* its address is on the blocklist */

byte on_second; /* on the second host; the others are on the first */
#define HOST(x)    ((on_second >> (x)) & 1)
#define ON_HOST(h) ((h) -> on_second : ~on_second)
#define GONE(x)    (!HAS(coming | open | unplugged, x))

/* Hosts. */
bool up[2], net[2];
bool host_cut[2]; /* 'remora fence --host': every client of it is cut off */
bool hook[2];     /* libvirt starts the domain: it waits for the hook */
bool killed[2];   /* that hook, with its builder */
byte guest[2];    /* what libvirt says: the active guest, or 0 */
bool call[2];     /* a call that attaches the disk is under way */

byte last; /* attempt */
bool migrates;
byte late_hand; /* an answer to this is on its way to nobody */
bool quiet; /* faults have ended, and nobody starts anything any more */

byte partitions = PARTITIONS, crashes = CRASHES, fences = FENCES;
byte migrations = MIGRATIONS, resumes = RESUMES, replugs = REPLUGS, tools = TOOLS;
byte forgets = FORGETS, late = LATE, expiries = EXPIRIES, kills = KILLS;

/* What a host's own agent can do. */
#define REACHES(h) (up[h] && net[h] && !host_cut[h])

/* What libvirt and /proc say of this host's guest. */
#ifdef M_NO_PROC
#define ENDED(h, x) (!hook[h] && guest[h] != (x))
#elif defined(M_NO_LIBVIRT)
#define ENDED(h, x) (GONE(x))
#else
#define ENDED(h, x) (!hook[h] && guest[h] != (x) && GONE(x))
#endif
/* libvirt says so: it runs with the disk, and no call is under way. */
#define RUNS(h, x) \
    (guest[h] == (x) && HAS(open & executes & ~unplugged, x) && !call[h])
/* The disk was taken out of it, and no call is about to put it there. */
#ifdef M_UNPLUG_EARLY
#define UNPLUGGED(h, x) (guest[h] == (x) && HAS(unplugged, x) && !call[h])
#else
#define UNPLUGGED(h, x) \
    (guest[h] == (x) && HAS(unplugged & ~open, x) && !call[h])
#endif

/* ---- what must not happen ------------------------------------------------- */

bool two_writers, stuck;

#define CUT_GUESTS \
    (cut_off | (host_cut[0] -> ON_HOST(0) : 0) | \
     (host_cut[1] -> ON_HOST(1) : 0))
#ifdef STRANGER
#define STRANGERS (watches & 1)
#else
#define STRANGERS 0
#endif
#define WRITING_GUESTS \
    ((((open & executes) | lingers) & ~CUT_GUESTS) | STRANGERS)
#define WRITING_BUILDERS ((builds | in_flight) & ~builder_cut)

/* One who is out of reach counts: it may be back at any moment. */
inline check()
{
    two_writers = SEVERAL(WRITING_GUESTS) || SEVERAL(WRITING_BUILDERS) ||
                  (WRITING_GUESTS && WRITING_BUILDERS);
    assert(!two_writers)
}

/* ---- cutting off ------------------------------------------------------------ */

/* An address that a guest has left behind is not the one that it uses. */
#define USED(s, is_new) ((s) & ((is_new) -> 15 : ~reopened))

inline cut_guests(s, is_new)
{
    cut_off = cut_off | USED(s, is_new);
    lingers = lingers & ~USED(s, is_new);
    watches = watches & ~USED(s, is_new)
}

/* Whether something of a dead guest on record may still arrive: its watch is there,
 * or it has not let go of the image's lock. */
#ifdef M_DEAD_NOT_CUT
#define MAY_ARRIVE(x) (HAS(watches, x))
#else
#define MAY_ARRIVE(x) (HAS(watches | lingers, x))
#endif

/* ---- a start: claim, cut off, look, build, hand, answer --------------------- */

/* One step of it on host h: what it asks for is done, or it has died. A blocklist
 * entry refuses it, too, but not what it asks of the monitors. */
#define ALIVE(h) (!killed[h] && net[h])
#define REFUSED(h) (host_cut[h] || HAS(builder_cut, me))

proctype Prepare(bit h)
{
    byte me, seen_who, seen_addr, seen_arrival, seen_owes, seen_builders;
    byte must_cut, back;
    mtype seen_phase = NONE;
    byte seen_nonce;
    bool seen_new, takes;

idle:
    atomic {
        if
        :: me -> hook[h] = false; killed[h] = false
        :: else
        fi;
        me = 0; seen_phase = NONE; seen_who = 0; seen_addr = 0;
        seen_arrival = 0; seen_owes = 0; seen_builders = 0; seen_nonce = 0;
        seen_new = false; must_cut = 0; back = 0; takes = false
    }
end:
    /* Who may take it: the claim is read first, then libvirt, /proc and the
     * watchers. A builder of this host that is not at work is dead; another
     * host's has stood still for long enough, which is always possible. */
    atomic {
        REACHES(h) && !hook[h] && !guest[h] && last < ATTEMPTS && !quiet ->
        last++;
        me = last;
        if
        :: h -> ADD(on_second, me)
        :: else
        fi;
        seen_phase = phase; seen_who = who; seen_addr = addr;
        seen_arrival = arrival; seen_owes = owes; seen_builders = builders;
        seen_nonce = nonce; seen_new = addr_new;
        if
        :: phase == NONE || phase == FENCED -> takes = true
        :: phase == BUILDING ->
           takes = true;
           must_cut = owes;
#ifndef M_NO_PUT_BACK
           if
           :: owes & watches -> takes = false; back = who
           :: else
           fi
#endif
        :: phase == HANDED && HOST(who) == h -> takes = ENDED(h, who)
        :: phase == HANDED && HOST(who) != h ->
#ifdef M_TAKE_HANDED
           takes = !watches
#else
           takes = false
#endif
        :: phase == RUNNING && arrival &&
           !(HOST(arrival) == h && ENDED(h, arrival)) -> takes = false
        :: phase == RUNNING && HOST(who) == h &&
           (!arrival || HOST(arrival) == h && ENDED(h, arrival)) ->
           takes = ENDED(h, who);
           must_cut = ((watches || MAY_ARRIVE(addr)) -> BIT(addr) : 0)
        :: phase == RUNNING && HOST(who) != h &&
           (!arrival || HOST(arrival) == h && ENDED(h, arrival)) ->
           takes = !watches;
           must_cut = BIT(addr)
        fi;
        hook[h] = true;
        killed[h] = false
    }

    /* Whom it was taken from is there again: the builder may write no more,
     * then the claim is the guest's as before. */
    if
    :: back ->
       atomic {
           if
           :: !ALIVE(h) && killed[h] -> goto idle
           :: ALIVE(h) -> builder_cut = builder_cut | BIT(back) | seen_builders;
           fi
       }
       atomic {
           if
           :: killed[h] -> goto idle
           :: ALIVE(h) ->
              if
              :: CLAIM_IS_SEEN && !REFUSED(h) ->
                 if
                 :: HAS(owes, 1) -> back = 1
                 :: HAS(owes, 2) -> back = 2
                 :: HAS(owes, 3) -> back = 3
                 fi;
                 write_claim(RUNNING, back);
                 addr = back;
                 addr_new = seen_new;
                 goto idle
              :: else -> goto idle
              fi
           fi
       }
    :: !back && !takes -> goto idle
    :: !back && takes
    fi;

    /* The claim is ours, and says whom we have to cut off. */
    atomic {
        if
        :: killed[h] -> goto idle
        :: ALIVE(h) ->
           if
           :: CLAIM_IS_SEEN && !REFUSED(h) ->
              must_cut = must_cut | seen_owes;
              write_claim(BUILDING, me);
              owes = must_cut;
              addr_new = seen_new && must_cut;
              builders = seen_builders |
                         (seen_phase == BUILDING -> BIT(seen_who) : 0)
           :: else -> goto idle
           fi
        fi
    }

    /* They are cut off. Nothing keeps one who is cut off himself from that. */
    atomic {
        if
        :: killed[h] -> goto idle
        :: ALIVE(h) ->
#ifndef M_NO_CUT_OFF
           cut_guests(must_cut, seen_new);
#endif
#ifndef M_BUILDER_NOT_CUT
           builder_cut = builder_cut | seen_builders |
                         (seen_phase == BUILDING -> BIT(seen_who) : 0);
#endif
           skip
        fi
    }

    /* Nobody else has it open. */
    atomic {
        if
        :: killed[h] -> goto idle
        :: ALIVE(h) ->
           if
           :: REFUSED(h) -> goto idle
#ifndef M_NO_SECOND_LOOK
           :: !REFUSED(h) && watches ->
              if
              :: CLAIM_IS_MINE -> write_claim(NONE, 0)
              :: else
              fi;
              goto idle
           :: !REFUSED(h) && !watches ->
#else
           :: !REFUSED(h) ->
#endif
              ADD(builds, me);
              check()
           fi
        fi
    }

#ifdef M_HAND_LATE
    atomic {
        DEL(builds, me);
        if
        :: killed[h] -> goto idle
        :: !killed[h] -> guest[h] = me; ADD(coming, me)
        fi
    }
#endif

    /* Handed, before the yes. */
    atomic {
        if
        :: killed[h] ->
           /* What it asked for last was to write, or to hand the claim. */
           if
           :: late && HAS(builds, me) -> late--; late_hand = me
           :: HAS(builds, me) -> ADD(in_flight, me)
           :: !HAS(builds, me)
           fi;
           DEL(builds, me);
           goto idle
        :: ALIVE(h) ->
           DEL(builds, me);
           if
           :: CLAIM_IS_MINE && !REFUSED(h) -> write_claim(HANDED, me)
           :: else -> goto idle
           fi
        fi
    }

    /* The yes arrives, or is lost. */
    atomic {
#ifndef M_HAND_LATE
        if
        :: !killed[h] -> guest[h] = me; ADD(coming, me)
        :: true
        fi;
#endif
        goto idle
    }
}

/* ---- the claim follows what the guest does ---------------------------------- */

proctype Settle(bit h)
{
    byte seen_who, seen_addr, seen_arrival, seen_owes, found;
    mtype seen_phase = NONE;
    byte seen_nonce;
    bool found_new, seen_ended;

end:
    do
    /* It has ended here, or its disk was unplugged. */
    :: atomic {
           REACHES(h) && (phase == HANDED || phase == RUNNING) &&
           HOST(who) == h &&
           (ENDED(h, who) || (UNPLUGGED(h, who) && !arrival)) &&
           (phase == RUNNING || !watches) ->
           seen_phase = phase; seen_who = who; seen_addr = addr;
           seen_arrival = arrival; seen_owes = owes; seen_nonce = nonce;
           seen_ended = ENDED(h, who)
       }
       atomic {
           if
           :: REACHES(h) ->
              if
#ifdef M_NO_COMPARE
              :: true ->
#else
              :: CLAIM_IS_SEEN ->
#endif
                 if
#ifdef M_UNPLUG_NOT_CUT
                 :: seen_phase == RUNNING && MAY_ARRIVE(seen_addr) ->
#else
                 :: seen_phase == RUNNING &&
                    (!seen_ended || MAY_ARRIVE(seen_addr)) ->
#endif
                    cut_guests(BIT(seen_addr), addr_new)
                 :: else
                 fi;
                 if
                 :: seen_arrival -> write_claim(HANDED, seen_arrival)
                 :: else -> write_claim(NONE, 0)
                 fi
              :: else
              fi
           :: !up[h] || host_cut[h]
           fi;
           seen_phase = NONE; seen_who = 0; seen_addr = 0; seen_arrival = 0;
           seen_owes = 0; seen_nonce = 0; seen_ended = false
       }

    /* What its host fenced knows of: so nobody need cut it off again. */
    :: atomic {
           REACHES(h) && phase == FENCED && HOST(who) == h && ENDED(h, who) ->
           write_claim(NONE, 0)
       }

    /* It runs, and the only watch is its: libvirt is asked, then who watches. */
    :: atomic {
           REACHES(h) && phase == HANDED && HOST(who) == h && watches &&
#ifdef M_ANY_WATCH
           guest[h] == who ->
#else
           RUNS(h, who) && !SEVERAL(watches) &&
#if !defined(M_ANY_HOST) && !defined(TOOL_IS_HERE)
           !HAS(watches, 0) &&
#endif
           true ->
#endif
           seen_who = who; seen_nonce = nonce;
           if
           :: HAS(watches, 0) -> found = 0
           :: HAS(watches, 1) -> found = 1
           :: HAS(watches, 2) -> found = 2
           :: HAS(watches, 3) -> found = 3
           fi;
           found_new = HAS(reopened, found) != 0
       }
       atomic {
           if
           :: REACHES(h) ->
              if
              :: phase == HANDED && who == seen_who && nonce == seen_nonce ->
                 write_claim(RUNNING, seen_who);
                 addr = found;
                 addr_new = found_new
              :: else
              fi
           :: !up[h] || host_cut[h]
           fi;
           seen_who = 0; seen_nonce = 0; found = 0; found_new = false
       }

#if MIGRATIONS > 0
    /* What was on its way here has ended. */
    :: atomic {
           REACHES(h) && phase == RUNNING && arrival && HOST(arrival) == h &&
           HOST(who) != h && ENDED(h, arrival) -> arrival = 0
       }

    /* It runs here: libvirt says so, and the only watch but the source's is its.
     * The source, which may still be there, is cut off, then the claim is
     * changed. */
    :: atomic {
           REACHES(h) && phase == RUNNING && arrival && HOST(arrival) == h &&
           HOST(who) != h && (watches & ~BIT(addr)) == BIT(arrival) &&
#ifdef M_ARRIVAL_BY_WATCH
           HAS(open, arrival) ->
#else
           RUNS(h, arrival) ->
#endif
           seen_who = who; seen_addr = addr; seen_arrival = arrival;
#ifndef M_SOURCE_NOT_CUT
           cut_guests(BIT(addr), addr_new)
#endif
       }
       atomic {
           if
           :: REACHES(h) ->
              if
              :: phase == RUNNING && who == seen_who && addr == seen_addr &&
                 arrival == seen_arrival ->
                 write_claim(RUNNING, seen_arrival);
                 addr = seen_arrival
              :: else
              fi
           :: !up[h] || host_cut[h]
           fi;
           seen_who = 0; seen_addr = 0; seen_arrival = 0
       }
#endif
    od
}

/* ---- the disk is unplugged, and plugged again -------------------------------- */

#if REPLUGS > 0
/* Plugged again, its QEMU is another client. Attaching claims like a start, of
 * which Prepare has the steps; here they are one. */
proctype Replug(bit h)
{
    byte x;

end:
    do
    /* Out of the live definition first, then QEMU writes what it has left. */
    :: atomic {
           replugs && !quiet && up[h] && guest[h] && !call[h] && !migrates &&
           HAS(open & executes, guest[h]) ->
           replugs--;
           x = guest[h];
           ADD(unplugged, x)
       }
       atomic {
           if
           :: HAS(open, x) && (net[h] || HAS(CUT_GUESTS, x)) ->
              DEL(open, x);
              DEL(watches, x)
           :: !HAS(open, x) /* it has ended */
           fi
       }
       atomic {
           if
           :: REACHES(h) && guest[h] == x && phase == NONE && !watches ->
              call[h] = true;
              write_claim(HANDED, x);
              nonce++
           :: true -> goto over
           fi
       }
       atomic {
           if
           :: net[h] && guest[h] == x && !host_cut[h] ->
              DEL(unplugged, x);
              ADD(reopened, x);
              DEL(cut_off, x); /* of this address nobody knows yet */
              ADD(open, x);
              ADD(watches, x);
              check()
           :: true /* the call fails */
           fi
       }
over:
       atomic { call[h] = false; x = 0 }
    od
}
#endif

/* ---- guests ------------------------------------------------------------------ */

inline die(x)
{
    DEL(coming, x);
    DEL(open, x);
    DEL(executes, x);
    DEL(unplugged, x);
    if
    :: guest[HOST(x)] == x -> guest[HOST(x)] = 0
    :: else
    fi
}

proctype Qemu(byte x)
{
end:
    do
    /* As late as it likes. */
    :: atomic {
           HAS(coming, x) && net[HOST(x)] ->
           if
           :: host_cut[HOST(x)] -> die(x)
           :: else ->
              DEL(coming, x);
              ADD(open, x);
              ADD(watches, x);
              if
              :: arrival == x && migrates
              :: else -> ADD(executes, x)
              fi;
              check()
           fi
       }
    :: atomic { HAS(coming, x) && !quiet -> die(x) }
    /* Killed: its watch stays, and what its kernel has not sent yet. */
    :: atomic {
           HAS((open | unplugged) & executes, x) && !quiet ->
           if
           :: kills && HAS(open, x) && phase == RUNNING && who == x ->
              kills--;
              ADD(lingers, x)
           :: true
           fi;
           die(x)
       }
    :: atomic {
           HAS(open & executes, x) && !quiet && net[HOST(x)] ->
           die(x);
           DEL(watches, x)
       }
    /* A watch runs out, and comes back with who is alive. */
    :: d_step {
           HAS(watches, x) &&
           (GONE(x) || (HAS(open, x) && !net[HOST(x)])) -> DEL(watches, x)
       }
    :: d_step {
           !HAS(watches, x) && HAS(open, x) && net[HOST(x)] &&
           !HAS(CUT_GUESTS, x) -> ADD(watches, x)
       }
    /* Cut off, it has errors only, and its agent or its operator ends it. */
    :: atomic {
           HAS(open, x) && net[HOST(x)] && HAS(CUT_GUESTS, x) -> die(x)
       }
    :: atomic {
           expiries && HAS(cut_off, x) && !quiet ->
           expiries--;
           DEL(cut_off, x);
           check()
       }
    :: atomic {
           forgets && guest[HOST(x)] == x && !quiet ->
           forgets--;
           guest[HOST(x)] = 0
       }
    od
}

/* ---- what befalls a host ----------------------------------------------------- */

/* QEMUs of host h, of those that die with it. */
inline crash_guests(h)
{
    coming = coming & ~ON_HOST(h);
    open = open & ~ON_HOST(h);
    executes = executes & ~ON_HOST(h);
    unplugged = unplugged & ~ON_HOST(h);
    lingers = lingers & ~ON_HOST(h);
    guest[h] = 0
}

proctype Faults(bit h)
{
end:
    do
    :: d_step { partitions && net[h] && up[h] && !quiet ->
                partitions--; net[h] = false }
    :: d_step { !net[h] -> net[h] = true }
    :: d_step { crashes && up[h] && hook[h] && !killed[h] && !quiet ->
                crashes--; killed[h] = true }
    :: d_step {
           crashes && up[h] && !quiet ->
           crashes--;
           up[h] = false;
           net[h] = true;
           call[h] = false;
           killed[h] = hook[h];
           crash_guests(h)
       }
    :: d_step { !up[h] && !killed[h] -> up[h] = true; host_cut[h] = false }
    /* What dead builders asked for is done, or was lost. */
    :: d_step { in_flight -> in_flight = 0 }
    :: d_step { lingers -> lingers = 0 }
    :: d_step {
           late_hand ->
           if
           :: phase == BUILDING && who == late_hand &&
              !HAS(builder_cut, late_hand) && !host_cut[HOST(late_hand)] ->
              write_claim(HANDED, late_hand)
           :: else
           fi;
           late_hand = 0
       }
    od
}

/* 'remora fence --host', by somebody who may be wrong about that host. All of it
 * is cut off first, then the claim says so. */
#if FENCES > 0
proctype Fence(bit h)
{
    mtype seen_phase = NONE;
    byte seen_who, seen_addr, seen_arrival, seen_owes;
    byte seen_nonce;

end:
    do
    :: atomic {
           fences && !quiet && phase != NONE && phase != FENCED &&
           (HOST(who) == h || (arrival && HOST(arrival) == h)) ->
           fences--;
           seen_phase = phase; seen_who = who; seen_addr = addr;
           seen_arrival = arrival; seen_owes = owes; seen_nonce = nonce;
#ifdef M_FENCE_ADDRESS
           cut_off = cut_off | (watches & ON_HOST(h));
           watches = watches & ~ON_HOST(h)
#else
           host_cut[h] = true;
           lingers = lingers & ~ON_HOST(h);
           watches = watches & ~(ON_HOST(h) & 14) /* 0 is elsewhere */
#endif
       }
       atomic {
           if
           :: CLAIM_IS_SEEN && HOST(who) != h -> arrival = 0
           :: CLAIM_IS_SEEN && HOST(who) == h && arrival &&
              HOST(arrival) != h -> write_claim(HANDED, seen_arrival)
           :: CLAIM_IS_SEEN && HOST(who) == h && phase != BUILDING &&
              !(arrival && HOST(arrival) != h) -> write_claim(FENCED, seen_who)
           :: else /* a dead builder's stays: it names whom to cut off */
           fi;
           seen_phase = NONE; seen_who = 0; seen_addr = 0; seen_arrival = 0;
           seen_owes = 0; seen_nonce = 0
       }
    /* Lifted when nothing from before it is left there. */
    :: d_step {
           host_cut[h] && up[h] &&
#ifndef M_LIFT_EARLY
           !hook[h] && !guest[h] && !((coming | open) & ON_HOST(h) & 14) &&
#endif
           true -> host_cut[h] = false
       }
    od
}
#endif

#if TOOLS > 0 || defined(STRANGER)
active proctype Tool()
{
end:
    do
    :: d_step { tools && !HAS(watches, 0) && !quiet -> tools--; ADD(watches, 0) }
    :: d_step { HAS(watches, 0) -> DEL(watches, 0) }
    od
}
#endif

/* ---- migration ----------------------------------------------------------------- */

#if MIGRATIONS > 0
/* Where it goes, a prepare asks for the domain: it stands beside the source in
 * its claim, if that still says what it said. */
active proctype Migrate()
{
    byte from, seen_addr, to;
    bit dest;

end:
    do
    :: atomic {
           migrations && !quiet && phase == RUNNING &&
           HAS(open & executes, who) && guest[HOST(who)] == who &&
           last < ATTEMPTS && net[HOST(who)] && !call[HOST(who)] &&
           !guest[1 - HOST(who)] && !hook[1 - HOST(who)] &&
           REACHES(1 - HOST(who)) &&
           (!arrival || ENDED(1 - HOST(who), arrival)) ->
           migrations--;
           from = who;
           seen_addr = addr;
           dest = 1 - HOST(who);
           last++;
           to = last;
           if
           :: dest -> ADD(on_second, to)
           :: else
           fi;
           hook[dest] = true
       }
       atomic {
           if
           :: killed[dest] || !up[dest]
           :: else ->
              if
              :: phase == RUNNING && who == from && addr == seen_addr &&
                 REACHES(dest) && !(watches & ~BIT(addr)) &&
                 (!arrival || ENDED(dest, arrival)) ->
                 arrival = to;
                 if
                 :: migrates = true; guest[dest] = to; ADD(coming, to)
                 :: true /* the yes is lost */
                 fi
              :: else
              fi
           fi;
           hook[dest] = false;
           killed[dest] = false
       }
       do
       :: !migrates -> break
       :: atomic {
              migrates && HAS(open, to) && HAS(open, from) && net[0] &&
              net[1] && !HAS(CUT_GUESTS, from) && !HAS(CUT_GUESTS, to) ->
              DEL(executes, from);
              ADD(executes, to);
              migrates = false;
              check()
          }
       :: atomic { /* it fails, or is cancelled */
              migrates && (!quiet || GONE(to) || GONE(from)) ->
              migrates = false;
              if
              :: !GONE(to) -> die(to)
              :: else
              fi
          }
       od;
       /* The source ends; or its libvirt has not heard of it, and somebody
        * resumes it. */
       if
       :: atomic {
              HAS(open, from) && !HAS(executes, from) ->
              die(from);
              DEL(watches, from)
          }
       :: atomic {
              resumes && HAS(open, from) && !HAS(executes, from) &&
              phase == RUNNING && who == to ->
              resumes--;
              ADD(executes, from);
              check();
              die(from);
              DEL(watches, from)
          }
       :: else
       fi;
       d_step { from = 0; to = 0; seen_addr = 0; dest = 0 }
    od
}
#endif

/* ---- in the end ------------------------------------------------------------------ */

#ifdef LIVE
/* Faults end and hosts come back. When nothing moves any more, a guest runs and
 * is on record, so that another host takes over when its host dies; or the next
 * start takes the claim at once. */
active proctype Check()
{
    quiet = true;
    timeout ->
    atomic {
        if
        :: WRITING_GUESTS ->
#ifdef M_NO_PUT_BACK
           stuck = phase != RUNNING
#else
           /* The next who asks puts it back. */
           stuck = !(phase == RUNNING || (phase == BUILDING && owes))
#endif
        :: else ->
           stuck = watches || !(phase == NONE || phase == BUILDING ||
                                phase == FENCED ||
                                (phase == RUNNING && !arrival && GONE(who)))
        fi;
        assert(!stuck)
    }
}
#endif

init
{
    byte x;

    atomic {
#ifdef STRANGER
        /* Who knows of no claims has it open, and writes. */
        watches = 1;
#endif
        up[0] = true; up[1] = true; net[0] = true; net[1] = true;
        run Prepare(0); run Prepare(1);
        run Settle(0); run Settle(1);
        run Faults(0); run Faults(1);
#if FENCES > 0
        run Fence(0); run Fence(1);
#endif
#if REPLUGS > 0
        run Replug(0); run Replug(1);
#endif
        x = 1;
        do
        :: x <= ATTEMPTS -> run Qemu(x); x++
        :: else -> break
        od;
        x = 0
    }
}
