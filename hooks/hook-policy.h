/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * hooks/hook-policy.h - what each of libvirt's operations may do
 *
 * Source: libvirt's hooks.html. A failing 'prepare' refuses the start; a
 * failing 'started' or 'reconnect' would kill a guest that runs. So only what
 * the table allows to refuse ever ends with a status other than 0.
 */
#ifndef REMORA_HOOKS_HOOK_POLICY_H
#define REMORA_HOOKS_HOOK_POLICY_H

#include <stdbool.h>

#include "hooks/wire.h"

enum hook_way {
    HOOK_NOTHING, /* exit 0 at once */
    HOOK_ASK,     /* ask the agent, and obey */
    HOOK_TELL,    /* tell the agent, and do not wait */
};

struct hook_policy {
    const char *operation;    /* libvirt's second argument */
    const char *suboperation; /* and third */
    enum hook_way way;
    enum wire_op op;      /* unless HOOK_NOTHING */
    const char *one_shot; /* remorad --one-shot's word; HOOK_ASK only */
    bool filter;          /* libvirt reads new XML from stdout */
};

/* Never NULL: what is unknown does nothing. Constant. */
const struct hook_policy *hook_policy_find(const char *operation,
                                           const char *suboperation);

#endif
