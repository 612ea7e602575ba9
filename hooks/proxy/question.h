/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * hooks/proxy/question.h - what the agent is asked about a call, and answers
 *
 * Pure but for memory.
 */
#ifndef REMORA_HOOKS_PROXY_QUESTION_H
#define REMORA_HOOKS_PROXY_QUESTION_H

#include "hooks/proxy/calls.h"
#include "hooks/proxy/packet.h"
#include "hooks/wire/wire.h"

#define PROXY_UUID_TEXT 37u
/* The texts of a call, and what else is asked about it. */
#define PROXY_ASKED_MAX (PROXY_TEXTS_MAX + 1u)

struct proxy_threads;

struct proxy_question {
    enum wire_op op;                    /* of each text but moves */
    char name[PROXY_UUID_TEXT];         /* empty: the operation has none */
    const char *texts[PROXY_ASKED_MAX]; /* NULL: not asked about */
    size_t lens[PROXY_ASKED_MAX];
    size_t n_texts; /* asked about one after the other */
    /* The answer. */
    bool refused;
    bool away; /* because nobody was there to be asked, who may come yet */
    char why[WIRE_MESSAGE_MAX + 16];
    char *news[PROXY_ASKED_MAX]; /* malloc()ed; NULL: it stays as it is */
    size_t new_lens[PROXY_ASKED_MAX];
    /* The loop's: the packet that waits for the answer, and what follows. */
    struct proxy_packet *packet;
    struct proxy_call call;
    /* The last of the texts, where disks move with the domain: malloc()ed, and of
     * another operation, which names the domain. NULL: they do not. */
    char *moves;
    struct proxy_question *notice; /* when the call has ended; or NULL */
    /* Of a notice, and the loop's. */
    char *body; /* the device, malloc()ed; NULL: none */
    size_t body_len;
    bool asked;                    /* a thread has it */
    int64_t deadline;              /* until when its reply waits; 0: none */
    struct proxy_question *beside; /* in the loop's list */
    /* Of threads.c. */
    struct proxy_question *next;
    struct proxy_threads *threads;
};

/* About a call that was taken out; the texts stay the packet's. If the agent
 * has to know when the call has ended, the notice of that is made now, so that
 * it cannot fail for want of memory then. NULL: there is nothing to ask, or,
 * with *ret_why, no memory. */
struct proxy_question *proxy_question_new(struct proxy_packet *packet,
                                          const char **ret_why);
/* The notice names the device whose attach or copy has ended. Without this it
 * only says that the domain may have changed. */
void proxy_question_set_ended(struct proxy_question *notice);
/* The operation and the name for one of its texts. */
enum wire_op proxy_question_op(const struct proxy_question *question, size_t i);
const char *proxy_question_name(const struct proxy_question *question,
                                size_t i);
/* Frees the answer and the notice, too, but not the packet. NULL is fine. */
void proxy_question_free(struct proxy_question *question);

/* Puts the answer's texts into the packet. false: it would be longer than
 * libvirt takes, or there is no memory; it is as before. */
bool proxy_question_replace(struct proxy_question *question);
/* After that: the notice names the device as the agent gave it, if it did. The
 * client's words may say it in a way that only libvirt could explain. */
void proxy_question_keep_answer(struct proxy_question *question);

#endif
