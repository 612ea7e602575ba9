/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * agent/proxied-moves.h - a domain that moves, and takes its disks along
 *
 * virsh migrate --copy-storage-all, or -inc: QEMU copies each disk over the
 * network into the one that the domain has where it goes. Of a disk in a cluster
 * that both hosts reach, that is the image which the guest has open.
 *
 * Threads: any; everything is pure but proxied_moves_check(), which blocks as
 *          agent/disk-hosts.h says.
 */
#ifndef REMORA_AGENT_PROXIED_MOVES_H
#define REMORA_AGENT_PROXIED_MOVES_H

#include "agent/host.h"

/* Which disks are copied, and what the domain is to be there. */
typedef struct {
    GPtrArray *targets; /* of char *, owned; NULL: libvirt chooses */
    const char *xml;    /* borrowed; NULL: what it is here */
    gsize len;
} ProxiedMoves;

/* Of the body of WIRE_PROXY_MOVE_DISKS. false: it is none. */
bool proxied_moves_read(const char *body, gsize len, ProxiedMoves *ret_moves);
void proxied_moves_clear(ProxiedMoves *moves);

/* The first disk there that a copy would fill, and that is one of those which the
 * guest has here; NULL: none. */
const DomDisk *proxied_moves_onto_itself(const DomPlan *here,
                                         const DomPlan *there,
                                         const GPtrArray *targets);

/* xml: the domain as it runs. */
gboolean proxied_moves_check(Host *host,
                             const ProxiedMoves *moves,
                             const char *xml,
                             GError **error) G_GNUC_WARN_UNUSED_RESULT;

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(ProxiedMoves, proxied_moves_clear)

#endif
