/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * hooks/hook-one-shot.h - the agent's own program in the hook's place
 */
#ifndef REMORA_HOOKS_HOOK_ONE_SHOT_H
#define REMORA_HOOKS_HOOK_ONE_SHOT_H

#include "hooks/hook-ask.h"
#include "hooks/hook-say.h"

/* Becomes 'PROGRAM --one-shot OPERATION NAME' with the domain's XML on its
 * standard input; it keeps standard output and error, the process id, and an
 * alarm that ends it after WIRE_DEADLINE_CAP_MS. Returns only if it cannot,
 * with *error set. */
void hook_one_shot(const char *program,
                   const char *operation,
                   const struct hook_domain *domain,
                   struct hook_error *error);

#endif
