/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * agent/serve/sockets.h - unix sockets for root alone
 *
 * Threads: any; nothing here waits.
 */
#ifndef REMORA_AGENT_SERVE_SOCKETS_H
#define REMORA_AGENT_SERVE_SOCKETS_H

#include <glib.h>
#include <stdbool.h>

#include "hooks/wire/wire.h"

/* A socket of type SOCK_STREAM or SOCK_DGRAM at path, which only root may
 * connect to; whatever was there is replaced. -1 with G_IO_ERROR. */
int sockets_listen(const char *path, int type, GError **error);

/* The next client, if its user is root or, unless root_alone, our own; others
 * are turned away. -1: nobody waits. Its file status is blocking. */
int sockets_accept(int fd, bool root_alone);

/* One datagram of the hook. Strings are NUL-terminated; g_free() them. */
typedef struct {
    enum wire_op op;
    char *name;
    char *body;
    gsize len;
} SocketsNotice;
/* false: none waits. What is not of the protocol is skipped. */
bool sockets_receive(int fd, SocketsNotice *ret_notice);

/* Asks an agent that listens below dir; for WIRE_STATUS. NULL with
 * G_IO_ERROR, which is CONNECTION_REFUSED where nobody listens. Blocks up to
 * timeout_ms. */
GBytes *
sockets_ask(const char *dir, enum wire_op op, guint timeout_ms, GError **error);

#endif
