/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * conf/conf-words.h - the two values that are small languages
 *
 * The names and numbers of RBD's features are part of its on-disk format, so
 * they stand here as constants: this room includes nothing of Ceph's.
 *
 * Contract: a parser returns NULL when all is well, else what is expected, a
 *           constant string. Its output is then left alone.
 */
#ifndef REMORA_CONF_CONF_WORDS_H
#define REMORA_CONF_CONF_WORDS_H

#include <glib.h>

/* 'A=B,A=B': ret_network gets a new string, the B of 'network', or NULL when
 * it is not named or 'default'. The empty string is well formed. */
const char *conf_cachemodes_parse(const char *text, char **ret_modes);

/* The bit of one feature, 0 for a name that cannot be set. */
guint64 conf_feature_bit(const char *name);
/* The name of the nth feature and its bit; NULL after the last. */
const char *conf_feature_name(guint n, guint64 *ret_bit);
/* The names, each between quote and quote, 'a, b'. g_free() it. */
char *conf_features_format(guint64 mask, const char *quote);
/* What a set of features lacks that librbd wants; NULL: nothing. */
const char *conf_features_check(guint64 mask);

#endif
