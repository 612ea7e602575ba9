/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * agent/rbd/claim/cutoff.h - those who may still write under an older claim
 *
 * Threads: any; everything blocks.
 */
#ifndef REMORA_AGENT_RBD_CLAIM_CUTOFF_H
#define REMORA_AGENT_RBD_CLAIM_CUTOFF_H

#include "agent/rbd/claim/claim.h"
#include "agent/rbd/claim/record.h"

/* Cuts off the guests and the builders that a claim names, and waits until the
 * OSDs know it; dead, which is proved dead, or NULL, for an hour only. done gets
 * words for the log. */
gboolean store_cut_off_all(const StoreClaim *claim,
                           const char *dead,
                           GString *done,
                           GError **error);
/* The builders only, the one whose claim it is included. */
gboolean store_cut_off_builders(StoreConn *conn,
                                const StoreRecord *record,
                                GError **error);
/* One guest that a claim owes, for so long; 0: for an hour. */
gboolean store_cut_off_owed(StoreConn *conn,
                            const StoreGuest *guest,
                            guint seconds,
                            GError **error);

#endif
