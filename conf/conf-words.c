/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * conf/conf-words.c - the two values that are small languages
 */
#include "config.h"

#include "conf/conf-words.h"

#include <string.h>

static const char *const sources[] = {"file", "block", "network", "mount",
                                      NULL};
static const char *const modes[] = {"default",   "none",       "writethrough",
                                    "writeback", "directsync", "unsafe",
                                    NULL};

typedef struct {
    const char *name;
    guint64 bit;
} Feature;

/* 'striping' and 'data-pool' are missing: librbd sets them itself, when an
 * image is striped or has a data pool. */
static const Feature features[] = {
    {"layering", 1 << 0},  {"exclusive-lock", 1 << 2}, {"object-map", 1 << 3},
    {"fast-diff", 1 << 4}, {"deep-flatten", 1 << 5},   {"journaling", 1 << 6},
};

static gboolean
one_of(const char *const *words, const char *word)
{
    return g_strv_contains(words, word);
}

const char *
conf_cachemodes_parse(const char *text, char **ret_modes)
{
    g_auto(GStrv) entries = g_strsplit(text, ",", -1);
    g_autoptr(GPtrArray) seen = g_ptr_array_new();
    g_autoptr(GString) kept = g_string_new(NULL);

    for (guint i = 0; entries[i]; i++) {
        char *source = g_strstrip(entries[i]);
        char *mode = strchr(source, '=');

        if (!mode)
            return "a list of SOURCE=MODE such as \"network=writeback\"";
        *mode++ = '\0';
        if (!one_of(sources, source))
            return "file, block, network or mount before the '='";
        if (!one_of(modes, mode))
            return "default, none, writethrough, writeback, directsync or "
                   "unsafe after the '='";
        if (g_ptr_array_find_with_equal_func(seen, source, g_str_equal, NULL))
            return "each source type once";
        g_ptr_array_add(seen, source);
        if (!g_str_equal(mode, "default"))
            g_string_append_printf(kept, "%s%s=%s", kept->len > 0 ? "," : "",
                                   source, mode);
    }
    *ret_modes = kept->len > 0 ? g_strdup(kept->str) : NULL;
    return NULL;
}

guint64
conf_feature_bit(const char *name)
{
    for (guint i = 0; i < G_N_ELEMENTS(features); i++) {
        if (g_str_equal(features[i].name, name))
            return features[i].bit;
    }
    return 0;
}

const char *
conf_feature_name(guint n, guint64 *ret_bit)
{
    if (n >= G_N_ELEMENTS(features))
        return NULL;
    *ret_bit = features[n].bit;
    return features[n].name;
}

char *
conf_features_format(guint64 mask, const char *quote)
{
    GString *out = g_string_new(NULL);

    for (guint i = 0; i < G_N_ELEMENTS(features); i++) {
        if (mask & features[i].bit)
            g_string_append_printf(out, "%s%s%s%s", out->len ? ", " : "", quote,
                                   features[i].name, quote);
    }
    return g_string_free(out, FALSE);
}

/* Whether mask holds name but not what name stands on. */
static gboolean
lacks(guint64 mask, const char *name, const char *basis)
{
    return (mask & conf_feature_bit(name)) && !(mask & conf_feature_bit(basis));
}

const char *
conf_features_check(guint64 mask)
{
    if (mask && !(mask & conf_feature_bit("layering")))
        return "'layering' too, without which there is no clone";
    if (lacks(mask, "object-map", "exclusive-lock"))
        return "'exclusive-lock' too, which 'object-map' needs";
    if (lacks(mask, "fast-diff", "object-map"))
        return "'object-map' too, which 'fast-diff' needs";
    if (lacks(mask, "journaling", "exclusive-lock"))
        return "'exclusive-lock' too, which 'journaling' needs";
    return NULL;
}
