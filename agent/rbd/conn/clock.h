/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * agent/rbd/conn/clock.h - the clock that goes on while the host sleeps
 *
 * Threads:  any.
 */
#ifndef REMORA_AGENT_RBD_CONN_CLOCK_H
#define REMORA_AGENT_RBD_CONN_CLOCK_H

#include <glib.h>

/* Nothing is touched while the host sleeps, and the clocks of those who watch
 * its claims go on. */
gint64 store_boot_us(void);
gint64 store_boot_seconds(void);

#endif
