/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * tests/model/disk.pml - one image's name: what is used, and what is trashed
 *
 * Builders come one after another, or beside one that only seems dead; each may
 * die, fail or fall silent at any step. What a silent one goes on to do stands
 * for what a dead one's last requests do late. Who may claim when is claim.pml's
 * subject: here a claim is taken from whoever has it, and what is asked is what
 * becomes of the image that is found.
 */
#ifndef BUILDERS
#define BUILDERS 3
#endif
#ifndef FAILS
#define FAILS 1 /* steps that fail, and clearing away that does */
#endif
#ifndef LOSSES
#define LOSSES 0 /* a dead builder's claim is removed by hand */
#endif
#ifndef STRANGERS
#define STRANGERS 0 /* somebody makes a disk of that name without a claim */
#endif

/* What is asked for is a clone, unless the disk is to be FILLED: created without
 * a parent and written to by its builder; or EXISTING: to be there. */

mtype = {ABSENT, NAME_ONLY, ORPHAN, UNLISTED, LISTED};
/* NAME_ONLY  it cannot be opened: its header is not there
 * ORPHAN     it opens, and has no parent
 * UNLISTED   it has its parent, which does not list it
 * LISTED     a clone that is whole, but for its size */

mtype = {BUILD, USE, TRASH, REMOVE_NAME, REFUSE};

/* ---- the image that has the name ------------------------------------------ */

byte id;       /* another image has another one; 0: there is none */
byte last_id;
mtype state = ABSENT;
bool grown;    /* it has the size that was asked for */
bool data;     /* it holds data of its own */
bool filled;   /* all that its builder was to write */
bool building; /* it has a mark that says so and names it */
bool ready;    /* likewise */
bool watched;  /* somebody has it open who is no builder */
bool precious; /* somebody's data are in it: they must not go */
bool blank;    /* the name was a stranger's, who left it empty */

/* ---- its claim -------------------------------------------------------------- */

#define ANY 15 /* whatever image there is was a guest's before */

byte holder;   /* the builder; 0: there is no claim */
bool handed;   /* it is the guest's of that start */
byte adopted;  /* the id of an image that was found, ANY, or 0 */
byte earlier;  /* builders from whom it was taken: a set, one bit for each */
byte cut_off;  /* builders on the blocklist, likewise */
byte dead;     /* those that are */

#define BIT(x)    (1 << (x))
#define HAS(s, x) ((s) & BIT(x))

byte fails = FAILS, losses = LOSSES, strangers = STRANGERS;
bool half_made_used, trashed, stuck;

#ifdef FILLED
#define WHOLE (state == ORPHAN && (precious || filled))
#elif defined(EXISTING)
#define WHOLE true
#else
#define WHOLE (precious || (state == LISTED && grown))
#endif

inline forget_image()
{
    id = 0;
    state = ABSENT;
    grown = false;
    data = false;
    filled = false;
    building = false;
    ready = false;
    watched = false;
    precious = false;
    blank = false
}

/* ---- the verdict: facts in, one action out ----------------------------------- */

#ifdef EXISTING
#define MAY_BUILD false
#else
#define MAY_BUILD true
#endif

inline use_it()
{
    what = (watched -> REFUSE : USE)
}

/* Of the builder's own kind, and accounted for: nobody's. */
inline nobodys()
{
    what = (MAY_BUILD && !watched -> TRASH : REFUSE)
}

/* What a dead builder may have made. */
inline leftover()
{
    if
    :: state == NAME_ONLY -> what = (MAY_BUILD -> REMOVE_NAME : REFUSE)
    :: state != NAME_ONLY && ready -> use_it()
    :: state != NAME_ONLY && !ready && building -> nobodys()
    :: state != NAME_ONLY && !ready && !building && !data -> nobodys()
    :: state != NAME_ONLY && !ready && !building && data ->
#ifdef M_NO_DATA_LOOK
       nobodys()
#else
       if
       :: state == LISTED -> use_it()
       :: else -> what = REFUSE
       fi
#endif
    fi
}

/* No builder of ours had a hand in it. */
inline somebodys()
{
    if
    :: state == NAME_ONLY -> what = REFUSE
    :: state != NAME_ONLY && ready -> use_it()
    :: state != NAME_ONLY && !ready && building -> what = REFUSE
    :: state != NAME_ONLY && !ready && !building ->
#ifdef EXISTING
       use_it()
#elif defined(FILLED)
#ifdef M_EMPTY_IS_FILLED
       use_it()
#else
       if
       :: data -> use_it()
       :: else -> what = REFUSE
       fi
#endif
#else
       if
       :: data -> use_it()
#ifdef M_NO_LIST_LOOK
       :: !data && (state == LISTED || state == UNLISTED) -> use_it()
       :: !data && state == ORPHAN -> what = REFUSE
#else
       :: !data && state == LISTED -> use_it()
       :: !data && state != LISTED -> what = REFUSE
#endif
       fi
#endif
    fi
}

inline decide()
{
    if
    :: state == ABSENT -> what = (MAY_BUILD -> BUILD : REFUSE)
#ifdef M_DECIDE_BY_NAME
    :: state != ABSENT -> use_it()
#else
    :: state != ABSENT && took_over && adopted != ANY && adopted != id ->
       leftover()
    :: state != ABSENT && !(took_over && adopted != ANY && adopted != id) ->
       somebodys()
#endif
    fi
}

/* ---- a builder ------------------------------------------------------------------ */

#define MINE (holder == me && !handed)

/* Before a step: it dies; or the step fails, and what is there is taken away,
 * if that can be done. One who is cut off can do nothing any more. */
#define STEP \
    if \
    :: goto over \
    :: HAS(cut_off, me) -> goto over \
    :: fails && !HAS(cut_off, me) -> fails--; goto failed \
    :: !HAS(cut_off, me) \
    fi

proctype Builder(byte me)
{
    byte peeked, works_on, must_cut;
    bool took_over, made;
    mtype what = REFUSE;

end:
    /* Whether there is an image is asked for before the claim. */
    peeked = id;

    /* Whoever has it is dead or ended, or silent for long enough. */
end_wait:
    atomic {
        if
        :: holder == 0 ->
           holder = me;
           handed = false;
#if defined(M_NO_ADOPTED) || defined(M_NO_FIRST_NOTE)
           adopted = 0
#else
           adopted = peeked
#endif
        :: holder && holder != me && !(handed && watched) ->
           must_cut = BIT(holder);
#ifndef M_FORGET_BUILDERS
           must_cut = must_cut | earlier;
#endif
           earlier = must_cut;
           took_over = true;
#ifndef M_GUEST_FORGOTTEN
           if
           :: handed -> adopted = ANY
           :: else
           fi;
#endif
           holder = me;
           handed = false
        fi
    }

#ifndef M_NO_CUT_OFF
    atomic {
        if
        :: goto over
        :: cut_off = cut_off | must_cut
        fi
    }
#endif

look:
    atomic {
        STEP;
        decide();
        if
        :: what == REFUSE ->
           /* Nobody has it open, it is no stranger's blank, and no hand was at
            * it meanwhile: yet nobody gets on without people's help. */
#if LOSSES == 0 && STRANGERS == 0 && !defined(MAY_STICK)
           stuck = state != ABSENT && !watched && !blank;
           assert(!stuck);
#endif
           goto give_up
        :: what == TRASH -> goto trash
        :: what == REMOVE_NAME -> goto remove_name
        :: what == USE -> goto use
        :: what == BUILD
        fi
    }

    /* The name, then the header, then the parent, then the parent's list. */
    atomic {
        STEP;
        if
        :: state == ABSENT ->
           made = true;
           last_id++;
           id = last_id;
           works_on = id;
           state = NAME_ONLY
        :: else -> goto look
        fi
    }
    atomic {
        STEP;
        if
        :: id == works_on && state == NAME_ONLY -> state = ORPHAN
        :: else
        fi
    }
#ifdef FILLED
    /* Opened by its name. */
    atomic { STEP; works_on = id; if :: !id -> goto over :: else fi }
#ifdef M_MARK_FIRST
    atomic { STEP; if :: id == works_on -> ready = true :: else fi }
#endif
#ifndef M_NO_BUILDING_MARK
    atomic { STEP; if :: id == works_on -> building = true :: else fi }
#endif
    atomic { STEP; if :: id == works_on -> data = true :: else fi }
    atomic { STEP; if :: id == works_on -> filled = true :: else fi }
#ifndef M_NO_MARK
    atomic { STEP; if :: id == works_on -> ready = true :: else fi }
#endif
    atomic { STEP; if :: id == works_on -> building = false :: else fi }
#else
    atomic {
        STEP;
        if
        :: id == works_on && state == ORPHAN -> state = UNLISTED
        :: else
        fi
    }
    atomic {
        STEP;
        if
        :: id == works_on && state == UNLISTED -> state = LISTED
        :: else
        fi
    }
    /* Opened by its name, whose parent is looked at again. */
    atomic {
        STEP;
        works_on = id;
        if
        :: state != UNLISTED && state != LISTED -> goto over
        :: else
        fi
    }
    atomic { STEP; if :: id == works_on -> grown = true :: else fi }
#ifndef M_NO_MARK
    atomic { STEP; if :: id == works_on -> ready = true :: else fi }
#endif
#endif
    goto hand;

trash:
    atomic {
        STEP;
        if
        :: watched -> goto give_up
        :: else
        fi;
        trashed = precious;
        assert(!trashed);
        forget_image();
        goto look
    }

remove_name:
    atomic {
        STEP;
        if
        :: state == NAME_ONLY -> forget_image()
        :: else
        fi;
        goto look
    }

use:
    works_on = id;
#ifndef M_NO_ADOPTED
    /* An image that is found and has no mark. */
    atomic {
        STEP;
        if
        :: MINE && !ready -> adopted = works_on
        :: MINE && ready
        :: !MINE -> goto over
        fi
    }
#endif
    atomic { STEP; if :: id == works_on -> grown = true :: else fi }

hand:
    atomic {
        STEP;
        if
        :: MINE -> handed = true; adopted = 0; earlier = 0
        :: else -> goto over
        fi
    }
    /* The guest comes, writes or not, and goes. */
    atomic {
        if
        :: goto over
        :: holder == me && handed ->
           half_made_used = !WHOLE;
           assert(!half_made_used);
           watched = true
        :: holder != me || !handed -> goto over
        fi
    }
    atomic {
        if
        :: data = true; precious = true
        :: true
        fi;
        watched = false;
        if
        :: holder == me && handed -> holder = 0; handed = false; adopted = 0
        :: true /* the claim is there still when the next one starts */
        fi
    }
    goto over;

failed:
    /* What could not be finished is taken away by its name. */
    atomic {
        if
        :: made && id && !HAS(cut_off, me) && !watched ->
           trashed = precious;
           assert(!trashed);
           forget_image();
           made = false
        :: made && fails -> fails--
        :: made && (!id || HAS(cut_off, me) || watched)
        :: !made
        fi
    }

give_up:
    /* While there may be an image under it that only it tells from somebody's,
     * the claim stays. */
    atomic {
        if
        :: goto over
#ifdef M_DROP_HALF_MADE
        :: MINE && !HAS(cut_off, me) && (made || !took_over) ->
           holder = 0; adopted = 0; earlier = 0
        :: MINE && !HAS(cut_off, me) && !made && took_over
#else
        :: MINE && !HAS(cut_off, me) && !made && !took_over ->
           holder = 0; adopted = 0; earlier = 0
        :: MINE && !HAS(cut_off, me) && (made || took_over)
#endif
        :: !MINE || HAS(cut_off, me)
        fi
    }
over:
    dead = dead | BIT(me)
}

/* ---- others ---------------------------------------------------------------------- */

/* Who knows of no claims: had a disk of that name before, used or not. */
inline somebody()
{
    if
    :: true
    :: id = 1; state = ORPHAN; data = true; precious = true
#ifndef FILLED
    :: id = 1; state = LISTED
    :: id = 1; state = LISTED; data = true; precious = true
    :: id = 1; state = ORPHAN; blank = true
#endif
    fi;
    last_id = id
}

active proctype People()
{
end:
    do
    :: d_step { strangers && state == ABSENT ->
                strangers--; last_id++; id = last_id; state = ORPHAN;
                data = true; precious = true }
    :: d_step { losses && holder && !handed &&
                !((earlier | BIT(holder)) & ~dead) ->
                losses--; holder = 0; adopted = 0; earlier = 0 }
    od
}

init
{
    byte x = 1;

    atomic {
        somebody();
        do
        :: x <= BUILDERS -> run Builder(x); x++
        :: else -> break
        od;
        x = 0
    }
}
