/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * agent/front-attach.h - a disk for a domain that runs
 *
 * Threads: any; blocks. Errors: as of request.h.
 */
#ifndef REMORA_AGENT_FRONT_ATTACH_H
#define REMORA_AGENT_FRONT_ATTACH_H

#include "agent/held.h"
#include "agent/virt-ask.h"

typedef struct {
    guint uid; /* whose call it is */
    const char *xml;
    gsize len;
} FrontDevice;

/*
 * Makes the disk ready, as a start would, and gives what libvirt is to attach;
 * NULL: the device as it is. Its claim is held; ret_held is its number, or 0.
 */
gboolean front_attach(Host *host,
                      Held *held,
                      const FrontDevice *device,
                      const VirtDomain *domain,
                      const char *uuid,
                      char **ret_xml,
                      guint64 *ret_held,
                      GError **error) G_GNUC_WARN_UNUSED_RESULT;

#endif
