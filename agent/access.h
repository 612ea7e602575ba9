/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * agent/access.h - whether libvirt asks who may do what with which domain
 *
 * Its access drivers judge a call when it reaches the daemon. What is done
 * before, on a client's word alone, must not go beyond what they may refuse.
 *
 * Threads: any.
 */
#ifndef REMORA_AGENT_ACCESS_H
#define REMORA_AGENT_ACCESS_H

#include <stdbool.h>

/* Whether the text of libvirt's libvirtd.conf sets access_drivers to anything
 * but an empty list. Pure. */
bool access_is_set(const char *text);
/* The same of this host's files; one that is there and cannot be read sets
 * them. */
bool access_is_checked(void);

#endif
