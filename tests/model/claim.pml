/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The claim in three phases: two hosts, one image, one domain. */
#ifndef MAXQ
#define MAXQ 3
#endif
#define N (MAXQ+1)
#define NO 0
#define COMING 1
#define OPEN 2
#define DEAD 3
mtype = {NONE, BUILD, HAND, RUN};
#ifndef PARTS
#define PARTS 1
#endif
#ifndef CRASH
#define CRASH 1
#endif
#ifndef FOREIGN
#define FOREIGN 0
#endif
#ifndef FENCES
#define FENCES 1
#endif
#ifndef MIGS
#define MIGS 0
#endif
#ifndef REOPENS
#define REOPENS 0
#endif
#ifndef EXPIRES
#define EXPIRES 0
#endif

/* the claim object: one value, compared as a whole */
mtype cph = NONE; byte cq, cad, carr, cow;
/* attempts 1..MAXQ; address q is QEMU q's; address 0 is a foreign tool's */
byte nq; bit qh[N]; byte qs[N]; bool w[N]; bool blk[N]; bool cpu[N];
bool act[N]; bool ablk[N];             /* builder: writes; cut off      */
bool up[2], net[2], hb[2], hook[2], abrt[2];
byte dom[2];                           /* libvirt: active attempt, or 0 */
byte parts = PARTS, crash = CRASH, foreign = FOREIGN, fences = FENCES, migs = MIGS, expires = EXPIRES;
bool mig, quiet, job;
/* reopened under a new address (block job, unplug and plug); the record knows of it */
bool re[N], cre[N]; byte reopens = REOPENS;
byte k_, n_;
bool two_writers, stuck;

inline CHECK() {
  n_ = 0; k_ = 1;
  do :: k_ < N -> n_ = n_ + ((act[k_] && !ablk[k_]) -> 1 : 0) + ((qs[k_] == OPEN && cpu[k_] && !blk[k_] && !hb[qh[k_]]) -> 1 : 0); k_++
     :: else -> break od;
  two_writers = n_ > 1;
  assert(!two_writers); k_ = 0; n_ = 0
}
inline COUNTW() { n_ = 0; k_ = 0;
  do :: k_ < N -> n_ = n_ + (w[k_] -> 1 : 0); k_++ :: else -> break od; k_ = 0 }
#define BIT(x) (1 << (x))
#define SAME(a,b,c,d,e) (cph==a && cq==b && cad==c && carr==d && cow==e)

/* prepare on host h: agent or one-shot, under libvirt's job */
proctype Prep(bit h) {
  byte q, sq, sad, sarr, sow, ow, pb; mtype sph; bool ok;
idle: atomic { if :: q -> hook[h]=false; abrt[h]=false :: else fi; q=0; sq=0; sad=0; sarr=0; sow=0; ow=0; pb=0; sph=NONE; ok=false };
end:
  do
  :: atomic { up[h] && net[h] && !hb[h] && !hook[h] && dom[h]==0 && nq<MAXQ && !quiet ->
     nq++; q=nq; qh[q]=h; hook[h]=true; abrt[h]=false;
     sph=cph; sq=cq; sad=cad; sarr=carr; sow=cow; COUNTW();
     if
     :: sph==NONE -> ok = (n_==0); ow=0
     :: sph==BUILD -> ok = true; ow = sow;              /* dead here, or stood still for DEAD */
#ifdef R_PUTBACK
        /* what it was taken from is back: put its record back, and refuse */
        k_=0; do :: k_<N -> if :: (sow & BIT(k_)) && w[k_] -> pb=k_ :: else fi; k_++ :: else -> break od; k_=0;
        if :: pb -> ok=false :: else fi
#endif
     :: sph==HAND && qh[sq]==h -> ok = (qs[sq]==NO||qs[sq]==DEAD); ow = 0
     :: sph==HAND && qh[sq]!=h ->
#ifdef M_HANDTAKE
        ok = (n_==0)
#else
        ok = false
#endif
     :: sph==RUN && sarr!=0 -> ok = false
     :: sph==RUN && sarr==0 && qh[sq]==h -> ok = (qs[sq]==DEAD); ow = BIT(sad)
     :: sph==RUN && sarr==0 && qh[sq]!=h ->
#ifdef M_OTHERWATCH
        ok = !(w[sad] && re[sad]==cre[sad]); ow = BIT(sad)
#else
        ok = (n_==0); ow = BIT(sad)
#endif
     fi; n_=0 }
#ifdef R_PUTBACK
     if :: pb -> atomic { if :: abrt[h] -> goto idle :: !abrt[h] && net[h] ->
          if :: SAME(BUILD,sq,0,0,sow) && w[pb] -> ablk[sq]=true; cph=RUN; cq=pb; cad=pb; cow=0 :: else fi; goto idle fi }
        :: !pb fi;
#endif
     if :: !ok -> goto idle :: ok fi;
     /* compare and set: ours, what is owed named in it */
     atomic { if :: abrt[h] -> goto idle
        :: !abrt[h] && net[h] ->
          if :: SAME(sph,sq,sad,sarr,sow) ->
               if :: sph==BUILD -> ablk[sq] = true :: else fi;  /* the builder: cut off too */
               cph=BUILD; cq=q; cad=0; carr=0; cow=ow
             :: else -> goto idle fi fi }
     /* cut off what is owed, wait for the map */
     atomic { if :: abrt[h] -> goto idle
        :: !abrt[h] && net[h] ->
          if :: ablk[q] || hb[h] -> goto idle :: else fi;
#ifndef M_NOCUT
          k_=0; do :: k_<N -> if :: (ow & BIT(k_)) && re[k_]==cre[k_] -> blk[k_]=true; w[k_]=false :: else fi; k_++ :: else -> break od; k_=0
#endif
        fi }
     /* look again; nobody else must be there */
     atomic { if :: abrt[h] -> goto idle
        :: !abrt[h] && net[h] ->
          COUNTW();
#ifdef M_NOLOOK
          n_=0;
#endif
          if :: n_>0 || ablk[q] || hb[h] -> n_=0; if :: SAME(BUILD,q,0,0,ow) -> cph=NONE; cq=0; cow=0 :: else fi; goto idle
             :: else -> n_=0; act[q]=true; CHECK() fi fi }
#ifdef M_LATEHAND
     atomic { if :: abrt[h] -> act[q]=false; goto idle :: !abrt[h] -> act[q]=false; dom[h]=q; qs[q]=COMING; fi }
     atomic { if :: abrt[h] -> goto idle :: !abrt[h] && net[h] ->
          if :: SAME(BUILD,q,0,0,ow) && !ablk[q] -> cph=HAND; cow=0 :: else fi; goto idle fi }
#else
     /* handed, before the answer */
     atomic { if :: abrt[h] -> act[q]=false; goto idle
        :: !abrt[h] && net[h] -> act[q]=false;
          if :: SAME(BUILD,q,0,0,ow) && !ablk[q] && !hb[h] -> cph=HAND; cow=0
             :: else -> goto idle fi fi }
     /* the answer arrives, or is lost */
     atomic { if :: abrt[h] -> goto idle :: goto idle
        :: !abrt[h] -> dom[h]=q; qs[q]=COMING; goto idle fi }
#endif
  od
}

/* the agent's other half, on host h */
proctype Bg(bit h) {
  byte q, ad, arr, ow; mtype ph;
end:
  do
  /* the guest's end, seen here: read the value, ask libvirt and /proc, then compare and drop */
  :: atomic { up[h] && net[h] && !hb[h] && (cph==HAND||cph==RUN) && qh[cq]==h &&
#ifndef M_NOLIBVIRT
       !hook[h] &&
#endif
       (qs[cq]==DEAD||qs[cq]==NO) -> q=cq; ad=cad; arr=carr; ph=cph }
     atomic { if :: net[h] && up[h] ->
          if ::
#ifdef M_NOCAS
             true
#else
             SAME(ph,q,ad,arr,0)
#endif
             -> if :: ph==RUN -> blk[ad]=true; w[ad]=false :: else fi;
                if :: arr -> cph=HAND; cq=arr; cad=0; carr=0 :: else -> cph=NONE; cq=0; cad=0; carr=0; cow=0 fi
             :: else fi
        :: !up[h] fi; q=0; ad=0; arr=0; ph=0 }
  /* the watch: QEMU has finished opening (started), no job changes its nodes, and exactly one watcher is there */
  :: atomic { !job && up[h] && net[h] && !hb[h] && cph==HAND && qh[cq]==h ->
       COUNTW();
#ifdef M_ANYWATCH
       if :: n_>=1 && (qs[cq]==COMING||qs[cq]==OPEN) -> q=cq; n_=0 :: else -> n_=0; goto nil fi;
#else
#ifdef R_OWNIP
       n_ = n_ - (w[0] -> 1 : 0);            /* an address that is not this host's does not count */
#endif
       if :: n_==1 && qs[cq]==OPEN -> q=cq; n_=0 :: else -> n_=0; goto nil fi;
#endif
#ifdef R_OWNIP
       k_=1;
#else
       k_=0;
#endif
       do :: w[k_] -> break :: !w[k_] -> k_++ od; ad=k_; k_=0; arr=re[ad] }
     atomic { if :: net[h] && up[h] -> if :: SAME(HAND,q,0,0,0) -> cph=RUN; cad=ad; cre[ad]=arr :: else fi :: !up[h] fi; q=0; ad=0; arr=0 }
nil: skip
#ifdef R_AHEAD
  /* before the node changes: back to handed */
  :: atomic { reopens>0 && up[h] && net[h] && !hb[h] && cph==RUN && carr==0 && qh[cq]==h && qs[cq]==OPEN && !quiet -> cph=HAND; cad=0; job=true }
  :: atomic { job && qh[cq]==h && !(cph==HAND && qs[cq]==OPEN && qh[cq]==h && reopens>0 && !quiet) -> job=false }   /* libvirt's job is over */
#endif
#if MIGS > 0
  /* an arrival that ended here */
  :: atomic { up[h] && net[h] && !hb[h] && cph==RUN && carr!=0 && qh[carr]==h && !hook[h] && (qs[carr]==DEAD||qs[carr]==NO) && !mig -> carr=0 }
  /* the arrival runs, as libvirt here says, and the source's watch is gone: cut it off, then ours */
  :: atomic { up[h] && net[h] && !hb[h] && cph==RUN && carr!=0 && qh[carr]==h && qs[carr]==OPEN && w[carr] && !w[cad] &&
#ifndef M_MIGWATCH
       cpu[carr] -> blk[cad]=true;
#else
       true ->
#endif
       cq=carr; cad=carr; carr=0 }
#endif
  od
}

inline die(x) { qs[x]=DEAD; cpu[x]=false; if :: dom[qh[x]]==x -> dom[qh[x]]=0 :: else fi }

proctype Qemu(byte q) {
end:
  do
  :: atomic { qs[q]==COMING && net[qh[q]] ->            /* as late as it likes */
       if :: hb[qh[q]] -> die(q)
          :: else -> qs[q]=OPEN; w[q]=true; if :: (carr==q && mig) :: else -> cpu[q]=true fi; CHECK() fi }
  :: atomic { qs[q]==COMING && !quiet -> die(q) }
  :: atomic { qs[q]==OPEN && cpu[q] && !quiet -> die(q) }                  /* kill -9: the watch stays */
  :: atomic { qs[q]==OPEN && cpu[q] && !quiet && net[qh[q]] -> die(q); w[q]=false }
  :: atomic { w[q] && (qs[q]==DEAD || (qs[q]==OPEN && !net[qh[q]])) -> w[q]=false }
  :: atomic { !w[q] && qs[q]==OPEN && net[qh[q]] && !blk[q] && !hb[qh[q]] -> w[q]=true }
  :: atomic { qs[q]==OPEN && net[qh[q]] && (blk[q] || hb[qh[q]]) -> die(q) }  /* I/O errors; the operator ends it */
#if REOPENS > 0
  :: atomic { reopens>0 && qs[q]==OPEN && cpu[q] && net[qh[q]] && !blk[q] && !hb[qh[q]] && !quiet &&
#ifdef R_AHEAD
       cph==HAND && cq==q && job ->
       job=false;
#else
       true ->
#endif
       reopens--; re[q]=true; w[q]=true }
#endif
  :: atomic { expires>0 && blk[q] && !quiet -> expires--; blk[q]=false; CHECK() }
  od
}

proctype Env(bit h) {
  byte q;
end:
  do
  :: atomic { parts>0 && net[h] && up[h] && !quiet -> parts--; net[h]=false }
  :: atomic { !net[h] -> net[h]=true }
  :: atomic { crash>0 && up[h] && hook[h] && !quiet -> crash--; abrt[h]=true }       /* agent and hook killed */
  :: atomic { crash>0 && up[h] && !quiet -> crash--; up[h]=false; net[h]=true; if :: hook[h] -> abrt[h]=true :: else fi;
       q=1; do :: q<N -> if :: qh[q]==h && (qs[q]==OPEN||qs[q]==COMING) -> die(q) :: else fi; q++ :: else -> break od; q=0 }
  :: atomic { !up[h] && !abrt[h] -> up[h]=true; hb[h]=false }              /* another boot */
  /* fence --host h, by an operator who may be wrong about h being dead */
  :: atomic { fences>0 && (cph==HAND||cph==RUN) && (qh[cq]==h || (carr && qh[carr]==h)) && !quiet -> fences--;
       q=1;
       do :: q<N -> if :: qh[q]==h &&
#ifdef M_FENCEADDR
            (w[q] || (cph==RUN && cad==q)) && qs[q]!=NO && qs[q]!=COMING
#else
            true
#endif
            -> blk[q]=(qs[q]!=NO); ablk[q]=true; w[q]=false :: else fi; q++ :: else -> break od; q=0;
#ifndef M_FENCEADDR
       hb[h]=true;
#endif
       if :: qh[cq]==h -> if :: carr && qh[carr]!=h -> cph=HAND; cq=carr; carr=0; cad=0 :: else -> cph=NONE; cq=0; cad=0; carr=0 fi
          :: else -> carr=0 fi }
  /* the fence is lifted when nothing from before it is left on h */
  :: atomic { hb[h] && up[h] && dom[h]==0 && !hook[h] -> hb[h]=false }
  od
}

#if FOREIGN > 0
active proctype Tool() {   /* an operator's tool, or ceph-mgr: a watch that comes and goes */
end: do :: atomic { foreign>0 && !w[0] && !quiet -> foreign--; w[0]=true } :: atomic { w[0] -> w[0]=false } od }
#endif

#if MIGS > 0
active proctype Mig() {
  byte s, d, a;
end:
  do
  :: atomic { migs>0 && cph==RUN && carr==0 && qs[cq]==OPEN && cpu[cq] && nq<MAXQ && dom[1-qh[cq]]==0 && !hook[1-qh[cq]] &&
       up[1-qh[cq]] && net[1-qh[cq]] && !hb[1-qh[cq]] && net[qh[cq]] && !quiet ->
       migs--; s=cq; a=cad; nq++; d=nq; qh[d]=1-qh[s]; hook[qh[d]]=true }
     atomic { if :: abrt[qh[d]] || !up[qh[d]] -> skip
          :: else -> if :: SAME(RUN,s,a,0,0) && net[qh[d]] -> carr=d; mig=true; dom[qh[d]]=d; qs[d]=COMING :: else fi fi;
        hook[qh[d]]=false; abrt[qh[d]]=false }
     do
     :: !mig -> break
     :: atomic { mig && qs[d]==OPEN && qs[s]==OPEN && net[0] && net[1] && !blk[s] && !blk[d] ->
          cpu[s]=false; cpu[d]=true; mig=false; CHECK() }
     :: atomic { mig && !quiet -> mig=false; if :: qs[d]==OPEN||qs[d]==COMING -> die(d) :: else fi }   /* cancelled, or failed */
     :: atomic { mig && (qs[d]==DEAD||qs[s]==DEAD) -> mig=false; if :: qs[d]==OPEN||qs[d]==COMING -> die(d) :: else fi }
     od;
     if :: atomic { qs[s]==OPEN && !cpu[s] -> die(s); w[s]=false } :: else fi; atomic { s=0; d=0; a=0 }
  od
}
#endif

#ifdef LIVE
/* Faults end; all hosts come back. When nothing can move: a guest runs, or a
 * start is possible at once on the host named, or after fence. */
active proctype Judge() {
  bool some; byte q;
  quiet = true;
  timeout ->
  atomic { q=1; do :: q<N -> if :: qs[q]==OPEN && cpu[q] && !blk[q] -> some=true :: else fi; q++ :: else -> break od;
    COUNTW();
    if :: some ->                                  /* attributed, hence takeable if its host dies */
#ifdef R_PUTBACK
          assert(cph==RUN || (cph==BUILD && cow!=0))   /* the next who asks puts it back */
#else
          stuck = !(cph==RUN); assert(!stuck)
#endif
       :: else -> assert(n_==0);
          stuck = !(cph==NONE || cph==BUILD || cph==RUN && carr==0 && qs[cq]==DEAD); assert(!stuck)
    fi; n_=0 }
}
#endif

init { atomic { up[0]=true; up[1]=true; net[0]=true; net[1]=true;
  run Prep(0); run Prep(1); run Bg(0); run Bg(1); run Env(0); run Env(1);
  byte i=1; do :: i<N -> run Qemu(i); i++ :: else -> break od; i=0 } }
