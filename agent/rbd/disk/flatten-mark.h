/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * agent/rbd/disk/flatten-mark.h - who flattens a disk is changed, if it is as it
 * was read
 *
 * Threads:  any; it blocks.
 */
#ifndef REMORA_AGENT_RBD_DISK_FLATTEN_MARK_H
#define REMORA_AGENT_RBD_DISK_FLATTEN_MARK_H

#include "agent/rbd/image/flattening.h"

#include <rados/librados.h>

/* id: the image's. was: the mark as it was read. Returns librados' number;
 * -ECANCELED: it says something else by now, and is left. */
int store_flatten_mark_change(rados_ioctx_t io,
                              const char *id,
                              const StoreFlattenMark *was,
                              const StoreFlattenMark *to);

#endif
