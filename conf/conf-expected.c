/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * conf/conf-expected.c - what a setting is, and what a key takes, in words
 */
#include "config.h"

#include "conf/conf-values.h"

#include "conf/conf-units.h"
#include "conf/conf-words.h"

#include <string.h>

char *
conf_value_found(const config_setting_t *setting)
{
    g_autofree char *text = NULL;

    switch (config_setting_type(setting)) {
    case CONFIG_TYPE_STRING:
        text = conf_printable(config_setting_get_string(setting));
        return g_strdup_printf("\"%s\"", text);
    case CONFIG_TYPE_BOOL:
        return g_strdup(config_setting_get_bool(setting) ? "true" : "false");
    case CONFIG_TYPE_GROUP:
        return g_strdup("a group { }");
    case CONFIG_TYPE_ARRAY:
        return g_strdup("a list [ ]");
    case CONFIG_TYPE_LIST:
        return g_strdup("a list ( )");
    default:
        /* Not its digits: libconfig has cut an integer over 32 bits, and
         * would have us name a number that is not in the file. */
        return g_strdup("a number without quotes");
    }
}

static char *
range(const ConfKey *key, const char *what, char *(*format)(guint64), guint64 f)
{
    g_autofree char *min = format(key->min * f);
    g_autofree char *max = format(key->max * f);

    return g_strdup_printf("%s from %s to %s such as \"%s\"", what, min, max,
                           key->example);
}

static char *
words(const ConfKey *key)
{
    GString *out = g_string_new(NULL);
    guint n = g_strv_length((char **)key->words);

    for (guint i = 0; i < n; i++) {
        const char *glue = i == 0 ? "" : i == n - 1 ? " or " : ", ";

        g_string_append_printf(out, "%s\"%s\"", glue, key->words[i]);
    }
    return g_string_free(out, FALSE);
}

static char *
feature_names(void)
{
    GString *out = g_string_new("a list of the features ");
    const char *name;
    guint64 bit;

    for (guint i = 0; (name = conf_feature_name(i, &bit)) != NULL; i++)
        g_string_append_printf(out, "%s%s", i == 0 ? "" : ", ", name);
    return g_string_free(out, FALSE);
}

static char *
path(const ConfKey *key)
{
    return g_strdup_printf("an absolute path of at most %" G_GUINT64_FORMAT
                           " bytes such as \"%s\"",
                           key->max, key->example);
}

static char *
pools(const ConfKey *key)
{
    return g_strdup_printf("a list of %" G_GUINT64_FORMAT
                           " to %" G_GUINT64_FORMAT " pool names such as %s",
                           key->min, key->max, key->preset);
}

static char *
clusters(const ConfKey *key)
{
    return g_strdup_printf("a list of %" G_GUINT64_FORMAT
                           " to %" G_GUINT64_FORMAT
                           " groups such as ( { name = \"ceph\"; } )",
                           key->min, key->max);
}

char *
conf_pool_expected(void)
{
    return g_strdup_printf("a pool name of 1 to %u bytes without '/' and '@'",
                           CONF_POOL_NAME_MAX);
}

static char *
pool(const ConfKey *key)
{
    g_autofree char *name = conf_pool_expected();

    return g_strdup_printf("%s such as \"%s\"", name, key->example);
}

/* Without the string that stands for nothing. */
static char *
expected(const ConfKey *key)
{
    switch (key->type) {
    case CONF_TYPE_CLUSTERS:
        return clusters(key);
    case CONF_TYPE_BOOL:
        return g_strdup("true or false");
    case CONF_TYPE_COUNT:
        return g_strdup_printf("a number from %" G_GUINT64_FORMAT
                               " to %" G_GUINT64_FORMAT " without quotes",
                               key->min, key->max);
    case CONF_TYPE_TIME_MS:
        return range(key, "a time", conf_time_format, 1);
    case CONF_TYPE_TIME_S:
        return range(key, "a time", conf_time_format, 1000);
    case CONF_TYPE_SIZE:
        return range(key, "a power of two", conf_size_format, 1);
    case CONF_TYPE_WORD:
        return words(key);
    case CONF_TYPE_NAME:
        return g_strdup_printf("a name of letters, digits, '.', '_' and '-' "
                               "such as \"%s\"",
                               key->example);
    case CONF_TYPE_PATH:
        return path(key);
    case CONF_TYPE_USER:
        return g_strdup_printf("a Ceph user without 'client.' such as \"%s\"",
                               key->example);
    case CONF_TYPE_UUID:
        return g_strdup_printf("a UUID such as \"%s\"", key->example);
    case CONF_TYPE_POOL:
        return pool(key);
    case CONF_TYPE_CACHEMODES:
        return g_strdup("a list of SOURCE=MODE such as "
                        "\"network=writeback\"");
    case CONF_TYPE_POOLS:
        return pools(key);
    case CONF_TYPE_FEATURES:
        return feature_names();
    }
    g_assert_not_reached();
}

char *
conf_value_expected(const ConfKey *key)
{
    g_autofree char *text = expected(key);

    if (key->none && *key->none == '\0')
        return g_strdup_printf("%s, or \"\"", text);
    return g_steal_pointer(&text);
}
