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

#include <string.h>

static void
cluster_free(gpointer data)
{
    for (const ConfKey *key = conf_cluster_keys; key->path; key++)
        conf_value_clear(key, data);
    for (const ConfKey *key = conf_keys; key->path; key++) {
        const ConfKey own = conf_key_in_cluster(key);

        if (key->in_cluster)
            conf_value_clear(&own, data);
    }
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

/* By what clusters are told apart: of two with one of them in common, nobody
 * could tell whose a disk is. */
static gboolean
check_other(const ConfCluster *cluster,
            const ConfCluster *other,
            const config_setting_t *group,
            const char *file,
            const char *prefix,
            GError **error)
{
    const struct {
        const char *key;
        const char *value;
        const char *other;
        const char *expected;
    } signs[] = {
        {"name", cluster->name, other->name,
         "a name that no other cluster has"},
        {"conf", cluster->conf, other->conf,
         "a ceph.conf that no other cluster has"},
        {"secret_uuid", cluster->secret_uuid, other->secret_uuid,
         "a secret that no other cluster has"},
    };

    for (gsize i = 0; i < G_N_ELEMENTS(signs); i++) {
        g_autofree char *path = g_strconcat(prefix, signs[i].key, NULL);
        g_autofree char *printable = NULL;
        g_autofree char *found = NULL;
        const ConfPlace place = {file, path, line_in(group, signs[i].key)};

        if (!signs[i].value || g_strcmp0(signs[i].value, signs[i].other) != 0)
            continue;
        printable = conf_printable(signs[i].value);
        found = g_strdup_printf("\"%s\"", printable);
        return conf_fail_value(error, &place, found, signs[i].expected);
    }
    return TRUE;
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
    ConfPlace place = {.file = file};

    if (cluster->guest_keyring && !cluster->guest_user) {
        g_autofree char *printable = conf_printable(cluster->guest_keyring);
        g_autofree char *found = g_strdup_printf("\"%s\"", printable);

        place.path = keyring;
        place.line = line_in(group, "guest_keyring");
        return conf_fail_value(error, &place, found,
                               "'guest_user' to be set as well");
    }
    for (guint i = 0; i < conf->clusters->len; i++)
        if (!check_other(cluster, g_ptr_array_index(conf->clusters, i), group,
                         file, prefix, error))
            return FALSE;
    return TRUE;
}

static bool
is_cluster_group(const char *path)
{
    for (const ConfKey *key = conf_keys; key->path; key++)
        if (key->in_cluster && g_str_has_prefix(key->path, path) &&
            key->path[strlen(path)] == '.')
            return true;
    return false;
}

/* A setting of a cluster, or of a group in one: inner is "", or 'group.'. */
static gboolean load_cluster_group(ConfCluster *cluster,
                                   const config_setting_t *group,
                                   const char *file,
                                   const char *prefix,
                                   const char *inner,
                                   GError **error);

static gboolean
load_cluster_key(ConfCluster *cluster,
                 const config_setting_t *setting,
                 const char *path,
                 const char *prefix,
                 ConfPlace *place,
                 GError **error)
{
    const ConfKey *key = conf_key_find(conf_cluster_keys, path);
    const ConfKey *common = conf_key_find(conf_keys, path);
    g_autofree char *inner = g_strconcat(path, ".", NULL);

    if (key)
        return conf_value_set(key, setting, place, cluster, error);
    if (common && common->in_cluster) {
        const ConfKey own = conf_key_in_cluster(common);

        cluster->own |= conf_key_bit(common);
        return conf_value_set(&own, setting, place, cluster, error);
    }
    if (is_cluster_group(path)) {
        g_autofree char *found = conf_value_found(setting);

        return config_setting_is_group(setting)
                   ? load_cluster_group(cluster, setting, place->file, prefix,
                                        inner, error)
                   : conf_fail_value(error, place, found,
                                     "a group of keys in { }");
    }
    return fail_unknown(strchr(path, '.') ? conf_keys : conf_cluster_keys, path,
                        place, prefix, error);
}

static gboolean
load_cluster_group(ConfCluster *cluster,
                   const config_setting_t *group,
                   const char *file,
                   const char *prefix,
                   const char *inner,
                   GError **error)
{
    for (guint i = 0; i < (guint)config_setting_length(group); i++) {
        const config_setting_t *setting = config_setting_get_elem(group, i);
        g_autofree char *path =
            g_strconcat(inner, config_setting_name(setting), NULL);
        g_autofree char *whole = g_strconcat(prefix, path, NULL);
        ConfPlace place = {file, whole, config_setting_source_line(setting)};

        if (!load_cluster_key(cluster, setting, path, prefix, &place, error))
            return FALSE;
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

    if (!load_cluster_group(cluster, group, file, prefix, "", error) ||
        !check_cluster(conf, cluster, group, file, prefix, error)) {
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

/* The setting of a key, in the group of a cluster if it has one there; cluster -1:
 * not of one. ret_path: how it is called. */
static const config_setting_t *
find_setting(const config_t *config,
             int cluster,
             const char *key,
             char **ret_path)
{
    g_autofree char *place = g_strdup_printf("clusters.[%d].%s", cluster, key);
    const config_setting_t *setting =
        cluster < 0 ? NULL : config_lookup(config, place);

    *ret_path = setting ? g_strdup_printf("clusters[%d].%s", cluster, key)
                        : g_strdup(key);
    return setting ? setting : config_lookup(config, key);
}

/* The file has set one of the two keys at least: the defaults agree. */
static gboolean
fail_pool(const config_t *config,
          const char *file,
          int cluster,
          const char *key,
          const char *pool,
          GError **error)
{
    g_autofree char *path = NULL;
    g_autofree char *other = NULL;
    const config_setting_t *images =
        find_setting(config, cluster, "pools.images", &other);
    const config_setting_t *setting = find_setting(config, cluster, key, &path);
    bool by_other = !setting || (strchr(other, '[') && !strchr(path, '['));
    g_autofree char *printable = conf_printable(pool);
    g_autofree char *found = g_strdup_printf(
        "\"%s\", which '%s' names too", printable, by_other ? path : other);
    const ConfPlace place = {
        file, by_other ? other : path,
        config_setting_source_line(by_other ? images : setting)};

    return conf_fail_value(error, &place, found,
                           "image pools to hold nothing but images");
}

static gboolean
check_pools(const config_t *config,
            const char *file,
            int n,
            const ConfCluster *cluster,
            GError **error)
{
    const char *const *images = (const char *const *)cluster->image_pools;

    if (g_strv_contains(images, cluster->vms_pool))
        return fail_pool(config, file, n, "pools.vms", cluster->vms_pool,
                         error);
    for (guint i = 0; cluster->volume_pools[i]; i++) {
        if (g_strv_contains(images, cluster->volume_pools[i]))
            return fail_pool(config, file, n, "pools.volumes",
                             cluster->volume_pools[i], error);
    }
    return TRUE;
}

static gboolean
check_all_pools(const Conf *conf,
                const config_t *config,
                const char *file,
                GError **error)
{
    /* For all clusters, whether any has them or not. */
    const ConfCluster common = {.image_pools = conf->image_pools,
                                .vms_pool = conf->vms_pool,
                                .volume_pools = conf->volume_pools};

    if (!check_pools(config, file, -1, &common, error))
        return FALSE;
    for (guint i = 0; i < conf->clusters->len; i++)
        if (!check_pools(config, file, (int)i,
                         g_ptr_array_index(conf->clusters, i), error))
            return FALSE;
    return TRUE;
}

/* Only now, since the file may name the clusters before the rest. */
static void
inherit(Conf *conf)
{
    for (guint i = 0; i < conf->clusters->len; i++) {
        ConfCluster *cluster = g_ptr_array_index(conf->clusters, i);

        for (const ConfKey *key = conf_keys; key->path; key++)
            if (key->in_cluster && !(cluster->own & conf_key_bit(key)))
                conf_value_inherit(key, conf, cluster);
    }
}

static gboolean
load_file(Conf *conf, const char *path, const config_t *config, GError **error)
{
    if (!load_group(conf, config_root_setting(config), path, "", error))
        return FALSE;
    inherit(conf);
    return check_all_pools(conf, config, path, error);
}

Conf *
conf_load(const char *path, GError **error)
{
    g_autoptr(Conf) conf = conf_new();
    config_t config;
    gboolean good;

    if (!path) {
        inherit(conf);
        return g_steal_pointer(&conf);
    }
    config_init(&config);
    good = conf_file_parse(path, &config, error) &&
           load_file(conf, path, &config, error);
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

char *
conf_cachemode(const ConfCluster *cluster, const char *source)
{
    g_auto(GStrv) entries =
        g_strsplit(cluster->cachemodes ? cluster->cachemodes : "", ",", -1);

    for (guint i = 0; entries[i]; i++) {
        char *mode = strchr(entries[i], '=');

        if (mode && (gsize)(mode - entries[i]) == strlen(source) &&
            g_str_has_prefix(entries[i], source))
            return g_strdup(mode + 1);
    }
    return NULL;
}
