/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * agent/rbd/disk/disk.h - one disk that is to be ready, and what became of it
 */
#ifndef REMORA_AGENT_RBD_DISK_DISK_H
#define REMORA_AGENT_RBD_DISK_DISK_H

#include "agent/rbd/image/parent.h"

typedef struct StoreClaim StoreClaim;

/* Where a disk comes from: said outright, never guessed from what is missing. */
typedef enum {
    STORE_SOURCE_EXISTING, /* it must be there */
    STORE_SOURCE_CLONE,    /* of the parent's snapshot */
    STORE_SOURCE_BLANK,    /* reads as zeroes */
    STORE_SOURCE_FILLED,   /* blank, and then written to by 'fill' */
} StoreSource;

/* A new image that is being filled; nobody else has it open. */
typedef struct StoreFilling StoreFilling;
guint64 store_filling_size(const StoreFilling *filling);
/* Blocks. Errors: STORE_ERROR. */
gboolean store_filling_write(StoreFilling *filling,
                             guint64 offset,
                             gconstpointer data,
                             gsize len,
                             GError **error) G_GNUC_WARN_UNUSED_RESULT;
/* What was written, or zeroes. */
gboolean store_filling_read(StoreFilling *filling,
                            guint64 offset,
                            gpointer buffer,
                            gsize len,
                            GError **error) G_GNUC_WARN_UNUSED_RESULT;
/* The same as writing, with the first size bytes of a file, without its zeroes. fd's
 * position is changed. */
gboolean store_filling_copy(StoreFilling *filling,
                            int fd,
                            guint64 size,
                            GError **error) G_GNUC_WARN_UNUSED_RESULT;
/* Writes a disk's content. It may be called again for another image, when the
 * first did not come to its end. */
typedef gboolean (*StoreFill)(StoreFilling *filling,
                              gpointer data,
                              GError **error);

/* One disk that is to be ready. Everything borrowed for the call. */
typedef struct {
    StoreSource source;
    StoreParent parent; /* of STORE_SOURCE_CLONE */
    /* The parent's cluster, if that is another; borrowed. Then the disk is a clone
     * of a copy (disk/origin.h). NULL: the disk's own. */
    StoreCluster *from;
    const char
        *lost;      /* the fsid of a parent's cluster that is not known here: it
                       * cannot be cloned; or NULL */
    StoreFill fill; /* of STORE_SOURCE_FILLED */
    gpointer fill_data;
    const char *pool; /* the disk itself; for read_only with a parent: the
                         * parent's snapshot is looked at, nothing is made */
    const char *image;
    guint64 size;      /* bytes, at least; 0: as the parent. One that is
                        * blank or filled needs one */
    bool keep_size;    /* size is a new one's: what is there stays as large */
    const char *owner; /* whom it belongs to */
    const char *label; /* what its owner calls it */
    const char *snap;  /* of an existing one that is read_only: what of it is
                        * read; or NULL */
    bool read_only;    /* by its owner; where there is none yet it is made */
    bool shareable;    /* several may write to it: no claim is kept */
    bool starts;       /* its owner starts: until now it does not run here */
    /* The owner comes from another host, which still has the disk open (live
     * migration). Goes with starts. */
    bool arriving;
    /* Whether nothing of the owner is left on this host; NULL: not known. */
    bool (*has_ended)(const char *owner);
    guint patience_ms; /* how long another host's builder may be watched */
    /* Who else than owner waits for it, for store_cluster_has_space(); or NULL. */
    const char *waiter;
} StoreDisk;

/* Whether its parent's name is none of this cluster's. */
static inline bool
store_parent_is_far(const StoreDisk *disk)
{
    return disk->from || disk->lost;
}

typedef enum {
    STORE_BUILT, /* cloned now */
    STORE_READY, /* was there already, and ours or somebody's own */
    STORE_GROWN, /* was there already, and was made larger */
} StoreOutcome;

typedef struct {
    StoreOutcome outcome;
    StoreClaim *claim; /* NULL for read-only and shareable disks */
    guint64 size;      /* bytes */
    char *recovered;   /* what a dead client left and what was done about
                        * it, with the evidence, as one line; or NULL */
} StoreResult;

#endif
