/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * agent/cli/image-convert.h - a file that is not raw becomes a raw image
 *
 * Threads:  one; its work has threads of its own.
 */
#ifndef REMORA_AGENT_CLI_IMAGE_CONVERT_H
#define REMORA_AGENT_CLI_IMAGE_CONVERT_H

#include "agent/cli/digest.h"
#include "agent/cli/progress.h"
#include "agent/rbd/store.h"

#include <sys/stat.h>

typedef struct {
    int fd;             /* borrowed */
    const char *format; /* NULL: it is taken for raw, or is no file */
    guint64 size;       /* of the disk that is in it */
    struct stat before; /* how it was when it was checked */
    CmdDigest *digest;  /* told all of the raw content, as is progress */
    bool sums;          /* whether that is for anything */
    CmdProgress *progress;
} CmdConvert;

/* Looks at a file, at its header if it is not raw. FALSE: it is not raw, and must not
 * be converted. */
gboolean cmd_convert_look(CmdConvert *convert, int fd, GError **error);
/* Whether the file as it is has that sum. */
gboolean
cmd_convert_verify(const CmdConvert *convert, const char *sum, GError **error);
/* A StoreFill; data is the CmdConvert. */
gboolean cmd_convert_fill(StoreFilling *filling, gpointer data, GError **error);

#endif
