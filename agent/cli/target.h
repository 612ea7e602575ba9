/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * agent/cli/target.h - the file that an export is written to
 *
 * It gets its name when it is whole: until then it has none, or, where the file
 * system has no files without a name, another one. A file that is there is never
 * written to.
 */
#ifndef REMORA_AGENT_CLI_TARGET_H
#define REMORA_AGENT_CLI_TARGET_H

#include "agent/cli/progress.h"
#include "agent/cli/qcow2.h"
#include "agent/rbd/store.h"

typedef struct {
    const char *path; /* "-": standard output */
    int fd;
    char *part; /* the name that it has meanwhile; NULL: none */
    bool sparse;
    bool wants_qcow2;
    CmdQcow2 *qcow2; /* since its size is known, if that is wanted */
    CmdProgress progress;
    StoreImageSink sink;
} CmdTarget;

/* NULL: one of that format can be written there, and JSON besides if that is
 * wanted; else why not. format NULL: raw. */
const char *
cmd_target_check(const char *path, const char *format, gboolean json);
gboolean cmd_target_open(CmdTarget *target,
                         const char *path,
                         const char *format,
                         GError **error);
/* Where an export is to go, with progress, from now on. */
StoreImageTarget cmd_target_begin(CmdTarget *target);
/* It is whole, and gets its name. */
gboolean cmd_target_publish(CmdTarget *target, GError **error);
void cmd_target_end(CmdTarget *target);

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(CmdTarget, cmd_target_end)

#endif
