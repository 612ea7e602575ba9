/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * agent/virt/unanswered.h - domains of which libvirt has not answered, for the
 * next agent
 *
 * A call that waits for a domain's lock goes on in libvirtd when its client has
 * ended, and keeps one of libvirtd's 20 workers for as long. So an agent that is
 * started anew must know of which domains its predecessor was not answered: if
 * it asked of each of them once more, it would take as many workers again.
 *
 * The file has a UUID in a line, sorted. It says nothing that is needed for more
 * than that: without it, or with a part of it, calls are made that may wait.
 *
 * Threads: any; blocks for the file only.
 */
#ifndef REMORA_AGENT_VIRT_UNANSWERED_H
#define REMORA_AGENT_VIRT_UNANSWERED_H

#include <glib.h>

/* More are not noted, nor read. */
#define VIRT_UNANSWERED_MAX 64

/* The set of the UUIDs of a text, in lower case; what is no UUID is passed over.
 * g_hash_table_unref() it. */
GHashTable *virt_unanswered_parse(const char *text);
/* "": there is none. g_free() it. Pure. */
char *virt_unanswered_text(GHashTable *uuids);

/* "" for a file that is not there, or too long. g_free() it. */
char *virt_unanswered_read(const char *path);
/* With "" the file goes. If it cannot be written, that is logged. */
void virt_unanswered_write(const char *path, const char *text);

#endif
