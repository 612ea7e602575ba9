/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * agent/virt-ask.h - questions to libvirt that are given up after a while
 *
 * A call of libvirt waits as long as the domain's lock is held, by a start for
 * instance, and cannot be called back. So it is made in a thread of its own,
 * which is left behind when time is up. These threads are few and have a
 * connection of their own; whoever asks what is being asked already waits for
 * the answer to that.
 *
 * Threads:  any but those of virt.h; everything blocks up to timeout_ms.
 *           Never from what a hook waits for: libvirt holds the lock of its
 *           domain. A call that a proxy holds back holds none.
 */
#ifndef REMORA_AGENT_VIRT_ASK_H
#define REMORA_AGENT_VIRT_ASK_H

#include "agent/virt.h"

typedef struct {
    bool active;
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

/* Looks at the domain's stored definition as after an event, and returns when
 * that is done. Errors: VIRT_ERROR, and only for that it could not be looked
 * at. */
gboolean
virt_ask_look(Virt *virt, const char *uuid, guint timeout_ms, GError **error);

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(VirtDomain, virt_domain_info_clear)

#endif
