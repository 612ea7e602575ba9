/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * agent/rbd/conn/names.h - how objects are called that remora keeps in a pool
 *
 * Pure.
 */
#ifndef REMORA_AGENT_RBD_CONN_NAMES_H
#define REMORA_AGENT_RBD_CONN_NAMES_H

#define STORE_CLAIM_PREFIX "remora_claim."

/* The claim beside an image: 'remora_claim.IMAGE'; g_free() it. */
char *store_claim_object(const char *image);

#endif
