/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * hooks/proxy/question.c - what the agent is asked about a call, and answers
 */
#include "config.h"

#include "hooks/proxy/question.h"

#include "hooks/wire/io.h"
#include "hooks/wire/sieve.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void
proxy_question_free(struct proxy_question *question)
{
    if (!question)
        return;
    for (size_t i = 0; i < PROXY_ASKED_MAX; i++)
        free(question->news[i]);
    free(question->body);
    free(question->moves);
    proxy_question_free(question->notice);
    free(question);
}

static void
write_uuid(char *text, const uint8_t *uuid)
{
    size_t at = 0;

    for (size_t i = 0; i < 16; i++) {
        if (i == 4 || i == 6 || i == 8 || i == 10)
            text[at++] = '-';
        (void)snprintf(text + at, 3, "%02x", uuid[i]);
        at += 2;
    }
}

static enum wire_op
op_for(const struct proxy_call *call)
{
    enum { CONFIG = 2, WHERE = 3 }; /* VIR_DOMAIN_AFFECT_* */

    switch (call->kind) {
    case PROXY_DEFINE:
        return WIRE_PROXY_DEFINE;
    case PROXY_ATTACH:
        return (call->flags & WHERE) == CONFIG ? WIRE_PROXY_DEVICE
                                               : WIRE_PROXY_ATTACH_LIVE;
    case PROXY_UPDATE:
        return WIRE_PROXY_UPDATE;
    case PROXY_COPY:
        return WIRE_PROXY_COPY;
    case PROXY_MOVE:
    case PROXY_LEAVE:
    case PROXY_PASS:
    default:
        return WIRE_PROXY_MOVE;
    }
}

/* The texts that are any of the agent's business; false: none is. */
static bool
choose_texts(struct proxy_question *question, const uint8_t *arguments)
{
    const struct proxy_call *call = &question->call;
    bool any = false;

    question->n_texts = call->n_texts;
    for (size_t i = 0; i < call->n_texts; i++) {
        const char *text = (const char *)arguments + call->texts[i].at;

        if (!wire_sieve(text, call->texts[i].len))
            continue;
        question->texts[i] = text;
        question->lens[i] = call->texts[i].len;
        any = true;
    }
    return any;
}

/* A line of its own. Up to a NUL, where libvirt's strings end, or to the end of a
 * line, which no disk's name has. */
static char *
add_line(char *to, const uint8_t *arguments, const struct proxy_text *text)
{
    const char *from = (const char *)arguments + text->at;

    *to++ = '+';
    for (size_t i = 0; i < text->len && from[i] && from[i] != '\n'; i++)
        *to++ = from[i];
    *to++ = '\n';
    return to;
}

/* See WIRE_PROXY_MOVE_DISKS. false: no memory. */
static bool
add_moves(struct proxy_question *question, const uint8_t *arguments)
{
    const struct proxy_call *call = &question->call;
    const struct proxy_text none = {0};
    const struct proxy_text *there =
        call->there ? &call->texts[call->there - 1] : &none;
    size_t size = 1 + there->len;
    char *to;

    for (size_t i = 0; i < call->n_disks; i++)
        size += call->disks[i].len + 2;
    question->moves = to = malloc(size);
    if (!to)
        return false;
    for (size_t i = 0; i < call->n_disks; i++)
        to = add_line(to, arguments, &call->disks[i]);
    *to++ = '-';
    memcpy(to, arguments + there->at, there->len);
    question->texts[question->n_texts] = question->moves;
    question->lens[question->n_texts++] =
        (size_t)(to - question->moves) + there->len;
    return true;
}

/* What the domain has is in libvirt's hands, so that whether it is remora's is not
 * to be seen here. */
static bool
moves_disks(const struct proxy_call *call)
{
    enum { NON_SHARED_DISK = 64, NON_SHARED_INC = 128 }; /* VIR_MIGRATE_* */

    return call->kind == PROXY_LEAVE && call->has_domain &&
           (call->flags & (NON_SHARED_DISK | NON_SHARED_INC)) != 0;
}

/* false: there is nothing to ask about, or, with *ret_lack, no memory. */
static bool
fill_in(struct proxy_question *question,
        struct proxy_packet *packet,
        bool *ret_lack)
{
    size_t head = proxy_packet_head(packet);
    const uint8_t *arguments = packet->bytes + head;
    struct proxy_call *call = &question->call;
    bool moves;

    *ret_lack = false;
    if (!proxy_call_read(packet->header.procedure, arguments,
                         packet->len - head, call))
        return false;
    moves = moves_disks(call);
    if (!choose_texts(question, arguments) && !moves)
        return false;
    question->op = op_for(call);
    question->packet = packet;
    if (call->has_domain && (moves || question->op != WIRE_PROXY_MOVE))
        write_uuid(question->name, call->uuid);
    *ret_lack = moves && !add_moves(question, arguments);
    return !*ret_lack;
}

static bool
needs_notice(enum proxy_kind kind)
{
    return kind == PROXY_ATTACH || kind == PROXY_UPDATE || kind == PROXY_COPY;
}

static struct proxy_question *
new_notice(const char *uuid)
{
    struct proxy_question *notice = calloc(1, sizeof(*notice));

    if (!notice)
        return NULL;
    notice->op = WIRE_PROXY_CALL_ENDED;
    (void)snprintf(notice->name, sizeof(notice->name), "%s", uuid);
    notice->texts[0] = "";
    notice->n_texts = 1;
    return notice;
}

/* The agent knows an attach by its device. One that is only stored was not made
 * ready, so its end need not be told. */
static bool
add_notice(struct proxy_question *question)
{
    struct proxy_question *notice;

    if (!needs_notice(question->call.kind))
        return true;
    notice = question->notice = new_notice(question->name);
    if (!notice || (question->op != WIRE_PROXY_ATTACH_LIVE &&
                    question->op != WIRE_PROXY_COPY))
        return notice;
    notice->body = malloc(question->lens[0]);
    if (!notice->body)
        return false;
    notice->body_len = question->lens[0];
    memcpy(notice->body, question->texts[0], notice->body_len);
    return true;
}

struct proxy_question *
proxy_question_new(struct proxy_packet *packet, const char **ret_why)
{
    static const char no_memory[] =
        "remora: the host has no memory left to ask the agent (remorad) about "
        "this definition: free some, then try again";
    struct proxy_question *question = calloc(1, sizeof(*question));

    bool lack = false;

    *ret_why = NULL;
    if (!question) {
        *ret_why = no_memory;
        return NULL;
    }
    if (fill_in(question, packet, &lack)) {
        if (add_notice(question))
            return question;
        lack = true;
    }
    if (lack)
        *ret_why = no_memory;
    proxy_question_free(question);
    return NULL;
}

enum wire_op
proxy_question_op(const struct proxy_question *question, size_t i)
{
    return question->moves && question->texts[i] == question->moves
               ? WIRE_PROXY_MOVE_DISKS
               : question->op;
}

const char *
proxy_question_name(const struct proxy_question *question, size_t i)
{
    return proxy_question_op(question, i) == WIRE_PROXY_MOVE ? ""
                                                             : question->name;
}

void
proxy_question_set_ended(struct proxy_question *notice)
{
    if (!notice->body)
        return;
    notice->texts[0] = notice->body;
    notice->lens[0] = notice->body_len;
}

/* ---- the answer ------------------------------------------------------------ */

static bool
has_news(const struct proxy_question *question)
{
    for (size_t i = 0; i < question->n_texts; i++)
        if (question->news[i])
            return true;
    return false;
}

bool
proxy_question_replace(struct proxy_question *question)
{
    struct proxy_packet *packet = question->packet;
    size_t head = proxy_packet_head(packet);
    size_t len = 0;
    wire_autofree uint8_t *arguments = NULL;
    uint8_t *bytes;

    if (!has_news(question))
        return true;
    arguments = proxy_call_replace(
        &question->call, packet->bytes + head, packet->len - head,
        (const char *const *)question->news, question->new_lens, &len);
    bytes = arguments ? malloc(head + len) : NULL;
    if (!bytes || head + len > PROXY_PACKET_MAX) {
        free(bytes);
        return false;
    }
    memcpy(bytes, packet->bytes, head);
    memcpy(bytes + head, arguments, len);
    proxy_xdr_put(bytes, (uint32_t)(head + len));
    free(packet->bytes);
    packet->bytes = bytes;
    packet->len = head + len;
    packet->header.len = (uint32_t)packet->len;
    return true;
}

void
proxy_question_keep_answer(struct proxy_question *question)
{
    struct proxy_question *notice = question->notice;

    if (!notice || !notice->body || !question->news[0])
        return;
    free(notice->body);
    notice->body = question->news[0];
    notice->body_len = question->new_lens[0];
    question->news[0] = NULL;
}
