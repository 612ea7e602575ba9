/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * agent/rbd/image/flattening.h - the mark that an image is to be flattened, and who
 * does it
 *
 * Threads: any.
 */
#ifndef REMORA_AGENT_RBD_IMAGE_FLATTENING_H
#define REMORA_AGENT_RBD_IMAGE_FLATTENING_H

#include <glib.h>
#include <stdbool.h>

/* Where it stands in an image's metadata. */
#define STORE_FLATTEN_KEY "remora.flatten"

/* What it says, of this very image. */
typedef struct {
    bool wanted;
    char *by;       /* the client of remora's that flattens it, or NULL */
    char *instance; /* which instance of remora that is, or NULL */
    char *mgr;      /* the manager's client that did, and may hang, or NULL */
    char *text;     /* what was read, of whatever image; NULL: there is none */
} StoreFlattenMark;

void store_flatten_mark_clear(StoreFlattenMark *mark);
/* As there. g_free() it. */
char *store_flatten_mark_new(const char *id, const StoreFlattenMark *mark);
/* A clone inherits its parent's: what names another image is none. */
void store_flatten_mark_parse(const char *text,
                              const char *id,
                              StoreFlattenMark *ret_mark);

/* handle: an rbd_image_t. All block, and return librbd's number. */
int store_flatten_mark_read(gpointer handle,
                            const char *id,
                            StoreFlattenMark *ret_mark);
int store_flatten_mark_write(gpointer handle,
                             const char *id,
                             const StoreFlattenMark *mark);
/* Whether it names that client. Pure. */
bool store_flatten_mark_names(const StoreFlattenMark *mark, const char *addr);
/* Takes out of addresses, which end with NULL, whom it names. Pure. */
void store_flatten_mark_filter(const StoreFlattenMark *mark, char **addresses);
int store_flatten_mark_remove(gpointer handle);
/* Takes out of addresses, those of an image's watchers, who only flattens it. */
int store_flatten_filter_flattener(gpointer handle, char **addresses);

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(StoreFlattenMark, store_flatten_mark_clear)

#endif
