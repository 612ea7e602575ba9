/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * agent/proxied-public.c - what a proxy's client may read of an error
 */
#include "config.h"

#include "agent/proxied-public.h"

#include "agent/request.h"
#include "agent/virt/error.h"

#define ADMINISTRATOR "ask the host's administrator (remorad's log says "

/* NULL: it may be read as it is. What is not known is not shown. */
static const char *
sentence_of_store(StoreErrorCode code)
{
    switch (code) {
    case STORE_ERROR_MISSING:
    case STORE_ERROR_UNCONVERTED:
        return NULL;
    case STORE_ERROR_BUSY:
        return "is in use, or claimed, elsewhere: " ADMINISTRATOR "by whom)";
    case STORE_ERROR_REFUSED:
        return "what is there cannot be this domain's disk: " ADMINISTRATOR
               "why)";
    case STORE_ERROR_FULL:
        return "the cluster or a pool is full, or at its quota: " ADMINISTRATOR
               "which)";
    case STORE_ERROR_DOWN:
    case STORE_ERROR_FENCED:
    case STORE_ERROR_OTHER_DOWN:
        return "the cluster does not answer: try again in a moment, "
               "or " ADMINISTRATOR "more)";
    case STORE_ERROR_FAILED:
    default:
        return "the cluster did not do what is needed: " ADMINISTRATOR "why)";
    }
}

static const char *
sentence_of(const GError *error)
{
    if (error->domain == DOM_ERROR || error->domain == REQUEST_ERROR)
        return NULL;
    if (error->domain == STORE_ERROR)
        return sentence_of_store((StoreErrorCode)error->code);
    if (error->domain == VIRT_ERROR)
        return "libvirt does not say how the domain stands: try again in a "
               "moment, or " ADMINISTRATOR "more)";
    return "it cannot be done: " ADMINISTRATOR "why)";
}

char *
proxied_public_text(guint uid, const GError *error, const char *target)
{
    const char *sentence = uid == 0 ? NULL : sentence_of(error);

    if (!sentence)
        return g_strdup(error->message);
    if (!target)
        return g_strdup(sentence);
    return g_strdup_printf("disk '%.255s': %s", target, sentence);
}
