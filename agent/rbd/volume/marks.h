/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * agent/rbd/volume/marks.h - a volume says nothing of remora's
 *
 * Threads:  any; blocks. Of this room.
 */
#ifndef REMORA_AGENT_RBD_VOLUME_MARKS_H
#define REMORA_AGENT_RBD_VOLUME_MARKS_H

#include "agent/rbd/volume/claimed.h"

/* Removes what an image has of marks, its own or its parent's, for Cinder would
 * leave none. handle is an rbd_image_t. librbd's number. */
int store_marks_remove(gpointer handle);

/* Says that the volume is being filled, until those are removed. */
int store_marks_fill(gpointer handle, const StoreClaimed *claimed);

#endif
