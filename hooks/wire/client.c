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

/* What one attempt came to; the first three are those of wire_ask(). */
enum attempt {
    ANSWERED = WIRE_ANSWERED,
    NOBODY = WIRE_NOBODY,
    FAILED = WIRE_FAILED,
    GONE, /* the connection ended before the answer did */
    AWAY, /* and before a greeting */
};

/* An attempt, with what its messages need. */
struct talk {
    int fd;
    int64_t deadline;
    int64_t patience_ms; /* how long that was from its beginning */
    struct wire_error *error;
};

void
wire_reply_clear(struct wire_reply *reply)
{
    free(reply->message);
    free(reply->output);
    *reply = (struct wire_reply){.verdict = WIRE_REFUSE};
}

int64_t
wire_patience_ms(uint32_t deadline_ms)
{
    return deadline_ms < WIRE_DEADLINE_CAP_MS ? deadline_ms
                                              : WIRE_DEADLINE_CAP_MS;
}

/* Sets the deadline so many ms from now, never behind the end of it all. */
static void
allow(struct talk *talk, int64_t ms, int64_t end)
{
    int64_t now = wire_clock_ms();

    talk->patience_ms = ms < end - now ? ms : end - now;
    talk->deadline = now + talk->patience_ms;
}

static enum attempt
late_greeting(struct talk *talk)
{
    wire_error_set(talk->error,
                   "the agent (remorad) accepted no request in %g s: restart "
                   "it with 'systemctl restart remorad', then try again",
                   (double)talk->patience_ms / 1000);
    return FAILED;
}

static enum attempt
late_answer(struct talk *talk)
{
    wire_error_set(talk->error,
                   "the agent (remorad) did not answer in %g s: see "
                   "'journalctl -u remorad', then try again",
                   (double)talk->patience_ms / 1000);
    return FAILED;
}

static enum attempt
broken(struct talk *talk, const char *what, const char *reason)
{
    wire_error_set(talk->error,
                   "the agent (remorad) sent %s that cannot be read: %s: "
                   "restart it with 'systemctl restart remorad', then try "
                   "again",
                   what, reason);
    return FAILED;
}

static enum attempt
out_of_memory(struct talk *talk)
{
    wire_error_set(talk->error, "the host has no memory left for the agent's "
                                "answer: free some, then try again");
    return FAILED;
}

static enum attempt
lost(struct talk *talk)
{
    wire_error_set(talk->error,
                   "the connection to the agent (remorad) failed: %s: see "
                   "'journalctl -u remorad', then try again",
                   strerror(errno));
    return FAILED;
}

static enum attempt
unreachable(struct talk *talk, const char *path, int reason)
{
    wire_error_set(talk->error,
                   "cannot connect to the agent (remorad) at '%s': %s: check "
                   "the socket's owner and mode, and what AppArmor or SELinux "
                   "denied",
                   path, strerror(reason));
    return FAILED;
}

/* The rest of a step that was not done. */
static enum attempt
undone(struct talk *talk, enum wire_io result, enum attempt late(struct talk *))
{
    switch (result) {
    case WIRE_IO_END:
        return GONE;
    case WIRE_IO_LATE:
        return late(talk);
    case WIRE_IO_DONE:
    case WIRE_IO_LONG:
    case WIRE_IO_FAILED:
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
        int reason = wire_socket_connect(talk->fd, path);

        if (reason == 0)
            return ANSWERED;
        if (wire_socket_nobody(reason))
            return NOBODY;
        if (reason != EAGAIN && reason != EINTR)
            return unreachable(talk, path, reason);
        if (wire_clock_ms() >= talk->deadline)
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
    enum wire_io result =
        wire_read(talk->fd, &greeting, sizeof(greeting), talk->deadline);
    const char *reason;

    if (result == WIRE_IO_END)
        return AWAY;
    if (result != WIRE_IO_DONE)
        return undone(talk, result, late_greeting);
    if (greeting.magic == WIRE_MAGIC && greeting.version != WIRE_VERSION)
        return NOBODY;
    reason = wire_greeting_check(&greeting);
    if (reason)
        return broken(talk, "a greeting", reason);
    allow(talk, wire_patience_ms(greeting.deadline_ms), end);
    return ANSWERED;
}

static enum attempt
send_request(struct talk *talk,
             enum wire_op op,
             const struct wire_domain *domain)
{
    struct wire_request request;
    size_t name_len = strlen(domain->name);
    enum wire_io result;

    wire_request_init(&request, op, name_len, domain->xml_len);
    result = wire_write(talk->fd, &request, sizeof(request), talk->deadline);
    if (result == WIRE_IO_DONE)
        result = wire_write(talk->fd, domain->name, name_len, talk->deadline);
    if (result == WIRE_IO_DONE)
        result =
            wire_write(talk->fd, domain->xml, domain->xml_len, talk->deadline);
    /* An agent that stopped reading may have answered before it did. */
    if (result == WIRE_IO_DONE || result == WIRE_IO_END)
        return ANSWERED;
    return undone(talk, result, late_answer);
}

/* Reads len bytes into new memory, which is NULL if there are none. */
static enum attempt
read_string(struct talk *talk, size_t len, char **ret_string)
{
    wire_autofree char *string = NULL;
    enum wire_io result;

    if (len > 0) {
        string = malloc(len);
        if (!string)
            return out_of_memory(talk);
        result = wire_read(talk->fd, string, len, talk->deadline);
        if (result != WIRE_IO_DONE)
            return undone(talk, result, late_answer);
    }
    *ret_string = string;
    string = NULL;
    return ANSWERED;
}

static enum attempt
read_answer(struct talk *talk, struct wire_reply *reply)
{
    struct wire_answer header;
    enum wire_io result =
        wire_read(talk->fd, &header, sizeof(header), talk->deadline);
    enum attempt attempt;
    const char *reason;

    if (result != WIRE_IO_DONE)
        return undone(talk, result, late_answer);
    reason = wire_answer_check(&header);
    if (reason)
        return broken(talk, "an answer", reason);
    attempt = read_string(talk, header.message_len, &reply->message);
    if (attempt == ANSWERED)
        attempt = read_string(talk, header.output_len, &reply->output);
    if (attempt != ANSWERED)
        return attempt;
    reply->verdict = (enum wire_verdict)header.verdict;
    reply->message_len = header.message_len;
    reply->output_len = header.output_len;
    return ANSWERED;
}

/* From the greeting to the answer, over a connection that is there. */
static enum attempt
converse(struct talk *talk,
         enum wire_op op,
         const struct wire_domain *domain,
         int64_t end,
         struct wire_reply *ret_reply)
{
    struct wire_reply reply = {.verdict = WIRE_REFUSE};
    enum attempt attempt = be_greeted(talk, end);

    if (attempt == ANSWERED)
        attempt = send_request(talk, op, domain);
    if (attempt == ANSWERED)
        attempt = read_answer(talk, &reply);
    if (attempt == ANSWERED)
        *ret_reply = reply;
    else
        wire_reply_clear(&reply);
    return attempt;
}

static enum attempt
ask_once(const char *path,
         enum wire_op op,
         const struct wire_domain *domain,
         int64_t end,
         struct wire_reply *ret_reply,
         struct wire_error *error)
{
    wire_autoclose int fd = wire_socket(SOCK_STREAM);
    struct talk talk = {.fd = fd, .error = error};
    enum attempt attempt;

    if (fd < 0)
        return unreachable(&talk, path, errno);
    allow(&talk, WIRE_GREETING_MS, end);
    attempt = connect_agent(&talk, path);
    if (attempt == ANSWERED)
        attempt = converse(&talk, op, domain, end, ret_reply);
    return attempt;
}

enum wire_outcome
wire_ask_on(int fd,
            enum wire_op op,
            const struct wire_domain *domain,
            int64_t end,
            struct wire_reply *ret_reply,
            struct wire_error *error)
{
    struct talk talk = {.fd = fd, .error = error};
    enum attempt attempt;

    allow(&talk, WIRE_GREETING_MS, end);
    attempt = converse(&talk, op, domain, end, ret_reply);
    return attempt == GONE || attempt == AWAY ? WIRE_NOBODY
                                              : (enum wire_outcome)attempt;
}

/* Until somebody greets, or nobody listens. */
static enum attempt
ask_greeted(const char *path,
            enum wire_op op,
            const struct wire_domain *domain,
            int64_t end,
            struct wire_reply *ret_reply,
            struct wire_error *error)
{
    const struct timespec pause = {.tv_nsec = RETRY_NS};
    int64_t patience = wire_clock_ms() + DYING_MS;
    enum attempt attempt;

    while ((attempt = ask_once(path, op, domain, end, ret_reply, error)) ==
               AWAY &&
           wire_clock_ms() < patience)
        (void)nanosleep(&pause, NULL);
    return attempt == AWAY ? GONE : attempt;
}

enum wire_outcome
wire_ask(const char *path,
         enum wire_op op,
         const struct wire_domain *domain,
         struct wire_reply *ret_reply,
         struct wire_error *error)
{
    int64_t end = wire_clock_ms() + WIRE_DEADLINE_CAP_MS;
    enum attempt attempt = ask_greeted(path, op, domain, end, ret_reply, error);

    if (attempt == GONE)
        attempt = ask_greeted(path, op, domain, end, ret_reply, error);
    if (attempt != GONE)
        return (enum wire_outcome)attempt;
    wire_error_set(error, "the agent (remorad) ended the connection twice "
                          "without an answer: see 'journalctl -u remorad', "
                          "then try again");
    return WIRE_FAILED;
}
