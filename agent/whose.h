/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * agent/whose.h - is a disk in this cluster?
 *
 * The name of a pool is no proof: hosts use two clusters with the same names.
 * A disk is a cluster's only if nothing in it speaks against that. What QEMU
 * would connect to weighs most; where that is nothing we know, the secret, for
 * monitors move.
 *
 * Threads:  any. whose_weigh() blocks as agent/disk-hosts.h says.
 */
#ifndef REMORA_AGENT_WHOSE_H
#define REMORA_AGENT_WHOSE_H

#include "agent/disk-hosts.h"
#include "xml/dom.h"

/* What one sign of a disk says. */
typedef enum {
    WHOSE_SILENT,
    WHOSE_OURS,
    WHOSE_FORMER, /* hosts: a monitor was there, and none is now */
    WHOSE_OTHER,
} WhoseSays;

typedef struct {
    WhoseSays hosts;
    WhoseSays secret;
    WhoseSays config;
} WhoseSigns;

/* From weak to strong, for whoever has to choose between clusters. */
typedef enum {
    WHOSE_NOT = DOM_WEIGHT_NONE,
    WHOSE_SAID_NOTHING,
    WHOSE_BY_FORMER_HOSTS,
    WHOSE_BY_CONFIG,
    WHOSE_BY_SECRET,
    WHOSE_BY_HOSTS,
} WhoseWeight;

/* Pure. */
WhoseWeight whose_decide(const WhoseSigns *signs) G_GNUC_PURE;

/* By what a cluster's disks are known. */
typedef struct {
    GPtrArray *secrets;   /* of char *: UUIDs; NULL: not known */
    GPtrArray *usages;    /* of char *: of those of remora's own */
    GPtrArray *configs;   /* of char *: paths of its ceph.conf */
    GPtrArray *monitors;  /* of StoreMonitor; NULL: not known */
    GPtrArray *former;    /* of StoreMonitor; or NULL */
    DiskHostsLimit names; /* of all disks that are weighed by it */
    char *doubt;          /* a name in one of them, of which it is not known yet
                          * what it stands for; if for a monitor, the disk would
                          * be in the cluster, and it counts as in none */
} Whose;

void whose_clear(Whose *whose);

/* A DomWeigh; data is a Whose, of one thread at a time. */
guint whose_weigh(const DomSigns *signs, gpointer data);

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Whose, whose_clear)

#endif
