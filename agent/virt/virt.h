/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * agent/virt/virt.h - the agent's side of libvirt
 *
 * Keeps a connection, makes the secret, rewrites what is defined already and
 * whatever is defined or edited later. libvirtd may come later, go and come
 * back.
 *
 * Threads:  one runs libvirt's event loop and nothing else: it iterates GLib's
 *           default main context, which nobody else in the process may. Calls
 *           that can wait for a domain's lock are made by calls.h, so
 *           that a start under way delays no other domain. virt_* below may
 *           be called from any other thread and do not wait.
 */
#ifndef REMORA_AGENT_VIRT_VIRT_H
#define REMORA_AGENT_VIRT_VIRT_H

#include "agent/virt/calls.h"
#include "agent/virt/facts.h"

typedef struct Virt Virt;

typedef void (*VirtSeen)(gpointer facts,
                         const char *uuid,
                         const char *xml,
                         const DomPlan *plan,
                         bool active,
                         gpointer data);
/* Once in a process. It runs until the process ends: a call that waits for
 * libvirt cannot be called back. seen is told of each domain when a connection
 * has been made, and of one that has arrived or ended, with its definition as it
 * runs or else as it is stored, and the plan of that if it was read already, which
 * is by the data of these facts; in any thread, where it may block. unanswered:
 * virt_calls_new()'s path. */
Virt *virt_start(VirtFacts *facts,
                 const char *unanswered,
                 VirtSeen seen,
                 gpointer data);
/* Goes on with another configuration, and looks at every domain again. */
void virt_set_facts(Virt *virt, VirtFacts *facts);

/* For ask.h. */
VirtCalls *virt_calls(Virt *virt);
/* Looks at a domain's definition as after an event, and again some time if that
 * failed. In a call of VIRT_CALL_LOOK, for two who change one definition at once
 * would get in each other's way. Blocks. */
void virt_look_at(Virt *virt, virDomainPtr domain);

#endif
