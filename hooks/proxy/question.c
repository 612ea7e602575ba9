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
front_question_free(struct front_question *question)
{
    if (!question)
        return;
    for (size_t i = 0; i < FRONT_TEXTS_MAX; i++)
        free(question->news[i]);
    free(question->body);
    front_question_free(question->look);
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
op_for(const struct front_call *call)
{
    enum { CONFIG = 2, WHERE = 3 }; /* VIR_DOMAIN_AFFECT_* */

    switch (call->kind) {
    case FRONT_DEFINE:
        return WIRE_FRONT_DEFINE;
    case FRONT_ATTACH:
        return (call->flags & WHERE) == CONFIG ? WIRE_FRONT_DEVICE
                                               : WIRE_FRONT_ATTACH_LIVE;
    case FRONT_UPDATE:
        return WIRE_FRONT_UPDATE;
    case FRONT_COPY:
        return WIRE_FRONT_COPY;
    case FRONT_MOVE:
    case FRONT_PASS:
    default:
        return WIRE_FRONT_MOVE;
    }
}

/* The texts that are any of the agent's business; false: none is. */
static bool
choose_texts(struct front_question *question, const uint8_t *arguments)
{
    const struct front_call *call = &question->call;
    bool any = false;

    question->n_texts = call->n_texts;
    for (size_t i = 0; i < call->n_texts; i++) {
        const char *text = (const char *)arguments + call->texts[i].at;

        if (!hook_sieve(text, call->texts[i].len))
            continue;
        question->texts[i] = text;
        question->lens[i] = call->texts[i].len;
        any = true;
    }
    return any;
}

/* false: there is nothing to ask about. */
static bool
fill_in(struct front_question *question, struct front_packet *packet)
{
    size_t head = front_packet_head(packet);
    struct front_call *call = &question->call;

    if (!front_call_read(packet->header.procedure, packet->bytes + head,
                         packet->len - head, call) ||
        !choose_texts(question, packet->bytes + head))
        return false;
    question->op = op_for(call);
    question->packet = packet;
    if (call->has_domain && question->op != WIRE_FRONT_MOVE)
        write_uuid(question->name, call->uuid);
    return true;
}

static bool
is_looked_at_after(enum front_kind kind)
{
    return kind == FRONT_ATTACH || kind == FRONT_UPDATE || kind == FRONT_COPY;
}

static struct front_question *
new_look(const char *uuid)
{
    struct front_question *look = calloc(1, sizeof(*look));

    if (!look)
        return NULL;
    look->op = WIRE_FRONT_LOOK;
    (void)snprintf(look->name, sizeof(look->name), "%s", uuid);
    look->texts[0] = "";
    look->n_texts = 1;
    return look;
}

/* The device as the client gave it, by which the agent knows its attach. One
 * that is only stored was not made ready, and ends nothing. */
static bool
add_look(struct front_question *question)
{
    struct front_question *look;

    if (!is_looked_at_after(question->call.kind))
        return true;
    look = question->look = new_look(question->name);
    if (!look || (question->op != WIRE_FRONT_ATTACH_LIVE &&
                  question->op != WIRE_FRONT_COPY))
        return look;
    look->body = malloc(question->lens[0]);
    if (!look->body)
        return false;
    look->body_len = question->lens[0];
    memcpy(look->body, question->texts[0], look->body_len);
    return true;
}

struct front_question *
front_question_new(struct front_packet *packet, const char **ret_why)
{
    static const char no_memory[] =
        "remora: the host has no memory left to ask the agent (remorad) about "
        "this definition: free some, then try again";
    struct front_question *question = calloc(1, sizeof(*question));

    *ret_why = NULL;
    if (!question) {
        *ret_why = no_memory;
        return NULL;
    }
    if (!fill_in(question, packet)) {
        front_question_free(question);
        return NULL;
    }
    if (!add_look(question)) {
        *ret_why = no_memory;
        front_question_free(question);
        return NULL;
    }
    return question;
}

void
front_question_tell_end(struct front_question *look)
{
    if (!look->body)
        return;
    look->texts[0] = look->body;
    look->lens[0] = look->body_len;
}

/* ---- the answer ------------------------------------------------------------ */

static bool
has_news(const struct front_question *question)
{
    for (size_t i = 0; i < question->n_texts; i++)
        if (question->news[i])
            return true;
    return false;
}

bool
front_question_replace(struct front_question *question)
{
    struct front_packet *packet = question->packet;
    size_t head = front_packet_head(packet);
    size_t len = 0;
    hook_autofree uint8_t *arguments = NULL;
    uint8_t *bytes;

    if (!has_news(question))
        return true;
    arguments = front_call_replace(
        &question->call, packet->bytes + head, packet->len - head,
        (const char *const *)question->news, question->new_lens, &len);
    bytes = arguments ? malloc(head + len) : NULL;
    if (!bytes || head + len > FRONT_PACKET_MAX) {
        free(bytes);
        return false;
    }
    memcpy(bytes, packet->bytes, head);
    memcpy(bytes + head, arguments, len);
    front_xdr_put(bytes, (uint32_t)(head + len));
    free(packet->bytes);
    packet->bytes = bytes;
    packet->len = head + len;
    packet->header.len = (uint32_t)packet->len;
    return true;
}
