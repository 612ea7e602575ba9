/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * tests/unit/conf-help.h - what the tests of conf/ share
 */
#ifndef REMORA_TESTS_CONF_HELP_H
#define REMORA_TESTS_CONF_HELP_H

#include "conf/conf.h"

/* A file of this content in the test's own directory. The path is valid until
 * the next call. */
const char *help_file(const char *text, gsize len);
/* Removes the directory; a group teardown. */
int help_clean(void **state);

/* Loads text, which must be good. */
Conf *help_load(const char *text);
/* Loads text, which must be refused: the message without 'FILE:' in front,
 * and the code. g_free() it. */
char *help_refused(const char *text, gsize len, int *ret_code);

/* Fails the test unless every field of both is the same. */
void help_assert_equal(const Conf *a, const Conf *b);

/* The text of a file below srcdir. g_free() it. */
char *help_source(const char *name);

#endif
