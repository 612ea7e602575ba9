/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * hooks/hook-policy.c - what each of libvirt's operations may do
 */
#include "config.h"

#include "hooks/hook-policy.h"

#include <stddef.h>
#include <string.h>

static const struct hook_policy table[] = {
    {"prepare", "begin", HOOK_ASK, WIRE_PREPARE, "prepare", false},
    {"migrate", "begin", HOOK_ASK, WIRE_MIGRATE, "migrate", true},
    {"restore", "begin", HOOK_ASK, WIRE_RESTORE, "restore", true},
    {"started", "begin", HOOK_TELL, WIRE_STARTED, NULL, false},
    {"stopped", "end", HOOK_TELL, WIRE_STOPPED, NULL, false},
    {"release", "end", HOOK_TELL, WIRE_RELEASE, NULL, false},
};

/* start, reconnect, attach, and whatever libvirt may call one day */
static const struct hook_policy unknown = {.way = HOOK_NOTHING};

const struct hook_policy *
hook_policy_find(const char *operation, const char *suboperation)
{
    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++)
        if (strcmp(table[i].operation, operation) == 0 &&
            strcmp(table[i].suboperation, suboperation) == 0)
            return &table[i];
    return &unknown;
}
