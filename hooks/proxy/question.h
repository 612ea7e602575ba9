/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * hooks/proxy/question.h - what the agent is asked about a call, and answers
 *
 * Pure but for memory.
 */
#ifndef REMORA_HOOKS_PROXY_QUESTION_H
#define REMORA_HOOKS_PROXY_QUESTION_H

#include "hooks/proxy/packet.h"
#include "hooks/wire/wire.h"

#define FRONT_UUID_TEXT 37u

struct front_asker;

struct front_question {
    enum wire_op op;
    char name[FRONT_UUID_TEXT];         /* empty: the operation has none */
    const char *texts[FRONT_TEXTS_MAX]; /* NULL: not asked about */
    size_t lens[FRONT_TEXTS_MAX];
    size_t n_texts; /* asked about one after the other */
    /* The answer. */
    bool refused;
    char why[WIRE_MESSAGE_MAX + 16];
    char *news[FRONT_TEXTS_MAX]; /* malloc()ed; NULL: it stays as it is */
    size_t new_lens[FRONT_TEXTS_MAX];
    /* The loop's own: whose packet waits for the answer, and until when. */
    struct front_packet *packet;
    struct front_call call;
    struct front_question
        *look;  /* that follows the call; this one's, or NULL */
    char *body; /* a look's, malloc()ed; NULL: none */
    size_t body_len;
    bool asked;                    /* a look's thread has it */
    int64_t deadline;              /* 0: none */
    struct front_question *beside; /* in the loop's list */
    /* The asker's own. */
    struct front_question *next;
    struct front_asker *asker;
};

/* About a call that was taken out, whose bytes stay the packet's, with the look
 * that its end is worth, so that it cannot fail for want of memory then. NULL,
 * and *ret_why: no memory if that is not NULL, else there is nothing to ask. */
struct front_question *front_question_new(struct front_packet *packet,
                                          const char **ret_why);
/* The look is to say that the attach has ended, if it is to an attach that was
 * made ready. */
void front_question_tell_end(struct front_question *look);
/* With the answer and its look, and without the packet. NULL is fine. */
void front_question_free(struct front_question *question);

/* Puts the answer's texts into the packet. false: it would be longer than
 * libvirt takes, or there is no memory; it is as before. */
bool front_question_replace(struct front_question *question);

#endif
