/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * agent/pending.h - domains whose claims are to be settled, and the calls that
 * are under way for their disks
 *
 * Each is looked at again until there is nothing left to be done: soon at first,
 * then less and less often.
 *
 * Threads:  any; pending_run_one() and pending_free() block.
 */
#ifndef REMORA_AGENT_PENDING_H
#define REMORA_AGENT_PENDING_H

#include <glib.h>
#include <stdbool.h>

typedef struct Pending Pending;

/* So many domains are settled at a time, however long each may take: less than
 * libvirtd serves one client at a time (max_client_requests), which is asked
 * about each. */
#define PENDING_AT_A_TIME 4u

/* Settles a domain; xml is its definition, or NULL. false: again later. */
typedef bool (*PendingSettle)(const char *uuid, const char *xml, gpointer data);

Pending *pending_new(PendingSettle settle, gpointer data);
void pending_free(Pending *pending);

/* The domain is to be looked at, with this definition if it is not NULL. */
void pending_add(Pending *pending, const char *uuid, const char *xml);
/* Looks at it now, unless somebody is at it, who then looks once more. */
void pending_run_one(Pending *pending, const char *uuid);
/* Has all that are due looked at in threads of its own, a few at a time, and
 * waits for none. */
void pending_run(Pending *pending);
/* Whether none of these threads is at work. */
bool pending_is_at_rest(Pending *pending);
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
