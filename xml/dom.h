/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * xml/dom.h - a libvirt domain definition in, a plan and a new definition out
 *
 * The room of pure functions: everything here depends on its arguments alone,
 * does no input or output, and treats the XML as untrusted bytes.
 *
 * Walls:    links libxml2 and GLib. Knows no sockets, no configuration file,
 *           no Ceph and no libvirt calls, and never logs.
 * Threads:  every function may be called from any thread; a DomPlan belongs
 *           to one thread at a time.
 * Errors:   GError of DOM_ERROR, one line, no full stop. A message about one
 *           disk starts with "disk 'vda': ".
 *
 * The forms in which a domain asks for a disk are described in
 * remora-domain(7); the canonical one is <metadata> in DOM_NAMESPACE.
 */
#ifndef REMORA_XML_DOM_H
#define REMORA_XML_DOM_H

#include <glib.h>
#include <stdbool.h>

#define DOM_NAMESPACE "urn:remora:domain:1"
/* Of the nonce of an arrival. An agent that knows none of it sees no element of
 * ours there, where it would refuse one. */
#define DOM_ARRIVAL_NAMESPACE "urn:remora:arrival:1"
/* The prefix that remora writes, and the key for virDomainSetMetadata. */
#define DOM_PREFIX "remora"

/* Limits on what an outsider sizes. libvirt's own strings end at 4 MiB
 * (REMOTE_STRING_MAX), so no definition from libvirt is longer. */
#define DOM_XML_MAX   (4u * 1024u * 1024u)
#define DOM_DISKS_MAX 1024u
#define DOM_HOSTS_MAX 64u
/* The name of a pool, an image or a snapshot. */
#define DOM_NAME_MAX 255u
/* The path of a file of the host. */
#define DOM_FILE_MAX 1024u
/* A target such as 'vda' that asks for an image. */
#define DOM_TARGET_MAX 15u
/* libxml2 compares each attribute of an element with each other one, and
 * looks a prefix up among all that are declared: without a limit 4 MiB can
 * take minutes. */
#define DOM_ATTRIBUTES_MAX 256u  /* in one element */
#define DOM_NAMESPACES_MAX 1024u /* declarations in a definition */
/* Elements within each other, below <domain>: what libxml2 took up to 2.12, and
 * others take more of. */
#define DOM_DEPTH_MAX 256u
/* Tags and attributes in a definition, for libxml2 needs about 200 bytes for
 * each: 64 MiB at most, and not what 4 MiB of '<a/>' take. */
#define DOM_PIECES_MAX (256u * 1024u)
/* The nonce of an arrival, in hexadecimal digits. */
#define DOM_NONCE_MIN 16u
#define DOM_NONCE_MAX 64u
#define DOM_SIZE_MAX  (G_GUINT64_CONSTANT(1) << 60)

#define DOM_ERROR dom_error_quark()
GQuark dom_error_quark(void);

typedef enum {
    DOM_ERROR_MALFORMED, /* not well-formed XML, or not a domain */
    DOM_ERROR_LIMIT,     /* above one of the limits above */
    DOM_ERROR_REQUEST,   /* what is asked for cannot be meant */
    DOM_ERROR_OWNER,     /* a disk that belongs to another domain */
} DomErrorCode;

/* A storage pool of libvirt's that is a pool of Ceph's. */
typedef struct {
    const char *name; /* libvirt's */
    const char *pool; /* Ceph's */
    guint cluster;    /* it is in, by its place among the rules */
} DomStoragePool;

/* By what the source of a disk tells which cluster it is in; NULL or empty:
 * that is not said. Borrowed for the call. */
typedef struct {
    const GPtrArray *hosts; /* of DomHost, whose name may be NULL; the first
                             * DOM_HOSTS_MAX */
    const char *secret_uuid;
    const char *secret_usage;
    const char *config; /* path of a ceph.conf */
} DomSigns;

/* How much speaks for it that the disk is in the cluster; DOM_WEIGHT_NONE:
 * something speaks against it. */
#define DOM_WEIGHT_NONE 0u
typedef guint (*DomWeigh)(const DomSigns *signs, gpointer data);

/* A definition that Nova has written, and how it is to be read. */
typedef struct {
    const char *const *gone; /* of dom_nova_files(), those that are not there;
                              * NULL-terminated */
    const char *ephemeral_format; /* of its ephemeral disks: 'ext4', 'xfs' or
                                   * 'vfat'; NULL: as Nova would choose it */
} DomNova;

/* What the host's configuration says about one cluster and its pools. Borrowed
 * for the call. */
typedef struct {
    const char *name;                /* NULL: nothing names it */
    const char *const *image_pools;  /* NULL-terminated, at least one */
    const char *vms_pool;            /* where clones go */
    const char *const *volume_pools; /* NULL-terminated, may be empty */
    const char *fsid;                /* NULL: unknown, not compared */
    bool complete_bare; /* rewrite disks of kind DOM_DISK_BARE too */
    bool namespaces;    /* libvirt here knows namespaces of RBD; of all alike */
    /* Called for what is in one of those pools, by its name; NULL: the name is
     * all that counts. */
    DomWeigh weigh;
    gpointer weigh_data;
    /* Those that disks of type 'volume' name; of all alike. */
    const DomStoragePool *storage_pools;
    gsize n_storage_pools;
    /* Nova's metadata asks for disks; NULL: it does not; of all alike. */
    const DomNova *nova;
} DomRules;

typedef enum {
    DOM_DISK_CLONE,    /* a writable clone of an image's snapshot */
    DOM_DISK_SNAPSHOT, /* the snapshot itself, read-only (cdrom, readonly) */
    DOM_DISK_BARE,     /* an RBD image of a known pool; nothing is cloned */
    DOM_DISK_NEW,      /* an image of its own, without a parent */
} DomDiskKind;

/* What a DOM_DISK_NEW has in it when it is made. */
typedef enum {
    DOM_CONTENT_BLANK, /* nothing: it reads as zeroes */
    DOM_CONTENT_EXT4,  /* an empty file system */
    DOM_CONTENT_XFS,
    DOM_CONTENT_VFAT,
    DOM_CONTENT_SWAP, /* a signature for swapon(8) */
    DOM_CONTENT_FILE, /* what is in a file of the host */
} DomContent;

/* One monitor as libvirt's <host> has it: IPv6 without brackets. */
typedef struct {
    char *name;
    char *port; /* NULL: none given */
} DomHost;

/* Of a disk that was made of an image whose cluster is none of the rules. */
#define DOM_CLUSTER_NONE G_MAXUINT

/* One disk of the plan. Owned by the plan; strings never change once set. */
typedef struct {
    DomDiskKind kind;
    guint cluster;         /* it is in, by its place among the rules */
    const char *kind_word; /* 'ephemeral': as the metadata says it; static.
                            * NULL: it says nothing of this disk */
    DomContent content;    /* of DOM_DISK_NEW, as the next two */
    char *label;           /* of a file system; else NULL */
    char *file;            /* of DOM_CONTENT_FILE: an absolute path */
    char *target;          /* 'vda' */
    guint
        parent_cluster; /* as cluster: of the image; another one than that only
                            * of a clone, or DOM_CLUSTER_NONE */
    char *parent_fsid;  /* of DOM_CLUSTER_NONE; else NULL */
    char *parent_pool;  /* NULL: a bare image id and several image pools, or
                            * clusters; dom_disk_set_parent() decides */
    char *parent_image; /* NULL where there is none; in a namespace of RBD
                            * it is 'namespace/image' */
    char *parent_snap;
    char *pool; /* what QEMU is to open; for a snapshot the parent */
    char *image;
    char *snap;   /* NULL but for DOM_DISK_SNAPSHOT, or a bare disk whose
                   * source names one */
    guint64 size; /* bytes asked for; 0: as large as the parent, or the
                   * file */
    bool writable;
    bool shareable;
    bool ejectable;     /* its drive, a floppy's, may be given another image
                         * while the guest runs */
    bool among_images;  /* a bare disk in a pool for images, and for nothing
                        * else: others may clone it */
    bool exists;        /* the definition has a <disk> for this target */
    bool in_place;      /* and its source already names pool/image(@snap) */
    bool under_overlay; /* a clone that was made, of kind DOM_DISK_BARE now: an
                         * overlay is the disk's source, and this below it. QEMU
                         * opens it only to read, until a job commits into it */
    bool left;          /* see dom_disk_leave() */
    GPtrArray *hosts;   /* of DomHost: the <host>s now in its source */
    char *auth_user;    /* now in <auth>, or NULL */
    char *secret_uuid;  /* now in <auth>, or NULL */
} DomDisk;

/* Whether it is a clone of an image of another cluster, which is copied first. */
static inline bool
dom_disk_is_copy(const DomDisk *disk)
{
    return disk->kind == DOM_DISK_CLONE &&
           disk->parent_cluster != disk->cluster;
}

/* Whether its content is an image's: then parent_pool must be known. */
static inline bool
dom_disk_has_parent(const DomDisk *disk)
{
    return disk->kind == DOM_DISK_CLONE || disk->kind == DOM_DISK_SNAPSHOT;
}

/* Whether it is the domain's own, made by remora for it. */
static inline bool
dom_disk_is_made(const DomDisk *disk)
{
    return disk->kind == DOM_DISK_CLONE || disk->kind == DOM_DISK_NEW;
}

typedef struct DomPlan DomPlan;

/* What to put into a rewritten disk. Borrowed for the call. */
typedef struct {
    const DomHost *hosts;    /* today's monitors */
    gsize n_hosts;           /* 1 to DOM_HOSTS_MAX */
    const char *auth_user;   /* without 'client.'; NULL: no <auth>, and one
                              * that a clone or a snapshot has is removed */
    const char *secret_uuid; /* NULL only together with auth_user */
    const char *cache;       /* libvirt's word, or NULL: leave alone */
    const char *cache_file;  /* the same for the other disks of a domain for */
    const char *cache_block; /* which disks are made, by their type */
    const char *discard;     /* 'unmap', 'ignore', or NULL: leave alone */
    const char *bus;         /* 'scsi', 'virtio', or NULL: keep */
    /* The guest has its devices already: it comes from another host, is
     * restored, or runs here. Then nothing is added that it could see (a
     * serial, a disk, another bus, <readonly/>), for libvirt refuses a
     * definition of other devices; nor a cache mode without a write cache,
     * which the guest has had. bus is not looked at. */
    bool same_guest;
    /* Of a definition that comes with its guest: a nonce, which is put into the
     * metadata of a plan with disks for dom_plan_arrival(), also where nothing
     * else changes. NULL: none; one that is there is taken away if the
     * definition changes anyway. Not for a lone device, nor for
     * dom_plan_changes(), which leaves it as it is. */
    const char *arrival;
} DomSite;

/* A rewrite as the three changes that libvirt can make to a stored definition
 * (virDomainSetMetadata, virDomainUpdateDeviceFlags,
 * virDomainAttachDeviceFlags, virDomainDetachDeviceFlags). */
typedef struct {
    char *metadata;       /* the new element of DOM_NAMESPACE; "": none any
                           * more, remove it; NULL: unchanged. Its elements
                           * have no prefix and declare no namespace: libvirt
                           * puts them into the one it is given with the key
                           * DOM_PREFIX, and refuses an element that
                           * declares that prefix itself */
    GPtrArray *updates;   /* of char *: <disk> that replaces its target */
    GPtrArray *additions; /* of char *: <controller>s, then <disk>s to attach */
    GPtrArray *targets;   /* of char *: those of the disks to attach */
    GPtrArray *removals;  /* of char *: <disk> to detach */
} DomChanges;

/*
 * Reads a definition: a whole <domain> in xml[0..len).
 *
 * Gives a plan, empty for a domain that asks for nothing. What libvirt has made
 * of a disk counts, not the entry that says what it was. It is read as libvirt
 * reads it; what another version of libvirt could read otherwise is refused.
 * So is a document that has an entity or whose document type declares an
 * attribute, that is above one of the limits or nests deeper than that below
 * <domain>, or whose encoding is not known here. Errors: every code of DOM_ERROR.
 */
DomPlan *dom_plan_new(const char *xml,
                      gsize len,
                      const DomRules *rules,
                      GError **error) G_GNUC_WARN_UNUSED_RESULT;
/*
 * The same on a host with several clusters, n_rules of them, at least one. A disk
 * is in that of which most speaks for it; of several, in the one that it or its
 * location names, else in the first. What asks for an image and has no source is
 * in the cluster that it names, else in that of its location, else in the first
 * with that pool for images, else in the first. Its image may be in another.
 */
DomPlan *dom_plan_new_among(const char *xml,
                            gsize len,
                            const DomRules *rules,
                            guint n_rules,
                            GError **error) G_GNUC_WARN_UNUSED_RESULT;
void dom_plan_free(DomPlan *plan);

/*
 * The same for a lone device, as libvirt's calls for one device take it, of
 * the domain with that UUID; domain_name may be NULL. Anything but a <disk>
 * gives an empty plan.
 *
 * dom_plan_rewrite() gives the device again, and no metadata. A clone is
 * 'UUID_disk.TARGET', whatever other disks there are, and stays on its bus.
 * A bare disk needs no target, since a copy's destination has none. Not for
 * dom_plan_changes().
 */
DomPlan *dom_plan_new_device(const char *xml,
                             gsize len,
                             const char *domain_uuid,
                             const char *domain_name,
                             const DomRules *rules,
                             GError **error) G_GNUC_WARN_UNUSED_RESULT;
DomPlan *dom_plan_new_device_among(const char *xml,
                                   gsize len,
                                   const char *domain_uuid,
                                   const char *domain_name,
                                   const DomRules *rules,
                                   guint n_rules,
                                   GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* The storage pools that disks of type 'volume' name in a definition or a lone
 * device, each once; none also where that cannot be read. g_strfreev() it. */
char **dom_storage_pools(const char *xml, gsize len);
/* Ceph's pool that a storage pool of libvirt's is, by libvirt's XML of that;
 * NULL: it is none of Ceph's. g_free() it. ret_hosts gets an array of DomHost. */
char *dom_storage_pool_read(const char *xml, gsize len, GPtrArray **ret_hosts);

/* The files of the disks of a definition that Nova has written, by whose names
 * it is known what they are for; none also where it cannot be read.
 * g_strfreev() it. */
char **dom_nova_files(const char *xml, gsize len);

/* The <name> in a definition that perhaps cannot be planned, for a message
 * about that; control characters are blanks. NULL: none to be read. g_free() */
char *dom_xml_name(const char *xml, gsize len);
/* Whether a definition has a <disk> of that target; false also where it
 * cannot be read. */
bool dom_xml_has_target(const char *xml, gsize len, const char *target);
/* The targets of the disks of a definition that its guest can write to; none also
 * where it cannot be read. g_strfreev() it. */
char **dom_xml_written_targets(const char *xml, gsize len);

/* The domain's <name>; NULL if it has none. Owned by the plan. */
const char *dom_plan_name(const DomPlan *plan);
/* The domain's <uuid>, lower case with hyphens. A definition without one has
 * been given a random one by dom_plan_new(). Owned by the plan. */
const char *dom_plan_uuid(const DomPlan *plan);
/* Whether that UUID stands in the definition. */
bool dom_plan_uuid_given(const DomPlan *plan);
/* Of DomDisk, document order. Empty: the domain is not ours. */
const GPtrArray *dom_plan_disks(const DomPlan *plan);
/* Whether a disk with <host>s counts as another cluster's, and so would perhaps
 * not if more monitors were known. */
bool dom_plan_has_foreign(const DomPlan *plan);
/* Whether <metadata> carries an element of DOM_NAMESPACE. */
bool dom_plan_has_metadata(const DomPlan *plan);

/* The nonce that <metadata> has from an arrival, or NULL. It is an element of a
 * namespace of its own, has no other meaning here, and is not one if it has not
 * DOM_NONCE_MIN to DOM_NONCE_MAX digits. Owned by the plan. */
const char *dom_plan_arrival(const DomPlan *plan);

/* Decides where a bare image id is: for a disk whose parent_pool is NULL, once.
 * pool must be one of image_pools of the cluster, which another than the disk's
 * has that fsid. What only reads the image is in its cluster from then on. */
void dom_disk_set_parent(DomDisk *disk,
                         guint cluster,
                         const char *fsid,
                         const char *pool);

/* From now on a rewrite leaves the disk as it stands in the definition, and what
 * is recorded of it. */
void dom_disk_leave(DomDisk *disk);

/*
 * The definition as it should be. Every disk must have its parent_pool. sites has
 * one for each of the rules that were planned by; of clusters that no disk is in,
 * only same_guest and arrival are looked at, which are the same in all.
 *
 * ret_xml gets a new string (g_free), or NULL when nothing needs to change:
 * then the caller goes on with the bytes it has. Rewriting the result again
 * gives NULL. With complete_bare false, disks of kind DOM_DISK_BARE stay.
 *
 * The plan itself does not change: it can be rewritten again, for another
 * site too. Errors: DOM_ERROR_LIMIT (more than DOM_HOSTS_MAX monitors, or the
 * result is longer or deeper than what dom_plan_new() takes);
 * DOM_ERROR_REQUEST (no monitors, a disk without its parent_pool, for the same
 * guest a disk of a definition that is not in_place, or an arrival that is no
 * nonce).
 */
gboolean dom_plan_rewrite(DomPlan *plan,
                          const DomSite *sites,
                          char **ret_xml,
                          GError **error) G_GNUC_WARN_UNUSED_RESULT;

/*
 * The same rewrite as changes to a stored definition. ret_changes gets NULL
 * when nothing needs to change. The metadata keeps each disk as it was, for
 * dom_revert(). Apply additions first, for a disk that the metadata records and
 * that is not there was detached; then metadata, then updates: until then a
 * disk's source asks for what is recorded. At last see whether an edit in
 * between has lost one of the targets.
 */
gboolean dom_plan_changes(DomPlan *plan,
                          const DomSite *sites,
                          DomChanges **ret_changes,
                          GError **error) G_GNUC_WARN_UNUSED_RESULT;

/*
 * What takes a rewritten definition back to what was there before remora.
 * ret_changes gets NULL when the definition holds nothing to put back.
 *
 * A disk whose source is no longer the one that remora wrote stays as it is;
 * only its record goes. Apply metadata last: it is what can be repeated from.
 */
gboolean dom_revert(const char *xml,
                    gsize len,
                    DomChanges **ret_changes,
                    GError **error) G_GNUC_WARN_UNUSED_RESULT;

void dom_changes_free(DomChanges *changes);

/* As what a guest has an RBD image; of several, the last counts. From
 * DOM_ROLE_MIRROR on, QEMU writes to it. (A block job that commits into the
 * middle of a chain writes to a DOM_ROLE_BACKING: libvirt's XML does not tell.
 * One that commits into an image from the top has that one as its mirror.) */
typedef enum {
    DOM_ROLE_NONE,      /* it is nowhere in the definition */
    DOM_ROLE_READ_ONLY, /* a CD drive's, a disk's with <readonly/>, or only a
                         * snapshot of it is */
    DOM_ROLE_BACKING,   /* below another one, in a <backingStore> */
    DOM_ROLE_MIRROR,    /* what a block job fills, in a <mirror> */
    DOM_ROLE_DISK,      /* a disk's own, and can be written */
} DomRole;

typedef struct {
    char *target; /* of its disk; NULL: that has none */
    char *pool;
    char *image; /* in a namespace of RBD: 'namespace/image' */
    char *snap;  /* or NULL */
    DomRole role;
    bool mirror; /* its disk has a <mirror>: a block job is at work */
    bool shared; /* its disk is <shareable/> */
} DomRbdSource;

/* Every RBD source in a definition in libvirt's words, also of a guest that
 * runs; document order. ret_sources gets an array of DomRbdSource, to be
 * unreferenced. Errors: those of dom_plan_new() for a document. */
gboolean dom_sources(const char *xml,
                     gsize len,
                     GPtrArray **ret_sources,
                     GError **error) G_GNUC_WARN_UNUSED_RESULT;

typedef struct {
    DomRole role; /* the last of those that it has */
    bool mirror;  /* a disk that has it in any role has a <mirror> */
    bool shared;  /* so does one with <shareable/> */
} DomFound;

gboolean dom_find_source(const char *xml,
                         gsize len,
                         const char *pool,
                         const char *image,
                         DomFound *ret_found,
                         GError **error) G_GNUC_WARN_UNUSED_RESULT;

/*
 * A size as people write it: digits, an optional fraction, optional blanks, a
 * unit of B, KiB, MiB, GiB, TiB (or K, M, G, T, binary as in rbd and nova);
 * no unit means bytes. 1 to DOM_SIZE_MAX bytes; a fraction must come out at
 * whole bytes.
 */
gboolean dom_size_parse(const char *text,
                        guint64 *ret_bytes,
                        GError **error) G_GNUC_WARN_UNUSED_RESULT;

typedef struct {
    char *fsid;  /* only from an rbd:// location; else NULL */
    char *pool;  /* NULL for a bare image id */
    char *image; /* or 'namespace/image' */
    char *snap;  /* 'snap' where none is named */
} DomImageRef;

/*
 * What an image attribute names: an image id, 'image@snap', 'pool/image',
 * 'pool/image@snap', with 'namespace/' before the image, or a Glance location
 * 'rbd://fsid/pool/image/snap' (pieces percent-decoded after the split, all four
 * there and none empty: glance_store's rule), with 'namespace%2F' before it.
 */
DomImageRef *dom_image_ref_parse(const char *text,
                                 GError **error) G_GNUC_WARN_UNUSED_RESULT;
void dom_image_ref_free(DomImageRef *ref);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(DomPlan, dom_plan_free)
G_DEFINE_AUTOPTR_CLEANUP_FUNC(DomChanges, dom_changes_free)
G_DEFINE_AUTOPTR_CLEANUP_FUNC(DomImageRef, dom_image_ref_free)

#endif
