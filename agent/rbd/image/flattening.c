/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * agent/rbd/image/flattening.c - the mark that an image is to be flattened
 *
 * It is written when the clone is made, names the clone's own id, and goes when
 * that has no parent any more: so it is in the cluster, and nowhere else, what is
 * still to be done, whoever dies meanwhile.
 *
 * Whoever flattens has the image open like a guest, and a guest may start all the
 * same: a flatten writes nothing over what is there. So the mark names that
 * client, and its watch is nobody's who is in the way. A manager that hangs keeps
 * its watch while somebody else does its work, so there may be two, where the
 * exclusive lock sees to it that only one of them writes (../disk/flatten.c).
 */
#include "config.h"

#include "agent/rbd/image/flattening.h"

#include "agent/rbd/conn/names.h"

#include <errno.h>
#include <rbd/librbd.h>
#include <string.h>

#define MARK_MAX 1024u

void
store_flatten_mark_clear(StoreFlattenMark *mark)
{
    g_clear_pointer(&mark->by, g_free);
    g_clear_pointer(&mark->instance, g_free);
    g_clear_pointer(&mark->mgr, g_free);
    g_clear_pointer(&mark->text, g_free);
    mark->wanted = false;
}

static void
add(GString *text, const char *key, const char *value)
{
    if (value)
        g_string_append_printf(text, " %s=%s", key, value);
}

char *
store_flatten_mark_new(const char *id, const StoreFlattenMark *mark)
{
    GString *text = g_string_new("id=");

    g_string_append(text, id);
    add(text, "by", mark->by);
    add(text, "instance", mark->instance);
    add(text, "mgr", mark->mgr);
    return g_string_free(text, FALSE);
}

bool
store_flatten_mark_names(const StoreFlattenMark *mark, const char *addr)
{
    return g_strcmp0(mark->by, addr) == 0 || g_strcmp0(mark->mgr, addr) == 0;
}

/* NULL for what is not there. */
static char *
word(const char *text, const char *key)
{
    char *value = store_word(text, key);

    if (!*value)
        g_clear_pointer(&value, g_free);
    return value;
}

void
store_flatten_mark_parse(const char *text,
                         const char *id,
                         StoreFlattenMark *ret_mark)
{
    g_autofree char *of = store_word(text, "id");

    *ret_mark = (StoreFlattenMark){.text = g_strdup(text)};
    if (!*of || strcmp(of, id) != 0)
        return;
    ret_mark->wanted = true;
    ret_mark->by = word(text, "by");
    ret_mark->instance = word(text, "instance");
    ret_mark->mgr = word(text, "mgr");
}

int
store_flatten_mark_read(gpointer handle,
                        const char *id,
                        StoreFlattenMark *ret_mark)
{
    char text[MARK_MAX] = "";
    size_t len = sizeof(text) - 1;
    int r = rbd_metadata_get(handle, STORE_FLATTEN_KEY, text, &len);

    *ret_mark = (StoreFlattenMark){0};
    if (r == -ENOENT)
        return 0;
    if (r >= 0)
        store_flatten_mark_parse(text, id, ret_mark);
    return r;
}

int
store_flatten_mark_write(gpointer handle,
                         const char *id,
                         const StoreFlattenMark *mark)
{
    g_autofree char *text = store_flatten_mark_new(id, mark);

    return rbd_metadata_set(handle, STORE_FLATTEN_KEY, text);
}

int
store_flatten_mark_remove(gpointer handle)
{
    int r = rbd_metadata_remove(handle, STORE_FLATTEN_KEY);

    return r == -ENOENT ? 0 : r;
}

void
store_flatten_mark_filter(const StoreFlattenMark *mark, char **addresses)
{
    gsize to = 0;

    for (gsize i = 0; addresses[i]; i++) {
        if (store_flatten_mark_names(mark, addresses[i]))
            g_free(addresses[i]);
        else
            addresses[to++] = addresses[i];
    }
    addresses[to] = NULL;
}

int
store_flatten_filter_flattener(gpointer handle, char **addresses)
{
    g_auto(StoreFlattenMark) mark = {0};
    char id[128] = "";
    int r;

    if (!addresses[0])
        return 0;
    r = rbd_get_id(handle, id, sizeof(id));
    if (r >= 0)
        r = store_flatten_mark_read(handle, id, &mark);
    if (r < 0)
        return r;
    store_flatten_mark_filter(&mark, addresses);
    return 0;
}
