/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * conf/conf-nearest.c - which key somebody may have meant
 *
 * Two ways to miss: letters (an edit distance against every known path) and
 * the place (the right word in the wrong group, or without one).
 */
#include "config.h"

#include "conf/conf-keys.h"

#include <string.h>

/* Longer than any key; a longer path is no slip of the finger. */
#define PATH_LEN_MAX 40

/* How many letters must be added, dropped or changed to make b of a. */
static gsize
distance(const char *a, const char *b)
{
    gsize row[PATH_LEN_MAX + 1];
    gsize len = strlen(b);

    for (gsize j = 0; j <= len; j++)
        row[j] = j;
    for (gsize i = 1; a[i - 1]; i++) {
        gsize diagonal = row[0];

        row[0] = i;
        for (gsize j = 1; j <= len; j++) {
            gsize change = diagonal + (a[i - 1] == b[j - 1] ? 0 : 1);

            diagonal = row[j];
            row[j] = MIN(change, MIN(row[j], row[j - 1]) + 1);
        }
    }
    return row[len];
}

static const char *
last_word(const char *path)
{
    const char *dot = strrchr(path, '.');

    return dot ? dot + 1 : path;
}

/* One letter may be wrong in a short word, three in a long path. */
static gsize
tolerance(const char *path)
{
    return 1 + strlen(path) / 8;
}

/* A key whose own word is path's: 'deadline' for 'hook.deadline'. */
static const char *
same_word(const ConfKey *keys, const char *path)
{
    for (; keys->path; keys++) {
        if (g_str_equal(last_word(keys->path), last_word(path)))
            return keys->path;
    }
    return NULL;
}

char *
conf_key_nearest(const ConfKey *keys, const char *path)
{
    g_autofree char *best = NULL;
    gsize least;

    if (strlen(path) > PATH_LEN_MAX)
        return NULL;
    least = tolerance(path) + 1;
    for (const ConfKey *key = keys; key->path; key++) {
        g_autofree char *group = g_strndup(key->path, strcspn(key->path, "."));
        gsize far_key = distance(path, key->path);
        gsize far_group = distance(path, group);

        if (MIN(far_key, far_group) >= least)
            continue;
        least = MIN(far_key, far_group);
        g_free(best);
        best = g_strdup(far_key <= far_group ? key->path : group);
    }
    return best ? g_steal_pointer(&best) : g_strdup(same_word(keys, path));
}
