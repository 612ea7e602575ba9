/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * agent/host-facts.h - what libvirt's side is told of a Host
 *
 * Threads: any.
 */
#ifndef REMORA_AGENT_HOST_FACTS_H
#define REMORA_AGENT_HOST_FACTS_H

#include "agent/host.h"
#include "agent/virt/facts.h"

/* virt_facts_unref() it; until then it holds the host. */
VirtFacts *host_facts_new(Host *host);

#endif
