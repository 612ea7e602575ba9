/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * agent/rbd/image/close.h - images that were only looked at, closed later
 *
 * Threads:  any.
 */
#ifndef REMORA_AGENT_RBD_IMAGE_CLOSE_H
#define REMORA_AGENT_RBD_IMAGE_CLOSE_H

#include <rbd/librbd.h>

typedef struct StoreConn StoreConn;

/* Takes over an image that was opened read-only; NULL is allowed. */
void store_close_later(StoreConn *conn, rbd_image_t image);

#endif
