/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * conf/conf.h - the configuration file, read once into plain values
 *
 * One table of keys (conf-keys.c) drives parsing, defaults, range checks, the
 * dump, the sample file and the check of remora.conf(5).
 *
 * Walls:    links libconfig and GLib. Knows no libvirt, no Ceph, no XML.
 * Threads:  a Conf never changes after conf_load(); any thread may read it.
 *           It is counted: conf_ref() and conf_unref() from any thread.
 * Errors:   GError of CONF_ERROR, one line: file, line, key, what was found,
 *           what was expected.
 */
#ifndef REMORA_CONF_CONF_H
#define REMORA_CONF_CONF_H

#include <glib.h>
#include <stdbool.h>

/* Limits on what the file may hold. */
#define CONF_FILE_MAX     (1024u * 1024u)
#define CONF_CLUSTERS_MAX 16u
#define CONF_POOLS_MAX    64u
#define CONF_STRING_MAX   1024u
/* The name of a pool. */
#define CONF_POOL_NAME_MAX 255u

#define CONF_ERROR conf_error_quark()
GQuark conf_error_quark(void);

typedef enum {
    CONF_ERROR_FILE,   /* cannot be read */
    CONF_ERROR_SYNTAX, /* not libconfig's grammar */
    CONF_ERROR_KEY,    /* unknown, twice, wrong type, or out of range */
} ConfErrorCode;

typedef struct {
    char *name;          /* how logs and status call it */
    char *conf;          /* path of ceph.conf */
    char *user;          /* without 'client.' */
    char *keyring;       /* path, or NULL: as librados finds it */
    char *secret_uuid;   /* of the libvirt secret, or NULL: from the fsid */
    char *guest_user;    /* QEMU's user, or NULL: user */
    char *guest_keyring; /* or NULL: as librados would find guest_user's */
    /* Its own, or those that the file has for all: as in Conf. */
    char **image_pools;
    char *vms_pool;
    char **volume_pools;
    char *cachemodes;
    char *discard;
    char *bus;
    guint64 clone_object_size;
    char *clone_data_pool;
    char *clone_grow;
    guint64 clone_features;
    char *clone_convert;
    guint clone_max_depth;
    bool clone_flatten;
    guint32 own; /* which of them are its own; of this room */
} ConfCluster;

typedef struct {
    GPtrArray *clusters;      /* of ConfCluster, at least one */
    guint connect_timeout_ms; /* 1 s to 300 s */
    guint op_timeout_ms;      /* 1 s to 600 s */
    /* What a cluster has that has none of its own, down to whether
     * it is flattened. */
    char **image_pools; /* NULL-terminated, at least one */
    char *vms_pool;
    char **volume_pools;       /* NULL-terminated, may be empty */
    char *cachemodes;          /* see conf_cachemode(); or NULL: leave */
    char *discard;             /* "unmap", "ignore", or NULL: leave */
    char *bus;                 /* "scsi", "virtio", or NULL: keep */
    guint64 clone_object_size; /* bytes, a power of two, or 0: the parent's */
    guint64 image_object_size; /* bytes, a power of two, 4 KiB to 32 MiB */
    char *clone_data_pool;     /* or NULL */
    char *clone_grow;          /* "librbd", or NULL: direct */
    guint64 clone_features;    /* librbd's mask, or 0: the cluster's default */
    char *clone_convert;       /* "once", or NULL: never */
    guint clone_max_depth;     /* 0 to 16 parents one above another */
    bool clone_flatten;        /* each clone, however deep */
    guint trash_expiry_s;      /* how long what remora trashes stays there */
    char *libvirt_socket;      /* or NULL: as libvirt's client finds it */
    bool complete_existing;    /* RBD disks that are there already too */
    bool nova_metadata;        /* Nova's metadata is a request */
    char *nova_ephemeral_format; /* "ext4", "xfs", "vfat", or NULL: by the
                                  * guest's operating system */
    guint hook_deadline_ms;      /* 1 s to 60 s */
} Conf;

/* A cluster's cache mode of disks whose source is of a type: 'file', 'block',
 * 'network' or 'mount'. NULL: leave it as it is. g_free() it. */
char *conf_cachemode(const ConfCluster *cluster, const char *source);

/*
 * Reads a file. path NULL: the defaults. A path that does not exist is an
 * error, and so is what is no regular file. '@include' is refused: it would
 * read any file. A key that is left out has its default.
 */
Conf *conf_load(const char *path, GError **error) G_GNUC_WARN_UNUSED_RESULT;
Conf *conf_ref(Conf *conf);
void conf_unref(Conf *conf);

/* The whole configuration in the file's own syntax, each key with its value;
 * conf_load() of it gives the same Conf. g_free() it. */
char *conf_dump(const Conf *conf);

/* The sample file: each key commented out, with its default, one line on what
 * it is and one on what it takes. Without the comment signs it is the
 * defaults still. g_free() it. */
char *conf_sample(void);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(Conf, conf_unref)

#endif
