/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * agent/rbd/image/task.c - what the manager does with an image by itself
 *
 * Its module rbd_support has a queue, kept in the cluster, and one worker for all
 * of it; a task that fails is tried again later.
 */
#include "config.h"

#include "agent/rbd/image/task.h"

#include "agent/rbd/conn/mgr.h"

#include <errno.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#define ANSWER_MS 10000

static const struct {
    const char *action; /* in its list */
    const char *prefix; /* of the command, and its argument: */
    const char *key;
} kinds[] = {
    [STORE_TASK_FLATTEN] = {"flatten", "rbd task add flatten", "image_spec"},
    [STORE_TASK_TRASH_REMOVE] = {"trash remove", "rbd task add trash remove",
                                 "image_id_spec"},
};

void
store_task_clear(StoreTask *task)
{
    g_clear_pointer(&task->id, g_free);
    g_clear_pointer(&task->queue, g_free);
}

static const char *
string_of(const json_t *object, const char *key)
{
    const char *text = json_string_value(json_object_get(object, key));

    return text ? text : "";
}

static bool
is_task_of(const json_t *entry,
           StoreTaskKind kind,
           const char *pool,
           const char *image_id)
{
    const json_t *refs = json_object_get(entry, "refs");

    return strcmp(string_of(refs, "action"), kinds[kind].action) == 0 &&
           strcmp(string_of(refs, "pool_name"), pool) == 0 &&
           strcmp(string_of(refs, "pool_namespace"), "") == 0 &&
           strcmp(string_of(refs, "image_id"), image_id) == 0;
}

bool
store_task_parse(const char *json,
                 gsize len,
                 StoreTaskKind kind,
                 const char *pool,
                 const char *image_id,
                 StoreTask *ret_task)
{
    json_t *root = json_loadb(json, len, 0, NULL);
    g_autoptr(GString) queue = g_string_new(NULL);
    bool good = json_is_array(root);
    json_t *entry;
    size_t i;

    *ret_task = (StoreTask){0};
    json_array_foreach(root, i, entry)
    {
        double progress = json_number_value(json_object_get(entry, "progress"));

        g_string_append_printf(queue, "%s %g\n", string_of(entry, "id"),
                               progress);
        if (ret_task->id || !is_task_of(entry, kind, pool, image_id))
            continue;
        ret_task->id = g_strdup(string_of(entry, "id"));
        ret_task->progress = progress;
        /* Before it has moved on the image may not be open yet. */
        ret_task->at_work =
            json_is_true(json_object_get(entry, "in_progress")) && progress > 0;
    }
    json_decref(root);
    ret_task->queue = g_string_free(g_steal_pointer(&queue), FALSE);
    return good;
}

int
store_task_find(StoreCluster *cluster,
                StoreTaskKind kind,
                const char *pool,
                const char *image_id,
                StoreTask *ret_task)
{
    g_autofree char *json = NULL;
    gsize len = 0;
    int r = store_mgr_command(
        cluster, "{\"prefix\": \"rbd task list\", \"format\": \"json\"}",
        ANSWER_MS, &json, &len);

    *ret_task = (StoreTask){0};
    if (r < 0)
        return r;
    if (store_task_parse(json, len, kind, pool, image_id, ret_task))
        return 0;
    store_task_clear(ret_task);
    return -EINVAL;
}

static int
order(StoreCluster *cluster,
      const char *prefix,
      const char *key,
      const char *value)
{
    json_t *root = json_pack("{s:s, s:s}", "prefix", prefix, key, value);
    char *command = root ? json_dumps(root, JSON_COMPACT) : NULL;
    g_autofree char *text = NULL;
    gsize len = 0;
    int r = command
                ? store_mgr_command(cluster, command, ANSWER_MS, &text, &len)
                : -EINVAL;

    free(command);
    json_decref(root);
    return r;
}

int
store_task_add(StoreCluster *cluster,
               StoreTaskKind kind,
               const char *pool,
               const char *image)
{
    g_autofree char *spec = g_strdup_printf("%s/%s", pool, image);

    return order(cluster, kinds[kind].prefix, kinds[kind].key, spec);
}

int
store_task_cancel(StoreCluster *cluster, const char *id)
{
    return order(cluster, "rbd task cancel", "task_id", id);
}
