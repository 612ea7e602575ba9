/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * agent/rbd/image/head.h - the first bytes of an image, which may have none
 *
 * An image that comes from a pipe has no size before the first piece is there, and
 * others make images without one; librbd calls it invalid to begin a read at the
 * end.
 *
 * Threads:  any; blocks.
 */
#ifndef REMORA_AGENT_RBD_IMAGE_HEAD_H
#define REMORA_AGENT_RBD_IMAGE_HEAD_H

#include <glib.h>
#include <rbd/librbd.h>

/* Reads up to len bytes from offset on. Returns how many are there, which is none
 * at and behind the end, or librbd's number. */
gssize
store_head_read(rbd_image_t handle, guint64 offset, guint8 *buffer, gsize len);

#endif
