/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * conf/conf-keys.c - the one table of keys
 *
 * A key is added here and in remora.conf.pod, and nowhere else; then
 * 'REMORA_REGENERATE=1 make check' writes the sample file anew.
 */
#include "config.h"

#include "conf/conf-keys.h"

#include <stddef.h>
#include <string.h>

/* The smallest and the largest object that librbd makes: order 12 to 25. */
#define OBJECT_MIN (G_GUINT64_CONSTANT(4) << 10)
#define OBJECT_MAX (G_GUINT64_CONSTANT(32) << 20)

/* What fits in a socket's address, less the NUL (sun_path, unix(7)). */
#define SOCKET_PATH_MAX 107

/* The kernel (rbd map) opens no image with more. */
#define DEPTH_MAX 16

#define TRASH_MAX_S (365 * 24 * 60 * 60)

static const char *const discard_words[] = {"unmap", "ignore", NULL};
static const char *const grow_words[] = {"direct", "librbd", NULL};
static const char *const convert_words[] = {"once", "never", NULL};
static const char *const bus_words[] = {"keep", "scsi", "virtio", NULL};
static const char *const format_words[] = {"ext4", "xfs", "vfat", NULL};

#define IN_CONF(member)    .offset = offsetof(Conf, member)
#define IN_CLUSTER(member) .offset = offsetof(ConfCluster, member)
#define IN_BOTH(member)                                                        \
    IN_CONF(member), .in_cluster = offsetof(ConfCluster, member)

/* clang-format off */
const ConfKey conf_keys[] = {
    {"clusters", CONF_TYPE_CLUSTERS, IN_CONF(clusters),
     .preset = "( { } )", .min = 1, .max = CONF_CLUSTERS_MAX,
     .text = "The Ceph clusters, one group each"},
    {"connect_timeout", CONF_TYPE_TIME_MS, IN_CONF(connect_timeout_ms),
     .preset = "\"5 s\"", .example = "5 s", .min = 1000, .max = 300 * 1000,
     .text = "How long connecting to a cluster may take"},
    {"op_timeout", CONF_TYPE_TIME_MS, IN_CONF(op_timeout_ms),
     .preset = "\"30 s\"", .example = "30 s", .min = 1000, .max = 600 * 1000,
     .text = "How long one operation in a cluster may take"},
    {"pools.images", CONF_TYPE_POOLS, IN_BOTH(image_pools),
     .preset = "[ \"images\" ]", .min = 1, .max = CONF_POOLS_MAX,
     .text = "Pools that hold Glance images, never written to"},
    {"pools.vms", CONF_TYPE_POOL, IN_BOTH(vms_pool),
     .preset = "\"vms\"", .example = "vms",
     .text = "The pool that clones are made in"},
    {"pools.volumes", CONF_TYPE_POOLS, IN_BOTH(volume_pools),
     .preset = "[ \"volumes\" ]", .max = CONF_POOLS_MAX,
     .text = "Pools that hold Cinder volumes, may be none"},
    {"disk.cachemodes", CONF_TYPE_CACHEMODES, IN_BOTH(cachemodes),
     .preset = "\"network=writeback\"", .none = "",
     .text = "Cache mode by source type; RBD disks are 'network'"},
    {"disk.discard", CONF_TYPE_WORD, IN_BOTH(discard),
     .preset = "\"unmap\"", .none = "", .words = discard_words,
     .text = "What a guest's trim does; \"\" leaves the disk as it is"},
    {"disk.bus", CONF_TYPE_WORD, IN_BOTH(bus),
     .preset = "\"keep\"", .none = "keep", .words = bus_words,
     .text = "The bus that disks are put on"},
    {"clone.object_size", CONF_TYPE_SIZE, IN_BOTH(clone_object_size),
     .preset = "\"\"", .none = "", .example = "8 MiB", .min = OBJECT_MIN,
     .max = OBJECT_MAX,
     .text = "Object size of new disks; \"\" is the parent's"},
    {"clone.features", CONF_TYPE_FEATURES, IN_BOTH(clone_features),
     .preset = "[ ]",
     .text = "Features of new disks; [ ] is the cluster's default"},
    {"clone.data_pool", CONF_TYPE_POOL, IN_BOTH(clone_data_pool),
     .preset = "\"\"", .none = "", .example = "vms-data",
     .text = "Pool for the data of new disks; \"\" is pools.vms itself"},
    {"clone.grow", CONF_TYPE_WORD, IN_BOTH(clone_grow),
     .preset = "\"direct\"", .none = "direct", .words = grow_words,
     .text = "How a clone is made; \"librbd\" leaves all of it to librbd"},
    {"clone.convert", CONF_TYPE_WORD, IN_BOTH(clone_convert),
     .preset = "\"once\"", .none = "never", .words = convert_words,
     .text = "What becomes of images that are not raw"},
    {"clone.max_depth", CONF_TYPE_COUNT, IN_BOTH(clone_max_depth),
     .preset = "5", .max = DEPTH_MAX,
     .text = "So many parents one above another; a deeper disk is flattened"},
    {"clone.flatten", CONF_TYPE_BOOL, IN_BOTH(clone_flatten),
     .preset = "false",
     .text = "Flatten each clone, in the background"},
    {"image.object_size", CONF_TYPE_SIZE, IN_CONF(image_object_size),
     .preset = "\"8 MiB\"", .example = "8 MiB", .min = OBJECT_MIN,
     .max = OBJECT_MAX,
     .text = "Object size of images that remora imports"},
    {"trash_expiry", CONF_TYPE_TIME_S, IN_CONF(trash_expiry_s),
     .preset = "\"7 d\"", .example = "7 d", .min = 1, .max = TRASH_MAX_S,
     .text = "How long a deleted image can be brought back"},
    {"libvirt.socket", CONF_TYPE_PATH, IN_CONF(libvirt_socket),
     .preset = "\"\"", .none = "", .example = "/run/libvirt/libvirt-sock",
     .max = SOCKET_PATH_MAX,
     .text = "libvirt's own socket; \"\" is where its client looks"},
    {"libvirt.complete_existing", CONF_TYPE_BOOL, IN_CONF(complete_existing),
     .preset = "false",
     .text = "Complete RBD disks in definitions that are already there"},
    {"nova.metadata", CONF_TYPE_BOOL, IN_CONF(nova_metadata),
     .preset = "false",
     .text = "Take what Nova writes into a new definition for a request"},
    {"nova.ephemeral_format", CONF_TYPE_WORD, IN_CONF(nova_ephemeral_format),
     .preset = "\"\"", .none = "", .words = format_words,
     .text = "File system of Nova's ephemeral disks; \"\" is by the guest's OS"},
    {"hook.deadline", CONF_TYPE_TIME_MS, IN_CONF(hook_deadline_ms),
     .preset = "\"30 s\"", .example = "30 s", .min = 1000, .max = 60 * 1000,
     .text = "How long the hook waits for the agent"},
    {.path = NULL},
};

const ConfKey conf_cluster_keys[] = {
    {"name", CONF_TYPE_NAME, IN_CLUSTER(name),
     .preset = "\"ceph\"", .example = "ceph",
     .text = "What logs and status call the cluster"},
    {"conf", CONF_TYPE_PATH, IN_CLUSTER(conf),
     .preset = "\"/etc/ceph/ceph.conf\"", .example = "/etc/ceph/ceph.conf",
     .max = CONF_STRING_MAX,
     .text = "The cluster's ceph.conf"},
    {"user", CONF_TYPE_USER, IN_CLUSTER(user),
     .preset = "\"remora\"", .example = "remora",
     .text = "The Ceph user of the agent, without 'client.'"},
    {"keyring", CONF_TYPE_PATH, IN_CLUSTER(keyring),
     .preset = "\"\"", .none = "",
     .example = "/etc/ceph/ceph.client.remora.keyring",
     .max = CONF_STRING_MAX,
     .text = "The user's keyring; \"\" is where librados looks"},
    {"secret_uuid", CONF_TYPE_UUID, IN_CLUSTER(secret_uuid),
     .preset = "\"\"", .none = "",
     .example = "e21a123a-31f8-425a-86db-7204c33a6161",
     .text = "libvirt's secret with the guests' key; \"\" is from the fsid"},
    {"guest_user", CONF_TYPE_USER, IN_CLUSTER(guest_user),
     .preset = "\"\"", .none = "", .example = "remora-guest",
     .text = "The Ceph user of QEMU; \"\" is the agent's"},
    {"guest_keyring", CONF_TYPE_PATH, IN_CLUSTER(guest_keyring),
     .preset = "\"\"", .none = "",
     .example = "/etc/ceph/ceph.client.remora-guest.keyring",
     .max = CONF_STRING_MAX,
     .text = "That user's keyring; \"\" is where librados looks"},
    {.path = NULL},
};
/* clang-format on */

G_STATIC_ASSERT(G_N_ELEMENTS(conf_keys) <= 32);

const ConfKey *
conf_key_find(const ConfKey *keys, const char *path)
{
    for (; keys->path; keys++) {
        if (g_str_equal(keys->path, path))
            return keys;
    }
    return NULL;
}

gboolean
conf_key_is_group(const ConfKey *keys, const char *path)
{
    gsize len = strlen(path);

    for (; keys->path; keys++) {
        if (g_str_has_prefix(keys->path, path) && keys->path[len] == '.')
            return TRUE;
    }
    return FALSE;
}

ConfKey
conf_key_in_cluster(const ConfKey *key)
{
    ConfKey own = *key;

    own.offset = key->in_cluster;
    return own;
}

guint32
conf_key_bit(const ConfKey *key)
{
    return (guint32)1 << (key - conf_keys);
}
