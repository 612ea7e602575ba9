/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * agent/rbd/disk/flatten-facts.h - what a disk itself says of its flattening
 *
 * Threads:  any; it blocks.
 */
#ifndef REMORA_AGENT_RBD_DISK_FLATTEN_FACTS_H
#define REMORA_AGENT_RBD_DISK_FLATTEN_FACTS_H

#include "agent/rbd/disk/flatten-verdict.h"

#include <glib.h>

/* Those of its features and of its parent. handle: an rbd_image_t. Returns
 * librbd's number. */
int store_flatten_facts_read(gpointer handle, StoreFlattenFacts *facts);

#endif
