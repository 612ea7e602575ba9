/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * agent/rbd/volume/options.h - what a volume is made with
 *
 * Threads:  any.
 */
#ifndef REMORA_AGENT_RBD_VOLUME_OPTIONS_H
#define REMORA_AGENT_RBD_VOLUME_OPTIONS_H

#include "agent/rbd/conn/cluster.h"

/* How librbd is to encrypt a new volume. */
typedef struct {
    guint luks; /* 1 or 2 */
    bool aes_128;
    const char *passphrase; /* any bytes */
    gsize passphrase_len;
} StoreEncryption;

/* What is 0 or NULL is the configuration's, or else the cluster's. */
typedef struct {
    guint64 size;        /* bytes; of one that is encrypted, of what is in it */
    guint64 object_size; /* a power of two from 4 KiB to 32 MiB */
    guint64 features;    /* librbd's mask */
    const char *data_pool; /* for its data, where the pool has no overwrites */
    const StoreEncryption *encryption; /* NULL: it is not */
    bool shareable; /* without what only one writer at a time can have */
} StoreVolumeSpec;

/* Where its data is asked to go, or NULL. Pure. */
const char *store_spec_data_pool(const StoreSettings *own,
                                 const StoreVolumeSpec *spec);
/* options is an rbd_image_options_t. librbd's number. */
int store_options_fill(gpointer options,
                       const StoreSettings *own,
                       const StoreVolumeSpec *spec);

/* What a volume must not have that several write to at once: librbd's mask. As
 * Cinder has it. */
guint64 store_exclusive_features(void);

/* Whether an image can have objects of that size. Pure. */
bool store_object_size_valid(guint64 size);

#endif
