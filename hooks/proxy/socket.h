/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * hooks/proxy/socket.h - bytes and descriptors over a unix socket
 *
 * Nothing here waits. Descriptors that are received are close-on-exec and the
 * caller's; those that are sent stay the caller's.
 */
#ifndef REMORA_HOOKS_PROXY_SOCKET_H
#define REMORA_HOOKS_PROXY_SOCKET_H

#include <stddef.h>
#include <sys/types.h>

/* libvirt's own limit for a packet. */
#define PROXY_FDS_MAX 32u

/* Reads at most len bytes, as recv(2), and puts the descriptors that came with
 * them into fds; the kernel ends a read behind the bytes that brought some.
 * More than PROXY_FDS_MAX at once: -1 and EMSGSIZE, and none is kept. */
ssize_t proxy_socket_receive(
    int socket, void *bytes, size_t len, int *fds, size_t *ret_n_fds);

/* Sends what goes without waiting, as send(2), with fd (-1: none) at the first
 * byte. */
ssize_t proxy_socket_send(int socket, const void *bytes, size_t len, int fd);

void proxy_socket_close_all(const int *fds, size_t n);

#endif
