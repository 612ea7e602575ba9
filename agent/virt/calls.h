/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * agent/virt/calls.h - calls of libvirt that may wait for a domain's lock
 *
 * libvirt holds that lock as long as a hook of the domain takes, and a call that
 * waits for it cannot be called back. So such calls are made in threads of their
 * own, and few of those are ever one domain's: what else is to be asked of it is
 * parked. libvirtd serves a few calls of one connection at a time, and leaves
 * the rest unread; so these have connections of their own, and another one
 * whenever those that are open have as many as they may.
 *
 * While fewer domains than VIRT_CALLS_MAX hang, all others are served. More would
 * help nobody: libvirtd has 20 workers (max_workers) for all of its clients, and
 * of these the start of a domain that hangs holds one, and our call another.
 *
 * Threads: any; nothing waits.
 */
#ifndef REMORA_AGENT_VIRT_CALLS_H
#define REMORA_AGENT_VIRT_CALLS_H

#include "agent/virt/error.h"

/* libvirtd serves so many calls of one connection at once (max_client_requests),
 * and one more. */
#define VIRT_CALLS_EACH  4
#define VIRT_CALLS_LINKS 3
#define VIRT_CALLS_MAX   (VIRT_CALLS_EACH * VIRT_CALLS_LINKS)
/* So many of a bulk are made at a time: with more, another client's call would
 * wait for the processor behind ours. One that takes longer than this hangs, and
 * is none of them any more, so that all others are served. */
#define VIRT_CALLS_BULK     3
#define VIRT_CALLS_BRISK_MS 100
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

/* virConnectClose() it. Blocks. */
typedef virConnectPtr (*VirtOpen)(gpointer data, GError **error);
/* domain NULL: error says why. Both are borrowed. Blocks. */
typedef void (*VirtCall)(virDomainPtr domain,
                         const GError *error,
                         gpointer data);

/* For the life of the process: a thread may never come back. */
VirtCalls *virt_calls_new(VirtOpen open, gpointer data);
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

/* Whether a call may begin while so many are at work, some of them of the same
 * domain, and one perhaps of its kind. Pure. */
bool
virt_calls_may_begin(guint at_work, guint of_domain, bool of_kind) G_GNUC_CONST;

#endif
