/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * conf/conf-values.c - one value: from the file into a Conf, and back
 *
 * Contract: nothing of libconfig's conversions is used. A setting has the
 *           type that the key wants, or is refused.
 */
#include "config.h"

#include "conf/conf-values.h"

#include "conf/conf-units.h"
#include "conf/conf-words.h"

#include <string.h>

static gboolean
set_bool(const ConfKey *key,
         const config_setting_t *setting,
         const ConfPlace *place,
         bool *slot,
         GError **error)
{
    if (config_setting_type(setting) != CONFIG_TYPE_BOOL)
        return conf_setting_fail(key, setting, place, NULL, error);
    *slot = config_setting_get_bool(setting) != CONFIG_FALSE;
    return TRUE;
}

static gboolean
set_count(const ConfKey *key,
          const config_setting_t *setting,
          const ConfPlace *place,
          guint *slot,
          GError **error)
{
    int number = config_setting_get_int(setting);
    g_autofree char *found = g_strdup_printf("%d", number);
    g_autofree char *wanted = conf_value_expected(key);

    if (config_setting_type(setting) != CONFIG_TYPE_INT)
        return conf_setting_fail(key, setting, place, NULL, error);
    if (number < 0 || (guint64)number < key->min || (guint64)number > key->max)
        return conf_fail_value(error, place, found, wanted);
    *slot = (guint)number;
    return TRUE;
}

gboolean
conf_value_set(const ConfKey *key,
               const config_setting_t *setting,
               const ConfPlace *place,
               gpointer base,
               GError **error)
{
    void *slot = conf_key_slot(key, base);

    g_assert(key->type != CONF_TYPE_CLUSTERS);
    if (key->type == CONF_TYPE_BOOL)
        return set_bool(key, setting, place, slot, error);
    if (key->type == CONF_TYPE_COUNT)
        return set_count(key, setting, place, slot, error);
    if (key->type == CONF_TYPE_POOLS)
        return conf_set_pools(key, setting, place, slot, error);
    if (key->type == CONF_TYPE_FEATURES)
        return conf_set_features(key, setting, place, slot, error);
    return conf_set_text(key, setting, place, slot, error);
}

void
conf_value_preset(const ConfKey *key, gpointer base)
{
    g_autofree char *text = g_strdup_printf("preset = %s;", key->preset);
    ConfPlace place = {.file = "preset", .path = key->path, .line = 1};
    g_autoptr(GError) error = NULL;
    config_t config;
    gboolean done;

    config_init(&config);
    done = config_read_string(&config, text) == CONFIG_TRUE &&
           conf_value_set(key, config_lookup(&config, "preset"), &place, base,
                          &error);
    config_destroy(&config);
    g_assert_no_error(error);
    g_assert(done);
}

/* No string in a Conf holds a control character, so two escapes do. */
static void
write_string(GString *out, const char *text)
{
    g_string_append_c(out, '"');
    for (; *text; text++) {
        if (*text == '"' || *text == '\\')
            g_string_append_c(out, '\\');
        g_string_append_c(out, *text);
    }
    g_string_append_c(out, '"');
}

static void
write_pools(GString *out, char *const *names)
{
    g_string_append(out, "[");
    for (guint i = 0; names[i]; i++) {
        g_string_append(out, i == 0 ? " " : ", ");
        write_string(out, names[i]);
    }
    g_string_append(out, " ]");
}

static void
write_features(GString *out, guint64 mask)
{
    g_autofree char *names = conf_features_format(mask, "\"");

    g_string_append_printf(out, "[ %s%s]", names, *names ? " " : "");
}

static char *
value_text(const ConfKey *key, gconstpointer slot)
{
    const char *string;

    switch (key->type) {
    case CONF_TYPE_TIME_MS:
        return conf_time_format(*(const guint *)slot);
    case CONF_TYPE_TIME_S:
        return conf_time_format(*(const guint *)slot *
                                G_GUINT64_CONSTANT(1000));
    case CONF_TYPE_SIZE:
        if (*(const guint64 *)slot == 0)
            return g_strdup(key->none);
        return conf_size_format(*(const guint64 *)slot);
    case CONF_TYPE_WORD:
    case CONF_TYPE_NAME:
    case CONF_TYPE_PATH:
    case CONF_TYPE_USER:
    case CONF_TYPE_UUID:
    case CONF_TYPE_POOL:
    case CONF_TYPE_CACHEMODES:
        string = *(char *const *)slot;
        return g_strdup(string ? string : key->none);
    case CONF_TYPE_CLUSTERS:
    case CONF_TYPE_BOOL:
    case CONF_TYPE_COUNT:
    case CONF_TYPE_POOLS:
    case CONF_TYPE_FEATURES:
        break;
    }
    g_assert_not_reached();
}

void
conf_value_write(const ConfKey *key, gconstpointer base, GString *out)
{
    gconstpointer slot = conf_key_const_slot(key, base);
    g_autofree char *text = NULL;

    if (key->type == CONF_TYPE_BOOL) {
        g_string_append(out, *(const bool *)slot ? "true" : "false");
    } else if (key->type == CONF_TYPE_COUNT) {
        g_string_append_printf(out, "%u", *(const guint *)slot);
    } else if (key->type == CONF_TYPE_POOLS) {
        write_pools(out, *(char **const *)slot);
    } else if (key->type == CONF_TYPE_FEATURES) {
        write_features(out, *(const guint64 *)slot);
    } else {
        text = value_text(key, slot);
        write_string(out, text);
    }
}

void
conf_value_inherit(const ConfKey *key, const Conf *conf, ConfCluster *cluster)
{
    const ConfKey own = conf_key_in_cluster(key);
    gconstpointer from = conf_key_const_slot(key, conf);
    gpointer to = conf_key_slot(&own, cluster);

    if (key->type == CONF_TYPE_POOLS)
        *(char ***)to = g_strdupv(*(char **const *)from);
    else if (key->type == CONF_TYPE_SIZE || key->type == CONF_TYPE_FEATURES)
        *(guint64 *)to = *(const guint64 *)from;
    else if (key->type == CONF_TYPE_COUNT)
        *(guint *)to = *(const guint *)from;
    else if (key->type == CONF_TYPE_BOOL)
        *(bool *)to = *(const bool *)from;
    else
        *(char **)to = g_strdup(*(char *const *)from);
}

void
conf_value_clear(const ConfKey *key, gpointer base)
{
    void *slot = conf_key_slot(key, base);

    switch (key->type) {
    case CONF_TYPE_WORD:
    case CONF_TYPE_NAME:
    case CONF_TYPE_PATH:
    case CONF_TYPE_USER:
    case CONF_TYPE_UUID:
    case CONF_TYPE_POOL:
    case CONF_TYPE_CACHEMODES:
        g_clear_pointer((char **)slot, g_free);
        break;
    case CONF_TYPE_POOLS:
        g_clear_pointer((char ***)slot, g_strfreev);
        break;
    case CONF_TYPE_CLUSTERS:
        g_clear_pointer((GPtrArray **)slot, g_ptr_array_unref);
        break;
    case CONF_TYPE_BOOL:
    case CONF_TYPE_COUNT:
    case CONF_TYPE_TIME_MS:
    case CONF_TYPE_TIME_S:
    case CONF_TYPE_SIZE:
    case CONF_TYPE_FEATURES:
        break;
    }
}
