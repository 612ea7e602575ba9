/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * agent/convert-one.c - one image is converted or copied into its base
 */
#include "config.h"

#include "agent/convert-one.h"

#include "agent/convert-copy.h"
#include "agent/convert-tool.h"
#include "agent/log.h"

/* Another host that converts the same image is waited for. */
#define PATIENCE_MS (CONVERT_SECONDS * 1000u)

typedef struct {
    const ConvertOne *one;
    StoreReading *reading;
    StoreFilling *filling;
} Conversion;

static gboolean
read_part(gpointer data, guint64 offset, gpointer buffer, gsize len, GError **e)
{
    Conversion *conversion = data;
    const ConvertOne *one = conversion->one;

    if (store_reading_read(conversion->reading, offset, buffer, len, e))
        return TRUE;
    if (one->from_name)
        store_error_from(e, one->from_name);
    return FALSE;
}

static gboolean
write_part(
    gpointer data, guint64 offset, gpointer buffer, gsize len, GError **error)
{
    Conversion *conversion = data;
    const ConvertOne *one = conversion->one;

    if (!store_filling_write(conversion->filling, offset, buffer, len, error))
        return FALSE;
    one->progress(one->data, offset + len);
    return TRUE;
}

static gboolean
fill_raw(Conversion *conversion, GError **error)
{
    g_autoptr(GArray) extents =
        store_reading_extents(conversion->reading, error);
    const ConvertCopy copy = {
        .extents = extents,
        .from = read_part,
        .to = write_part,
        .data = conversion,
    };

    if (extents)
        return convert_copy_run(&copy, error);
    store_error_from(error, conversion->one->from_name);
    return FALSE;
}

static gboolean
fill(StoreFilling *filling, gpointer data, GError **error)
{
    Conversion *conversion = data;
    const ConvertTool tool = {
        .format = conversion->one->base->found.format,
        .from_size = store_reading_size(conversion->reading),
        .from = read_part,
        .to_size = store_filling_size(filling),
        .to = write_part,
        .data = conversion,
    };

    conversion->filling = filling;
    return tool.format ? convert_tool_run(&tool, error)
                       : fill_raw(conversion, error);
}

static void
log_begun(const ConvertOne *one)
{
    const LogAbout about = {.image = one->into};

    if (one->base->found.format)
        log_info(
            &about, "converts %s from %s into %s, %" G_GUINT64_FORMAT " bytes",
            one->image, one->base->found.format, one->into, one->base->size);
    else
        log_info(&about, "copies %s into %s, %" G_GUINT64_FORMAT " bytes",
                 one->image, one->into, one->base->size);
}

static void
log_made(const ConvertOne *one, gint64 start)
{
    const LogAbout about = {.image = one->into, .ms = log_ms_since(start)};

    if (one->base->found.format)
        log_info(&about, "converted %s into %s", one->image, one->into);
    else
        log_info(&about, "copied %s into %s", one->image, one->into);
}

gboolean
convert_one(const ConvertOne *one,
            StoreCluster *store,
            char **ret_recovered,
            GError **error)
{
    g_autoptr(StoreReading) reading =
        store_reading_new(one->from, one->parent, &one->base->found, error);
    Conversion conversion = {one, reading, NULL};
    const StoreBaseAsk ask = {
        .pool = one->pool,
        .image = one->base->image,
        .size = one->base->size,
        .fill = fill,
        .fill_data = &conversion,
        .patience_ms = PATIENCE_MS,
    };
    gint64 start = g_get_monotonic_time();
    bool made = false;
    gboolean done;

    *ret_recovered = NULL;
    if (!reading) {
        if (one->from_name)
            store_error_from(error, one->from_name);
        return FALSE;
    }
    log_begun(one);
    done = store_base_make(store, &ask, &made, ret_recovered, error);
    if (done && made)
        log_made(one, start);
    return done;
}
