/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * agent/virt/error.h - libvirt's errors as GError
 *
 * Threads: any; libvirt keeps the last error of each thread.
 */
#ifndef REMORA_AGENT_VIRT_ERROR_H
#define REMORA_AGENT_VIRT_ERROR_H

#include <glib.h>
#include <libvirt/libvirt.h>
#include <libvirt/virterror.h>
#include <stdbool.h>

#define VIRT_ERROR virt_error_quark()
GQuark virt_error_quark(void);

typedef enum {
    VIRT_ERROR_FAILED,
    VIRT_ERROR_GONE,         /* the domain is not there (any more) */
    VIRT_ERROR_DISCONNECTED, /* libvirtd is not there (any more) */
    VIRT_ERROR_REFUSED, /* by us: libvirt would say the same the next time */
} VirtErrorCode;

/* Sets error from this thread's last error of libvirt; gives FALSE. */
gboolean virt_fail(GError **error, const char *format, ...) G_GNUC_PRINTF(2, 3);
/* Keeps libvirt from printing errors on stderr. */
void virt_quiet(void);

static inline void
virt_connect_clear(virConnectPtr conn)
{
    (void)virConnectClose(conn);
}

static inline void
virt_domain_clear(virDomainPtr domain)
{
    (void)virDomainFree(domain);
}

static inline void
virt_secret_clear(virSecretPtr secret)
{
    (void)virSecretFree(secret);
}

G_DEFINE_AUTOPTR_CLEANUP_FUNC(virConnect, virt_connect_clear)
G_DEFINE_AUTOPTR_CLEANUP_FUNC(virDomain, virt_domain_clear)
G_DEFINE_AUTOPTR_CLEANUP_FUNC(virSecret, virt_secret_clear)

#endif
