/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * agent/flattens.h - disks that are flattened in the background
 *
 * The marks stand on the disks themselves: each is added when its guest is
 * seen to run, and again by the next agent.
 *
 * Threads:  any; only flattens_stop() blocks.
 */
#ifndef REMORA_AGENT_FLATTENS_H
#define REMORA_AGENT_FLATTENS_H

#include "agent/host.h"

#include <jansson.h>
#include <stdbool.h>

typedef struct Flattens Flattens;

/* flattens_again() is to be called every now and then. In any thread. */
typedef void (*FlattensWait)(gpointer data);

Flattens *flattens_new(FlattensWait on_wait, gpointer data);
/* flattens_stop() was called, or nothing was ever added. */
void flattens_free(Flattens *flattens);
/* A disk that may be marked, of a domain by name or UUID; one that is at work
 * already is left. */
void flattens_add(Flattens *flattens,
                  Cluster *cluster,
                  const char *pool,
                  const char *image,
                  const char *domain);
/* Whether any waits after a failure, which on_wait said. */
bool flattens_wait(Flattens *flattens);
/* Tries those again of which the time has come: after a minute, and up to an hour
 * after many failures. */
void flattens_again(Flattens *flattens);
/* A list of those that are at work; NULL is allowed, and has none. */
json_t *flattens_json(Flattens *flattens);
/* Ends what is done here, so that its client is gone from the disks, and waits for
 * that, some seconds at most. No more is begun. */
void flattens_stop(Flattens *flattens);

#endif
