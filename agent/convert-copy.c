/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * agent/convert-copy.c - a raw disk's bytes to where zeroes are, without its zeroes
 *
 * One part at a time would leave two clusters idle for most of the time: so
 * several are under way. No part crosses a multiple of its size, so that an
 * object that has nothing but zeroes is never made.
 */
#include "config.h"

#include "agent/convert-copy.h"

#include <string.h>

/* Fewer zeroes than these are written: many small writes cost more. */
#define GRAIN (64u * 1024u)

typedef struct {
    const ConvertCopy *copy;
    GMutex lock;    /* guards the rest */
    guint at;       /* which extent is next */
    guint64 offset; /* what of it is done, or under way */
    GError *error;  /* the first */
} Copying;

static bool
take_part(Copying *copying, guint64 *ret_offset, gsize *ret_len)
{
    const GArray *extents = copying->copy->extents;
    bool more;

    g_mutex_lock(&copying->lock);
    more = !copying->error && copying->at < extents->len;
    if (more) {
        const StoreExtent *extent =
            &g_array_index(extents, StoreExtent, copying->at);
        guint64 from = extent->offset + copying->offset;
        guint64 left = CONVERT_COPY_BYTES - from % CONVERT_COPY_BYTES;

        *ret_offset = from;
        *ret_len = (gsize)MIN(left, extent->len - copying->offset);
        copying->offset += *ret_len;
        if (copying->offset == extent->len) {
            copying->at++;
            copying->offset = 0;
        }
    }
    g_mutex_unlock(&copying->lock);
    return more;
}

static bool
is_zero(const guint8 *bytes, gsize len)
{
    return bytes[0] == 0 && memcmp(bytes, bytes + 1, len - 1) == 0;
}

/* From 'at' on, how many bytes are of one kind, by grains. */
static gsize
run_of(const guint8 *bytes, gsize at, gsize len, bool *ret_zero)
{
    gsize end = MIN(at + GRAIN, len);

    *ret_zero = is_zero(bytes + at, end - at);
    while (end < len &&
           is_zero(bytes + end, MIN(GRAIN, len - end)) == *ret_zero)
        end += MIN(GRAIN, len - end);
    return end - at;
}

static gboolean
copy_part(const ConvertCopy *copy,
          guint64 offset,
          guint8 *buffer,
          gsize len,
          GError **error)
{
    gsize run;

    if (!copy->from(copy->data, offset, buffer, len, error))
        return FALSE;
    for (gsize at = 0; at < len; at += run) {
        bool zero;

        run = run_of(buffer, at, len, &zero);
        if (!zero &&
            !copy->to(copy->data, offset + at, buffer + at, run, error))
            return FALSE;
    }
    return TRUE;
}

static gpointer
run_copier(gpointer data)
{
    Copying *copying = data;
    g_autofree guint8 *buffer = g_malloc(CONVERT_COPY_BYTES);
    guint64 offset;
    gsize len;

    while (take_part(copying, &offset, &len)) {
        g_autoptr(GError) why = NULL;

        if (copy_part(copying->copy, offset, buffer, len, &why))
            continue;
        g_mutex_lock(&copying->lock);
        if (!copying->error)
            copying->error = g_steal_pointer(&why);
        g_mutex_unlock(&copying->lock);
    }
    return NULL;
}

gboolean
convert_copy_run(const ConvertCopy *copy, GError **error)
{
    Copying copying = {.copy = copy};
    GThread *copiers[CONVERT_COPIERS];

    g_mutex_init(&copying.lock);
    for (gsize i = 0; i < G_N_ELEMENTS(copiers); i++)
        copiers[i] = g_thread_new("copy", run_copier, &copying);
    for (gsize i = 0; i < G_N_ELEMENTS(copiers); i++)
        (void)g_thread_join(copiers[i]);
    g_mutex_clear(&copying.lock);
    if (!copying.error)
        return TRUE;
    g_propagate_error(error, copying.error);
    return FALSE;
}
