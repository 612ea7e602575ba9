/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * agent/rbd/disk/image-claim.h - the claim on an image that is added or removed
 *
 * An image that clones come from is written to once and removed once, and not by
 * a guest. While that lasts its claim is a builder's, like that of a disk that is
 * being made, for the image itself instead of a domain.
 */
#ifndef REMORA_AGENT_RBD_DISK_IMAGE_CLAIM_H
#define REMORA_AGENT_RBD_DISK_IMAGE_CLAIM_H

#include "agent/rbd/claim/claim.h"
#include "agent/rbd/conn/cluster.h"

/* builds: it will make the image. ret_dead: it was a builder's that is dead, or
 * cut off by now, and may have made what is there. In a pool that is full there is
 * no space for a claim, so that nobody can have a new one: nothing is built, and
 * who removes goes without, *ret_claim is NULL, if nobody has it. Refuses where a
 * guest has the image open, also by another name. Blocks, longer if a dead builder
 * has to be watched first. */
gboolean store_image_claim(StoreConn *conn,
                           const char *pool,
                           const char *image,
                           bool builds,
                           StoreClaim **ret_claim,
                           bool *ret_dead,
                           GError **error);
/* claim may be NULL. why: what went wrong under it, which becomes error; or NULL,
 * and then it is TRUE. */
gboolean store_image_unclaim(StoreClaim *claim, GError *why, GError **error);
/* The first of the pools in which that name is claimed, or NULL: one who died after
 * the image was gone, or before it was there, has left no more than that. One
 * that cannot be read counts. Blocks. g_free() it. */
char *store_image_claim_find(StoreCluster *cluster,
                             const char *const *pools,
                             const char *image);

#endif
