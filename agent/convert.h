/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * agent/convert.h - images that cannot be cloned as they are become bases, in the
 * background
 *
 * An image that is not raw, or in another cluster than the disk, is converted or
 * copied into a base image in the pool of clones (agent/rbd/disk/base.h). It takes
 * minutes, so that no start waits for it: it
 * begins when a domain is defined that asks for the image, and a start that
 * comes earlier is told how far it is.
 *
 * Threads:  any. What is begun runs in threads of its own, in this process:
 *           nothing of it is remembered, and who comes next begins anew.
 */
#ifndef REMORA_AGENT_CONVERT_H
#define REMORA_AGENT_CONVERT_H

#include "agent/host.h"

#include <jansson.h>

/* This process stays: before it, nothing is converted. wake is called, in any
 * thread and without a lock, when convert_waits() has become true. Once. */
typedef void (*ConvertWake)(gpointer data);
void convert_serve(ConvertWake wake, gpointer data);

/* What a definition's disks need is begun. Does not block. */
void convert_begin(Host *host, const DomPlan *plan);

/* Whether one waits for a cluster that did not answer. */
bool convert_waits(void);
/* Those are tried again, with this host, the one in use; for an hour after somebody
 * asked. Does not block. */
void convert_again(Host *host);

/* In place of STORE_ERROR_UNCONVERTED: how far it is. It is begun if it is not
 * under way. */
void convert_explain(Host *host, const DomDisk *disk, GError **error);

/* What is under way, or has failed a moment ago. */
json_t *convert_list(void);

#endif
