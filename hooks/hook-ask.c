/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * hooks/hook-ask.c - the hook's side of the wire
 */
#include "config.h"

#include "hooks/hook-ask.h"

#include "hooks/hook-io.h"

#include <errno.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

/* An agent that lives greets at once. */
#define GREETING_MS 5000
/* A full backlog is looked at again so often. */
#define RETRY_MS 20
/* An agent that is killed keeps its socket until it is gone: what connects
 * meanwhile is turned away without a greeting. */
#define DYING_MS 2000

/* How one exchange ended. */
enum outcome { ANSWERED, NOBODY, UNGREETED, ENDED, GAVE_UP };

static enum outcome give_up(struct hook_reply *reply, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

static enum outcome
give_up(struct hook_reply *reply, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    (void)vsnprintf(reply->message, sizeof(reply->message), format, args);
    va_end(args);
    return GAVE_UP;
}

static bool
address_of(const char *path, struct sockaddr_un *address)
{
    size_t len = strlen(path);

    *address = (struct sockaddr_un){.sun_family = AF_UNIX};
    if (len >= sizeof(address->sun_path))
        return false;
    memcpy(address->sun_path, path, len);
    return true;
}

/* A socket whose connection waits for nothing; -1 with errno. */
static int
connect_once(const char *path, int type)
{
    struct sockaddr_un address;
    int fd = socket(AF_UNIX, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    int number;

    if (fd < 0)
        return -1;
    errno = ENAMETOOLONG;
    if (address_of(path, &address) &&
        connect(fd, (const struct sockaddr *)&address, sizeof(address)) == 0)
        return fd;
    number = errno;
    (void)close(fd);
    errno = number;
    return -1;
}

static void
pause_ms(long ms)
{
    const struct timespec time = {.tv_nsec = ms * 1000000};

    (void)nanosleep(&time, NULL);
}

/* EAGAIN: more clients wait than the agent has taken on yet. */
static int
connect_agent(int64_t deadline)
{
    int fd;

    while ((fd = connect_once(REMORA_RUNDIR "/" WIRE_HOOK_SOCKET,
                              SOCK_STREAM)) < 0) {
        if ((errno != EAGAIN && errno != EINTR) || hook_now() >= deadline)
            return -1;
        pause_ms(RETRY_MS);
    }
    return fd;
}

/* Why a read or write did not come about, in words. */
static enum outcome
explain(enum hook_io state, struct hook_reply *reply, int64_t waited_ms)
{
    if (state == HOOK_IO_ENDED)
        return ENDED;
    if (state == HOOK_IO_LATE)
        return give_up(reply,
                       "remorad did not answer within %d s: see 'systemctl "
                       "status remorad', then start the domain again",
                       (int)((waited_ms + 999) / 1000));
    return give_up(reply, "cannot talk to remorad: %s", strerror(errno));
}

static enum hook_io
send_question(int fd, const struct hook_question *question, int64_t deadline)
{
    struct wire_request request;
    size_t name_len = strlen(question->name);
    enum hook_io state;

    wire_request_init(&request, question->op, name_len, question->len);
    state = hook_write(fd, &request, sizeof(request), deadline);
    if (state == HOOK_IO_DONE)
        state = hook_write(fd, question->name, name_len, deadline);
    if (state == HOOK_IO_DONE)
        state = hook_write(fd, question->body, question->len, deadline);
    return state;
}

/* Whatever the agent says, the reader gets one line. */
static void
flatten(char *message)
{
    for (char *p = message; *p; p++)
        if ((unsigned char)*p < ' ' || *p == 127)
            *p = ' ';
}

static enum hook_io
receive_strings(int fd,
                const struct wire_answer *answer,
                struct hook_reply *reply,
                int64_t deadline)
{
    enum hook_io state =
        hook_read(fd, reply->message, answer->message_len, deadline);

    if (state != HOOK_IO_DONE)
        return state;
    reply->message[answer->message_len] = '\0';
    flatten(reply->message);
    if (answer->output_len == 0)
        return HOOK_IO_DONE;
    reply->output = malloc(answer->output_len);
    if (!reply->output)
        return HOOK_IO_FAILED;
    reply->output_len = answer->output_len;
    return hook_read(fd, reply->output, answer->output_len, deadline);
}

static enum outcome
exchange(int fd,
         const struct hook_question *question,
         struct hook_reply *reply,
         struct wire_answer *answer)
{
    int64_t start = hook_now();
    int64_t limit = GREETING_MS;
    struct wire_greeting greeting;
    const char *wrong;
    enum hook_io state =
        hook_read(fd, &greeting, sizeof(greeting), start + limit);

    if (state == HOOK_IO_ENDED)
        return UNGREETED;
    if (state != HOOK_IO_DONE)
        return explain(state, reply, limit);
    if (wire_greeting_check(&greeting))
        return NOBODY;
    limit = greeting.deadline_ms < WIRE_DEADLINE_CAP_MS
                ? greeting.deadline_ms
                : (int64_t)WIRE_DEADLINE_CAP_MS;
    state = send_question(fd, question, start + limit);
    /* A refusal may be there although the agent stopped reading. */
    if (state == HOOK_IO_DONE || state == HOOK_IO_ENDED)
        state = hook_read(fd, answer, sizeof(*answer), start + limit);
    if (state != HOOK_IO_DONE)
        return explain(state, reply, limit);
    wrong = wire_answer_check(answer);
    if (wrong)
        return give_up(reply,
                       "remorad's answer makes no sense (%s): restart it "
                       "(systemctl restart remorad)",
                       wrong);
    state = receive_strings(fd, answer, reply, start + limit);
    return state == HOOK_IO_DONE ? ANSWERED : explain(state, reply, limit);
}

static enum outcome
ask_once(const struct hook_question *question,
         struct hook_reply *reply,
         struct wire_answer *answer)
{
    enum outcome outcome;
    int fd = connect_agent(hook_now() + GREETING_MS);

    if (fd < 0 && (errno == ENOENT || errno == ECONNREFUSED))
        return NOBODY;
    if (fd < 0)
        return give_up(reply, "cannot connect to '%s/%s': %s", REMORA_RUNDIR,
                       WIRE_HOOK_SOCKET, strerror(errno));
    free(reply->output);
    *reply = (struct hook_reply){0};
    outcome = exchange(fd, question, reply, answer);
    (void)close(fd);
    return outcome;
}

/* Until an agent greets, or nobody listens any more. */
static enum outcome
ask_greeted(const struct hook_question *question,
            struct hook_reply *reply,
            struct wire_answer *answer)
{
    int64_t end = hook_now() + DYING_MS;
    enum outcome outcome;

    while ((outcome = ask_once(question, reply, answer)) == UNGREETED &&
           hook_now() < end)
        pause_ms(RETRY_MS);
    return outcome;
}

enum hook_answer
hook_ask(const struct hook_question *question, struct hook_reply *reply)
{
    struct wire_answer answer = {0};
    enum outcome outcome = ask_greeted(question, reply, &answer);

    if (outcome == ENDED)
        outcome = ask_greeted(question, reply, &answer);
    if (outcome == NOBODY)
        return HOOK_NOBODY;
    if (outcome == ENDED || outcome == UNGREETED)
        (void)give_up(reply, "remorad ended the connection twice without an "
                             "answer: see 'journalctl -u remorad'");
    if (outcome == ANSWERED && answer.verdict == WIRE_ALLOW)
        return HOOK_ALLOWED;
    if (reply->message[0] == '\0')
        (void)give_up(reply, "remorad refused and did not say why: see "
                             "'journalctl -u remorad'");
    return HOOK_REFUSED;
}

void
hook_tell(const struct hook_question *question)
{
    size_t name_len = strlen(question->name);
    size_t len = question->len;
    struct wire_request request;
    int fd;

    if (name_len > WIRE_NAME_MAX)
        return;
    if (sizeof(request) + name_len + len > WIRE_DATAGRAM_MAX)
        len = 0;
    fd = connect_once(REMORA_RUNDIR "/" WIRE_NOTIFY_SOCKET, SOCK_DGRAM);
    if (fd < 0)
        return;
    wire_request_init(&request, question->op, name_len, len);
    struct iovec parts[] = {
        {&request, sizeof(request)},
        {(void *)question->name, name_len},
        {(void *)question->body, len},
    };
    const struct msghdr datagram = {.msg_iov = parts, .msg_iovlen = 3};
    (void)sendmsg(fd, &datagram, MSG_DONTWAIT | MSG_NOSIGNAL);
    (void)close(fd);
}
