/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * hooks/proxy/session.c - what becomes of each packet of a connection
 */
#include "config.h"

#include "hooks/proxy/session.h"

#include "hooks/wire/io.h"

#include <stdlib.h>
#include <string.h>

static bool
is_remote(const struct front_header *header)
{
    return header->program == FRONT_PROGRAM_REMOTE &&
           header->version == FRONT_REMOTE_VERSION;
}

static bool
is_call(const struct front_header *header)
{
    return header->type == FRONT_CALL || header->type == FRONT_CALL_WITH_FDS;
}

static bool
is_reply(const struct front_header *header)
{
    return header->type == FRONT_REPLY || header->type == FRONT_REPLY_WITH_FDS;
}

/* ---- letting go ------------------------------------------------------------ */

static void
wake(struct front_desk *desk)
{
    desk->woken = desk->woken || desk->to_server->waiting;
    front_pipe_go_on(desk->to_server);
}

/* The call is no longer here. */
static void
forget(struct front_desk *desk, const struct front_packet *packet)
{
    desk->n_held--;
    desk->held_bytes -= packet->len;
    wake(desk);
}

static void
pass_on(struct front_desk *desk, struct front_packet *packet)
{
    forget(desk, packet);
    front_pipe_put(desk->to_server, packet);
}

/* Those that a client lets lie would fill our memory; to one that hears nothing
 * any more there is nothing to say. */
static void
put_refusal(struct front_desk *desk, struct front_packet *reply)
{
    if (desk->to_client->end != FRONT_GOES_ON) {
        front_packet_free(reply);
        return;
    }
    reply->refusal = true;
    desk->n_refusals++;
    front_pipe_put(desk->to_client, reply);
}

/* Instead of libvirtd's answer. Without memory for it there is none, and the
 * connection is of no more use. */
static void
refuse(struct front_desk *desk, struct front_packet *packet, const char *why)
{
    struct front_packet *reply = calloc(1, sizeof(*reply));

    forget(desk, packet);
    if (reply)
        reply->bytes = front_error_reply(&packet->header, FRONT_ERROR_HOOK, why,
                                         &reply->len);
    if (reply && reply->bytes) {
        put_refusal(desk, reply);
    } else {
        front_packet_free(reply);
        desk->to_client->end = FRONT_BROKEN;
    }
    front_packet_free(packet);
}

static void
reply_goes(void *opaque, const struct front_packet *packet)
{
    struct front_desk *desk = opaque;

    /* It did not count any more once the client was deaf. */
    if (!packet->refusal || desk->n_refusals == 0)
        return;
    desk->n_refusals--;
    wake(desk);
}

void
front_desk_deafen(struct front_desk *desk)
{
    desk->n_refusals = 0;
    wake(desk);
}

/* ---- questions ------------------------------------------------------------- */

static size_t
bytes_of(const struct front_question *look)
{
    return look ? look->body_len : 0;
}

static void
consider(struct front_desk *desk, struct front_packet *packet)
{
    static const char no_thread[] =
        "remora: the host has no thread left to ask the agent (remorad) about "
        "this definition: raise TasksMax of remora-libvirt-proxy.service, then "
        "try again";
    const char *why = NULL;
    struct front_question *question = front_question_new(packet, &why);

    if (!question && why) {
        refuse(desk, packet, why);
        return;
    }
    if (!question) {
        pass_on(desk, packet);
        return;
    }
    if (!front_asker_start(desk->asker, question)) {
        refuse(desk, packet, no_thread);
        front_question_free(question);
        return;
    }
    desk->n_attaching += question->look != NULL;
    desk->look_bytes += bytes_of(question->look);
    front_pipe_expect(desk->to_server);
}

/* ---- looks ----------------------------------------------------------------- */

static void
start_look(struct front_desk *desk, struct front_question *look)
{
    look->asked = front_asker_start(desk->asker, look);
    if (!look->asked)
        desk->threads_at = hook_clock_ms() + FRONT_THREAD_MS;
}

/* The agent has its look, and the packet, if there is one, waits for it. Without
 * a thread it has it later: it must not take what it made ready for in use for
 * ever. */
static void
begin_look(struct front_desk *desk,
           struct front_question *look,
           struct front_packet *packet)
{
    look->packet = packet;
    look->deadline = hook_clock_ms() + FRONT_LOOK_MS;
    look->beside = desk->looks;
    desk->looks = look;
    desk->n_looks++;
    if (packet)
        front_pipe_expect(desk->to_client);
    start_look(desk, look);
}

static void
free_look(struct front_desk *desk, struct front_question *look)
{
    desk->look_bytes -= bytes_of(look);
    front_question_free(look);
    wake(desk);
}

/* The reply that waits for it goes on, whatever came or comes of it. */
static void
let_reply_go(struct front_desk *desk, struct front_question *look)
{
    if (!look->packet)
        return;
    front_pipe_drop(desk->to_client);
    front_pipe_put(desk->to_client, look->packet);
    look->packet = NULL;
}

static void
take_out(struct front_desk *desk, const struct front_question *look)
{
    struct front_question **at = &desk->looks;

    while (*at != look)
        at = &(*at)->beside;
    *at = look->beside;
    desk->n_looks--;
    wake(desk);
}

static void
start_looks(struct front_desk *desk, int64_t now_ms)
{
    if (desk->threads_at == 0 || now_ms < desk->threads_at)
        return;
    desk->threads_at = 0;
    for (struct front_question *look = desk->looks; look; look = look->beside)
        if (!look->asked)
            start_look(desk, look);
}

/* Their threads have them still, and they are freed when those are done; those
 * that have none stay. */
static void
give_up_waiting(struct front_desk *desk, int64_t now_ms)
{
    struct front_question *look;
    struct front_question *beside;

    for (look = desk->looks; look; look = beside) {
        beside = look->beside;
        if (now_ms < look->deadline)
            continue;
        let_reply_go(desk, look);
        if (look->asked) {
            take_out(desk, look);
            look->deadline = 0;
        } else {
            look->deadline = now_ms + FRONT_LOOK_MS;
        }
    }
}

/* ---- answers --------------------------------------------------------------- */

static void
watch(struct front_desk *desk, struct front_question *question)
{
    const struct front_header *header = &question->packet->header;

    desk->watches[desk->n_watches++] = (struct front_watch){
        .procedure = header->procedure,
        .serial = header->serial,
        .waits = question->packet,
        .look = question->look,
    };
    question->look = NULL;
}

/* It was allowed, and goes no further. */
static void
refuse_allowed(struct front_desk *desk, struct front_question *question)
{
    static const char too_long[] =
        "remora: with its disks the definition is longer than libvirt takes: "
        "shorten its metadata, then try again";
    struct front_question *look = question->look;

    question->look = NULL;
    if (look) {
        front_question_tell_end(look);
        begin_look(desk, look, NULL);
    }
    refuse(desk, question->packet, too_long);
}

static void
obey(struct front_desk *desk, struct front_question *question)
{
    struct front_packet *packet = question->packet;
    size_t held = packet->len;

    front_pipe_drop(desk->to_server);
    desk->n_attaching -= question->look != NULL;
    if (question->refused) {
        desk->look_bytes -= bytes_of(question->look);
        refuse(desk, packet, question->why);
        return;
    }
    if (!front_question_replace(question)) {
        refuse_allowed(desk, question);
        return;
    }
    if (question->look)
        watch(desk, question);
    /* What was counted in is counted out, whatever it is now. */
    desk->held_bytes += packet->len - held;
    pass_on(desk, packet);
}

static void
settle_one(struct front_desk *desk, struct front_question *question)
{
    if (question->op != WIRE_FRONT_LOOK) {
        obey(desk, question);
        front_question_free(question);
        return;
    }
    if (question->deadline != 0) {
        let_reply_go(desk, question);
        take_out(desk, question);
    }
    free_look(desk, question);
}

void
front_desk_settle(struct front_desk *desk, int64_t now_ms)
{
    struct front_question *question;

    while ((question = front_asker_take(desk->asker)))
        settle_one(desk, question);
    start_looks(desk, now_ms);
    give_up_waiting(desk, now_ms);
}

int64_t
front_desk_deadline(const struct front_desk *desk)
{
    int64_t first = desk->threads_at;

    for (const struct front_question *look = desk->looks; look;
         look = look->beside)
        if (first == 0 || look->deadline < first)
            first = look->deadline;
    return first;
}

/* ---- from the client ------------------------------------------------------- */

static enum front_choice
open_begins(struct front_desk *desk, const struct front_header *header)
{
    if (desk->opening)
        return FRONT_WAIT;
    desk->opening = true;
    desk->open_rw = true;
    desk->open_serial = header->serial;
    return header->len <= FRONT_OPEN_MAX ? FRONT_HOLD : FRONT_PASS_ON;
}

static bool
is_full(const struct front_desk *desk, size_t more)
{
    size_t bytes = desk->held_bytes + desk->look_bytes;

    return desk->n_held + desk->n_refusals >= FRONT_HELD_CALLS ||
           (bytes > 0 && bytes + more > FRONT_HELD_BYTES) ||
           desk->n_held + desk->n_watches + desk->n_looks >= FRONT_WATCHES;
}

static enum front_choice
call_begins(void *opaque, const struct front_header *header)
{
    struct front_desk *desk = opaque;

    if (!is_remote(header) || !is_call(header))
        return FRONT_PASS_ON;
    if (header->procedure == FRONT_CONNECT_OPEN)
        return open_begins(desk, header);
    if (front_kind(header->procedure) == FRONT_PASS)
        return FRONT_PASS_ON;
    /* libvirtd may be done with opening before its reply is here. */
    if (desk->opening)
        return FRONT_WAIT;
    if (!desk->open)
        return FRONT_PASS_ON;
    if (is_full(desk, header->len))
        return FRONT_WAIT;
    desk->n_held++;
    desk->held_bytes += header->len;
    return FRONT_HOLD;
}

static void
call_whole(void *opaque, struct front_packet *packet)
{
    struct front_desk *desk = opaque;
    size_t head = front_packet_head(packet);

    if (packet->header.procedure != FRONT_CONNECT_OPEN) {
        consider(desk, packet);
        return;
    }
    desk->open_rw = front_open_is_rw(packet->bytes + head, packet->len - head);
    front_pipe_put(desk->to_server, packet);
}

/* From its first byte on, libvirtd may be at it. */
static void
call_goes(void *opaque, const struct front_packet *packet)
{
    struct front_desk *desk = opaque;

    for (size_t i = 0; i < desk->n_watches; i++)
        if (desk->watches[i].waits == packet)
            desk->watches[i].waits = NULL;
}

/* ---- from libvirtd --------------------------------------------------------- */

/* One that failed has changed nothing: there may have been another before. */
static void
open_answered(struct front_desk *desk, const struct front_header *header)
{
    desk->opening = false;
    if (header->status == FRONT_OK)
        desk->open = desk->open_rw;
    wake(desk);
}

static struct front_watch *
find_watch(struct front_desk *desk, const struct front_header *header)
{
    for (size_t i = 0; i < desk->n_watches; i++)
        if (desk->watches[i].serial == header->serial &&
            desk->watches[i].procedure == header->procedure)
            return &desk->watches[i];
    return NULL;
}

static enum front_choice
reply_begins(void *opaque, const struct front_header *header)
{
    struct front_desk *desk = opaque;

    if (!is_remote(header) || !is_reply(header))
        return FRONT_PASS_ON;
    if (desk->opening && header->procedure == FRONT_CONNECT_OPEN &&
        header->serial == desk->open_serial)
        open_answered(desk, header);
    if (header->procedure == FRONT_CONNECT_CLOSE && header->status == FRONT_OK)
        desk->open = false;
    return find_watch(desk, header) ? FRONT_HOLD : FRONT_PASS_ON;
}

static void
reply_whole(void *opaque, struct front_packet *packet)
{
    struct front_desk *desk = opaque;
    struct front_watch *found = find_watch(desk, &packet->header);
    struct front_question *look;

    if (!found) {
        front_pipe_put(desk->to_client, packet);
        return;
    }
    look = found->look;
    *found = desk->watches[--desk->n_watches];
    front_question_tell_end(look);
    begin_look(desk, look, packet);
    wake(desk);
}

void
front_desk_look_at_all(struct front_desk *desk)
{
    for (size_t i = 0; i < desk->n_watches; i++) {
        if (desk->watches[i].waits)
            front_question_tell_end(desk->watches[i].look);
        begin_look(desk, desk->watches[i].look, NULL);
    }
    desk->n_watches = 0;
}

void
front_desk_clear(struct front_desk *desk)
{
    struct front_question *look;

    for (size_t i = 0; i < desk->n_watches; i++)
        front_question_free(desk->watches[i].look);
    while ((look = desk->looks)) {
        desk->looks = look->beside;
        front_packet_free(look->packet);
        look->packet = NULL;
        /* Who asks is not done with it. */
        if (!look->asked)
            front_question_free(look);
    }
}

const struct front_pipe_calls front_desk_calls = {
    call_begins,
    call_whole,
    call_goes,
};
const struct front_pipe_calls front_desk_replies = {
    reply_begins,
    reply_whole,
    reply_goes,
};
