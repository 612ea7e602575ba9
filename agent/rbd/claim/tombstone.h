/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * agent/rbd/claim/tombstone.h - what is left of a claim whose holder was cut off
 *
 * Pure.
 */
#ifndef REMORA_AGENT_RBD_CLAIM_TOMBSTONE_H
#define REMORA_AGENT_RBD_CLAIM_TOMBSTONE_H

#include "agent/rbd/claim/guest.h"
#include "agent/rbd/claim/record.h"

#include <glib.h>
#include <stdbool.h>

/* Everyone whom a claim names: of StoreClaimNamed, to be unreferenced. */
GPtrArray *store_record_named(const StoreRecord *record);

/* What stands in the claim's place when that host can write no more, or that
 * client if host is NULL; NULL: it says nothing that this changes. */
StoreRecord *store_tombstone_new(const StoreRecord *seen,
                                 const char *host,
                                 const char *addr);
/* Whether anybody may take what stands there now at once. */
bool store_tombstone_is_free(const StoreRecord *record);

#endif
