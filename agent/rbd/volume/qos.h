/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * agent/rbd/volume/qos.h - how much of the cluster a volume's clients may have
 *
 * librbd itself keeps them to it, by settings that stand in the image's metadata
 * and hold from the moment that they are set.
 *
 * Threads:  any.
 */
#ifndef REMORA_AGENT_RBD_VOLUME_QOS_H
#define REMORA_AGENT_RBD_VOLUME_QOS_H

#include "agent/rbd/conn/cluster.h"

#define STORE_QOS_KEYS 19u

/* 0 of a key: there is no such limit. */
typedef struct {
    guint64 values[STORE_QOS_KEYS];
} StoreQos;

/* "iops_limit", which librbd calls conf_rbd_qos_iops_limit. Pure. */
const char *store_qos_name(guint key);
/* Which key that is, by that name, by librbd's or by Cinder's, such as
 * "total_iops_sec"; STORE_QOS_KEYS: none. Pure. */
guint store_qos_find(const char *name);
/* Whether its values are bytes. Pure. */
bool store_qos_is_bytes(guint key);
/* FALSE: some do not fit together, or are too large. Pure. */
gboolean store_qos_check(const StoreQos *qos, GError **error);

gboolean store_volume_qos(StoreCluster *cluster,
                          const char *pool,
                          const char *name,
                          StoreQos *ret_qos,
                          GError **error);
/* Makes it so, all of it or nothing, also while a guest has the volume open: it
 * writes nothing of the volume's own, so no claim is taken. Blocks. */
gboolean store_volume_qos_set(StoreCluster *cluster,
                              const char *pool,
                              const char *name,
                              const StoreQos *qos,
                              GError **error);

#endif
