/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * hooks/wire/socket.h - unix sockets in the file system
 */
#ifndef REMORA_HOOKS_WIRE_SOCKET_H
#define REMORA_HOOKS_WIRE_SOCKET_H

#include <stdbool.h>
#include <sys/un.h>

/* The address of path; false if that is too long for one. */
bool wire_socket_address(struct sockaddr_un *ret_address, const char *path);

/* A close-on-exec, non-blocking unix socket of this type; -1 and errno. */
int wire_socket(int type);

/* A close-on-exec stream socket whose connect() waits for a place in the
 * listener's queue, so many ms at most: poll() cannot wait for that. -1 and
 * errno. */
int wire_socket_patient(unsigned ms);

/* Connects. Returns 0, or the errno of the failure; EAGAIN says that the
 * listener's queue is full. */
int wire_socket_connect(int fd, const char *path);

/* Whether this errno of a connect or a send says that nobody has the socket. */
bool wire_socket_nobody(int reason);

#endif
