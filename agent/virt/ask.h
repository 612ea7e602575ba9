/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * agent/virt/ask.h - questions to libvirt that are given up after a while
 *
 * A call of libvirt waits as long as the domain's lock is held, by a start for
 * instance, and cannot be called back. So it is made by calls.h, and left
 * behind when time is up. Whoever asks what waits to be asked already waits for
 * the answer to that.
 *
 * Threads:  any but those of virt.h; everything blocks up to timeout_ms.
 *           Never from what a hook waits for: libvirt holds the lock of its
 *           domain. A call that a proxy holds back holds none.
 */
#ifndef REMORA_AGENT_VIRT_ASK_H
#define REMORA_AGENT_VIRT_ASK_H

#include "agent/virt/virt.h"

typedef struct {
    bool active;
    bool opened; /* it is active, and neither does it start or arrive nor is a
                  * job under way: it has open what it will have */
    char *name;
    char *xml; /* as it is now, with what is attached */
} VirtDomain;

void virt_domain_info_clear(VirtDomain *domain);

/* What libvirt says of a domain. Errors: VIRT_ERROR. */
gboolean virt_ask(Virt *virt,
                  const char *uuid,
                  guint timeout_ms,
                  VirtDomain *ret_domain,
                  GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* The same over a connection of the caller's, which waits for as long as libvirt
 * takes. */
gboolean virt_read_domain(virConnectPtr conn,
                          const char *uuid,
                          VirtDomain *ret_domain,
                          GError **error) G_GNUC_WARN_UNUSED_RESULT;
/* Ends a guest at once. */
gboolean
virt_destroy_domain(virConnectPtr conn, const char *uuid, GError **error);

/* Ends a guest at once, and waits for that no longer than timeout_ms. */
gboolean virt_ask_destroy(Virt *virt,
                          const char *uuid,
                          guint timeout_ms,
                          GError **error);

/* Looks at the domain's stored definition as after an event, and returns when
 * that is done. Errors: VIRT_ERROR, and only for that it could not be looked
 * at. */
gboolean
virt_ask_look(Virt *virt, const char *uuid, guint timeout_ms, GError **error);

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(VirtDomain, virt_domain_info_clear)

#endif
