/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * agent/rbd/image/purge-verdict.h - whether an image may go from the trash
 *
 * A pure function; purge.c collects the facts.
 */
#ifndef REMORA_AGENT_RBD_IMAGE_PURGE_VERDICT_H
#define REMORA_AGENT_RBD_IMAGE_PURGE_VERDICT_H

#include <glib.h>
#include <stdbool.h>

/* Of one whose time has ended. */
typedef struct {
    guint clones;
    guint snapshots; /* that somebody asked for */
    bool watched;    /* somebody has it open for writing */
    bool task; /* the manager has been told to remove it, and may be that */
} StorePurgeFacts;

typedef enum {
    STORE_PURGE_GO,
    STORE_PURGE_KEEP_CLONES,
    STORE_PURGE_KEEP_SNAPSHOTS,
    STORE_PURGE_KEEP_WATCHED,
} StorePurgeDo;

StorePurgeDo store_purge_verdict(const StorePurgeFacts *facts);

#endif
