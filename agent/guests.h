/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * agent/guests.h - which watch in the cluster is which QEMU of this host
 *
 * A QEMU that is killed leaves its watch behind for up to a minute, and the
 * next start would take it for somebody who uses the disk. So the watch is
 * written down when the guest has started, with QEMU's pid and start time;
 * once that process is gone, the watch is known to be dead.
 *
 * Records live in run_dir/guests, one file a domain, and end with the boot.
 *
 * Threads:  any; guests_record() and guests_record_lasting() block.
 */
#ifndef REMORA_AGENT_GUESTS_H
#define REMORA_AGENT_GUESTS_H

#include "agent/host.h"

/* Writes down who watches the domain's writable disks, as far as that is not
 * written down yet. A disk with more than one watcher, or none, is left out:
 * whose watch is whose cannot be told. false: there is such a disk, and the
 * domain's QEMU runs. */
bool guests_record(Host *host, const DomPlan *plan);

/* The same of one that shared its disks: the only watcher left may be the other
 * guest, while the QEMU here, whose migration was given up, has closed its disks
 * and not ended yet. So what is seen is kept in *seen, and written down only
 * when it is the same the next time; true means that it was. Calls are some
 * seconds apart. *seen is NULL at first; g_free() it. */
bool guests_record_lasting(Host *host, const DomPlan *plan, char **seen);

/* For a domain that has ended: its record goes, unless one of its watches is
 * still there, or that cannot be seen. */
void guests_forget(Host *host, const char *uuid);

/* Addresses of the domain's recorded watches on an image whose process is
 * gone; NULL-terminated, NULL for none. g_strfreev() it. */
char **guests_gone(const char *uuid, const char *pool, const char *image);

#endif
