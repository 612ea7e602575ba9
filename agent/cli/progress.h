/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * agent/cli/progress.h - how far a long piece of work is, on standard error
 *
 * On a terminal a bar; elsewhere a line now and then, so that a log shows that
 * something goes on. Work that is over at once is silent there.
 */
#ifndef REMORA_AGENT_CLI_PROGRESS_H
#define REMORA_AGENT_CLI_PROGRESS_H

#include <glib.h>
#include <stdbool.h>

typedef struct {
    bool terminal;
    bool drawn;
    gint64 since_us; /* monotonic, as is the next */
    gint64 shown_us;
} CmdProgress;

/* From now on SIGINT, SIGTERM and SIGHUP end the work, not the process. */
void cmd_progress_begin(CmdProgress *progress);
/* Whether one of them has come. */
bool cmd_progress_interrupted(void);
/* A StoreProgress: data is the CmdProgress. FALSE: one of those has come. */
gboolean cmd_progress_show(guint64 done, guint64 total, gpointer data);
/* Leaves the bar's line. */
void cmd_progress_end(CmdProgress *progress);

/* "1.5 GiB of 4 GiB (37 %), 120 MiB/s, 21 s left". total 0: not known. Pure;
 * g_free() it. */
char *cmd_progress_text(guint64 done, guint64 total, gint64 elapsed_us);

#endif
