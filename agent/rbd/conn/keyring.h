/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * agent/rbd/conn/keyring.h - a key in the text of a keyring
 *
 * Pure.
 */
#ifndef REMORA_AGENT_RBD_CONN_KEYRING_H
#define REMORA_AGENT_RBD_CONN_KEYRING_H

#include <stdbool.h>

/* The key of client.USER in a keyring's text, or NULL. Parses
 * in place: the answer lies in text, whose lines are cut apart. Pure. */
const char *store_keyring_find(char *text, const char *user);
/* Whether this is the base64 of a cephx key. Pure. */
bool store_key_is_valid(const char *key);

#endif
