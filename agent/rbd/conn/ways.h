/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * agent/rbd/conn/ways.h - the addresses by which this host comes to the cluster
 *
 * A host with several networks has several addresses, and a client of it may
 * have another one than the agent: by which way it came decides.
 *
 * Threads: any.
 */
#ifndef REMORA_AGENT_RBD_CONN_WAYS_H
#define REMORA_AGENT_RBD_CONN_WAYS_H

#include "agent/rbd/conn/connection.h"

/* The addresses, without ports and with blanks between, that a client on this
 * host may have as it comes to the monitors, but for the connection's own. NULL:
 * there are none, or none is known. g_free() it. Asks for the monitor map once
 * for each address of our own; blocks that long. */
char *store_ways(StoreConn *conn);
/* The same as it comes to these monitors (of StoreMonitor), but for the address
 * in address. Sends nothing. */
char *store_ways_to(const GPtrArray *monitors, const char *address);

#endif
