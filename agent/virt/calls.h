/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * agent/virt/calls.h - calls of libvirt that may wait for a domain's lock
 *
 * libvirt holds that lock as long as a hook of the domain takes, and a call that
 * waits for it cannot be called back. So such calls are made in threads of their
 * own, and few of those are ever one domain's: what else is to be asked of it is
 * parked.
 *
 * Each has a connection of its own as long as it takes (links.h says why), but for
 * those of a list while none of them hangs.
 *
 * libvirtd has 20 workers (max_workers) for all of its clients. Of these the
 * start of a domain that hangs holds one, and a call of ours that waits for the
 * domain another, also when the agent has ended meanwhile. So there is one call of
 * a domain until libvirt has answered that, and none of one of which an earlier
 * agent was not answered, but for one at a time of all of those: while eight
 * domains hang, all others are served. An agent that is started meanwhile takes
 * one worker more, each time. And libvirtd begins with five workers, and
 * makes another for a call only while none waits for one already: its
 * virThreadPoolSendJob() takes the depth of the queue from the number of free
 * workers, and both are unsigned. If two come at once, and the first hangs, the
 * second waits for ever, and all after it (seen with 9.0: 11 workers of 20). So
 * one is looked up after another, as soon as that is answered or has hung for
 * VIRT_CALLS_BRISK_MS.
 *
 * Threads: any; what waits says so.
 */
#ifndef REMORA_AGENT_VIRT_CALLS_H
#define REMORA_AGENT_VIRT_CALLS_H

#include "agent/virt/links.h"

#define VIRT_CALLS_MAX 12
/* One that takes longer than this hangs. */
#define VIRT_CALLS_BRISK_MS 100
/* So many of a bulk are made at a time: with more, another client's call would
 * wait for the processor behind ours. One that hangs is none of them any more, so
 * that all others are served. */
#define VIRT_CALLS_BULK 3
/* And so many over the connection over which they were listed, while none hangs
 * there: libvirtd serves five of one (max_client_requests). */
#define VIRT_CALLS_LISTED 4
/* A domain gets a second thread only while fewer than this are at work. */
#define VIRT_CALLS_SPARE 4

/* Of one domain no two calls of one kind are made at a time. */
typedef enum {
    VIRT_CALL_READ,
    VIRT_CALL_LOOK, /* at the stored definition, which it may change */
    VIRT_CALL_TELL, /* that it has come, or has ended */
    VIRT_CALL_DESTROY,
} VirtCallKind;

typedef struct VirtCalls VirtCalls;

/* domain NULL: error says why. Both are borrowed. Blocks. */
typedef void (*VirtCall)(virDomainPtr domain,
                         const GError *error,
                         gpointer data);

/* For the life of the process: a thread may never come back. path: of the file
 * in which one agent leaves to the next which domains it was not answered of
 * (unanswered.h), or NULL; it is copied. */
VirtCalls *virt_calls_new(VirtOpen open, gpointer data, const char *path);
/* The call is made some time. The same of the same domain and data, if it has
 * not begun, is made once. */
void virt_calls_push(VirtCalls *calls,
                     const char *uuid,
                     VirtCallKind kind,
                     VirtCall run,
                     gpointer data);

/* The same of one of thousands that were listed, and that nobody waits for: it is
 * made when nothing else waits, unless virt_calls_push() asks for the same, and
 * over the connection that the domain is of as long as that is good, for to look it
 * up is a call as well. age: virt_calls_age() from before that was opened. */
void virt_calls_push_bulk(VirtCalls *calls,
                          virDomainPtr domain,
                          gint age,
                          VirtCallKind kind,
                          VirtCall run,
                          gpointer data);

/* How often the connections were renewed. */
gint virt_calls_age(VirtCalls *calls);

/* From now on calls are made over connections that are opened from now on. */
void virt_calls_renew(VirtCalls *calls);

/* This domain's lock is free: what an earlier agent waited for is over. In lower
 * case. */
void virt_calls_answered(VirtCalls *calls, const char *uuid);
/* Until it is over for all of those domains, for a call that waits for the locks
 * of all would wait for them as well, in libvirtd. Blocks. */
void virt_calls_wait_for_those_before(VirtCalls *calls);

/* Whether a call may begin while so many are at work, some of them of the same
 * domain, one perhaps of its kind, and one perhaps still to be answered that it
 * could only wait beside. Pure. */
bool virt_calls_may_begin(guint at_work,
                          guint of_domain,
                          bool of_kind,
                          bool unanswered) G_GNUC_CONST;

#endif
