/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * agent/rbd/conn/names.h - names and words of what remora keeps in a pool
 *
 * Pure, as is what is read in RBD's own.
 */
#ifndef REMORA_AGENT_RBD_CONN_NAMES_H
#define REMORA_AGENT_RBD_CONN_NAMES_H

#include <glib.h>

#define STORE_CLAIM_PREFIX "remora_claim."

/* The claim beside an image: 'remora_claim.IMAGE'; g_free() it. */
char *store_claim_object(const char *image);

/* A field of a mark, a line of words 'key=value'; "" when it is not there.
 * g_free() it. */
char *store_word(const char *line, const char *key);

/* What RBD keeps of an id, length-prefixed (32 bits, little endian). */
#define STORE_ID_RAW 128
/* Returns librados' number. The id may be at most 127 characters long. got:
 * how much of raw there is, or such a number. */
int store_id_parse(const guint8 *raw, int got, char *id, gsize size);

#endif
