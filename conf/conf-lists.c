/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * conf/conf-lists.c - the values that are a list of names
 */
#include "config.h"

#include "conf/conf-values.h"

#include "conf/conf-words.h"

/* Both brackets do: '[ ]' is libconfig's array, '( )' its list. */
static gboolean
is_list(const config_setting_t *setting)
{
    return config_setting_is_array(setting) || config_setting_is_list(setting);
}

/* One name of a list; place gets the line of that name. */
static gboolean
get_element(const ConfKey *key,
            const config_setting_t *list,
            guint n,
            ConfPlace *place,
            const config_setting_t **ret_element,
            const char **ret_text,
            GError **error)
{
    *ret_element = config_setting_get_elem(list, n);
    place->line = config_setting_source_line(*ret_element);
    return conf_setting_text(key, *ret_element, place, ret_text, error);
}

gboolean
conf_set_pools(const ConfKey *key,
               const config_setting_t *list,
               const ConfPlace *place,
               char ***slot,
               GError **error)
{
    g_autoptr(GPtrArray) names = g_ptr_array_new_with_free_func(g_free);
    guint n = is_list(list) ? (guint)config_setting_length(list) : 0;

    if (!is_list(list))
        return conf_setting_fail(key, list, place, NULL, error);
    if (n < key->min || n > key->max) {
        g_autofree char *found = g_strdup_printf("%u names", n);
        g_autofree char *usual = conf_value_expected(key);

        return conf_fail_value(error, place, found, usual);
    }
    for (guint i = 0; i < n; i++) {
        ConfPlace here = *place;
        const config_setting_t *element;
        const char *text;

        if (!get_element(key, list, i, &here, &element, &text, error))
            return FALSE;
        if (!conf_is_pool(text)) {
            g_autofree char *name = conf_pool_expected();

            return conf_setting_fail(key, element, &here, name, error);
        }
        if (g_ptr_array_find_with_equal_func(names, text, g_str_equal, NULL))
            return conf_setting_fail(key, element, &here, "each pool once",
                                     error);
        g_ptr_array_add(names, g_strdup(text));
    }
    g_ptr_array_add(names, NULL);
    g_strfreev(*slot);
    *slot = (char **)g_ptr_array_free(g_steal_pointer(&names), FALSE);
    return TRUE;
}

gboolean
conf_set_features(const ConfKey *key,
                  const config_setting_t *list,
                  const ConfPlace *place,
                  guint64 *slot,
                  GError **error)
{
    guint64 mask = 0;
    const char *lack;

    if (!is_list(list))
        return conf_setting_fail(key, list, place, NULL, error);
    for (guint i = 0; i < (guint)config_setting_length(list); i++) {
        ConfPlace here = *place;
        const config_setting_t *element;
        const char *text;

        if (!get_element(key, list, i, &here, &element, &text, error))
            return FALSE;
        if (!conf_feature_bit(text))
            return conf_setting_fail(key, element, &here, NULL, error);
        if (mask & conf_feature_bit(text))
            return conf_setting_fail(key, element, &here, "each feature once",
                                     error);
        mask |= conf_feature_bit(text);
    }
    lack = conf_features_check(mask);
    if (lack) {
        g_autofree char *names = conf_features_format(mask, "");

        return conf_fail_value(error, place, names, lack);
    }
    *slot = mask;
    return TRUE;
}
