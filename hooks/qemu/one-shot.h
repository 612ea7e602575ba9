/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * hooks/qemu/one-shot.h - the agent's work without an agent, by its own program
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

/* Starts a process that does the same, and returns at once. It has none of the
 * caller's descriptors, and nobody hears of it again. It waits for its turn,
 * WIRE_DEADLINE_CAP_MS at most: the notices of one domain are served one after
 * the other, and HOOK_LATER_MAX in all at a time. The locks for that are in
 * run_dir. */
void hook_one_shot_later(const char *program,
                         const char *run_dir,
                         const char *operation,
                         const struct wire_domain *domain);

#endif
