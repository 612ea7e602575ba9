/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * hooks/qemu/policy.c - the table of operations
 */
#include "config.h"

#include "hooks/qemu/policy.h"

#include <stddef.h>
#include <string.h>

/* clang-format off */
const struct hook_policy hook_policies[] = {
    /* operation, suboperation, ask, tell, filter, may refuse */
    {"prepare",   "begin", WIRE_PREPARE, HOOK_NO_OP,   false, true},
    {"migrate",   "begin", WIRE_MIGRATE, HOOK_NO_OP,   true,  true},
    {"restore",   "begin", WIRE_RESTORE, HOOK_NO_OP,   true,  true},
    {"start",     "begin", HOOK_NO_OP,   HOOK_NO_OP,   false, false},
    {"started",   "begin", HOOK_NO_OP,   WIRE_STARTED, false, false},
    {"stopped",   "end",   HOOK_NO_OP,   WIRE_STOPPED, false, false},
    {"release",   "end",   HOOK_NO_OP,   WIRE_RELEASE, false, false},
    {"reconnect", "begin", HOOK_NO_OP,   HOOK_NO_OP,   false, false},
    {"attach",    "begin", HOOK_NO_OP,   HOOK_NO_OP,   false, false},
    /* Anything unknown; also the end. */
    {NULL,        NULL,    HOOK_NO_OP,   HOOK_NO_OP,   false, false},
};
/* clang-format on */

const struct hook_policy *
hook_policy_find(const char *operation, const char *suboperation)
{
    const struct hook_policy *row = hook_policies;

    while (row->operation && (strcmp(row->operation, operation) != 0 ||
                              strcmp(row->suboperation, suboperation) != 0))
        row++;
    return row;
}
