/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * agent/virt/each.c - each domain that libvirt has of a sort
 */
#include "config.h"

#include "agent/virt/each.h"

#include "agent/log.h"
#include "agent/virt/error.h"

#include <stdlib.h>

bool
virt_each(virConnectPtr conn, unsigned int flags, VirtEach each, gpointer data)
{
    virDomainPtr *domains = NULL;
    g_autoptr(GError) error = NULL;
    int n = virConnectListAllDomains(conn, &domains, flags);

    if (n < 0 && !virt_fail(&error, "cannot list the domains"))
        log_warning(NULL, "%s", error->message);
    for (int i = 0; i < n; i++) {
        each(data, domains[i]);
        (void)virDomainFree(domains[i]);
    }
    free(domains);
    return n >= 0;
}
