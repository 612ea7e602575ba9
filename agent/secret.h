/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * agent/secret.h - whose a libvirt secret is, and what may be done with it
 *
 * Its UUID can be told beforehand, and whoever may define secrets may have
 * defined that one. The guests' key goes into a secret only if its usage says
 * that it is remora's, and if libvirt gives its value to nobody.
 *
 * Threads: any; everything is pure.
 */
#ifndef REMORA_AGENT_SECRET_H
#define REMORA_AGENT_SECRET_H

#include <stdbool.h>

typedef enum {
    SECRET_MISSING, /* there is none of this UUID */
    SECRET_OURS,
    SECRET_OPEN,    /* of our usage, but who may read secrets reads its value */
    SECRET_FOREIGN, /* of another usage */
} SecretKind;

typedef enum {
    SECRET_DEFINE, /* as ours; then look again, and it is */
    SECRET_SET,    /* put today's key into it */
    SECRET_USE,    /* as it is: somebody else takes care of it */
    SECRET_REFUSE, /* nothing may be done: somebody has to see to it */
} SecretStep;

/* What the secret of that UUID says it is for, with the key of that user.
 * g_free() it. */
char *secret_usage(const char *user, const char *uuid);
/* The definition that libvirt is given for it. g_free() it. */
char *secret_xml(const char *user, const char *uuid);

/* By the definition that libvirt has (NULL: none), and that usage. What cannot
 * be read is foreign. */
SecretKind secret_kind(const char *xml, const char *usage);
/* has_value: whether libvirt does not say that there is none. */
SecretStep secret_step(SecretKind kind, bool has_value);

#endif
