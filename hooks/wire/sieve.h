/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * hooks/wire/sieve.h - whether domain XML can be any of remora's business
 *
 * This is all that hooks/ knows of XML. It may let through what turns out to
 * be foreign, for the agent decides; it never holds back what is not.
 */
#ifndef REMORA_HOOKS_WIRE_SIEVE_H
#define REMORA_HOOKS_WIRE_SIEVE_H

#include <stdbool.h>
#include <stddef.h>

/* Takes len bytes of XML, by libvirt, a client or an earlier hook script, as
 * whoever parses it would read it: in any encoding, with character references,
 * entities or prefixes. False: a foreign domain, not to be touched. */
bool wire_sieve(const void *xml, size_t len);

#endif
