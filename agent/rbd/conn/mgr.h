/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * agent/rbd/conn/mgr.h - a command to the cluster's manager, which may never answer
 *
 * Threads:  any; it blocks, up to the timeout.
 */
#ifndef REMORA_AGENT_RBD_CONN_MGR_H
#define REMORA_AGENT_RBD_CONN_MGR_H

#include "agent/rbd/conn/cluster.h"

/* Runs one command given as JSON. Returns librados' number; -ETIMEDOUT: there was
 * no answer, or to an earlier command there was none yet. ret_text is
 * NUL-terminated; set after 0 only; g_free() it. */
int store_mgr_command(StoreCluster *cluster,
                      const char *command,
                      guint timeout_ms,
                      char **ret_text,
                      gsize *ret_len);

#endif
