/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * hooks/qemu/policy.h - what the hook does for each of libvirt's operations
 *
 * One table, because a wrong entry kills guests: libvirt destroys a running
 * one when the hook fails at 'started' or 'reconnect'.
 */
#ifndef REMORA_HOOKS_QEMU_POLICY_H
#define REMORA_HOOKS_QEMU_POLICY_H

#include "hooks/wire/wire.h"

#include <stdbool.h>

#define HOOK_NO_OP 0u

struct hook_policy {
    const char *operation; /* NULL: the end of the table */
    const char *suboperation;
    unsigned ask;    /* enum wire_op of the exchange, or HOOK_NO_OP */
    unsigned tell;   /* enum wire_op of the datagram, or HOOK_NO_OP */
    bool filter;     /* libvirt takes new XML from standard output */
    bool may_refuse; /* false: exit status 0, whatever happens */
};

extern const struct hook_policy hook_policies[];

/* The row of an operation that libvirt names. Never NULL: what is not in the
 * table gets a row that asks nobody, tells nobody and never refuses. */
const struct hook_policy *hook_policy_find(const char *operation,
                                           const char *suboperation);

#endif
