/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * agent/rbd/image/lock.h - what an image's exclusive lock says of a client
 *
 * Threads: any. Blocks.
 */
#ifndef REMORA_AGENT_RBD_IMAGE_LOCK_H
#define REMORA_AGENT_RBD_IMAGE_LOCK_H

#include "agent/rbd/conn/connection.h"

/* Whether the image's exclusive lock shows that a client whose watch is gone has
 * written its last. false: it may hold it, the image has none, or that cannot be
 * known. */
bool store_has_let_go(StoreConn *conn,
                      const char *pool,
                      const char *image,
                      const char *addr);

#endif
