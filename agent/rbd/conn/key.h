/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * agent/rbd/conn/key.h - the key of a user, without asking the cluster
 *
 * Threads:  any.
 */
#ifndef REMORA_AGENT_RBD_CONN_KEY_H
#define REMORA_AGENT_RBD_CONN_KEY_H

#include "agent/rbd/conn/cluster.h"

/* The cephx key (base64) of a user, without 'client.'. keyring is the path of
 * the file that holds it; NULL: what librados would use for that user by the
 * cluster's conf (its options key, keyfile or keyring). Does not connect, so
 * the cluster may know another key. STORE_ERROR_MISSING: no such key. Give it
 * to store_key_free(), which wipes it; NULL is allowed there. */
char *store_user_key(const StoreCluster *cluster,
                     const char *user,
                     const char *keyring,
                     GError **error);
void store_key_free(char *key);

#endif
