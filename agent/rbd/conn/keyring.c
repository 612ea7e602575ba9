/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * agent/rbd/conn/keyring.c - one user's key out of a keyring's text
 *
 * Nothing of the text is copied but the key, so that the caller can wipe all
 * other users' secrets with the one buffer.
 */
#include "config.h"

#include "agent/rbd/conn/keyring.h"

#include "agent/rbd/conn/ini.h"

#include <glib.h>
#include <string.h>

/* What a key is, in base64: type (16 bits), time (64 bits), length (16 bits),
 * secret; little endian. */
#define KEY_HEAD 12u

bool
store_key_is_valid(const char *key)
{
    gsize len = 0;
    g_autofree guint8 *raw = g_base64_decode(key, &len);
    g_autofree char *again = g_base64_encode(raw, len);
    bool valid = strcmp(again, key) == 0 && len > KEY_HEAD &&
                 len == KEY_HEAD + raw[10] + ((gsize)raw[11] << 8);

    explicit_bzero(raw, len);
    explicit_bzero(again, strlen(again));
    return valid;
}

const char *
store_keyring_find(char *text, const char *user)
{
    StoreIni ini = {.rest = text};
    const char *found = NULL;

    while (store_ini_next(&ini))
        if (ini.section && g_str_has_prefix(ini.section, "client.") &&
            strcmp(ini.section + strlen("client."), user) == 0 &&
            strcmp(ini.key, "key") == 0)
            found = ini.value;
    return found;
}
