/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * conf/conf-text.c - the values that are one string in the file
 *
 * Times and sizes are among them: libconfig 1.5 cuts an integer over 32 bits
 * without a word.
 */
#include "config.h"

#include "conf/conf-values.h"

#include "conf/conf-units.h"
#include "conf/conf-words.h"

#include <string.h>

#define NAME_CHARACTERS G_CSET_A_2_Z G_CSET_a_2_z G_CSET_DIGITS "._-"

static void
set_string(void *slot, const char *text)
{
    char **string = slot;

    g_free(*string);
    *string = g_strdup(text);
}

static gboolean
has_control(const char *text)
{
    for (; *text; text = g_utf8_next_char(text)) {
        if (g_unichar_iscntrl(g_utf8_get_char(text)))
            return TRUE;
    }
    return FALSE;
}

/* What no string may be, whatever the key; NULL when it is well. */
static const char *
string_fault(const char *text)
{
    if (!g_utf8_validate(text, -1, NULL))
        return "UTF-8";
    if (has_control(text))
        return "a string without control characters";
    return NULL;
}

gboolean
conf_is_pool(const char *text)
{
    return *text && strlen(text) <= CONF_POOL_NAME_MAX && !strpbrk(text, "/@");
}

static gboolean
parse_time(const ConfKey *key, const char *text, guint64 unit_ms, guint *slot)
{
    guint64 ms;

    if (!conf_time_parse(text, &ms) || ms % unit_ms != 0)
        return FALSE;
    if (ms / unit_ms < key->min || ms / unit_ms > key->max)
        return FALSE;
    *slot = (guint)(ms / unit_ms);
    return TRUE;
}

static gboolean
parse_size(const ConfKey *key, const char *text, guint64 *slot)
{
    guint64 bytes;

    if (!conf_size_parse(text, &bytes) || bytes < key->min || bytes > key->max)
        return FALSE;
    if ((bytes & (bytes - 1)) != 0)
        return FALSE;
    *slot = bytes;
    return TRUE;
}

/* The types whose value is the string itself, under a rule. */
static gboolean
string_fits(const ConfKey *key, const char *text)
{
    switch (key->type) {
    case CONF_TYPE_WORD:
        return g_strv_contains(key->words, text);
    case CONF_TYPE_NAME:
        return *text && text[strspn(text, NAME_CHARACTERS)] == '\0';
    case CONF_TYPE_PATH:
        return *text == '/' && strlen(text) <= key->max;
    case CONF_TYPE_USER:
        return *text && !g_str_has_prefix(text, "client.");
    case CONF_TYPE_UUID:
        return g_uuid_string_is_valid(text);
    case CONF_TYPE_POOL:
        return conf_is_pool(text);
    case CONF_TYPE_CLUSTERS:
    case CONF_TYPE_BOOL:
    case CONF_TYPE_COUNT:
    case CONF_TYPE_TIME_MS:
    case CONF_TYPE_TIME_S:
    case CONF_TYPE_SIZE:
    case CONF_TYPE_CACHEMODES:
    case CONF_TYPE_POOLS:
    case CONF_TYPE_FEATURES:
        break;
    }
    g_assert_not_reached();
}

static gboolean
parse_string(const ConfKey *key, const char *text, void *slot)
{
    g_autofree char *lower = NULL;

    if (!string_fits(key, text))
        return FALSE;
    /* libvirt writes UUIDs so; a rewrite must find its own work unchanged. */
    if (key->type == CONF_TYPE_UUID)
        text = lower = g_ascii_strdown(text, -1);
    set_string(slot, text);
    return TRUE;
}

static void
set_none(const ConfKey *key, void *slot)
{
    if (key->type == CONF_TYPE_SIZE)
        *(guint64 *)slot = 0;
    else
        set_string(slot, NULL);
}

/* ret_expected is set for a fault that says more than the key's own words. */
static gboolean
parse_text(const ConfKey *key,
           const char *text,
           void *slot,
           const char **ret_expected)
{
    g_autofree char *modes = NULL;

    if (key->none && g_str_equal(text, key->none)) {
        set_none(key, slot);
        return TRUE;
    }
    if (key->type == CONF_TYPE_TIME_MS)
        return parse_time(key, text, 1, slot);
    if (key->type == CONF_TYPE_TIME_S)
        return parse_time(key, text, 1000, slot);
    if (key->type == CONF_TYPE_SIZE)
        return parse_size(key, text, slot);
    if (key->type != CONF_TYPE_CACHEMODES)
        return parse_string(key, text, slot);
    *ret_expected = conf_cachemodes_parse(text, &modes);
    if (*ret_expected)
        return FALSE;
    set_string(slot, modes);
    return TRUE;
}

gboolean
conf_setting_fail(const ConfKey *key,
                  const config_setting_t *setting,
                  const ConfPlace *place,
                  const char *expected,
                  GError **error)
{
    g_autofree char *found = conf_value_found(setting);
    g_autofree char *usual = conf_value_expected(key);

    return conf_fail_value(error, place, found, expected ? expected : usual);
}

gboolean
conf_setting_text(const ConfKey *key,
                  const config_setting_t *setting,
                  const ConfPlace *place,
                  const char **ret_text,
                  GError **error)
{
    const char *text;

    if (config_setting_type(setting) != CONFIG_TYPE_STRING)
        return conf_setting_fail(key, setting, place, NULL, error);
    text = config_setting_get_string(setting);
    if (strlen(text) > CONF_STRING_MAX) {
        g_autofree char *found =
            g_strdup_printf("a string of %zu bytes", strlen(text));
        g_autofree char *most =
            g_strdup_printf("at most %u bytes", CONF_STRING_MAX);

        return conf_fail_value(error, place, found, most);
    }
    if (string_fault(text))
        return conf_setting_fail(key, setting, place, string_fault(text),
                                 error);
    *ret_text = text;
    return TRUE;
}

gboolean
conf_set_text(const ConfKey *key,
              const config_setting_t *setting,
              const ConfPlace *place,
              void *slot,
              GError **error)
{
    const char *expected = NULL;
    const char *text;

    if (!conf_setting_text(key, setting, place, &text, error))
        return FALSE;
    if (!parse_text(key, text, slot, &expected))
        return conf_setting_fail(key, setting, place, expected, error);
    return TRUE;
}
