/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * tests/hooks/proxy-bench.h - a relay between a client, libvirtd and an agent,
 * all of which the test plays
 *
 * The relay has its own process, as it has in the proxy, but no other user: so
 * the tests need no root. Each wait has an end, after which the test fails.
 */
#ifndef REMORA_TESTS_HOOKS_PROXY_BENCH_H
#define REMORA_TESTS_HOOKS_PROXY_BENCH_H

#include "hooks/wire/wire.h"

#include "tests/unit/proxy-packets.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <sys/types.h>

#define OURS    "<domain xmlns:r='urn:remora:domain:1'/>"
#define FOREIGN "<domain type='kvm'/>"
#define NEW     "<domain>rewritten, and longer than it was before</domain>"

struct bench {
    int client;
    int server;
    int agent;         /* listens on proxy.sock, or -1 */
    int broker;        /* the parent's end */
    atomic_bool often; /* it says that this user asks too often */
    pid_t relay;
    pthread_t parent;
    char dir[64];
    char socket[80];
};

/* cmocka's setup and teardown: a relay that has just begun. */
int bench_enter(void **state);
int bench_leave(void **state);

/* Opens for writing, with libvirtd's consent. */
void bench_open(struct bench *bench);

void bench_listen(struct bench *bench);
void bench_stop_listening(struct bench *bench);

void put_packet(int fd, const struct packet *packet);
void expect_packet(int fd, const struct packet *packet);
/* An error reply, whose text it returns; free it. */
char *expect_error(int fd, uint32_t procedure, uint32_t serial);
/* Nothing comes for a while. */
void expect_silence(int fd);
void expect_end(int fd);

/* A connection to the agent, whose client was told; greeted. */
int agent_accept(struct bench *bench);
/* -1: before there is one, something can be read from fd. */
int agent_accept_unless(struct bench *bench, int fd);
void agent_expect(int fd, enum wire_op op, const char *name, const char *body);
/* And closes. NULL: nothing of that. */
void agent_answer(int fd,
                  enum wire_verdict verdict,
                  const char *message,
                  const char *output);

/* What the client sends comes out at libvirtd as it is. */
void bench_passes(struct bench *bench, const struct packet *packet);
/* Of another program: its numbers mean nothing. */
struct packet packet_ping(void);
/* An attach or update of OURS; procedure 8 has no flags. */
struct packet
packet_attach(uint32_t procedure, uint32_t serial, uint32_t flags);

#endif
