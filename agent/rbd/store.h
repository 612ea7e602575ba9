/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * agent/rbd/store.h - the cluster: connection, images, disks made from them
 *
 * A StoreCluster is one Ceph cluster as one user. It keeps one warm RADOS
 * connection, replaces it when it is lost or fenced, and refuses at once
 * while the cluster does not answer.
 *
 * Walls:    links librados, librbd, GLib, jansson. Knows no domains, no XML,
 *           no libvirt; never logs. 'owner' is an opaque id that a disk
 *           belongs to, 'label' what its owner calls the disk.
 * Threads:  every function may be called from any thread; those marked
 *           "blocks" wait for the network and belong in a worker.
 * Errors:   GError of STORE_ERROR, one line with cause and next step.
 *           librados and librbd return negative error numbers and do not set
 *           errno, which is why errno is never read here.
 */
#ifndef REMORA_AGENT_RBD_STORE_H
#define REMORA_AGENT_RBD_STORE_H

#include <glib.h>
#include <stdbool.h>

/* Limits on what a cluster may tell us. */
#define STORE_JSON_MAX     (16u * 1024u * 1024u)
#define STORE_MONITORS_MAX 64u
#define STORE_WATCHERS_MAX 4096u
#define STORE_IMAGES_MAX   65536u
#define STORE_TRASH_MAX    65536u

#define STORE_ERROR store_error_quark()
GQuark store_error_quark(void);

typedef enum {
    STORE_ERROR_FAILED,  /* anything that needs no telling apart */
    STORE_ERROR_MISSING, /* pool, image or snapshot is not there */
    STORE_ERROR_DOWN,    /* the cluster does not answer, or answered late */
    STORE_ERROR_FENCED,  /* our own connection was blocklisted */
    STORE_ERROR_BUSY,    /* somebody else holds or uses the disk */
    STORE_ERROR_REFUSED, /* what is there is not what was asked for */
    STORE_ERROR_FULL,    /* pool or cluster is full, or at its quota */
} StoreErrorCode;

typedef struct StoreCluster StoreCluster;

/* Copied by store_cluster_new(). */
typedef struct {
    const char *name;    /* what messages call the cluster */
    const char *conf;    /* path of ceph.conf, or NULL: librados decides */
    const char *user;    /* without 'client.' */
    const char *keyring; /* path, or NULL: librados decides */
    guint connect_timeout_ms;
    guint op_timeout_ms;
    const char *run_dir;   /* this host's own state, on tmpfs; must exist */
    const char *state_dir; /* the same, on disk; made if it is not there */
    /* NULL-terminated: an answer from any of them means that it works. */
    const char *const *probe_pools;
    guint64 clone_object_size;   /* bytes or 0; never below the parent's */
    guint64 clone_features;      /* librbd's mask, or 0: cluster's default */
    const char *clone_data_pool; /* or NULL */
    guint trash_expiry_s;        /* how long what we trash can come back */
} StoreSettings;

/* Does not connect. */
StoreCluster *store_cluster_new(const StoreSettings *settings);
StoreCluster *store_cluster_ref(StoreCluster *cluster);
/* The last one closes the connection; claims that are still held stay in the
 * cluster, with a note in run_dir for whoever comes next. May block. */
void store_cluster_unref(StoreCluster *cluster);
const char *store_cluster_name(const StoreCluster *cluster);
const char *store_cluster_user(const StoreCluster *cluster);

/* Makes sure of a connection. Blocks up to connect_timeout_ms, or not at all
 * while the cluster is known to be down. */
gboolean store_cluster_connect(StoreCluster *cluster,
                               GError **error) G_GNUC_WARN_UNUSED_RESULT;
/* The cluster's id, connecting if need be. Owned by the cluster. Blocks. */
const char *store_cluster_fsid(StoreCluster *cluster, GError **error);
/* Whether calls are refused until a probe succeeds, and for how long (in
 * seconds) that has been so. */
bool store_cluster_is_down(StoreCluster *cluster, guint *ret_seconds);
/* For the caller whose own patience ended while the cluster was at work: a
 * probe looks at once whether the cluster, or the disks that are being made
 * ready for asker (see store_cluster_has_room()), do not answer. asker may be
 * NULL. What works goes on meanwhile. Does not block. */
void store_cluster_suspect(StoreCluster *cluster, const char *asker);

/* For a process that serves one request, and ends before another comes. Its
 * successor is to know that the cluster did not answer. Any thread. */
void store_cluster_note_down(const StoreCluster *cluster);
/* Before anything else is done with a new cluster: if that was noted less than
 * a minute ago, the cluster has wait_ms to show that it works. true: it did
 * not, and calls are refused until it does. Blocks for wait_ms at most. */
bool store_cluster_recall_down(StoreCluster *cluster, guint wait_ms);

/* The cephx key (base64) of a user, without 'client.'. keyring is the path of
 * the file that holds it; NULL: what librados would use for that user by the
 * cluster's conf (its options key, keyfile or keyring). Does not connect, so
 * the cluster may know another key. STORE_ERROR_MISSING: no such key. Give it
 * to store_key_free(), which wipes it; NULL is allowed there. */
char *store_user_key(const StoreCluster *cluster,
                     const char *user,
                     const char *keyring,
                     GError **error);
void store_key_free(char *key);

typedef struct {
    char *host; /* IPv6 without brackets */
    char *port;
    bool v2;    /* speaks messenger v2 */
    bool other; /* the same monitor was listed before, with another address */
} StoreMonitor;

void store_monitor_free(StoreMonitor *monitor);
/* The live monitor map ('mon dump'): every address of every monitor, the v1
 * address of a monitor first where it has both. Of StoreMonitor. Blocks. */
GPtrArray *store_monitors(StoreCluster *cluster, GError **error);
/* Whether more than half of these monitors (of StoreMonitor) greet who
 * connects to their first address: then they have a quorum, or will have one
 * when they have elected. Blocks up to timeout_ms; any thread. */
bool store_monitors_greet(const GPtrArray *monitors, guint timeout_ms);
/* The same from the JSON text; pure. */
GPtrArray *store_monitors_parse(const char *json, gsize len, GError **error);
/* What ceph.conf's mon_host names, without connecting; and the same from the
 * text, pure. A host may be a name. Of StoreMonitor. */
GPtrArray *store_monitors_from_conf(const StoreCluster *cluster,
                                    GError **error);
GPtrArray *store_monitors_parse_hosts(const char *hosts, GError **error);
/* The fsid that ceph.conf names, without connecting; NULL: none. g_free() */
char *store_conf_fsid(const StoreCluster *cluster);

typedef struct {
    const char *pool;
    const char *image;
    const char *snap;
} StoreParent;

/* Where a disk comes from: said outright, never guessed from what is missing. */
typedef enum {
    STORE_SOURCE_EXISTING, /* it must be there */
    STORE_SOURCE_CLONE,    /* of the parent's snapshot */
    STORE_SOURCE_BLANK,    /* reads as zeroes */
    STORE_SOURCE_FILLED,   /* blank, and then written to by 'fill' */
} StoreSource;

/* A new image that is being filled; nobody else has it open. */
typedef struct StoreFilling StoreFilling;
guint64 store_filling_size(const StoreFilling *filling);
/* Blocks. Errors: STORE_ERROR. */
gboolean store_filling_write(StoreFilling *filling,
                             guint64 offset,
                             gconstpointer data,
                             gsize len,
                             GError **error) G_GNUC_WARN_UNUSED_RESULT;
/* Writes a disk's content. It may be called again for another image, when the
 * first did not come to its end. */
typedef gboolean (*StoreFill)(StoreFilling *filling,
                              gpointer data,
                              GError **error);

/* One disk that is to be ready. Everything borrowed for the call. */
typedef struct {
    StoreSource source;
    StoreParent parent; /* of STORE_SOURCE_CLONE */
    StoreFill fill;     /* of STORE_SOURCE_FILLED */
    gpointer fill_data;
    const char *pool; /* the disk itself; for read_only with a parent: the
                         * parent's snapshot is looked at, nothing is made */
    const char *image;
    guint64 size;      /* bytes, at least; 0: as the parent. One that is
                        * blank or filled needs one */
    const char *owner; /* whom it belongs to */
    const char *label; /* what its owner calls it */
    bool read_only;
    bool shareable; /* several may write to it: no claim is kept */
    bool starts;    /* its owner starts: until now it does not run here */
    /* The owner comes from another host, which still has the disk open (live
     * migration). Goes with starts. */
    bool arriving;
    /* Whether nothing of the owner is left on this host; NULL: not known. */
    bool (*has_ended)(const char *owner);
    guint patience_ms; /* how long another host's builder may be watched */
    /* Who else than owner waits for it, for store_cluster_has_room(); or NULL. */
    const char *asker;
} StoreDisk;

typedef enum {
    STORE_BUILT, /* cloned now */
    STORE_READY, /* was there already, and ours or somebody's own */
    STORE_GROWN, /* was there already, and was made larger */
} StoreOutcome;

/* An exclusive right to write to one image, held in the cluster beside it.
 * It keeps itself alive until it is dropped. */
typedef struct StoreClaim StoreClaim;

typedef struct {
    StoreOutcome outcome;
    StoreClaim *claim; /* NULL for read-only and shareable disks */
    guint64 size;      /* bytes */
    char *recovered;   /* what a dead client left and what was done about
                        * it, with the evidence, as one line; or NULL */
} StoreResult;

void store_result_clear(StoreResult *result);

/* Something that a dead client of this host left and that was put right. */
typedef struct {
    char *image; /* 'pool/image' */
    char *text;  /* as StoreResult's recovered */
} StoreRecovery;

void store_recovery_free(StoreRecovery *recovery);

/*
 * Makes sure that a disk is there, whole, and claimed for its owner. Safe to
 * repeat, and from two hosts at once. Never shrinks an image, never deletes
 * one but a half-made clone of its own kind, which goes to the trash.
 *
 * After a failure ret_result holds no more than what was recovered, and no
 * claim is left unless a call timed out or the connection was lost (then whoever
 * comes next may take it over).
 * Blocks, up to several times op_timeout_ms when the cluster hangs.
 */
gboolean store_provision(StoreCluster *cluster,
                         const StoreDisk *disk,
                         StoreResult *ret_result,
                         GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* For who has waited for a while: whether what is being made for asker, or for
 * this owner, does not come to an end because a pool is full or at its quota,
 * in which case writes simply wait for room, or because its pool is known not
 * to answer. FALSE: STORE_ERROR_FULL or STORE_ERROR_DOWN, which names the pool;
 * what waits goes on waiting, up to op_timeout_ms, and others will be told at
 * once. Blocks. */
gboolean store_cluster_has_room(StoreCluster *cluster,
                                const char *asker,
                                GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* Whether a disk could be made, without making it: its parent can be cloned and
 * is not larger. One that is there already is not judged. For a request of
 * several disks, so that nothing is made if one of them cannot be. Blocks. */
gboolean store_disk_check(StoreCluster *cluster,
                          const StoreDisk *disk,
                          GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* Before the owner is told that the disk is its: from then on it may write at
 * any time, and the claim ends only by its end. FALSE: the claim is not ours any
 * more, and the owner must not be told. Blocks. */
gboolean store_claim_hand(StoreClaim *claim,
                          GError **error) G_GNUC_WARN_UNUSED_RESULT;
/* Gives the claim up and frees it; the cluster's answer is waited for. Of one
 * that was handed only if the owner has not been told. NULL is allowed.
 * Blocks. */
void store_claim_drop(StoreClaim *claim);
/* Frees it, and leaves it in the cluster as it stands. NULL is allowed. */
void store_claim_leave(StoreClaim *claim);
const char *store_claim_pool(const StoreClaim *claim);
const char *store_claim_image(const StoreClaim *claim);

/* The owner, on this host. */
typedef enum {
    STORE_GUEST_UNKNOWN, /* nobody can say */
    STORE_GUEST_ENDED,   /* it does not run, and nothing of it is left */
    STORE_GUEST_OPENING, /* it is active, and may still open or close disks:
                          * it starts, arrives, or a job is under way */
    STORE_GUEST_RUNS,    /* it is active, and has open what it will have */
} StoreGuestState;

typedef struct {
    const char *domain; /* the owner */
    StoreGuestState state;
    bool plugged;   /* it has this disk: as a source, below one, or as what a
                   * block job writes to */
    bool shared;    /* as one that several may write to: no claim is kept */
    bool call_over; /* the call that asked for this disk has come back */
} StoreGuestNow;

typedef enum {
    STORE_SETTLED_NONE,    /* there is nothing of this host to settle */
    STORE_SETTLED_WAITING, /* look again in a while */
    STORE_SETTLED_RUNNING, /* the claim says whose watch is the guest's */
    STORE_SETTLED_DROPPED, /* the guest's claim is gone */
    STORE_SETTLED_CUT_OFF, /* the guest was cut off before its watch was seen:
                            * it must be ended */
} StoreSettled;

/* What the claim on a disk said at a moment. */
typedef struct StoreSight StoreSight;

/* First this, then ask what the guest does, then settle: so that an answer is
 * never about an earlier guest than the claim is. Blocks. */
StoreSight *store_sight_new(StoreCluster *cluster,
                            const char *pool,
                            const char *image,
                            GError **error);
/* For whom the claim is, or NULL: there is none. Owned by sight. */
const char *store_sight_owner(const StoreSight *sight);
/* Makes the claim follow the guest: noted as running once its watch is seen,
 * gone when it has ended, that of a guest which ran before there was any made
 * anew. ret_text gets a line for the log, or NULL; g_free() it. Blocks. */
gboolean store_sight_settle(StoreSight *sight,
                            const StoreGuestNow *now,
                            StoreSettled *ret_settled,
                            char **ret_text,
                            GError **error) G_GNUC_WARN_UNUSED_RESULT;
void store_sight_free(StoreSight *sight);

/* For the start of an agent: what dead processes of this host left. A claim
 * under which one was building is dropped if the image is whole, and else left:
 * the next provision takes it and puts the image right. What was handed to a
 * guest is noted as this process's to settle. The files of those that left
 * nothing are removed. An image is never touched.
 * dropped gets one StoreRecovery for each claim that was dropped; also after a
 * failure, when everything else was looked at all the same, unless the cluster
 * is gone. It may be called again. Blocks. */
gboolean
store_claims_reclaim(StoreCluster *cluster, GPtrArray *dropped, GError **error);
/* Somebody whom a claim names. */
typedef struct {
    char *host;  /* NULL: of an earlier builder only the address is known */
    char *addr;  /* or NULL */
    bool unseen; /* it has a guest whose own client nobody has seen yet: the
                  * address is its host's agent's */
} StoreClaimNamed;

/* One claim, for people. */
typedef struct {
    char *pool;
    char *image;
    char *text;        /* all that it says */
    const char *phase; /* as StoreState's claim_phase; static */
    char *host;
    char *domain;
    char *addr;       /* of the client: the guest's, or its host's agent's */
    char *to_host;    /* where the guest migrates to, or NULL */
    GPtrArray *named; /* of StoreClaimNamed: everyone whom it names */
    gint64 since;     /* by that host's clock, seconds since 1970 */
} StoreClaimInfo;

void store_claim_info_free(StoreClaimInfo *info);
/* Adds every claim in a pool to list (of StoreClaimInfo). It reads the names of
 * all objects of the pool: for people who wait, not for a start. Blocks. */
gboolean store_claims_list(StoreCluster *cluster,
                           const char *pool,
                           GPtrArray *list,
                           GError **error) G_GNUC_WARN_UNUSED_RESULT;
/* 'IP:0/0', which means all clients of the host that an address is of; NULL: it
 * is none. g_free() it. */
char *store_client_of_host(const char *addr);
/* Cuts a client off for years, or all of a host, and waits until the OSDs know
 * it. Never the host that this is. Blocks. */
gboolean store_client_cut_off(StoreCluster *cluster,
                              const char *addr,
                              GError **error) G_GNUC_WARN_UNUSED_RESULT;
typedef enum {
    STORE_FENCED_NOT,  /* it says something else by now */
    STORE_FENCED_LESS, /* it does not name it any more, and is somebody's yet */
    STORE_FENCED_FREE, /* anybody may have the disk */
} StoreFenced;

/* What the claim said of a host when it was listed, or of a client if host is
 * NULL, is over: who that was has been cut off. Where the claim has changed since,
 * whom it names now has not been, and it is left alone. Blocks. */
gboolean store_claim_fence(StoreCluster *cluster,
                           const StoreClaimInfo *info,
                           const char *host,
                           const char *addr,
                           StoreFenced *ret_fenced,
                           GError **error) G_GNUC_WARN_UNUSED_RESULT;
/* Whether an operator cut off this whole host; false also where the cluster does
 * not say. Blocks. */
bool store_host_is_cut_off(StoreCluster *cluster);
/* Takes that back: nothing of before is left on this host. FALSE: it cannot be
 * taken back, and the error says how. Blocks. */
gboolean store_host_let_in(StoreCluster *cluster,
                           GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* How an image stands; strings are owned by it. */
typedef struct {
    bool there;         /* an image of that name */
    bool opens;         /* and it can be opened; what follows is of that */
    bool ready;         /* marked as whole */
    guint64 size;       /* bytes */
    guint64 overlap;    /* bytes that the parent can show through */
    char *owner;        /* from the mark, or NULL */
    char *parent;       /* 'pool/image@snap', or NULL */
    char **watchers;    /* addresses, as store_watchers() has them */
    bool crowded;       /* there are more than that lists, and none here */
    char *claim_phase;  /* 'building', 'handed', 'running', 'fenced', or 'old'
                         * (of version 0.1); NULL: no claim */
    char *claim_host;   /* the host that it is of, or NULL */
    char *claim_owner;  /* whom it is for, or NULL */
    char *claim_addr;   /* that client's address, or NULL */
    char *claim_to;     /* the host that the guest migrates to, or NULL */
    gint64 claim_since; /* by that host's clock, seconds since 1970 */
} StoreState;

/* To be shown, not to be decided by: it may have changed meanwhile. An image
 * that is not there is no error. ret_state is untouched on failure. Blocks. */
gboolean store_state(StoreCluster *cluster,
                     const char *pool,
                     const char *image,
                     StoreState *ret_state,
                     GError **error);
void store_state_clear(StoreState *state);

typedef struct {
    char *pool;
    char *image;
    char *owner;
} StoreNoted;

void store_noted_free(StoreNoted *noted);
/* The images that processes of this host, living and dead, have noted that they
 * claimed or asked to, and for whom last; whether there is a claim, store_state()
 * says. Of StoreNoted, each image once. Does not connect. */
GPtrArray *store_claims_noted(const StoreCluster *cluster);

/* An image that remora moved to the trash. */
typedef struct {
    char *image; /* its name when it was an image */
    char *id;    /* for 'rbd trash restore' */
    char *host;  /* who moved it */
    char *why;
    gint64 since; /* seconds since 1970, by the cluster's clock */
    gint64 until; /* it cannot be purged before */
} StoreTrashed;

void store_trashed_free(StoreTrashed *trashed);
/* Those of a pool, the newest first, at most max of them, found among the 200
 * newest of the pool; what others moved there is left out. Of StoreTrashed. Blocks, some milliseconds an image. */
GPtrArray *store_trash_list(StoreCluster *cluster,
                            const char *pool,
                            guint max,
                            GError **error);

/* The addresses ('127.0.0.1:0/543054283') of the clients that watch the
 * image, which is everyone who has it open for writing; a killed client's
 * watch stays for up to a minute. NULL-terminated; g_strfreev() it. More than
 * STORE_WATCHERS_MAX are STORE_ERROR_BUSY. Blocks. */
char **store_watchers(StoreCluster *cluster,
                      const char *pool,
                      const char *image,
                      GError **error);

/* The first of the pools (NULL-terminated) that has an image of that name;
 * g_free() it. A pool that does not exist is skipped. NULL with
 * STORE_ERROR_MISSING when none has it. Blocks, for one round trip a pool. */
char *store_find_image(StoreCluster *cluster,
                       const char *const *pools,
                       const char *image,
                       GError **error);

typedef struct {
    guint64 size;
    guint64 object_size;
} StoreParentInfo;

/* Whether a snapshot can be cloned: it is there, and its content is raw. What
 * was found once is remembered under the image's own id. Blocks. */
gboolean store_parent_check(StoreCluster *cluster,
                            const StoreParent *parent,
                            StoreParentInfo *ret_info,
                            GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* An image that can be cloned: it has a snapshot 'snap'. */
typedef struct {
    char *pool;
    char *image;
    guint64 size;        /* of the snapshot, in bytes */
    bool has_snap;       /* true in every list */
    bool protected_snap; /* as Glance leaves it */
    guint children;      /* clones of it, those in the trash too */
    bool children_known; /* false: the user may not see them all, 0 above */
} StoreImage;

void store_image_free(StoreImage *image);
/* Those of the pool, by name; half-made ones are left out. Of StoreImage; at
 * most STORE_IMAGES_MAX names are looked at, more are an error. Blocks, about
 * 10 ms an image. */
GPtrArray *
store_image_list(StoreCluster *cluster, const char *pool, GError **error);

/* Whether it has the protected snapshot 'snap', as what Glance keeps for clones;
 * false also where that cannot be known. Blocks. */
bool store_image_is_protected(StoreCluster *cluster,
                              const char *pool,
                              const char *image);

/* Called between writes, with bytes; FALSE cancels. */
typedef gboolean (*StoreProgress)(guint64 done, guint64 total, gpointer data);

/*
 * Makes pool/image out of a raw file, as Glance lays images out: format 2, a
 * protected snapshot 'snap'. fd is a regular file or a block device; its
 * position is changed. object_size is a power of two from 4 KiB to 32 MiB.
 * Zeroes are not written. progress may be NULL; it runs in this thread.
 *
 * An image that is there already is never touched (STORE_ERROR_BUSY, with
 * what to do about it). After a failure nothing of what this call made is
 * left, unless the error says so. Blocks for as long as it takes.
 */
gboolean store_image_add(StoreCluster *cluster,
                         const char *pool,
                         const char *image,
                         int fd,
                         guint64 object_size,
                         StoreProgress progress,
                         gpointer data,
                         GError **error);

/* The format that content begins like ("qcow2", "vmdk", ...), or NULL when it
 * can be taken for raw. head is the first len bytes. Pure. */
const char *store_format_sniff(const guint8 *head, gsize len);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(StoreCluster, store_cluster_unref)
G_DEFINE_AUTOPTR_CLEANUP_FUNC(StoreImage, store_image_free)
G_DEFINE_AUTOPTR_CLEANUP_FUNC(StoreSight, store_sight_free)
G_DEFINE_AUTOPTR_CLEANUP_FUNC(StoreClaimInfo, store_claim_info_free)
G_DEFINE_AUTOPTR_CLEANUP_FUNC(StoreTrashed, store_trashed_free)
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(StoreState, store_state_clear)

#endif
