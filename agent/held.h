/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * agent/held.h - claims between 'prepare' and 'started'
 *
 * A start that was allowed holds the claims of its disks until libvirt's hook
 * reports started, stopped or release. Such a report can be lost, so QEMU's
 * own watch ends a claim too, and so does a long time without either.
 *
 * The claim of a disk that is to be attached to a running domain is held in the
 * same way, until the proxy says that the attach has ended.
 *
 * Threads:  any. held_drop() and held_check() block.
 */
#ifndef REMORA_AGENT_HELD_H
#define REMORA_AGENT_HELD_H

#include "agent/host.h"

typedef struct Held Held;

Held *held_new(void);
/* Claims that are still held stay in the cluster, for a successor. */
void held_free(Held *held);

/* Takes the claims (of StoreClaim) over. host is kept as long as they are.
 * Gives a number for held_drop_one(), which is not 0. */
guint64 held_add(Held *held,
                 Host *host,
                 const char *domain,
                 const char *uuid,
                 GPtrArray *claims);
/* The same for a disk that is attached. */
guint64 held_add_attach(Held *held,
                        Host *host,
                        const char *domain,
                        const char *uuid,
                        GPtrArray *claims);
/* Gives up what that start or attach holds, if it still does. */
void held_drop_one(Held *held, guint64 number);
/* Gives up what is held for a domain; uuid NULL: by its name alone. Claims
 * taken after before_us (g_get_monotonic_time()) belong to a later start and
 * stay. Gives how many starts that were. */
guint
held_drop(Held *held, const char *domain, const char *uuid, gint64 before_us);
/* Gives up what is held for disks that were attached to a domain before
 * before_us, and nothing of its starts. */
void held_drop_attach(Held *held,
                      const char *uuid,
                      const char *image,
                      gint64 before_us);
/* Looks at what has been held for a while; to be called about every 10 s as
 * long as held_count() is not 0. */
void held_check(Held *held);
/* How many domains have claims. */
guint held_count(Held *held);

#endif
