/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * agent/guests-later.h - guests whose watches cannot be told apart yet
 *
 * A guest that arrives by migration shares its disks with the one it comes
 * from until that has ended; how long that takes is up to its memory. Such a
 * guest is looked at again until its watches are written down, its QEMU has
 * ended, or an hour is over.
 *
 * Threads:  any. guests_later_check() blocks.
 */
#ifndef REMORA_AGENT_GUESTS_LATER_H
#define REMORA_AGENT_GUESTS_LATER_H

#include "agent/host.h"

typedef struct GuestsLater GuestsLater;

GuestsLater *guests_later_new(void);
void guests_later_free(GuestsLater *later);

/* xml, which is copied, is the running domain's. Once for each name. */
void guests_later_add(GuestsLater *later,
                      const char *name,
                      const char *xml,
                      gsize len);
/* To be called about every 10 s while guests_later_count() is not 0. */
void guests_later_check(GuestsLater *later, Host *host);
guint guests_later_count(GuestsLater *later);

#endif
