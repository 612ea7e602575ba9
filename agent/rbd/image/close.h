/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * agent/rbd/image/close.h - images are closed, at once or later
 *
 * Threads:  any.
 */
#ifndef REMORA_AGENT_RBD_IMAGE_CLOSE_H
#define REMORA_AGENT_RBD_IMAGE_CLOSE_H

#include <rbd/librbd.h>

typedef struct StoreConn StoreConn;

/* What rbd_close() returns. Nobody else calls that. */
int store_close(rbd_image_t image);
/* Takes over an image that was opened read-only; NULL is allowed. */
void store_close_later(StoreConn *conn, rbd_image_t image);

#endif
