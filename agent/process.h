/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * agent/process.h - whether a QEMU of a domain is left on this host
 *
 * libvirt may have lost sight of one: it was killed while it started it, or
 * asked to forget it. Such a QEMU writes to its disks as any other.
 *
 * Threads: any.
 */
#ifndef REMORA_AGENT_PROCESS_H
#define REMORA_AGENT_PROCESS_H

#include <glib.h>
#include <stdbool.h>

/* Whether no process of this host has '-uuid UUID' among its arguments, as
 * libvirt gives them to each QEMU and to each wrapper of one. false also where
 * that cannot be known: /proc hides others' processes, or lets nobody read their
 * arguments. A process that is being killed has them for as long as one of its
 * threads is left that could still write. */
bool process_none_of(const char *uuid);

/* The same of all domains: no process has '-uuid' among its arguments. */
bool process_no_guest(void);

/* Whether the process that listens at a socket of this host can be seen. If not,
 * /proc is that of another world, and process_none_of() knows nothing from then
 * on. A socket that nobody listens at changes nothing. */
void process_check_view(const char *socket_path);

/* For a test: another directory than /proc; uuid NULL: any. */
bool process_none_in(const char *proc, const char *uuid);

#endif
