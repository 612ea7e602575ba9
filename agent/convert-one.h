/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * agent/convert-one.h - one image is converted or copied into its base
 *
 * Nothing of it is kept on this host: what is read, by the tool (convert-tool.h) or
 * for a copy (convert-copy.h), is read in the cluster of the image then, and what
 * is written is written to the cluster of the base.
 *
 * Threads:  any.
 */
#ifndef REMORA_AGENT_CONVERT_ONE_H
#define REMORA_AGENT_CONVERT_ONE_H

#include "agent/rbd/store.h"

typedef struct {
    StoreCluster *from;    /* the image's */
    const char *from_name; /* for errors; NULL: it is the base's, too */
    const StoreParent *parent;
    const StoreOrigin *base;
    const char *pool;
    const char *image; /* what messages call it */
    const char *into;  /* and its base */
    /* Up to where it was written, in bytes; parts come in any order, and in any
     * thread. */
    void (*progress)(gpointer data, guint64 done);
    gpointer data;
} ConvertOne;

/* Blocks until the base is there, made here or by somebody who was at it already; for
 * hours, if need be. Logs that it begins, and what was made. ret_recovered: which claim
 * of a dead builder was taken over, or NULL; g_free(). */
gboolean convert_one(const ConvertOne *one,
                     StoreCluster *store,
                     char **ret_recovered,
                     GError **error);

#endif
