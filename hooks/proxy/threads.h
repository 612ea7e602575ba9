/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * hooks/proxy/threads.h - questions to the agent, beside the relay's loop
 *
 * Each question has a thread of its own, for hook_ask_on() waits. The loop
 * starts it, polls front_asker_fd(), and takes what is answered.
 *
 * Threads: all functions are the loop's. A question is its thread's from
 *          front_asker_start() until front_asker_take() returns it; but
 *          for what is marked as the loop's own.
 * Limits:  how many there are at once is the loop's business; each takes a
 *          connection, a stack of FRONT_ASKER_STACK and the agent's answer.
 */
#ifndef REMORA_HOOKS_PROXY_THREADS_H
#define REMORA_HOOKS_PROXY_THREADS_H

#include "hooks/proxy/question.h"

#include <stdbool.h>

#define FRONT_ASKER_STACK (256u * 1024u)

/* How long an agent may be gone, as it is while it is replaced, or may want to
 * be asked later. */
#define FRONT_ASKER_PATIENCE_MS 5000

/* broker is the relay's end (front-broker.h), and stays the caller's. NULL and
 * errno. It is never freed: the process ends with it. */
struct front_asker *front_asker_new(int broker);

/* Readable when something is answered. */
int front_asker_fd(const struct front_asker *asker);

/* false: there is no thread for it, and it stays the caller's. */
bool front_asker_start(struct front_asker *asker,
                       struct front_question *question);

/* The next one that is answered. NULL: no more; before that, front_asker_fd()
 * may be unreadable although there are some. */
struct front_question *front_asker_take(struct front_asker *asker);

#endif
