/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * agent/virt/events.c - what libvirt's events of a domain are a reason for
 */
#include "config.h"

#include "agent/virt/events.h"

#include "xml/dom.h"

static int
on_lifecycle(virConnectPtr conn,
             virDomainPtr domain,
             int event,
             int detail,
             void *opaque)
{
    const VirtEvents *events = opaque;
    unsigned reasons = 0;

    (void)conn, (void)detail;
    /* The end of one is for what was left as it was, since it ran. */
    if (event == VIR_DOMAIN_EVENT_DEFINED || event == VIR_DOMAIN_EVENT_STOPPED)
        reasons |= VIRT_EVENT_LOOK;
    /* A guest that arrived, or one whose end no hook reported. */
    if (event == VIR_DOMAIN_EVENT_RESUMED || event == VIR_DOMAIN_EVENT_STOPPED)
        reasons |= VIRT_EVENT_TELL;
    events->on_event(domain, reasons, events->data);
    return 0;
}

/* 'virsh metadata' changes nothing else. */
static void
on_metadata(virConnectPtr conn,
            virDomainPtr domain,
            int type,
            const char *uri,
            void *opaque)
{
    const VirtEvents *events = opaque;
    bool ours = type == VIR_DOMAIN_METADATA_ELEMENT &&
                g_strcmp0(uri, DOM_NAMESPACE) == 0;

    (void)conn;
    events->on_event(domain, ours ? VIRT_EVENT_LOOK : 0, events->data);
}

/* Plugged in or out by whoever did not come by the proxy. */
static void
on_device(virConnectPtr conn,
          virDomainPtr domain,
          const char *alias,
          void *opaque)
{
    const VirtEvents *events = opaque;

    (void)conn, (void)alias;
    events->on_event(domain, VIRT_EVENT_TELL, events->data);
}

/* The guest may have another image open than before. */
static void
on_block_job(virConnectPtr conn,
             virDomainPtr domain,
             const char *disk,
             int type,
             int status,
             void *opaque)
{
    const VirtEvents *events = opaque;
    bool over = status != VIR_DOMAIN_BLOCK_JOB_READY;

    (void)conn, (void)disk, (void)type;
    events->on_event(domain, over ? VIRT_EVENT_TELL : 0, events->data);
}

static const struct {
    int id;
    virConnectDomainEventGenericCallback call;
} kinds[VIRT_EVENTS] = {
    {VIR_DOMAIN_EVENT_ID_LIFECYCLE, VIR_DOMAIN_EVENT_CALLBACK(on_lifecycle)},
    {VIR_DOMAIN_EVENT_ID_METADATA_CHANGE,
     VIR_DOMAIN_EVENT_CALLBACK(on_metadata)},
    {VIR_DOMAIN_EVENT_ID_DEVICE_ADDED, VIR_DOMAIN_EVENT_CALLBACK(on_device)},
    {VIR_DOMAIN_EVENT_ID_DEVICE_REMOVED, VIR_DOMAIN_EVENT_CALLBACK(on_device)},
    {VIR_DOMAIN_EVENT_ID_BLOCK_JOB_2, VIR_DOMAIN_EVENT_CALLBACK(on_block_job)},
};

bool
virt_events_begin(VirtEvents *events, virConnectPtr conn)
{
    bool all = true;

    for (gsize i = 0; i < VIRT_EVENTS; i++) {
        events->ids[i] =
            all ? virConnectDomainEventRegisterAny(conn, NULL, kinds[i].id,
                                                   kinds[i].call, events, NULL)
                : -1;
        all = events->ids[i] >= 0;
    }
    return all;
}

void
virt_events_end(VirtEvents *events, virConnectPtr conn)
{
    for (gsize i = 0; i < VIRT_EVENTS; i++)
        if (events->ids[i] >= 0)
            (void)virConnectDomainEventDeregisterAny(conn, events->ids[i]);
}
