/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * hooks/hook-sieve.h - is this domain any business of ours?
 */
#ifndef REMORA_HOOKS_HOOK_SIEVE_H
#define REMORA_HOOKS_HOOK_SIEVE_H

#include <stdbool.h>
#include <stddef.h>

/* Whether the XML holds one of four byte strings: a disk on RBD, a disk that
 * is a volume of a pool, remora's metadata, Nova's. It may say yes too often:
 * then the agent looks. It must never say no to a domain that asks. */
bool hook_sieve(const char *xml, size_t len);

#endif
