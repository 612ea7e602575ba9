/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * agent/recoveries.h - what dead clients left and was put right on this host
 *
 * One line of the log each, and one in run_dir/recoveries, which 'remora
 * status' shows: whoever did it (the agent, --one-shot, 'remora provision'),
 * and after an agent was replaced. Only people read it; nothing is decided by
 * it, and it ends with the boot.
 *
 * Threads:  any, and any process of this host.
 */
#ifndef REMORA_AGENT_RECOVERIES_H
#define REMORA_AGENT_RECOVERIES_H

#include "agent/log.h"

#include <jansson.h>

/* The file is set aside at this size, and the one before it forgotten. */
#define RECOVERIES_FILE_MAX (256u * 1024u)

/* Logs it as a warning, and keeps it. text is what was found and done. */
void recoveries_note(const LogAbout *about, const char *text);

/* The last of them, at most max, the newest first: a list of objects with
 * time (seconds since 1970), domain, disk, image and text; what is not known
 * is null. */
json_t *recoveries_list(size_t max);

#endif
