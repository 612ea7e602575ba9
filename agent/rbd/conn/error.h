/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * agent/rbd/conn/error.h - what librados and librbd return, said in words
 *
 * Threads:  any.
 */
#ifndef REMORA_AGENT_RBD_CONN_ERROR_H
#define REMORA_AGENT_RBD_CONN_ERROR_H

#include <glib.h>
#include <stdarg.h>

#define STORE_ERROR store_error_quark()
GQuark store_error_quark(void);

typedef enum {
    STORE_ERROR_FAILED,      /* anything that needs no telling apart */
    STORE_ERROR_MISSING,     /* pool, image or snapshot is not there */
    STORE_ERROR_DOWN,        /* the cluster does not answer, or answered late */
    STORE_ERROR_FENCED,      /* our own connection was blocklisted */
    STORE_ERROR_BUSY,        /* somebody else holds or uses the disk */
    STORE_ERROR_REFUSED,     /* what is there is not what was asked for */
    STORE_ERROR_FULL,        /* pool or cluster is full, or at its quota */
    STORE_ERROR_UNCONVERTED, /* an image is to be converted before */
    STORE_ERROR_OTHER_DOWN,  /* DOWN or FENCED, as store_error_from() has it */
} StoreErrorCode;

/* All return FALSE, or NULL, and set error. r is negative. What becomes of the
 * connection that said so is the business of who has one: store_fail(). */
gboolean store_explain(GError **error, int r, const char *format, ...)
    G_GNUC_PRINTF(3, 4);
gboolean
store_explain_v(GError **error, int r, const char *format, va_list args)
    G_GNUC_PRINTF(3, 0);
gboolean
store_refuse(GError **error, StoreErrorCode code, const char *format, ...)
    G_GNUC_PRINTF(3, 4);
/* Puts the cluster in front of a message that does not name it. */
void store_error_name(GError **error, const char *cluster);
/* What another cluster said while something was done in this one: that it does not
 * answer is nothing that this one's connection is to blame for, so that such an error
 * gets a code of its own. */
void store_error_from(GError **error, const char *cluster);

#endif
