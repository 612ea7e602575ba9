/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * agent/rbd/conn/error.c - what librados and librbd return, said in words
 *
 * Knows:    the negative numbers of Ceph's C libraries and what an operator
 *           can do about the common ones.
 * Must not: read errno (those libraries do not set it); log.
 * Contract: always sets error, always returns FALSE, so that a caller can
 *           write 'return store_fail(...)'. Any thread may call it.
 */
#include "config.h"

#include "agent/rbd/conn/error.h"

#include <errno.h>
#include <string.h>

GQuark
store_error_quark(void)
{
    return g_quark_from_static_string("remora-store-error");
}

typedef struct {
    int number;
    StoreErrorCode code;
    const char *text; /* NULL: what strerror says is good enough */
    const char *next;
} Cause;

static const Cause causes[] = {
    {EPERM, STORE_ERROR_FAILED, "not permitted",
     "check the user's caps (ceph auth get)"},
    {EACCES, STORE_ERROR_FAILED, "the cluster does not know this user or key",
     "check user and keyring (ceph auth get)"},
    {ENOENT, STORE_ERROR_MISSING, "not found", NULL},
    {ETIMEDOUT, STORE_ERROR_DOWN, "the cluster did not answer in time",
     "check it with 'ceph -s' and 'ceph health detail'"},
    {ESHUTDOWN, STORE_ERROR_FENCED,
     "this connection is on the cluster's blocklist",
     "a new one is made; try again (ceph osd blocklist ls)"},
    {EBUSY, STORE_ERROR_BUSY, "in use", NULL},
    {ENOSPC, STORE_ERROR_FULL, "the cluster or the pool is full",
     "free space or raise the limit (ceph df)"},
    {EDQUOT, STORE_ERROR_FULL, "the pool is at its quota",
     "free space or raise it (ceph osd pool get-quota)"},
    {ENOTEMPTY, STORE_ERROR_BUSY, "it has snapshots or clones", NULL},
    {ENOSYS, STORE_ERROR_REFUSED, "the image lacks the feature layering", NULL},
    {EXDEV, STORE_ERROR_REFUSED, "parent and clone cannot be linked", NULL},
};

static const Cause *
cause_of(int number)
{
    for (gsize i = 0; i < G_N_ELEMENTS(causes); i++)
        if (causes[i].number == number)
            return &causes[i];
    return NULL;
}

gboolean
store_explain_v(GError **error, int r, const char *format, va_list args)
{
    int number = -r;
    const Cause *cause = cause_of(number);
    const char *text = cause && cause->text ? cause->text : g_strerror(number);
    g_autofree char *what = g_strdup_vprintf(format, args);

    g_set_error(error, STORE_ERROR,
                cause ? (int)cause->code : STORE_ERROR_FAILED, "%s: %s%s%s",
                what, text, cause && cause->next ? ": " : "",
                cause && cause->next ? cause->next : "");
    return FALSE;
}

gboolean
store_explain(GError **error, int r, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    (void)store_explain_v(error, r, format, args);
    va_end(args);
    return FALSE;
}

gboolean
store_refuse(GError **error, StoreErrorCode code, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    g_autofree char *text = g_strdup_vprintf(format, args);
    va_end(args);
    g_set_error_literal(error, STORE_ERROR, (int)code, text);
    return FALSE;
}

void
store_error_name(GError **error, const char *cluster)
{
    g_autofree char *name = g_strdup_printf("cluster '%s'", cluster);

    if (error && *error && !strstr((*error)->message, name))
        g_prefix_error(error, "%s: ", name);
}

void
store_error_from(GError **error, const char *cluster)
{
    if (!error || !*error)
        return;
    store_error_name(error, cluster);
    if (g_error_matches(*error, STORE_ERROR, STORE_ERROR_DOWN) ||
        g_error_matches(*error, STORE_ERROR, STORE_ERROR_FENCED))
        (*error)->code = STORE_ERROR_OTHER_DOWN;
}
