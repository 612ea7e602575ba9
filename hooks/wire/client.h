/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * hooks/wire/client.h - one exchange with the agent, seen from its other end
 *
 * Needs SIGPIPE ignored. Descriptors are close-on-exec and gone on return.
 */
#ifndef REMORA_HOOKS_WIRE_CLIENT_H
#define REMORA_HOOKS_WIRE_CLIENT_H

#include "hooks/wire/say.h"
#include "hooks/wire/wire.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* How long the agent may take to accept and to greet: it does so without
 * looking at anything, so one that does not is stopped or wedged. */
#define WIRE_GREETING_MS 5000

/* What is asked about. Owned by the caller. */
struct wire_domain {
    const char *name; /* at most WIRE_NAME_MAX bytes */
    const char *xml;  /* xml_len bytes, at most WIRE_BODY_MAX */
    size_t xml_len;
};

/* Release with wire_reply_clear(). Neither string ends with a NUL. */
struct wire_reply {
    enum wire_verdict verdict;
    char *message;
    size_t message_len;
    char *output;
    size_t output_len;
};

void wire_reply_clear(struct wire_reply *reply);

enum wire_outcome {
    WIRE_ANSWERED, /* *ret_reply is set, and is the caller's */
    WIRE_NOBODY,   /* nobody listens, or an agent of another version */
    WIRE_FAILED,   /* *error is set */
};

/* Asks the agent that listens at path. When the connection ends without an
 * answer, as it does while the agent is replaced, it asks once more. Returns
 * within WIRE_DEADLINE_CAP_MS. */
enum wire_outcome wire_ask(const char *path,
                           enum wire_op op,
                           const struct wire_domain *domain,
                           struct wire_reply *ret_reply,
                           struct wire_error *error);

/* The same over a connection that is there already, of any socket of the
 * agent's; the caller closes it. WIRE_NOBODY also where it ended without an
 * answer, as it does while the agent is replaced: then ask over another. end is
 * a moment of wire_clock_ms(). */
enum wire_outcome wire_ask_on(int fd,
                              enum wire_op op,
                              const struct wire_domain *domain,
                              int64_t end,
                              struct wire_reply *ret_reply,
                              struct wire_error *error);

/* How long an answer may take, in ms, when the greeting allows deadline_ms. */
int64_t wire_patience_ms(uint32_t deadline_ms);

#endif
