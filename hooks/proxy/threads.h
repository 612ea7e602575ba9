/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * hooks/proxy/threads.h - questions to the agent, each in a thread of its own
 *
 * The relay's loop must not wait, and asking the agent (wire_ask_on()) does.
 * The loop starts a thread for each question, polls proxy_threads_fd(), and
 * takes the questions that are answered.
 *
 * Threads: only the loop calls these functions. From proxy_threads_start()
 *          until proxy_threads_take() returns it a question belongs to its
 *          thread, but for the fields that are marked as the loop's.
 * Limits:  how many there are at once is the loop's business; each takes a
 *          connection, a stack of PROXY_THREAD_STACK and the agent's answer.
 */
#ifndef REMORA_HOOKS_PROXY_THREADS_H
#define REMORA_HOOKS_PROXY_THREADS_H

#include "hooks/proxy/question.h"

#include <stdbool.h>

#define PROXY_THREAD_STACK (256u * 1024u)

/* How long an agent may be gone, as it is while it is replaced, or may want to
 * be asked later. */
#define PROXY_AGENT_PATIENCE_MS 5000

/* broker is the relay's end (broker.h), and stays the caller's. NULL and
 * errno. It is never freed: the process ends with it. */
struct proxy_threads *proxy_threads_new(int broker);

/* Readable when something is answered. */
int proxy_threads_fd(const struct proxy_threads *threads);

/* false: there is no thread for it, and it stays the caller's. */
bool proxy_threads_start(struct proxy_threads *threads,
                         struct proxy_question *question);

/* The next one that is answered. NULL: no more; before that, proxy_threads_fd()
 * may be unreadable although there are some. */
struct proxy_question *proxy_threads_take(struct proxy_threads *threads);

#endif
