/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * agent/rbd/image/coded.c - Ceph's encoding of numbers and strings
 */
#include "config.h"

#include "agent/rbd/image/coded.h"

#include <string.h>

guint64
store_coded_take(StoreCoded *from, gsize bytes)
{
    guint64 value = 0;

    if (from->bad || from->left < bytes) {
        from->bad = true;
        return 0;
    }
    for (gsize i = 0; i < bytes; i++)
        value |= (guint64)from->at[i] << (8 * i);
    from->at += bytes;
    from->left -= bytes;
    return value;
}

char *
store_coded_take_string(StoreCoded *from)
{
    gsize len = (gsize)store_coded_take(from, 4);
    char *text;

    if (from->bad || len > from->left) {
        from->bad = true;
        return g_strdup("");
    }
    text = g_strndup((const char *)from->at, len);
    from->at += len;
    from->left -= len;
    return text;
}

StoreCoded
store_coded_enter(StoreCoded *from)
{
    guint64 oldest;
    guint64 len;
    StoreCoded inside;

    (void)store_coded_take(from, 1);
    oldest = store_coded_take(from, 1);
    len = store_coded_take(from, 4);
    from->bad = from->bad || oldest > 1 || len > from->left;
    if (from->bad)
        return (StoreCoded){.bad = true};
    inside = (StoreCoded){from->at, len, false};
    from->at += len;
    from->left -= len;
    return inside;
}

void
store_coded_put(GByteArray *to, guint64 value, gsize bytes)
{
    for (gsize i = 0; i < bytes; i++) {
        guint8 byte = (guint8)(value >> (8 * i));

        g_byte_array_append(to, &byte, 1);
    }
}

void
store_coded_put_string(GByteArray *to, const char *text)
{
    gsize len = strlen(text);

    store_coded_put(to, len, 4);
    g_byte_array_append(to, (const guint8 *)text, (guint)len);
}
