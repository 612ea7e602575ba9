/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * agent/rbd/claim/beat.h - claims under which is built are touched
 *
 * Threads: any.
 */
#ifndef REMORA_AGENT_RBD_CLAIM_BEAT_H
#define REMORA_AGENT_RBD_CLAIM_BEAT_H

#include "agent/rbd/claim/claim.h"

/* Touches what was added until it is removed. */
void store_beat_add(StoreClaim *claim);
/* false: it was not there. */
bool store_beat_remove(StoreClaim *claim);
/* Whether this process builds under a claim on the image. */
bool store_beat_has(StoreCluster *cluster, const char *pool, const char *image);

#endif
