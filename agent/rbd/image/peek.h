/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * agent/rbd/image/peek.h - what image does a name lead to? asked meanwhile
 *
 * Threads:  any.
 */
#ifndef REMORA_AGENT_RBD_IMAGE_PEEK_H
#define REMORA_AGENT_RBD_IMAGE_PEEK_H

#include <glib.h>
#include <stdbool.h>

typedef struct StoreConn StoreConn;

/* Whether an image's name is free, asked beside something else.
 * NULL, which the others take too: it cannot be asked. */
typedef struct StorePeek StorePeek;
StorePeek *
store_peek_begin(StoreConn *conn, const char *pool, const char *image);
/* Waits for the answer. false: it is taken, or that cannot be known. */
bool store_peek_finds_nothing(StorePeek *peek);
/* Waits. The id that the name leads to; false: none, or it is not known. */
bool store_peek_id(StorePeek *peek, char *id, gsize size);
void store_peek_end(StorePeek *peek);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(StorePeek, store_peek_end)

#endif
