/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * hooks/proxy/session.c - what becomes of each packet of a connection
 */
#include "config.h"

#include "hooks/proxy/session.h"

#include "hooks/wire/io.h"

#include <stdlib.h>
#include <string.h>

/* CONNECT_OPEN with a longer name is taken to ask for everything. */
#define OPEN_MAX (64u * 1024u)
/* How long to wait before trying again to start a thread for a notice. */
#define THREAD_MS 100

/* A call that went on, whose reply is waited for. */
struct awaited {
    uint32_t procedure;
    uint32_t serial;
    const struct proxy_packet *waits; /* the call; NULL once it goes out */
    struct proxy_question *notice;    /* to be sent after the reply */
};

struct proxy_session {
    struct proxy_pipe *to_server;
    struct proxy_pipe *to_client;
    struct proxy_threads *threads;
    bool open;    /* the client may do more than read */
    bool opening; /* a CONNECT_OPEN is under way */
    bool open_rw; /* which asks for more than to read */
    uint32_t open_serial;
    size_t n_held;
    size_t held_bytes;
    size_t n_refusals;  /* that the client has not read */
    size_t n_attaching; /* devices that the agent is asked about */
    struct awaited awaited[PROXY_AWAITED_MAX];
    size_t n_awaited;
    struct proxy_question *notices; /* under way, with a deadline */
    size_t n_notices;
    int64_t threads_at;  /* when to try again to start a thread; 0: no need */
    size_t notice_bytes; /* of devices, from the question until they are sent */
    bool woken;          /* to_server can go on */
};

static bool
is_remote(const struct proxy_header *header)
{
    return header->program == PROXY_PROGRAM_REMOTE &&
           header->version == PROXY_REMOTE_VERSION;
}

static bool
is_call(const struct proxy_header *header)
{
    return header->type == PROXY_CALL || header->type == PROXY_CALL_WITH_FDS;
}

static bool
is_reply(const struct proxy_header *header)
{
    return header->type == PROXY_REPLY || header->type == PROXY_REPLY_WITH_FDS;
}

/* ---- going on ------------------------------------------------------------- */

static void
wake(struct proxy_session *session)
{
    session->woken = session->woken || session->to_server->waiting;
    proxy_pipe_go_on(session->to_server);
}

/* The call is not held any more. */
static void
forget(struct proxy_session *session, const struct proxy_packet *packet)
{
    session->n_held--;
    session->held_bytes -= packet->len;
    wake(session);
}

static void
pass_on(struct proxy_session *session, struct proxy_packet *packet)
{
    forget(session, packet);
    proxy_pipe_put(session->to_server, packet);
}

/* Refusals are counted, for a client that reads none would fill our memory. One
 * that hears nothing any more gets none. */
static void
put_refusal(struct proxy_session *session, struct proxy_packet *reply)
{
    if (session->to_client->end != PROXY_GOES_ON) {
        proxy_packet_free(reply);
        return;
    }
    reply->refusal = true;
    session->n_refusals++;
    proxy_pipe_put(session->to_client, reply);
}

/* Instead of libvirtd's answer. Without memory for it there is none, and the
 * connection is of no more use. */
static void
refuse(struct proxy_session *session,
       struct proxy_packet *packet,
       const char *why)
{
    struct proxy_packet *reply = calloc(1, sizeof(*reply));

    forget(session, packet);
    if (reply)
        reply->bytes = proxy_error_reply(&packet->header, PROXY_ERROR_HOOK, why,
                                         &reply->len);
    if (reply && reply->bytes) {
        put_refusal(session, reply);
    } else {
        proxy_packet_free(reply);
        session->to_client->end = PROXY_BROKEN;
    }
    proxy_packet_free(packet);
}

static void
reply_goes(void *opaque, const struct proxy_packet *packet)
{
    struct proxy_session *session = opaque;

    /* proxy_session_deafen() has set the count to 0. */
    if (!packet->refusal || session->n_refusals == 0)
        return;
    session->n_refusals--;
    wake(session);
}

void
proxy_session_deafen(struct proxy_session *session)
{
    session->n_refusals = 0;
    wake(session);
}

/* ---- questions ------------------------------------------------------------- */

static size_t
bytes_of(const struct proxy_question *notice)
{
    return notice ? notice->body_len : 0;
}

static void
consider(struct proxy_session *session, struct proxy_packet *packet)
{
    static const char no_thread[] =
        "remora: the host has no thread left to ask the agent (remorad) about "
        "this definition: raise TasksMax of remora-libvirt-proxy.service, then "
        "try again";
    const char *why = NULL;
    struct proxy_question *question = proxy_question_new(packet, &why);

    if (!question && why) {
        refuse(session, packet, why);
        return;
    }
    if (!question) {
        pass_on(session, packet);
        return;
    }
    if (!proxy_threads_start(session->threads, question)) {
        refuse(session, packet, no_thread);
        proxy_question_free(question);
        return;
    }
    session->n_attaching += question->notice != NULL;
    session->notice_bytes += bytes_of(question->notice);
    proxy_pipe_expect(session->to_server);
}

/* ---- notices ----------------------------------------------------------------- */

static void
start_notice(struct proxy_session *session, struct proxy_question *notice)
{
    notice->asked = proxy_threads_start(session->threads, notice);
    if (!notice->asked)
        session->threads_at = wire_clock_ms() + THREAD_MS;
}

/* The reply in packet waits for it, if there is one. Without a thread it is
 * sent later, for without it the agent would take what it made ready for in use
 * for ever. */
static void
send_notice(struct proxy_session *session,
            struct proxy_question *notice,
            struct proxy_packet *packet)
{
    notice->packet = packet;
    notice->deadline = wire_clock_ms() + PROXY_NOTICE_MS;
    notice->beside = session->notices;
    session->notices = notice;
    session->n_notices++;
    if (packet)
        proxy_pipe_expect(session->to_client);
    start_notice(session, notice);
}

static void
free_notice(struct proxy_session *session, struct proxy_question *notice)
{
    session->notice_bytes -= bytes_of(notice);
    proxy_question_free(notice);
    wake(session);
}

/* The reply that waits for this notice goes on, sent or not. */
static void
release_reply(struct proxy_session *session, struct proxy_question *notice)
{
    if (!notice->packet)
        return;
    proxy_pipe_drop(session->to_client);
    proxy_pipe_put(session->to_client, notice->packet);
    notice->packet = NULL;
}

static void
remove_notice(struct proxy_session *session,
              const struct proxy_question *notice)
{
    struct proxy_question **at = &session->notices;

    while (*at != notice)
        at = &(*at)->beside;
    *at = notice->beside;
    session->n_notices--;
    wake(session);
}

static void
start_waiting_notices(struct proxy_session *session, int64_t now_ms)
{
    if (session->threads_at == 0 || now_ms < session->threads_at)
        return;
    session->threads_at = 0;
    for (struct proxy_question *notice = session->notices; notice;
         notice = notice->beside)
        if (!notice->asked)
            start_notice(session, notice);
}

/* A notice that a thread has is freed when that is done; one without a thread
 * stays. */
static void
give_up_waiting(struct proxy_session *session, int64_t now_ms)
{
    struct proxy_question *notice;
    struct proxy_question *beside;

    for (notice = session->notices; notice; notice = beside) {
        beside = notice->beside;
        if (now_ms < notice->deadline)
            continue;
        release_reply(session, notice);
        if (notice->asked) {
            remove_notice(session, notice);
            notice->deadline = 0;
        } else {
            notice->deadline = now_ms + PROXY_NOTICE_MS;
        }
    }
}

/* ---- answers --------------------------------------------------------------- */

static void
await_reply(struct proxy_session *session, struct proxy_question *question)
{
    const struct proxy_header *header = &question->packet->header;

    session->awaited[session->n_awaited++] = (struct awaited){
        .procedure = header->procedure,
        .serial = header->serial,
        .waits = question->packet,
        .notice = question->notice,
    };
    question->notice = NULL;
}

/* The agent allowed it, but it cannot go on. */
static void
refuse_allowed(struct proxy_session *session, struct proxy_question *question)
{
    static const char too_long[] =
        "remora: with its disks the definition is longer than libvirt takes: "
        "shorten its metadata, then try again";
    struct proxy_question *notice = question->notice;

    question->notice = NULL;
    if (notice) {
        proxy_question_set_ended(notice);
        send_notice(session, notice, NULL);
    }
    refuse(session, question->packet, too_long);
}

static void
obey(struct proxy_session *session, struct proxy_question *question)
{
    struct proxy_packet *packet = question->packet;
    size_t held = packet->len;

    proxy_pipe_drop(session->to_server);
    session->n_attaching -= question->notice != NULL;
    if (question->refused) {
        session->notice_bytes -= bytes_of(question->notice);
        refuse(session, packet, question->why);
        return;
    }
    if (!proxy_question_replace(question)) {
        refuse_allowed(session, question);
        return;
    }
    session->notice_bytes -= bytes_of(question->notice);
    proxy_question_keep_answer(question);
    session->notice_bytes += bytes_of(question->notice);
    if (question->notice)
        await_reply(session, question);
    /* pass_on() takes the new length off. */
    session->held_bytes += packet->len - held;
    pass_on(session, packet);
}

/* An agent that was not there is told when it is back: one that never hears that
 * an attach is over takes its disk for in use as long as the guest runs. */
static void
settle_notice(struct proxy_session *session, struct proxy_question *notice)
{
    if (notice->deadline != 0) {
        release_reply(session, notice);
        remove_notice(session, notice);
    }
    if (notice->away && notice->body) {
        notice->away = notice->refused = false;
        send_notice(session, notice, NULL);
        return;
    }
    free_notice(session, notice);
}

static void
settle_one(struct proxy_session *session, struct proxy_question *question)
{
    if (question->op == WIRE_PROXY_CALL_ENDED) {
        settle_notice(session, question);
        return;
    }
    obey(session, question);
    proxy_question_free(question);
}

void
proxy_session_settle(struct proxy_session *session, int64_t now_ms)
{
    struct proxy_question *question;

    while ((question = proxy_threads_take(session->threads)))
        settle_one(session, question);
    start_waiting_notices(session, now_ms);
    give_up_waiting(session, now_ms);
}

int64_t
proxy_session_deadline(const struct proxy_session *session)
{
    int64_t first = session->threads_at;

    for (const struct proxy_question *notice = session->notices; notice;
         notice = notice->beside)
        if (first == 0 || notice->deadline < first)
            first = notice->deadline;
    return first;
}

/* ---- from the client ------------------------------------------------------- */

static enum proxy_choice
open_begins(struct proxy_session *session, const struct proxy_header *header)
{
    if (session->opening)
        return PROXY_WAIT;
    session->opening = true;
    session->open_rw = true;
    session->open_serial = header->serial;
    return header->len <= OPEN_MAX ? PROXY_HOLD : PROXY_PASS_ON;
}

static bool
is_full(const struct proxy_session *session, size_t more)
{
    size_t bytes = session->held_bytes + session->notice_bytes;

    return session->n_held + session->n_refusals >= PROXY_HELD_CALLS ||
           (bytes > 0 && bytes + more > PROXY_HELD_BYTES) ||
           session->n_held + session->n_awaited + session->n_notices >=
               PROXY_AWAITED_MAX;
}

static enum proxy_choice
call_begins(void *opaque, const struct proxy_header *header)
{
    struct proxy_session *session = opaque;

    if (!is_remote(header) || !is_call(header))
        return PROXY_PASS_ON;
    if (header->procedure == PROXY_PROC_CONNECT_OPEN)
        return open_begins(session, header);
    if (proxy_kind(header->procedure) == PROXY_PASS)
        return PROXY_PASS_ON;
    /* libvirtd may be done with opening before its reply is here. */
    if (session->opening)
        return PROXY_WAIT;
    if (!session->open)
        return PROXY_PASS_ON;
    if (is_full(session, header->len))
        return PROXY_WAIT;
    session->n_held++;
    session->held_bytes += header->len;
    return PROXY_HOLD;
}

static void
call_whole(void *opaque, struct proxy_packet *packet)
{
    struct proxy_session *session = opaque;
    size_t head = proxy_packet_head(packet);

    if (packet->header.procedure != PROXY_PROC_CONNECT_OPEN) {
        consider(session, packet);
        return;
    }
    session->open_rw =
        proxy_open_is_rw(packet->bytes + head, packet->len - head);
    proxy_pipe_put(session->to_server, packet);
}

/* From its first byte on, libvirtd may be working on it. */
static void
call_goes(void *opaque, const struct proxy_packet *packet)
{
    struct proxy_session *session = opaque;

    for (size_t i = 0; i < session->n_awaited; i++)
        if (session->awaited[i].waits == packet)
            session->awaited[i].waits = NULL;
}

/* ---- from libvirtd --------------------------------------------------------- */

/* One that failed changes nothing: an earlier one may have succeeded. */
static void
open_answered(struct proxy_session *session, const struct proxy_header *header)
{
    session->opening = false;
    if (header->status == PROXY_OK)
        session->open = session->open_rw;
    wake(session);
}

static struct awaited *
find_awaited(struct proxy_session *session, const struct proxy_header *header)
{
    for (size_t i = 0; i < session->n_awaited; i++)
        if (session->awaited[i].serial == header->serial &&
            session->awaited[i].procedure == header->procedure)
            return &session->awaited[i];
    return NULL;
}

static enum proxy_choice
reply_begins(void *opaque, const struct proxy_header *header)
{
    struct proxy_session *session = opaque;

    if (!is_remote(header) || !is_reply(header))
        return PROXY_PASS_ON;
    if (session->opening && header->procedure == PROXY_PROC_CONNECT_OPEN &&
        header->serial == session->open_serial)
        open_answered(session, header);
    if (header->procedure == PROXY_PROC_CONNECT_CLOSE &&
        header->status == PROXY_OK)
        session->open = false;
    return find_awaited(session, header) ? PROXY_HOLD : PROXY_PASS_ON;
}

static void
reply_whole(void *opaque, struct proxy_packet *packet)
{
    struct proxy_session *session = opaque;
    struct awaited *found = find_awaited(session, &packet->header);
    struct proxy_question *notice;

    if (!found) {
        proxy_pipe_put(session->to_client, packet);
        return;
    }
    notice = found->notice;
    *found = session->awaited[--session->n_awaited];
    proxy_question_set_ended(notice);
    send_notice(session, notice, packet);
    wake(session);
}

void
proxy_session_notify_all(struct proxy_session *session)
{
    for (size_t i = 0; i < session->n_awaited; i++) {
        if (session->awaited[i].waits)
            proxy_question_set_ended(session->awaited[i].notice);
        send_notice(session, session->awaited[i].notice, NULL);
    }
    session->n_awaited = 0;
}

const struct proxy_pipe_calls proxy_session_calls = {
    call_begins,
    call_whole,
    call_goes,
};
const struct proxy_pipe_calls proxy_session_replies = {
    reply_begins,
    reply_whole,
    reply_goes,
};

/* ---- the session ------------------------------------------------------------- */

struct proxy_session *
proxy_session_new(struct proxy_pipe *to_server,
                  struct proxy_pipe *to_client,
                  struct proxy_threads *threads)
{
    struct proxy_session *session = calloc(1, sizeof(*session));

    if (!session)
        return NULL;
    session->to_server = to_server;
    session->to_client = to_client;
    session->threads = threads;
    return session;
}

void
proxy_session_free(struct proxy_session *session)
{
    struct proxy_question *notice;

    for (size_t i = 0; i < session->n_awaited; i++)
        proxy_question_free(session->awaited[i].notice);
    while ((notice = session->notices)) {
        session->notices = notice->beside;
        proxy_packet_free(notice->packet);
        notice->packet = NULL;
        /* Else its thread is not done with it. */
        if (!notice->asked)
            proxy_question_free(notice);
    }
    free(session);
}

bool
proxy_session_woke(struct proxy_session *session)
{
    bool woke = session->woken;

    session->woken = false;
    return woke;
}

bool
proxy_session_asks_about_devices(const struct proxy_session *session)
{
    return session->n_attaching > 0;
}

bool
proxy_session_has_notices(const struct proxy_session *session)
{
    return session->notices != NULL;
}
