/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * agent/cli/volume-snapshot.h - remora volume snapshot --domain
 */
#ifndef REMORA_AGENT_CLI_VOLUME_SNAPSHOT_H
#define REMORA_AGENT_CLI_VOLUME_SNAPSHOT_H

#include "agent/cli/cmd.h"

/* A snapshot in a table. */
typedef struct {
    const char *name; /* its id, or its whole name */
    const char *flag; /* whether it is protected */
    char *size;
    char *created;
} CmdSnapshotCells;

CmdSnapshotCells cmd_snapshot_cells(const StoreVolumeSnap *snap, bool json);
void cmd_snapshot_cells_clear(CmdSnapshotCells *cells);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(CmdSnapshotCells, cmd_snapshot_cells_clear)

/* What a subcommand takes, by which they are told apart here: none lists, a new one
 * is made, one that is named is removed. */
typedef enum { CMD_SNAP_NONE, CMD_SNAP_NEW, CMD_SNAP_NAMED } CmdSnap;

typedef struct {
    const char *domain;
    char **skipped; /* targets of disks that are left out, or NULL */
    bool no_freeze;
    bool as_json;
} CmdSnapshotDomain;

/* snap: 'snapshot-UUID', or NULL. Gives the exit status. */
int cmd_snapshot_domain(const CmdGlobals *globals,
                        CmdSnap what,
                        const char *snap,
                        const CmdSnapshotDomain *asked);

#endif
