/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * agent/pending.h - domains whose claims are to be settled, and the calls that
 * are under way for their disks
 *
 * Each is looked at again until there is nothing left to be done: soon at first,
 * then less and less often.
 *
 * Threads:  any; pending_run() blocks.
 */
#ifndef REMORA_AGENT_PENDING_H
#define REMORA_AGENT_PENDING_H

#include <glib.h>
#include <stdbool.h>

typedef struct Pending Pending;

/* Settles a domain; xml is its definition, or NULL. false: again later. */
typedef bool (*PendingSettle)(const char *uuid, const char *xml, gpointer data);

Pending *pending_new(PendingSettle settle, gpointer data);
void pending_free(Pending *pending);

/* The domain is to be looked at, with this definition if it is not NULL. */
void pending_add(Pending *pending, const char *uuid, const char *xml);
/* Looks at it now, unless somebody is at it, who then looks once more. */
void pending_run_one(Pending *pending, const char *uuid);
/* Looks at all that are due, at several at a time. */
void pending_run(Pending *pending);
guint pending_count(Pending *pending);

/* A call that attaches or copies to an image, from before its claim is handed
 * until it is over. false: there is such a call already. */
bool pending_call_begin(Pending *pending,
                        const char *uuid,
                        const char *pool,
                        const char *image);
void pending_call_end(Pending *pending,
                      const char *uuid,
                      const char *pool,
                      const char *image);
/* Whether it is known that it is over. One of an agent that was replaced may
 * be under way still, and is not known to be over. */
bool pending_call_is_over(Pending *pending,
                          const char *uuid,
                          const char *pool,
                          const char *image);

#endif
