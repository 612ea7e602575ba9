/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * hooks/proxy/threads.c - questions to the agent, each in a thread of its own
 */
#include "config.h"

#include "hooks/proxy/threads.h"

#include "hooks/proxy/broker.h"
#include "hooks/wire/client.h"
#include "hooks/wire/io.h"

#include <errno.h>
#include <limits.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

/* The shortest wait before asking for another connection; the longest is twice
 * that. */
#define RETRY_NS (100 * 1000 * 1000)

struct proxy_threads {
    int broker;
    int event;
    pthread_mutex_t broker_lock; /* one asks the broker at a time */
    uint8_t asks;                /* how many so far; under it */
    pthread_mutex_t lock;        /* answered */
    struct proxy_question *answered;
};

struct proxy_threads *
proxy_threads_new(int broker)
{
    struct proxy_threads *threads = calloc(1, sizeof(*threads));

    if (!threads)
        return NULL;
    threads->broker = broker;
    threads->event = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (threads->event < 0) {
        free(threads);
        return NULL;
    }
    (void)pthread_mutex_init(&threads->broker_lock, NULL);
    (void)pthread_mutex_init(&threads->lock, NULL);
    return threads;
}

int
proxy_threads_fd(const struct proxy_threads *threads)
{
    return threads->event;
}

/* ---- in the thread --------------------------------------------------------- */

static void
refuse(struct proxy_question *question, const char *why, size_t len)
{
    if (len > WIRE_MESSAGE_MAX)
        len = WIRE_MESSAGE_MAX;
    question->refused = true;
    (void)snprintf(question->why, sizeof(question->why), "remora: %.*s",
                   (int)len, why);
}

/* What an attempt came to. */
enum outcome {
    OUTCOME_DONE, /* there is an answer, or a reason */
    OUTCOME_BUSY, /* the agent says why it wants to be asked later */
    OUTCOME_AWAY,
    OUTCOME_OFTEN,
    OUTCOME_LOST,
};

static void
refuse_unasked(struct proxy_question *question, enum outcome reason)
{
    struct wire_error error;

    wire_error_set(
        &error,
        "cannot ask the agent (remorad) about this definition: %s; definitions "
        "that ask for no image work as before",
        reason == OUTCOME_OFTEN
            ? "this user has asked too often: try again in a few seconds"
        : reason == OUTCOME_LOST
            ? "remora-libvirt-proxy has ended: connect again"
            : "it is not running: see 'systemctl status remorad', then try "
              "again");
    refuse(question, error.line, strlen(error.line));
}

/* Says why not, with the agent's message if there is one. */
static void
say_why(struct proxy_question *question,
        const struct wire_reply *reply,
        const char *otherwise)
{
    if (reply->message_len > 0)
        refuse(question, reply->message, reply->message_len);
    else
        refuse(question, otherwise, strlen(otherwise));
}

static enum outcome
obey(struct proxy_question *question, size_t i, struct wire_reply *reply)
{
    static const char silence[] =
        "the agent (remorad) refused without saying why: see 'journalctl -u "
        "remorad'";
    static const char busy[] =
        "the agent (remorad) has too much to do: try again in a few seconds";
    enum outcome outcome =
        reply->verdict == WIRE_BUSY ? OUTCOME_BUSY : OUTCOME_DONE;

    if (reply->verdict != WIRE_ALLOW)
        say_why(question, reply, outcome == OUTCOME_BUSY ? busy : silence);
    else if (reply->output_len > 0) {
        question->news[i] = reply->output;
        question->new_lens[i] = reply->output_len;
        reply->output = NULL;
    }
    wire_reply_clear(reply);
    return outcome;
}

static enum outcome
connection(struct proxy_threads *threads, int64_t deadline, int *ret_fd)
{
    enum proxy_broker result;

    (void)pthread_mutex_lock(&threads->broker_lock);
    result =
        proxy_broker_ask(threads->broker, threads->asks++, deadline, ret_fd);
    (void)pthread_mutex_unlock(&threads->broker_lock);
    switch (result) {
    case PROXY_BROKER_HERE:
        return OUTCOME_DONE;
    case PROXY_BROKER_OFTEN:
        return OUTCOME_OFTEN;
    case PROXY_BROKER_LOST:
        return OUTCOME_LOST;
    case PROXY_BROKER_NOBODY:
    default:
        return OUTCOME_AWAY;
    }
}

static enum outcome
attempt(struct proxy_question *question, size_t i, int64_t deadline)
{
    wire_autoclose int fd = -1;
    struct wire_domain domain = {
        .name = proxy_question_name(question, i),
        .xml = question->texts[i],
        .xml_len = question->lens[i],
    };
    struct wire_reply reply;
    struct wire_error error;
    enum outcome there = connection(question->threads, deadline, &fd);

    if (there != OUTCOME_DONE)
        return there;
    switch (wire_ask_on(fd, proxy_question_op(question, i), &domain,
                        wire_clock_ms() + WIRE_DEADLINE_CAP_MS, &reply,
                        &error)) {
    case WIRE_ANSWERED:
        return obey(question, i, &reply);
    case WIRE_NOBODY:
        return OUTCOME_AWAY;
    case WIRE_FAILED:
    default:
        refuse(question, error.line, strlen(error.line));
        return OUTCOME_DONE;
    }
}

/* For a different time in each thread: those that were sent away together must
 * not come back together. */
static void
pause_before_retry(void)
{
    struct timespec now;
    struct timespec pause = {.tv_nsec = RETRY_NS};

    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    pause.tv_nsec += now.tv_nsec % RETRY_NS;
    (void)nanosleep(&pause, NULL);
}

/* Who has to ask again and again is told at last that he asks too often. Why he
 * had to is what helps, so that is kept. */
static enum outcome
worse(enum outcome so_far, enum outcome now)
{
    return now == OUTCOME_OFTEN && so_far != OUTCOME_DONE ? so_far : now;
}

/* If the agent ends while it works on a question, it is asked again after its
 * restart. Only the time in which it is absent counts against the patience. */
static void
ask_about(struct proxy_question *question, size_t i)
{
    int64_t absent_since = wire_clock_ms();
    int64_t end = absent_since + WIRE_DEADLINE_CAP_MS;
    enum outcome outcome = OUTCOME_DONE;

    for (;;) {
        int64_t begun = wire_clock_ms();
        enum outcome now =
            attempt(question, i, begun + PROXY_AGENT_PATIENCE_MS);

        outcome = worse(outcome, now);
        if (now == OUTCOME_DONE)
            return;
        if (wire_clock_ms() - begun > PROXY_AGENT_PATIENCE_MS)
            absent_since = wire_clock_ms();
        if (now == OUTCOME_LOST || wire_clock_ms() >= end ||
            wire_clock_ms() - absent_since >= PROXY_AGENT_PATIENCE_MS)
            break;
        question->refused = false;
        pause_before_retry();
    }
    question->away = outcome != OUTCOME_LOST;
    if (outcome == OUTCOME_BUSY)
        question->refused = true;
    else
        refuse_unasked(question, outcome);
}

static void
hand_back(struct proxy_question *question)
{
    struct proxy_threads *threads = question->threads;
    struct proxy_question **last = &threads->answered;
    const uint64_t one = 1;

    (void)pthread_mutex_lock(&threads->lock);
    while (*last)
        last = &(*last)->next;
    question->next = NULL;
    *last = question;
    (void)pthread_mutex_unlock(&threads->lock);
    /* It cannot fail before 2^64 questions. */
    (void)!write(threads->event, &one, sizeof(one));
}

static void *
answer(void *data)
{
    struct proxy_question *question = data;

    for (size_t i = 0; i < question->n_texts && !question->refused; i++)
        if (question->texts[i])
            ask_about(question, i);
    hand_back(question);
    return NULL;
}

/* ---- in the loop ----------------------------------------------------------- */

bool
proxy_threads_start(struct proxy_threads *threads,
                    struct proxy_question *question)
{
    pthread_attr_t attributes;
    pthread_t thread;
    int reason;

    question->threads = threads;
    if (pthread_attr_init(&attributes) != 0)
        return false;
    (void)pthread_attr_setstacksize(&attributes, PROXY_THREAD_STACK);
    (void)pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
    reason = pthread_create(&thread, &attributes, answer, question);
    (void)pthread_attr_destroy(&attributes);
    return reason == 0;
}

struct proxy_question *
proxy_threads_take(struct proxy_threads *threads)
{
    struct proxy_question *first;
    uint64_t count;

    (void)!read(threads->event, &count, sizeof(count));
    (void)pthread_mutex_lock(&threads->lock);
    first = threads->answered;
    if (first)
        threads->answered = first->next;
    (void)pthread_mutex_unlock(&threads->lock);
    return first;
}
