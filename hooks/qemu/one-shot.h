/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * hooks/qemu/one-shot.h - the agent's own program in the hook's place, or
 * behind its back
 */
#ifndef REMORA_HOOKS_QEMU_ONE_SHOT_H
#define REMORA_HOOKS_QEMU_ONE_SHOT_H

#include "hooks/wire/client.h"
#include "hooks/wire/say.h"

/* Becomes 'PROGRAM --one-shot OPERATION NAME' with the domain's XML on its
 * standard input; it keeps standard output and error, the process id, and an
 * alarm that ends it after WIRE_DEADLINE_CAP_MS. Returns only if it cannot,
 * with *error set. */
void hook_one_shot(const char *program,
                   const char *operation,
                   const struct wire_domain *domain,
                   struct wire_error *error);

/* How many of those below may be at work at a time. */
#define HOOK_LATER_MAX 4

/* Leaves the same to a process of its own, which has nothing of the caller's
 * and of which nobody hears again, and returns at once. It waits until it is
 * its turn, for WIRE_DEADLINE_CAP_MS at most: the notices of one domain are
 * served one after the other, and those of all by HOOK_LATER_MAX. run_dir has
 * the locks for that. */
void hook_one_shot_later(const char *program,
                         const char *run_dir,
                         const char *operation,
                         const struct wire_domain *domain);

#endif
