/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * agent/rbd/image/coded.h - Ceph's encoding of numbers and strings
 *
 * Little endian, strings behind their length in 32 bits. Pure.
 */
#ifndef REMORA_AGENT_RBD_IMAGE_CODED_H
#define REMORA_AGENT_RBD_IMAGE_CODED_H

#include <glib.h>
#include <stdbool.h>

/* What is left to be read. Past the end, all is 0 and bad. */
typedef struct {
    const guint8 *at;
    gsize left;
    bool bad;
} StoreCoded;

guint64 store_coded_take(StoreCoded *from, gsize bytes);
/* g_free() it; never NULL. */
char *store_coded_take_string(StoreCoded *from);
/* A structure, which says its version, the oldest that reads it, and its length:
 * what is in it, and from goes on behind it. Bad, both, if only a later version
 * than the first reads it. */
StoreCoded store_coded_enter(StoreCoded *from);

void store_coded_put(GByteArray *to, guint64 value, gsize bytes);
void store_coded_put_string(GByteArray *to, const char *text);

#endif
