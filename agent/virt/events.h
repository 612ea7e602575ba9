/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * agent/virt/events.h - what libvirt's events of a domain are a reason for
 *
 * Threads: virt_events_begin() and virt_events_end() in one, which may wait for
 * libvirtd; on_event in the one that runs libvirt's event loop.
 */
#ifndef REMORA_AGENT_VIRT_EVENTS_H
#define REMORA_AGENT_VIRT_EVENTS_H

#include <glib.h>
#include <libvirt/libvirt.h>
#include <stdbool.h>

/* Those of one connection: domains that are defined, start, end or arrive, and
 * metadata, devices and block jobs of theirs. */
#define VIRT_EVENTS 5

/* A set. An event may be a reason for none of them. */
typedef enum {
    VIRT_EVENT_LOOK = 1, /* at what is stored */
    VIRT_EVENT_TELL = 2, /* what the guest has open */
} VirtEventReason;

typedef struct {
    /* domain is borrowed; may not wait. */
    void (*on_event)(virDomainPtr domain, unsigned reasons, gpointer data);
    gpointer data;
    int ids[VIRT_EVENTS]; /* the callbacks'; -1: not registered */
} VirtEvents;

/* events stay where they are until virt_events_end(), which is to come after a
 * failure, too. false: libvirt does not tell of all of them. */
bool virt_events_begin(VirtEvents *events, virConnectPtr conn);
void virt_events_end(VirtEvents *events, virConnectPtr conn);

#endif
