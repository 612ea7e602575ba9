/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * agent/rbd/claim/release.h - a claim, handed to a guest, or given up
 *
 * Threads:  any; everything blocks but store_claim_leave().
 */
#ifndef REMORA_AGENT_RBD_CLAIM_RELEASE_H
#define REMORA_AGENT_RBD_CLAIM_RELEASE_H

#include <glib.h>
#include <stdbool.h>

/* An exclusive right to write to one image, held in the cluster beside it.
 * It keeps itself alive until it is dropped. */
typedef struct StoreClaim StoreClaim;

/* Before the owner is told that the disk is its: from then on it may write at
 * any time, and the claim ends only by its end. FALSE: the claim is not ours any
 * more, and the owner must not be told. Blocks. */
gboolean store_claim_hand(StoreClaim *claim,
                          GError **error) G_GNUC_WARN_UNUSED_RESULT;
/* Gives the claim up and frees it; the cluster's answer is waited for. Of one
 * that was handed only if the owner has not been told. NULL is allowed.
 * Blocks. */
void store_claim_drop(StoreClaim *claim);
/* Frees it, and leaves it in the cluster as it stands. NULL is allowed. */
void store_claim_leave(StoreClaim *claim);
const char *store_claim_pool(const StoreClaim *claim);
const char *store_claim_image(const StoreClaim *claim);

/* ---- before it is handed ----------------------------------------------------- */

/* Notes in it the id of an image that was there before anybody built. */
gboolean store_claim_adopt(StoreClaim *claim, const char *id, GError **error);

/* Frees it, and leaves it in the cluster as a dead builder's: for an image that
 * is not to be told from a half-made one without it. */
void store_claim_abandon(StoreClaim *claim);

/* Whether an image with this id was found, not built, under the claim, or had
 * been handed to a guest before. */
bool store_claim_has_adopted(const StoreClaim *claim, const char *id);

#endif
