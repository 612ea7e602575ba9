/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * agent/virt/each.h - each domain that libvirt has of a sort
 *
 * Threads:  any; blocks.
 */
#ifndef REMORA_AGENT_VIRT_EACH_H
#define REMORA_AGENT_VIRT_EACH_H

#include <glib.h>
#include <libvirt/libvirt.h>
#include <stdbool.h>

typedef void (*VirtEach)(gpointer data, virDomainPtr domain);

/* flags: virConnectListAllDomains()'s. false: libvirt does not list them, which is
 * logged. */
bool
virt_each(virConnectPtr conn, unsigned int flags, VirtEach each, gpointer data);

#endif
