/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * hooks/proxy/threads.c - questions to the agent, beside the relay's loop
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

/* How long to wait at least before asking for another connection; twice as long
 * at most. */
#define RETRY_NS (100 * 1000 * 1000)

struct front_asker {
    int broker;
    int event;
    pthread_mutex_t broker_lock; /* one asks the broker at a time */
    uint8_t asks;                /* how many so far; under it */
    pthread_mutex_t lock;        /* answered */
    struct front_question *answered;
};

struct front_asker *
front_asker_new(int broker)
{
    struct front_asker *asker = calloc(1, sizeof(*asker));

    if (!asker)
        return NULL;
    asker->broker = broker;
    asker->event = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (asker->event < 0) {
        free(asker);
        return NULL;
    }
    (void)pthread_mutex_init(&asker->broker_lock, NULL);
    (void)pthread_mutex_init(&asker->lock, NULL);
    return asker;
}

int
front_asker_fd(const struct front_asker *asker)
{
    return asker->event;
}

/* ---- in the thread --------------------------------------------------------- */

static void
refuse(struct front_question *question, const char *why, size_t len)
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
refuse_unasked(struct front_question *question, enum outcome reason)
{
    struct hook_error error;

    hook_error_set(
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
say_why(struct front_question *question,
        const struct hook_answer *answer,
        const char *otherwise)
{
    if (answer->message_len > 0)
        refuse(question, answer->message, answer->message_len);
    else
        refuse(question, otherwise, strlen(otherwise));
}

static enum outcome
obey(struct front_question *question, size_t i, struct hook_answer *answer)
{
    static const char silence[] =
        "the agent (remorad) refused without saying why: see 'journalctl -u "
        "remorad'";
    static const char busy[] =
        "the agent (remorad) has too much to do: try again in a few seconds";
    enum outcome outcome =
        answer->verdict == WIRE_BUSY ? OUTCOME_BUSY : OUTCOME_DONE;

    if (answer->verdict != WIRE_ALLOW)
        say_why(question, answer, outcome == OUTCOME_BUSY ? busy : silence);
    else if (answer->output_len > 0) {
        question->news[i] = answer->output;
        question->new_lens[i] = answer->output_len;
        answer->output = NULL;
    }
    hook_answer_clear(answer);
    return outcome;
}

static enum outcome
connection(struct front_asker *asker, int64_t deadline, int *ret_fd)
{
    enum front_broker result;

    (void)pthread_mutex_lock(&asker->broker_lock);
    result = front_broker_ask(asker->broker, asker->asks++, deadline, ret_fd);
    (void)pthread_mutex_unlock(&asker->broker_lock);
    switch (result) {
    case FRONT_BROKER_HERE:
        return OUTCOME_DONE;
    case FRONT_BROKER_OFTEN:
        return OUTCOME_OFTEN;
    case FRONT_BROKER_LOST:
        return OUTCOME_LOST;
    case FRONT_BROKER_NOBODY:
    default:
        return OUTCOME_AWAY;
    }
}

static enum outcome
attempt(struct front_question *question, size_t i, int64_t deadline)
{
    hook_autoclose int fd = -1;
    struct hook_domain domain = {
        .name = question->name,
        .xml = question->texts[i],
        .xml_len = question->lens[i],
    };
    struct hook_answer answer;
    struct hook_error error;
    enum outcome there = connection(question->asker, deadline, &fd);

    if (there != OUTCOME_DONE)
        return there;
    switch (hook_ask_on(fd, question->op, &domain, &answer, &error)) {
    case HOOK_ANSWERED:
        return obey(question, i, &answer);
    case HOOK_NOBODY:
        return OUTCOME_AWAY;
    case HOOK_FAILED:
    default:
        refuse(question, error.line, strlen(error.line));
        return OUTCOME_DONE;
    }
}

/* Not all at the same moment: those that were sent away together would come
 * back together. */
static void
take_a_breath(void)
{
    struct timespec now;
    struct timespec pause = {.tv_nsec = RETRY_NS};

    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    pause.tv_nsec += now.tv_nsec % RETRY_NS;
    (void)nanosleep(&pause, NULL);
}

/* Those who ask again and again get to ask too often at last; why they had to
 * is what helps. */
static enum outcome
worse(enum outcome so_far, enum outcome now)
{
    return now == OUTCOME_OFTEN && so_far != OUTCOME_DONE ? so_far : now;
}

/* An agent that dies over a question may take it up again after its restart;
 * how long it worked on it does not count against its absence. */
static void
ask_about(struct front_question *question, size_t i)
{
    int64_t absent_since = hook_clock_ms();
    int64_t end = absent_since + WIRE_DEADLINE_CAP_MS;
    enum outcome outcome = OUTCOME_DONE;

    for (;;) {
        int64_t begun = hook_clock_ms();
        enum outcome now =
            attempt(question, i, begun + FRONT_ASKER_PATIENCE_MS);

        outcome = worse(outcome, now);
        if (now == OUTCOME_DONE)
            return;
        if (hook_clock_ms() - begun > FRONT_ASKER_PATIENCE_MS)
            absent_since = hook_clock_ms();
        if (now == OUTCOME_LOST || hook_clock_ms() >= end ||
            hook_clock_ms() - absent_since >= FRONT_ASKER_PATIENCE_MS)
            break;
        question->refused = false;
        take_a_breath();
    }
    if (outcome == OUTCOME_BUSY)
        question->refused = true;
    else
        refuse_unasked(question, outcome);
}

static void
hand_back(struct front_question *question)
{
    struct front_asker *asker = question->asker;
    struct front_question **last = &asker->answered;
    const uint64_t one = 1;

    (void)pthread_mutex_lock(&asker->lock);
    while (*last)
        last = &(*last)->next;
    question->next = NULL;
    *last = question;
    (void)pthread_mutex_unlock(&asker->lock);
    /* It cannot fail before 2^64 questions. */
    (void)!write(asker->event, &one, sizeof(one));
}

static void *
answer(void *data)
{
    struct front_question *question = data;

    for (size_t i = 0; i < question->n_texts && !question->refused; i++)
        if (question->texts[i])
            ask_about(question, i);
    hand_back(question);
    return NULL;
}

/* ---- in the loop ----------------------------------------------------------- */

bool
front_asker_start(struct front_asker *asker, struct front_question *question)
{
    pthread_attr_t attributes;
    pthread_t thread;
    int reason;

    question->asker = asker;
    if (pthread_attr_init(&attributes) != 0)
        return false;
    (void)pthread_attr_setstacksize(&attributes, FRONT_ASKER_STACK);
    (void)pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
    reason = pthread_create(&thread, &attributes, answer, question);
    (void)pthread_attr_destroy(&attributes);
    return reason == 0;
}

struct front_question *
front_asker_take(struct front_asker *asker)
{
    struct front_question *first;
    uint64_t count;

    (void)!read(asker->event, &count, sizeof(count));
    (void)pthread_mutex_lock(&asker->lock);
    first = asker->answered;
    if (first)
        asker->answered = first->next;
    (void)pthread_mutex_unlock(&asker->lock);
    return first;
}
