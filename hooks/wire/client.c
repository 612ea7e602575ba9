/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * hooks/wire/client.c - one exchange with the agent
 *
 * Every wait has a deadline: libvirt holds the domain's lock for as long as
 * this takes, and has no deadline of its own.
 */
#include "config.h"

#include "hooks/wire/client.h"

#include "hooks/wire/io.h"
#include "hooks/wire/socket.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

/* How long to wait before trying again an agent whose queue is full, or that
 * turned us away. */
#define RETRY_NS (10 * 1000 * 1000)

/* An agent that was killed keeps its listening socket for some milliseconds,
 * and turns away whoever connects meanwhile; then nobody listens any more. */
#define DYING_MS 2000

/* What one attempt came to; the first three are those of hook_ask(). */
enum attempt {
    ANSWERED = HOOK_ANSWERED,
    NOBODY = HOOK_NOBODY,
    FAILED = HOOK_FAILED,
    GONE, /* the connection ended before the answer did */
    AWAY, /* and before a greeting */
};

/* An attempt, with what its messages need. */
struct talk {
    int fd;
    int64_t deadline;
    int64_t patience_ms; /* how long that was from its beginning */
    struct hook_error *error;
};

void
hook_answer_clear(struct hook_answer *answer)
{
    free(answer->message);
    free(answer->output);
    *answer = (struct hook_answer){.verdict = WIRE_REFUSE};
}

int64_t
hook_patience_ms(uint32_t deadline_ms)
{
    return deadline_ms < WIRE_DEADLINE_CAP_MS ? deadline_ms
                                              : WIRE_DEADLINE_CAP_MS;
}

/* Sets the deadline so many ms from now, never behind the end of it all. */
static void
allow(struct talk *talk, int64_t ms, int64_t end)
{
    int64_t now = hook_clock_ms();

    talk->patience_ms = ms < end - now ? ms : end - now;
    talk->deadline = now + talk->patience_ms;
}

static enum attempt
late_greeting(struct talk *talk)
{
    hook_error_set(talk->error,
                   "the agent (remorad) accepted no request in %g s: restart "
                   "it with 'systemctl restart remorad', then try again",
                   (double)talk->patience_ms / 1000);
    return FAILED;
}

static enum attempt
late_answer(struct talk *talk)
{
    hook_error_set(talk->error,
                   "the agent (remorad) did not answer in %g s: see "
                   "'journalctl -u remorad', then try again",
                   (double)talk->patience_ms / 1000);
    return FAILED;
}

static enum attempt
broken(struct talk *talk, const char *what, const char *reason)
{
    hook_error_set(talk->error,
                   "the agent (remorad) sent %s that cannot be read: %s: "
                   "restart it with 'systemctl restart remorad', then try "
                   "again",
                   what, reason);
    return FAILED;
}

static enum attempt
out_of_memory(struct talk *talk)
{
    hook_error_set(talk->error, "the host has no memory left for the agent's "
                                "answer: free some, then try again");
    return FAILED;
}

static enum attempt
lost(struct talk *talk)
{
    hook_error_set(talk->error,
                   "the connection to the agent (remorad) failed: %s: see "
                   "'journalctl -u remorad', then try again",
                   strerror(errno));
    return FAILED;
}

static enum attempt
unreachable(struct talk *talk, const char *path, int reason)
{
    hook_error_set(talk->error,
                   "cannot connect to the agent (remorad) at '%s': %s: check "
                   "the socket's owner and mode, and what AppArmor or SELinux "
                   "denied",
                   path, strerror(reason));
    return FAILED;
}

/* The rest of a step that was not done. */
static enum attempt
undone(struct talk *talk, enum hook_io result, enum attempt late(struct talk *))
{
    switch (result) {
    case HOOK_IO_END:
        return GONE;
    case HOOK_IO_LATE:
        return late(talk);
    case HOOK_IO_DONE:
    case HOOK_IO_LONG:
    case HOOK_IO_FAILED:
    default:
        return lost(talk);
    }
}

/* Connects; ANSWERED means connected. A full queue is the one thing worth
 * another try, and poll() cannot wait for it. */
static enum attempt
connect_agent(struct talk *talk, const char *path)
{
    const struct timespec pause = {.tv_nsec = RETRY_NS};

    for (;;) {
        int reason = hook_socket_connect(talk->fd, path);

        if (reason == 0)
            return ANSWERED;
        if (hook_socket_nobody(reason))
            return NOBODY;
        if (reason != EAGAIN && reason != EINTR)
            return unreachable(talk, path, reason);
        if (hook_clock_ms() >= talk->deadline)
            return late_greeting(talk);
        (void)nanosleep(&pause, NULL);
    }
}

/* Reads the greeting and sets the deadline that it gives. A greeting has the
 * same size in every version, so that the version can be told. */
static enum attempt
be_greeted(struct talk *talk, int64_t end)
{
    struct wire_greeting greeting;
    enum hook_io result =
        hook_read(talk->fd, &greeting, sizeof(greeting), talk->deadline);
    const char *reason;

    if (result == HOOK_IO_END)
        return AWAY;
    if (result != HOOK_IO_DONE)
        return undone(talk, result, late_greeting);
    if (greeting.magic == WIRE_MAGIC && greeting.version != WIRE_VERSION)
        return NOBODY;
    reason = wire_greeting_check(&greeting);
    if (reason)
        return broken(talk, "a greeting", reason);
    allow(talk, hook_patience_ms(greeting.deadline_ms), end);
    return ANSWERED;
}

static enum attempt
send_request(struct talk *talk,
             enum wire_op op,
             const struct hook_domain *domain)
{
    struct wire_request request;
    size_t name_len = strlen(domain->name);
    enum hook_io result;

    wire_request_init(&request, op, name_len, domain->xml_len);
    result = hook_write(talk->fd, &request, sizeof(request), talk->deadline);
    if (result == HOOK_IO_DONE)
        result = hook_write(talk->fd, domain->name, name_len, talk->deadline);
    if (result == HOOK_IO_DONE)
        result =
            hook_write(talk->fd, domain->xml, domain->xml_len, talk->deadline);
    /* An agent that stopped reading may have answered before it did. */
    if (result == HOOK_IO_DONE || result == HOOK_IO_END)
        return ANSWERED;
    return undone(talk, result, late_answer);
}

/* Reads len bytes into new memory, which is NULL if there are none. */
static enum attempt
read_string(struct talk *talk, size_t len, char **ret_string)
{
    hook_autofree char *string = NULL;
    enum hook_io result;

    if (len > 0) {
        string = malloc(len);
        if (!string)
            return out_of_memory(talk);
        result = hook_read(talk->fd, string, len, talk->deadline);
        if (result != HOOK_IO_DONE)
            return undone(talk, result, late_answer);
    }
    *ret_string = string;
    string = NULL;
    return ANSWERED;
}

static enum attempt
read_answer(struct talk *talk, struct hook_answer *answer)
{
    struct wire_answer header;
    enum hook_io result =
        hook_read(talk->fd, &header, sizeof(header), talk->deadline);
    enum attempt attempt;
    const char *reason;

    if (result != HOOK_IO_DONE)
        return undone(talk, result, late_answer);
    reason = wire_answer_check(&header);
    if (reason)
        return broken(talk, "an answer", reason);
    attempt = read_string(talk, header.message_len, &answer->message);
    if (attempt == ANSWERED)
        attempt = read_string(talk, header.output_len, &answer->output);
    if (attempt != ANSWERED)
        return attempt;
    answer->verdict = (enum wire_verdict)header.verdict;
    answer->message_len = header.message_len;
    answer->output_len = header.output_len;
    return ANSWERED;
}

/* From the greeting to the answer, over a connection that is there. */
static enum attempt
converse(struct talk *talk,
         enum wire_op op,
         const struct hook_domain *domain,
         int64_t end,
         struct hook_answer *ret_answer)
{
    struct hook_answer answer = {.verdict = WIRE_REFUSE};
    enum attempt attempt = be_greeted(talk, end);

    if (attempt == ANSWERED)
        attempt = send_request(talk, op, domain);
    if (attempt == ANSWERED)
        attempt = read_answer(talk, &answer);
    if (attempt == ANSWERED)
        *ret_answer = answer;
    else
        hook_answer_clear(&answer);
    return attempt;
}

static enum attempt
ask_once(const char *path,
         enum wire_op op,
         const struct hook_domain *domain,
         int64_t end,
         struct hook_answer *ret_answer,
         struct hook_error *error)
{
    hook_autoclose int fd = hook_socket(SOCK_STREAM);
    struct talk talk = {.fd = fd, .error = error};
    enum attempt attempt;

    if (fd < 0)
        return unreachable(&talk, path, errno);
    allow(&talk, HOOK_GREETING_MS, end);
    attempt = connect_agent(&talk, path);
    if (attempt == ANSWERED)
        attempt = converse(&talk, op, domain, end, ret_answer);
    return attempt;
}

enum hook_outcome
hook_ask_on(int fd,
            enum wire_op op,
            const struct hook_domain *domain,
            struct hook_answer *ret_answer,
            struct hook_error *error)
{
    int64_t end = hook_clock_ms() + WIRE_DEADLINE_CAP_MS;
    struct talk talk = {.fd = fd, .error = error};
    enum attempt attempt;

    allow(&talk, HOOK_GREETING_MS, end);
    attempt = converse(&talk, op, domain, end, ret_answer);
    return attempt == GONE || attempt == AWAY ? HOOK_NOBODY
                                              : (enum hook_outcome)attempt;
}

/* Until somebody greets, or nobody listens. */
static enum attempt
ask_greeted(const char *path,
            enum wire_op op,
            const struct hook_domain *domain,
            int64_t end,
            struct hook_answer *ret_answer,
            struct hook_error *error)
{
    const struct timespec pause = {.tv_nsec = RETRY_NS};
    int64_t patience = hook_clock_ms() + DYING_MS;
    enum attempt attempt;

    while ((attempt = ask_once(path, op, domain, end, ret_answer, error)) ==
               AWAY &&
           hook_clock_ms() < patience)
        (void)nanosleep(&pause, NULL);
    return attempt == AWAY ? GONE : attempt;
}

enum hook_outcome
hook_ask(const char *path,
         enum wire_op op,
         const struct hook_domain *domain,
         struct hook_answer *ret_answer,
         struct hook_error *error)
{
    int64_t end = hook_clock_ms() + WIRE_DEADLINE_CAP_MS;
    enum attempt attempt =
        ask_greeted(path, op, domain, end, ret_answer, error);

    if (attempt == GONE)
        attempt = ask_greeted(path, op, domain, end, ret_answer, error);
    if (attempt != GONE)
        return (enum hook_outcome)attempt;
    hook_error_set(error, "the agent (remorad) ended the connection twice "
                          "without an answer: see 'journalctl -u remorad', "
                          "then try again");
    return HOOK_FAILED;
}
