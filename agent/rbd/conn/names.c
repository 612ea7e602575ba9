/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * agent/rbd/conn/names.c - names and words of what remora keeps in a pool
 */
#include "config.h"

#include "agent/rbd/conn/names.h"

#include <errno.h>
#include <glib.h>
#include <string.h>

char *
store_claim_object(const char *image)
{
    return g_strconcat(STORE_CLAIM_PREFIX, image, NULL);
}

char *
store_word(const char *line, const char *key)
{
    g_auto(GStrv) words = g_strsplit(line, " ", 16);
    gsize len = strlen(key);

    for (gsize i = 0; words[i]; i++)
        if (strncmp(words[i], key, len) == 0 && words[i][len] == '=')
            return g_strdup(words[i] + len + 1);
    return g_strdup("");
}

int
store_id_parse(const guint8 *raw, int got, char *id, gsize size)
{
    guint32 len;

    if (got < 0)
        return got;
    if (got < (int)sizeof(len))
        return -EINVAL;
    memcpy(&len, raw, sizeof(len));
    len = GUINT32_FROM_LE(len);
    if (len == 0 || len > (guint32)got - sizeof(len) || len >= size)
        return -EINVAL;
    memcpy(id, raw + sizeof(len), len);
    id[len] = '\0';
    return 0;
}
