/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * conf/conf-values.h - one value: from the file into a Conf, and back
 *
 * All that a type of conf-keys.h means is in conf-values.c, but for the
 * groups of 'clusters', which are a table of keys of their own.
 */
#ifndef REMORA_CONF_CONF_VALUES_H
#define REMORA_CONF_CONF_VALUES_H

#include "conf/conf-error.h"
#include "conf/conf-keys.h"

#include <libconfig.h>

/* Reads setting into key's place in base, whose old value is freed. Not for
 * CONF_TYPE_CLUSTERS. */
gboolean conf_value_set(const ConfKey *key,
                        const config_setting_t *setting,
                        const ConfPlace *place,
                        gpointer base,
                        GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* Sets key to its preset. */
void conf_value_preset(const ConfKey *key, gpointer base);

/* Appends the value in the file's syntax. */
void conf_value_write(const ConfKey *key, gconstpointer base, GString *out);

/* Gives a cluster the value that conf has for all. */
void
conf_value_inherit(const ConfKey *key, const Conf *conf, ConfCluster *cluster);

/* Frees what the value holds. */
void conf_value_clear(const ConfKey *key, gpointer base);

/* What a setting is, for a message. g_free() it. */
char *conf_value_found(const config_setting_t *setting);

/* What key takes, for a message. g_free() it. */
char *conf_value_expected(const ConfKey *key);
char *conf_pool_expected(void);

/* conf_value_set() by kind of value. */
gboolean conf_set_text(const ConfKey *key,
                       const config_setting_t *setting,
                       const ConfPlace *place,
                       void *slot,
                       GError **error) G_GNUC_WARN_UNUSED_RESULT;
gboolean conf_set_pools(const ConfKey *key,
                        const config_setting_t *list,
                        const ConfPlace *place,
                        char ***slot,
                        GError **error) G_GNUC_WARN_UNUSED_RESULT;
gboolean conf_set_features(const ConfKey *key,
                           const config_setting_t *list,
                           const ConfPlace *place,
                           guint64 *slot,
                           GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* The text of a string setting that keeps the rules for all strings. It
 * belongs to the setting. */
gboolean conf_setting_text(const ConfKey *key,
                           const config_setting_t *setting,
                           const ConfPlace *place,
                           const char **ret_text,
                           GError **error) G_GNUC_WARN_UNUSED_RESULT;
/* Refuses setting. expected NULL: what the key takes. Returns FALSE. */
gboolean conf_setting_fail(const ConfKey *key,
                           const config_setting_t *setting,
                           const ConfPlace *place,
                           const char *expected,
                           GError **error);
gboolean conf_is_pool(const char *text);

#endif
