/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * conf/conf-load.c - from the file to a Conf
 *
 * The defaults first, then whatever the file sets, in its order; then the
 * rules that bind several keys. Every setting of the file is visited, so that
 * nothing in it goes unread.
 */
#include "config.h"

#include "conf/conf.h"

#include "conf/conf-error.h"
#include "conf/conf-file.h"
#include "conf/conf-keys.h"
#include "conf/conf-values.h"

static void
cluster_free(gpointer data)
{
    for (const ConfKey *key = conf_cluster_keys; key->path; key++)
        conf_value_clear(key, data);
    g_free(data);
}

static ConfCluster *
cluster_new(void)
{
    ConfCluster *cluster = g_new0(ConfCluster, 1);

    for (const ConfKey *key = conf_cluster_keys; key->path; key++)
        conf_value_preset(key, cluster);
    return cluster;
}

static Conf *
conf_new(void)
{
    Conf *conf = g_atomic_rc_box_new0(Conf);

    conf->clusters = g_ptr_array_new_with_free_func(cluster_free);
    g_ptr_array_add(conf->clusters, cluster_new());
    for (const ConfKey *key = conf_keys; key->path; key++) {
        if (key->type != CONF_TYPE_CLUSTERS)
            conf_value_preset(key, conf);
    }
    return conf;
}

static gboolean
fail_unknown(const ConfKey *keys,
             const char *name,
             ConfPlace *place,
             const char *prefix,
             GError **error)
{
    g_autofree char *nearest = conf_key_nearest(keys, name);
    g_autofree char *meant =
        nearest ? g_strconcat(prefix, nearest, NULL) : NULL;

    return conf_fail_unknown(error, place, meant);
}

/* The group's own setting of a key; the group itself if it has none. */
static guint
line_in(const config_setting_t *group, const char *name)
{
    const config_setting_t *setting = config_setting_get_member(group, name);

    return config_setting_source_line(setting ? setting : group);
}

static gboolean
check_cluster(const Conf *conf,
              const ConfCluster *cluster,
              const config_setting_t *group,
              const char *file,
              const char *prefix,
              GError **error)
{
    g_autofree char *keyring = g_strconcat(prefix, "guest_keyring", NULL);
    g_autofree char *name = g_strconcat(prefix, "name", NULL);
    ConfPlace place = {.file = file};

    if (cluster->guest_keyring && !cluster->guest_user) {
        g_autofree char *printable = conf_printable(cluster->guest_keyring);
        g_autofree char *found = g_strdup_printf("\"%s\"", printable);

        place.path = keyring;
        place.line = line_in(group, "guest_keyring");
        return conf_fail_value(error, &place, found,
                               "'guest_user' to be set as well");
    }
    for (guint i = 0; i < conf->clusters->len; i++) {
        const ConfCluster *other = g_ptr_array_index(conf->clusters, i);
        g_autofree char *printable = conf_printable(cluster->name);
        g_autofree char *found = g_strdup_printf("\"%s\"", printable);

        if (!g_str_equal(other->name, cluster->name))
            continue;
        place.path = name;
        place.line = line_in(group, "name");
        return conf_fail_value(error, &place, found,
                               "a name that no other cluster has");
    }
    return TRUE;
}

static gboolean
load_cluster(Conf *conf,
             const config_setting_t *group,
             const char *file,
             const char *prefix,
             GError **error)
{
    ConfCluster *cluster = cluster_new();
    gboolean good = TRUE;

    for (guint i = 0; good && i < (guint)config_setting_length(group); i++) {
        const config_setting_t *setting = config_setting_get_elem(group, i);
        const char *name = config_setting_name(setting);
        const ConfKey *key = conf_key_find(conf_cluster_keys, name);
        g_autofree char *path = g_strconcat(prefix, name, NULL);
        ConfPlace place = {file, path, config_setting_source_line(setting)};

        if (key)
            good = conf_value_set(key, setting, &place, cluster, error);
        else
            good = fail_unknown(conf_cluster_keys, name, &place, prefix, error);
    }
    good = good && check_cluster(conf, cluster, group, file, prefix, error);
    if (!good) {
        cluster_free(cluster);
        return FALSE;
    }
    g_ptr_array_add(conf->clusters, cluster);
    return TRUE;
}

static gboolean
load_clusters(Conf *conf,
              const ConfKey *key,
              const config_setting_t *list,
              const ConfPlace *place,
              GError **error)
{
    guint n;

    if (!config_setting_is_list(list))
        return conf_setting_fail(key, list, place, NULL, error);
    n = (guint)config_setting_length(list);
    if (n < key->min || n > key->max) {
        g_autofree char *found = g_strdup_printf("%u groups", n);
        g_autofree char *expected = conf_value_expected(key);

        return conf_fail_value(error, place, found, expected);
    }
    g_ptr_array_set_size(conf->clusters, 0);
    for (guint i = 0; i < n; i++) {
        const config_setting_t *group = config_setting_get_elem(list, i);
        g_autofree char *path = g_strdup_printf("%s[%u]", place->path, i);
        g_autofree char *prefix = g_strconcat(path, ".", NULL);
        ConfPlace here = {place->file, path, config_setting_source_line(group)};

        if (!config_setting_is_group(group))
            return conf_setting_fail(key, group, &here,
                                     "a group such as { name = \"ceph\"; }",
                                     error);
        if (!load_cluster(conf, group, place->file, prefix, error))
            return FALSE;
    }
    return TRUE;
}

/* One level of the file: prefix is "" for its top, else 'group.'. */
static gboolean
load_group(Conf *conf,
           const config_setting_t *group,
           const char *file,
           const char *prefix,
           GError **error)
{
    for (guint i = 0; i < (guint)config_setting_length(group); i++) {
        const config_setting_t *setting = config_setting_get_elem(group, i);
        const char *name = config_setting_name(setting);
        g_autofree char *path = g_strconcat(prefix, name, NULL);
        g_autofree char *inner = g_strconcat(path, ".", NULL);
        ConfPlace place = {file, path, config_setting_source_line(setting)};
        const ConfKey *key = conf_key_find(conf_keys, path);

        if (key && key->type == CONF_TYPE_CLUSTERS) {
            if (!load_clusters(conf, key, setting, &place, error))
                return FALSE;
        } else if (key) {
            if (!conf_value_set(key, setting, &place, conf, error))
                return FALSE;
        } else if (!conf_key_is_group(conf_keys, path)) {
            return fail_unknown(conf_keys, path, &place, "", error);
        } else if (!config_setting_is_group(setting)) {
            g_autofree char *found = conf_value_found(setting);

            return conf_fail_value(error, &place, found,
                                   "a group of keys in { }");
        } else if (!load_group(conf, setting, file, inner, error)) {
            return FALSE;
        }
    }
    return TRUE;
}

/* The file has set one of the two keys at least: the defaults agree. */
static gboolean
fail_pool(const config_t *config,
          const char *file,
          const char *path,
          const char *pool,
          GError **error)
{
    const config_setting_t *setting = config_lookup(config, path);
    const char *other = "pools.images";
    g_autofree char *printable = conf_printable(pool);
    g_autofree char *found = NULL;
    ConfPlace place = {.file = file, .path = path};

    if (!setting) {
        place.path = other;
        other = path;
        setting = config_lookup(config, place.path);
    }
    place.line = config_setting_source_line(setting);
    found = g_strdup_printf("\"%s\", which '%s' names too", printable, other);
    return conf_fail_value(error, &place, found,
                           "image pools to hold nothing but images");
}

static gboolean
check_pools(const Conf *conf,
            const config_t *config,
            const char *file,
            GError **error)
{
    const char *const *images = (const char *const *)conf->image_pools;

    if (g_strv_contains(images, conf->vms_pool))
        return fail_pool(config, file, "pools.vms", conf->vms_pool, error);
    for (guint i = 0; conf->volume_pools[i]; i++) {
        if (g_strv_contains(images, conf->volume_pools[i]))
            return fail_pool(config, file, "pools.volumes",
                             conf->volume_pools[i], error);
    }
    return TRUE;
}

Conf *
conf_load(const char *path, GError **error)
{
    g_autoptr(Conf) conf = conf_new();
    config_t config;
    gboolean good;

    if (!path)
        return g_steal_pointer(&conf);
    config_init(&config);
    good = conf_file_parse(path, &config, error) &&
           load_group(conf, config_root_setting(&config), path, "", error) &&
           check_pools(conf, &config, path, error);
    config_destroy(&config);
    return good ? g_steal_pointer(&conf) : NULL;
}

Conf *
conf_ref(Conf *conf)
{
    return g_atomic_rc_box_acquire(conf);
}

static void
conf_clear(gpointer data)
{
    for (const ConfKey *key = conf_keys; key->path; key++)
        conf_value_clear(key, data);
}

void
conf_unref(Conf *conf)
{
    if (conf)
        g_atomic_rc_box_release_full(conf, conf_clear);
}
