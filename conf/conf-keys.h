/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * conf/conf-keys.h - the one table of keys
 *
 * What a key is called, what it takes, what it is when the file leaves it out
 * and where its value goes. Whatever else says something about keys (reading,
 * writing, the sample, the check of the man page) reads it from here.
 */
#ifndef REMORA_CONF_CONF_KEYS_H
#define REMORA_CONF_CONF_KEYS_H

#include "conf/conf.h"

typedef enum {
    CONF_TYPE_CLUSTERS,   /* GPtrArray *, a list of groups */
    CONF_TYPE_BOOL,       /* bool */
    CONF_TYPE_COUNT,      /* guint, a number without a unit */
    CONF_TYPE_TIME_MS,    /* guint, min and max in ms */
    CONF_TYPE_TIME_S,     /* guint, min and max in s; no part of a second */
    CONF_TYPE_SIZE,       /* guint64, a power of two; min and max in bytes */
    CONF_TYPE_WORD,       /* char *, one of words */
    CONF_TYPE_NAME,       /* char *, letters, digits, '.', '_', '-' */
    CONF_TYPE_PATH,       /* char *, absolute, at most max bytes */
    CONF_TYPE_USER,       /* char *, without 'client.' */
    CONF_TYPE_UUID,       /* char *, kept in lower case */
    CONF_TYPE_POOL,       /* char * */
    CONF_TYPE_CACHEMODES, /* char *, as written, without 'default' */
    CONF_TYPE_POOLS,      /* char **, min to CONF_POOLS_MAX elements */
    CONF_TYPE_FEATURES,   /* guint64, librbd's mask */
} ConfType;

typedef struct {
    const char *path; /* 'group.key' or 'key' */
    ConfType type;
    gsize offset;             /* into Conf, or ConfCluster */
    gsize in_cluster;         /* not 0: a cluster may have its own, there in
                               * ConfCluster */
    const char *preset;       /* the default, as the file would say it */
    const char *none;         /* the string that stands for NULL or 0, if
                               * there is one */
    const char *example;      /* for messages; NULL: the default */
    const char *const *words; /* NULL-terminated */
    guint64 min;
    guint64 max;
    const char *text; /* one line for the sample file */
} ConfKey;

/* Both end with a path of NULL; keys of one group stand together. */
extern const ConfKey conf_keys[];
/* Of one group of 'clusters'; offsets into ConfCluster. */
extern const ConfKey conf_cluster_keys[];

/* NULL when there is none. */
const ConfKey *conf_key_find(const ConfKey *keys, const char *path);
/* Whether a key's path begins with 'path.'. */
gboolean conf_key_is_group(const ConfKey *keys, const char *path);
/* The known key or group that somebody who wrote path may have meant; NULL
 * when none is near. g_free() it. */
char *conf_key_nearest(const ConfKey *keys, const char *path);

/* The key as one of a cluster; for one that is in_cluster. */
ConfKey conf_key_in_cluster(const ConfKey *key);
/* Its bit in a ConfCluster's own. */
guint32 conf_key_bit(const ConfKey *key);

/* Where the value of key is in base, a Conf or a ConfCluster. */
static inline gpointer
conf_key_slot(const ConfKey *key, gpointer base)
{
    return (char *)base + key->offset;
}

static inline gconstpointer
conf_key_const_slot(const ConfKey *key, gconstpointer base)
{
    return (const char *)base + key->offset;
}

#endif
