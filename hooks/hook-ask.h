/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * hooks/hook-ask.h - the hook's side of the wire
 */
#ifndef REMORA_HOOKS_HOOK_ASK_H
#define REMORA_HOOKS_HOOK_ASK_H

#include <stddef.h>

#include "hooks/wire.h"

enum hook_answer {
    HOOK_ALLOWED, /* output may hold new XML */
    HOOK_REFUSED, /* message says why */
    HOOK_NOBODY,  /* no agent of this version listens: remorad --one-shot */
};

struct hook_question {
    enum wire_op op;
    const char *name;
    const char *body;
    size_t len;
};

/* free() output; message is one line without its end. */
struct hook_reply {
    char message[WIRE_MESSAGE_MAX + 1];
    char *output;
    size_t output_len;
};

/* Asks, and asks once more when the agent ends the connection without an
 * answer, as it may when it is replaced. Waits as long as the agent's greeting
 * allows, at most WIRE_DEADLINE_CAP_MS. */
enum hook_answer hook_ask(const struct hook_question *question,
                          struct hook_reply *reply);

/* One datagram that nobody waits for. XML that is too long for it is left
 * out. */
void hook_tell(const struct hook_question *question);

#endif
