/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * agent/rbd/conn/greet.h - do the monitors greet who connects to them?
 *
 * Threads:  any.
 */
#ifndef REMORA_AGENT_RBD_CONN_GREET_H
#define REMORA_AGENT_RBD_CONN_GREET_H

#include <glib.h>
#include <stdbool.h>

#define STORE_MONITORS_MAX 64u

typedef struct {
    char *host; /* IPv6 without brackets */
    char *port; /* never NULL in a map */
    bool v2;    /* speaks messenger v2 */
    bool other; /* the same monitor was listed before, with another address */
} StoreMonitor;

void store_monitor_free(StoreMonitor *monitor);

/* Whether more than half of these monitors (of StoreMonitor) greet who
 * connects to their first address: then they have a quorum, or will have one
 * when they have elected. Blocks up to timeout_ms; any thread. */
bool store_monitors_greet(const GPtrArray *monitors, guint timeout_ms);

#endif
