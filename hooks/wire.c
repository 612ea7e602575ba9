/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * hooks/wire.c - what the hook and the agent say to each other
 */
#include "config.h"

#include "hooks/wire.h"

static const char *
check_head(uint32_t magic, uint32_t version)
{
    if (magic != WIRE_MAGIC)
        return "it does not speak remora's protocol";
    if (version != WIRE_VERSION)
        return "it speaks another version of remora's protocol";
    return NULL;
}

void
wire_greeting_init(struct wire_greeting *greeting, uint32_t deadline_ms)
{
    *greeting = (struct wire_greeting){
        .magic = WIRE_MAGIC,
        .version = WIRE_VERSION,
        .deadline_ms = deadline_ms,
    };
}

void
wire_request_init(struct wire_request *request,
                  enum wire_op op,
                  size_t name_len,
                  size_t body_len)
{
    *request = (struct wire_request){
        .magic = WIRE_MAGIC,
        .version = WIRE_VERSION,
        .op = op,
        .name_len = (uint32_t)name_len,
        .body_len = (uint32_t)body_len,
    };
}

void
wire_answer_init(struct wire_answer *answer,
                 enum wire_verdict verdict,
                 size_t message_len,
                 size_t output_len)
{
    *answer = (struct wire_answer){
        .magic = WIRE_MAGIC,
        .version = WIRE_VERSION,
        .verdict = verdict,
        .message_len = (uint32_t)message_len,
        .output_len = (uint32_t)output_len,
    };
}

const char *
wire_greeting_check(const struct wire_greeting *greeting)
{
    return check_head(greeting->magic, greeting->version);
}

const char *
wire_request_check(const struct wire_request *request)
{
    const char *wrong = check_head(request->magic, request->version);

    if (wrong)
        return wrong;
    if (request->op < WIRE_PREPARE || request->op > WIRE_STATUS)
        return "it asks for something unknown";
    if (request->name_len > WIRE_NAME_MAX)
        return "the domain's name is too long";
    if (request->body_len > WIRE_BODY_MAX)
        return "the domain's XML is too long";
    return NULL;
}

const char *
wire_answer_check(const struct wire_answer *answer)
{
    const char *wrong = check_head(answer->magic, answer->version);

    if (wrong)
        return wrong;
    if (answer->verdict != WIRE_ALLOW && answer->verdict != WIRE_REFUSE)
        return "its verdict is unknown";
    if (answer->message_len > WIRE_MESSAGE_MAX)
        return "its message is too long";
    if (answer->output_len > WIRE_OUTPUT_MAX)
        return "its output is too long";
    return NULL;
}
