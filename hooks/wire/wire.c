/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * hooks/wire/wire.c - filling in and checking what travels on the wire
 */
#include "config.h"

#include "hooks/wire/wire.h"

void
wire_greeting_init(struct wire_greeting *greeting, uint32_t deadline_ms)
{
    *greeting = (struct wire_greeting){
        .magic = WIRE_MAGIC,
        .version = WIRE_VERSION,
        .deadline_ms = deadline_ms,
    };
}

bool
wire_op_is_proxy(enum wire_op op)
{
    return op >= WIRE_PROXY_DEFINE && op <= WIRE_PROXY_MOVE_DISKS;
}

void
wire_client_init(struct wire_client *client,
                 uint32_t uid,
                 uint32_t gid,
                 uint32_t pid)
{
    *client = (struct wire_client){
        .magic = WIRE_MAGIC,
        .version = WIRE_VERSION,
        .uid = uid,
        .gid = gid,
        .pid = pid,
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

/* What every header begins and ends with. */
static const char *
check_common(uint32_t magic, uint32_t version, uint32_t reserved)
{
    if (magic != WIRE_MAGIC)
        return "it is not of remora's protocol";
    if (version != WIRE_VERSION)
        return "it is of another version of remora";
    if (reserved != 0)
        return "its reserved field is not 0";
    return NULL;
}

const char *
wire_greeting_check(const struct wire_greeting *greeting)
{
    const char *reason =
        check_common(greeting->magic, greeting->version, greeting->reserved);

    if (reason)
        return reason;
    if (greeting->deadline_ms == 0)
        return "it leaves no time for an answer";
    return NULL;
}

/* The lengths are inside their own limits, so the sum cannot wrap round. */
static const char *
check_datagram(const struct wire_request *request)
{
    if (sizeof(*request) + request->name_len + request->body_len >
        WIRE_DATAGRAM_MAX)
        return "it is too long for a datagram";
    return NULL;
}

static const char *
check_limits(const struct wire_request *request)
{
    if (request->name_len > WIRE_NAME_MAX)
        return "the name is too long";
    if (request->body_len > WIRE_BODY_MAX)
        return "the XML is too long";
    return NULL;
}

static const char *
check_lengths(const struct wire_request *request)
{
    if (request->name_len == 0)
        return "it names no domain";
    return check_limits(request);
}

static const char *
check_proxy(const struct wire_request *request)
{
    bool named =
        request->op != WIRE_PROXY_DEFINE && request->op != WIRE_PROXY_MOVE;

    if (named != (request->name_len > 0))
        return named ? "it names no domain" : "it names a domain";
    if (request->op != WIRE_PROXY_CALL_ENDED && request->body_len == 0)
        return "it has no XML";
    return check_limits(request);
}

const char *
wire_client_check(const struct wire_client *client)
{
    return check_common(client->magic, client->version, client->reserved);
}

const char *
wire_request_check(const struct wire_request *request)
{
    const char *reason =
        check_common(request->magic, request->version, request->reserved);

    if (reason)
        return reason;
    switch (request->op) {
    case WIRE_PREPARE:
    case WIRE_MIGRATE:
    case WIRE_RESTORE:
        reason = check_lengths(request);
        if (!reason && request->body_len == 0)
            return "it has no XML";
        return reason;
    case WIRE_STARTED:
    case WIRE_STOPPED:
    case WIRE_RELEASE:
        reason = check_lengths(request);
        return reason ? reason : check_datagram(request);
    case WIRE_PROXY_DEFINE:
    case WIRE_PROXY_MOVE:
    case WIRE_PROXY_ATTACH_LIVE:
    case WIRE_PROXY_DEVICE:
    case WIRE_PROXY_UPDATE:
    case WIRE_PROXY_COPY:
    case WIRE_PROXY_MOVE_DISKS:
    case WIRE_PROXY_CALL_ENDED:
        return check_proxy(request);
    case WIRE_STATUS:
        if (request->name_len != 0 || request->body_len != 0)
            return "a request for the status has neither name nor body";
        return NULL;
    default:
        return "its operation is unknown";
    }
}

const char *
wire_answer_check(const struct wire_answer *answer)
{
    const char *reason =
        check_common(answer->magic, answer->version, answer->reserved);

    if (reason)
        return reason;
    if (answer->verdict > WIRE_BUSY)
        return "its verdict is unknown";
    if (answer->message_len > WIRE_MESSAGE_MAX)
        return "its message is too long";
    if (answer->output_len > WIRE_OUTPUT_MAX)
        return "its output is too long";
    return NULL;
}
