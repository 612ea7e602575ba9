/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * agent/rbd/conn/address.h - a client's address, as the cluster writes it
 *
 * '192.0.2.7:0/1234' or '[2001:db8::7]:0/1234', with 'v1:' or 'v2:' before it
 * or not. Threads: any.
 */
#ifndef REMORA_AGENT_RBD_CONN_ADDRESS_H
#define REMORA_AGENT_RBD_CONN_ADDRESS_H

#include <glib.h>
#include <stdbool.h>

/* The host's part, without brackets; NULL: it is no such address. g_free()
 * it. */
char *store_address_ip(const char *address);
/* 'IP:0/0', which means all clients at an address without a port. g_free() it. */
char *store_address_all_of(const char *ip);
/* Whether both are of one host, as far as its address tells. */
bool store_address_same_ip(const char *a, const char *b);
/* Whether its host's part is an address of this host. */
bool store_address_is_local(const char *address);
/* 'IP:0/0', which means all clients of the host that an address is of; NULL: it
 * is none. g_free() it. */
char *store_client_of_host(const char *addr);

#endif
