/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * conf/conf-error.h - the one way in which this room says what is wrong
 *
 * Contract: every function sets error and returns FALSE, so that a caller can
 *           write 'return conf_fail_value(...)'.
 */
#ifndef REMORA_CONF_CONF_ERROR_H
#define REMORA_CONF_CONF_ERROR_H

#include "conf/conf.h"

/* Where in the file something stands. Borrowed for the call. */
typedef struct {
    const char *file;
    const char *path; /* of the key, 'hook.deadline', 'clusters[0].user' */
    guint line;
} ConfPlace;

/* FILE:LINE: 'PATH': found FOUND, expected EXPECTED */
gboolean conf_fail_value(GError **error,
                         const ConfPlace *place,
                         const char *found,
                         const char *expected);

/* FILE:LINE: 'PATH' is not a key, and which one may be meant. suggestion is
 * the path of a known key, or NULL. */
gboolean conf_fail_unknown(GError **error,
                           const ConfPlace *place,
                           const char *suggestion);

/* FILE:LINE: and whatever the format says; place's path is not used. */
gboolean conf_fail_line(GError **error,
                        ConfErrorCode code,
                        const ConfPlace *place,
                        const char *format,
                        ...) G_GNUC_PRINTF(4, 5);

/* Text from the file as a message may show it: control characters and bytes
 * that are no UTF-8 as \xNN, and cut where it gets long. g_free() it. */
char *conf_printable(const char *text);

#endif
