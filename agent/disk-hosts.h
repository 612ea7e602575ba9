/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * agent/disk-hosts.h - are the monitors that a disk names still monitors?
 *
 * QEMU has no time limit of its own: pointed at addresses where no monitor
 * is, it hangs with its domain locked, so that is found out before.
 *
 * Threads: any. Blocks only where a <host> is a name and no other <host> of
 * the disk is an address of a monitor: then it asks the resolver, for 1 s
 * (agent/resolve.h).
 * Definitions are untrusted, so that a limit is for all disks of one.
 */
#ifndef REMORA_AGENT_DISK_HOSTS_H
#define REMORA_AGENT_DISK_HOSTS_H

#include "agent/rbd/store.h"
#include "xml/dom.h"

/* The second that the resolver has, for all who share it; zeroes at first. */
typedef struct {
    gint64 until_us;
    char *unanswered; /* the first name of which nothing came in time, so that
                       * a no is no answer; NULL: none */
} DiskHostsLimit;
void disk_hosts_limit_clear(DiskHostsLimit *limit);

/* Whether one of these <host>s (of DomHost) is in the monitor map (of
 * StoreMonitor). A <host> may be a list (xml/dom-monitors.h); one without a port
 * stands for either protocol's usual one. */
bool disk_hosts_among(const GPtrArray *hosts,
                      const GPtrArray *monitors,
                      DiskHostsLimit *limit);
/* The same of a disk. One without any is: QEMU then goes by the host's
 * ceph.conf. */
bool disk_hosts_known(const DomDisk *disk, const GPtrArray *monitors);

/* "10.0.0.1:6789 10.0.0.2:6789" of what the disk names. g_free() it. */
char *disk_hosts_text(const DomDisk *disk);

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(DiskHostsLimit, disk_hosts_limit_clear)

#endif
