/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * agent/proxied-nova.h - whether what Nova's metadata asks for may be made
 *
 * Only where no guest can have data of its own: what Nova keeps its disks in is
 * not there, and libvirt does not know the domain, or knows that it has disks of
 * remora's already.
 *
 * Threads:  any; everything blocks. Never from what a hook waits for: libvirt is
 *           asked.
 */
#ifndef REMORA_AGENT_PROXIED_NOVA_H
#define REMORA_AGENT_PROXIED_NOVA_H

#include "agent/host.h"
#include "agent/virt/virt.h"

typedef struct {
    GPtrArray *gone; /* of char *, ends with NULL; NULL: nothing may be made */
    DomNova nova;
} ProxiedNova;

void proxied_nova_clear(ProxiedNova *nova);
/* Looks at a definition that is about to be libvirt's. Errors: VIRT_ERROR, if
 * libvirt is to be asked and does not say within timeout_ms. */
gboolean proxied_nova_look(Host *host,
                           Virt *virt,
                           guint timeout_ms,
                           const char *xml,
                           gsize len,
                           ProxiedNova *ret_nova,
                           GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* NULL: Nova's metadata asks for nothing. */
static inline const DomNova *
proxied_nova_asks(const ProxiedNova *nova)
{
    return nova->gone ? &nova->nova : NULL;
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(ProxiedNova, proxied_nova_clear)

#endif
