/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * xml/dom-internal.h - what the files of xml/ share
 *
 * The way of a definition: dom-bytes.c makes text of the bytes, dom-parse.c a
 * document of that, dom-request.c reads our metadata in it, dom-kind.c what an
 * entry is for, dom-nova.c Nova's metadata, dom-source.c a disk's source, and
 * dom-plan.c puts all together: dom-signs.c says whether it is in a cluster of
 * ours, dom-plain.c where nobody can be sure, dom-standing.c whether an entry
 * still counts, dom-ask.c what is asked for, and dom-owner.c names the clones.
 * From the plan, dom-rewrite.c edits a copy of the document (dom-write.c one
 * disk, dom-record.c the metadata); dom-changes.c and dom-revert.c say the same
 * in libvirt's calls. dom-device.c puts a lone device into a definition of its
 * own, and goes the same way. dom-find.c and dom-facts.c look something up
 * without a plan.
 *
 * Contract: an element counts by its namespace, never by its prefix. What
 * libxml2 allocated does not leave this room; strings are g_malloc'd.
 *           Nothing here recurses: depth is chosen by who wrote it.
 */
#ifndef REMORA_XML_DOM_INTERNAL_H
#define REMORA_XML_DOM_INTERNAL_H

#include "xml/dom.h"

#include <libxml/tree.h>

#define DOM_DEFAULT_SNAP "snap"
/* How much of an untrusted string a message quotes. */
#define DOM_QUOTE "%.80s"

G_DEFINE_AUTOPTR_CLEANUP_FUNC(xmlDoc, xmlFreeDoc)
G_DEFINE_AUTOPTR_CLEANUP_FUNC(xmlNode, xmlFreeNode)

/* dom-error.c: sets error, returns FALSE. The text becomes one line. */
gboolean dom_fail(GError **error, DomErrorCode code, const char *format, ...)
    G_GNUC_PRINTF(3, 4);

/* dom-bytes.c */
typedef struct {
    char *text;     /* inside the limits; ends with its first NUL */
    char *encoding; /* as declared; NULL: not, or it does not count */
    bool decoded;   /* what it declares is no longer so */
} DomBytes;

void dom_bytes_clear(DomBytes *bytes);
gboolean
dom_bytes_read(const char *xml, gsize len, DomBytes *ret_bytes, GError **error);
/* Text that is not UTF-8, read as it is declared. NULL: there is no such. */
char *dom_bytes_as_declared(const DomBytes *bytes);

/* dom-parse.c: a whole definition; and anything inside the same limits. */
xmlDoc *dom_parse(const char *xml, gsize len, GError **error);
xmlDoc *dom_parse_any(const char *xml, gsize len, GError **error);
gboolean dom_check_root(const xmlNode *root, const char *name, GError **error);
char *dom_dump(xmlDoc *doc);
char *dom_dump_node(xmlNode *node);

/* dom-tree.c: finding. Names are those of elements without a namespace, and of
 * attributes whatever their prefix, as for libvirt. */
xmlNode *dom_child(xmlNode *parent, const char *name);
xmlNode *dom_child_next(xmlNode *node, const char *name);
/* An element that libvirt may have put into our namespace. */
xmlNode *dom_child_ours(xmlNode *parent, const char *name);
bool dom_is_ours(const xmlNode *node);
bool dom_is_named(const xmlNode *node, const char *name);
GPtrArray *dom_elements(xmlNode *parent);
/* All <disk>s, document order. */
GPtrArray *dom_disk_nodes(xmlNode *root);
xmlNode *dom_walk(xmlNode *node, const xmlNode *top);
char *dom_attr(xmlNode *node, const char *name);
char *dom_child_attr(xmlNode *parent, const char *child, const char *name);
char *dom_text(xmlNode *node);

/* dom-edit.c: changing. Those that return bool say whether anything changed. */
bool dom_set_attr(xmlNode *node, const char *name, const char *value);
bool dom_unset_attr(xmlNode *node, const char *name);
bool dom_remove(xmlNode *node);
/* A new element after the last child named in places (NULL-terminated, may be
 * NULL), else as the first child; in the parent's indentation. */
xmlNode *dom_add(xmlNode *parent, const char *const *places, const char *name);
void dom_insert(xmlNode *parent, xmlNode *after, xmlNode *child);
void dom_append(xmlNode *parent, xmlNode *child);
void dom_indent(xmlNode *top);
/* Takes the elements of our namespace in top out of it. */
void dom_strip_namespace(xmlNode *top);

/* dom-names.c */
bool dom_in_list(const char *const *list, const char *name);
gboolean dom_name_check(const char *what, const char *name, GError **error);
/* 'image', or 'namespace/image' */
gboolean dom_image_check(const char *image, GError **error);
gboolean dom_target_check(const char *target, GError **error);
const char *dom_target_bus(const char *target);
/* As lax as libvirt; NULL if it is none. */
char *dom_uuid_parse(const char *text);
/* Of 'pool/image', the image; NULL: it is in another pool. */
const char *dom_image_in(const char *name, const char *pool);
/* The UUID of 'UUID_...', lower case, or NULL. */
char *dom_uuid_of_image(const char *image);

/* dom-kind.c: what an entry's disk is for. */
typedef enum {
    DOM_KIND_CLONE, /* also where the entry does not say */
    DOM_KIND_DATA,
    DOM_KIND_RESCUE,
    DOM_KIND_EPHEMERAL,
    DOM_KIND_SWAP,
    DOM_KIND_CONFIG,
} DomKind;

/* dom-image-ref.c. g_free() it. */
char *dom_image_ref_location(const char *fsid,
                             const char *pool,
                             const char *image,
                             const char *snap);

/* dom-request.c */
typedef struct {
    guint index; /* among the elements of <remora:domain> */
    char *target;
    DomKind kind;
    DomContent content; /* of one without an image, as the next two */
    char *label;
    char *file;
    char *image_text;
    char *cluster;      /* that it is to be in, or NULL */
    char *destination;  /* 'pool/image' as written, or NULL */
    DomImageRef *ref;   /* NULL: it is no image's */
    guint64 size;       /* 0: not asked for */
    bool recorded;      /* has <original> */
    bool was_read_only; /* as it has a disk that cannot be written */
    bool past;          /* says no longer what the disk is */
    char *nova;         /* what Nova calls its disk ('disk.local'), if Nova's
                         * metadata asks, and no entry of ours is there; else
                         * NULL */
} DomEntry;

typedef struct {
    xmlNode *node;         /* <remora:domain>, or NULL */
    GPtrArray *entries;    /* of DomEntry, document order */
    GHashTable *by_target; /* target to DomEntry */
    GHashTable *records;   /* targets that have an <original> of their own */
} DomRequest;

/* dom-kind.c. Reads all of an entry but its target and destination. */
gboolean dom_kind_read(xmlNode *node, DomEntry *entry, GError **error);
/* Of an ephemeral disk, whose format may be NULL, or of swap: what is in it, if
 * its label and its size go with that. */
gboolean
dom_kind_set_format(DomEntry *entry, const char *format, GError **error);
/* The 'format' that it is asked for by, or NULL. */
const char *dom_kind_format(DomContent content);
const char *dom_kind_word(DomKind kind);
/* What of the image's name is behind 'UUID_disk', for the nth of its kind, from
 * 0; NULL: the disk's target. */
char *dom_kind_suffix(DomKind kind, guint n);
/* Of a file of the host. */
gboolean dom_kind_check_file(const char *file, GError **error);
/* The label that a file system in an image of that name has otherwise. */
char *dom_kind_label(const char *image);

/* What <remora:disk> may say, in the order in which it is written; the first is
 * its target. */
extern const char *const dom_entry_attributes[];
#define DOM_ENTRY_ATTRIBUTES 9
DomRequest *dom_request_read(xmlNode *root, GError **error);
void dom_request_free(DomRequest *request);
/* Our element in <metadata>, or NULL. */
xmlNode *dom_request_find(xmlNode *root);

/* dom-nova.c: adds what Nova's metadata asks for. */
gboolean dom_nova_read(xmlNode *root,
                       const DomNova *nova,
                       DomRequest *request,
                       GError **error);
/* What the flavor has of 'read_bytes_sec' and the like, or NULL. */
char *dom_nova_quota(xmlNode *root, const char *name);

/* dom-arrival.c */
bool dom_nonce_check(const char *nonce);
/* Its nonce, or NULL. */
char *dom_arrival_read(xmlNode *root);
/* Puts a nonce there; NULL: takes an old one away. Says whether that changes
 * anything. */
bool dom_arrival_write(xmlNode *root, const char *nonce);

/* dom-source.c */
typedef enum {
    DOM_SOURCE_NONE,
    DOM_SOURCE_RBD,
    DOM_SOURCE_OTHER,
} DomSourceKind;

/* What stands behind the pool's name. */
typedef enum {
    DOM_PATH_IMAGE,
    DOM_PATH_NAMESPACE, /* a namespace of RBD, and an image in it */
    DOM_PATH_ODD,       /* more, or an empty name: nobody knows whose */
} DomSourcePath;

typedef struct {
    DomSourceKind kind;
    char *pool; /* RBD only, as the next ones */
    char *image;
    DomSourcePath path;
    char *snap_at;      /* of 'pool/image@snap' */
    char *snap_element; /* of <snapshot name=> */
    char *said;         /* for messages: "file '/x'", "rbd 'pool/image'" */
} DomSource;

DomSource *dom_source_read(xmlNode *disk);
void dom_source_free(DomSource *source);
gboolean dom_source_check_path(const DomSource *source, GError **error);
/* The snapshot that it names, or NULL. */
const char *dom_source_snap(const DomSource *source);
bool dom_source_is(const DomSource *source,
                   const char *pool,
                   const char *image,
                   const char *snap);
gboolean dom_source_read_access(xmlNode *disk, DomDisk *into, GError **error);
DomHost *dom_host_new(char *name, char *port);
void dom_host_free(DomHost *host);

/* dom-signs.c */
typedef struct {
    const DomRules *all;
    guint n;
} DomClusters;

typedef enum {
    DOM_WHERE_NOWHERE, /* no cluster has a pool of that name */
    DOM_WHERE_HERE,
    DOM_WHERE_ELSEWHERE, /* something speaks against each that has */
} DomWhere;

bool dom_is_disk_pool(const DomRules *rules, const char *pool);
/* Where the source of a disk, or of what is below one, is. entry: what asks for
 * it, or NULL. ret_rules gets those of the cluster, if it is HERE; ret_by_hosts is
 * set if it is ELSEWHERE and has hosts. */
DomWhere dom_where(const DomClusters *clusters,
                   xmlNode *disk,
                   const DomSource *source,
                   const DomEntry *entry,
                   const DomRules **ret_rules,
                   bool *ret_by_hosts);
/* Of what is asked for without a source; entry NULL: nothing is. */
const DomRules *dom_where_asked(const DomClusters *clusters,
                                const DomEntry *entry);
/* Of an image, for a disk in the cluster of the rules. NULL: nobody knows it. */
const DomRules *dom_where_image(const DomClusters *clusters,
                                const DomRules *rules,
                                const DomImageRef *ref);
/* It is elsewhere. */
void dom_source_estrange(DomSource *source);

/* dom-volume.c. Of a disk of type 'volume' in a storage pool of the rules: puts
 * into an empty source which image it means, and into ret_rules its cluster. */
bool dom_volume_resolve(xmlNode *disk,
                        const DomClusters *clusters,
                        DomSource *source,
                        const DomRules **ret_rules);
/* Whether it is one with a volume of that name. */
bool dom_volume_is(xmlNode *disk, const char *image);

/* dom-standing.c */
typedef enum {
    DOM_STANDING_HOLDS,   /* a request, or what was made of it */
    DOM_STANDING_COVERED, /* what was made is below an overlay */
    DOM_STANDING_PAST,    /* the disk is another now, or gone */
} DomStanding;

/* vms_pool: where clones go. covered: what was made is below the disk. asks: the
 * disk's own source asks for an image. */
DomStanding dom_standing(const DomEntry *entry,
                         xmlNode *disk,
                         const DomSource *source,
                         const char *vms_pool,
                         bool covered,
                         bool asks);
/* Whether its driver is for raw images, as it is where none is said. */
bool dom_is_raw(xmlNode *disk);
/* Whether a guest can write to it, whatever is in it. */
bool dom_is_writable(xmlNode *disk);
/* The <backingStore> of a disk that is 'pool/image', or NULL. */
xmlNode *dom_backing_find(xmlNode *disk, const char *name);

/* dom-plain.c */
gboolean dom_plain_check(xmlNode *disk, GError **error);

/* dom-plan.c */
typedef struct {
    DomDisk disk; /* first: callers hold a pointer to it */
    DomPlan *plan;
    xmlNode *node;         /* its <disk>, or NULL */
    guint disk_index;      /* node's place among dom_disk_nodes() */
    bool volume;           /* of type 'volume', whose meaning is known */
    bool elsewhere;        /* its image is in another cluster than its source */
    const DomEntry *entry; /* or NULL */
    DomSource *source;     /* of node, or an empty one */
} DomPlanDisk;

/* What is kept of a cluster's rules. */
typedef struct {
    char *fsid; /* or NULL */
    char **image_pools;
    char *vms_pool;
    bool complete_bare;
} DomPlace;

struct DomPlan {
    xmlDoc *doc;
    xmlNode *root;
    char *name;
    char *uuid;
    bool uuid_given;
    char *arrival;
    DomRequest *request;
    GPtrArray *disks; /* of DomPlanDisk */
    DomPlace *places; /* one for each of the rules */
    guint n_places;
    bool namespaces; /* libvirt knows those of RBD */
    bool device;     /* of a lone device; the domain round it is made up */
    bool foreign;    /* a disk with hosts counts as another cluster's */
};

/* The plan of a document, which is the plan's then. */
DomPlan *dom_plan_of(xmlDoc *doc,
                     bool device,
                     const DomClusters *clusters,
                     GError **error);
/* Of the disk's cluster. */
const DomPlace *dom_place_of(const DomPlanDisk *disk);

/* dom-ask.c */
gboolean dom_ask_by_entry(DomPlanDisk *own,
                          const DomClusters *clusters,
                          const DomRules *rules,
                          GError **error);
gboolean dom_ask_by_source(DomPlanDisk *own, GError **error);

/* dom-owner.c: a name for every disk that is made, and none of another
 * domain's. */
gboolean
dom_owner_check(const DomPlanDisk *disk, const char *image, GError **error);
gboolean dom_owner_name_made(DomPlan *plan, GError **error);

/* dom-write.c: one disk as it should be; what changed. */
bool
dom_write_disk(xmlNode *node, const DomPlanDisk *disk, const DomSite *site);
xmlNode *dom_write_new_disk(xmlNode *root, const DomPlanDisk *disk);
/* The cache mode of a disk that has none, if the site's is cache; NULL: none. */
const char *dom_write_cache(xmlNode *driver, bool shareable, const char *cache);
/* dom-write-nova.c */
bool dom_write_nova(xmlNode *disk, const DomPlanDisk *own, const DomSite *site);
/* dom-write-bus.c */
bool dom_write_bus(xmlNode *node, const char *bus);

/* dom-record.c */
typedef struct {
    xmlNode *node;
    bool made;    /* there was no <disk> */
    bool changed; /* made included */
} DomWorkDisk;

typedef struct {
    const DomPlan *plan;
    const DomSite *sites;
    xmlDoc *doc; /* a copy of the plan's */
    xmlNode *root;
    xmlNode *meta;       /* <remora:domain>, or NULL */
    GPtrArray *entries;  /* its elements as they were, document order */
    GArray *disks;       /* of DomWorkDisk, as plan->disks */
    xmlNode *controller; /* new, or NULL */
    GPtrArray *others;   /* of xmlNode: disks that are not in the plan, and
                          * changed */
    bool meta_changed;
    bool changed;
    char *xml; /* the whole result; NULL: unchanged */
} DomWork;

/* dom-write-others.c: the other disks of a domain for which disks are made. */
void dom_write_others(DomWork *work);
/* <metadata>, made where there is none. */
xmlNode *dom_record_place(xmlNode *root);
void dom_record(DomWork *work, const DomPlanDisk *disk, xmlNode *before);
/* Of a disk that has no entry. */
void dom_record_alone(DomWork *work, const char *target, xmlNode *before);
/* Our element as virDomainSetMetadata takes it. */
char *dom_record_dump(xmlNode *meta);

/* dom-scsi.c: where new disks on a SCSI bus are, once all are written. */
void dom_scsi_place(DomWork *work);

/* dom-rewrite.c */
DomWork *
dom_work_new(const DomPlan *plan, const DomSite *sites, GError **error);
void dom_work_free(DomWork *work);

/* dom-changes.c */
DomChanges *dom_changes_new(void);
void dom_changes_add(DomChanges *changes, xmlNode *disk);

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(DomBytes, dom_bytes_clear)
G_DEFINE_AUTOPTR_CLEANUP_FUNC(DomSource, dom_source_free)
G_DEFINE_AUTOPTR_CLEANUP_FUNC(DomRequest, dom_request_free)
G_DEFINE_AUTOPTR_CLEANUP_FUNC(DomWork, dom_work_free)

#endif
