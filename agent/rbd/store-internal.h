/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * agent/rbd/store-internal.h - what the files of this room share
 *
 * Lock order: cluster->connect_lock, then cluster->lock. Neither is held
 * across a call of librbd; connect_lock is held across rados_connect() so
 * that waiting requests share one attempt.
 */
#ifndef REMORA_AGENT_RBD_STORE_INTERNAL_H
#define REMORA_AGENT_RBD_STORE_INTERNAL_H

#include <rados/librados.h>
#include <rbd/librbd.h>

#include "agent/rbd/conn/place.h"
#include "agent/rbd/store.h"

/* How often a holder touches its claims, and how long an unchanged claim must
 * have been watched before its holder counts as dead. */
#define STORE_BEAT_S 5
#define STORE_DEAD_S 20
/* The first bytes of a parent that tell its format. */
#define STORE_HEAD_BYTES 1024u
/* Where the ready mark stands in an image's metadata. */
#define STORE_MARK_KEY "remora.ready"
/* Where it says there that an image is being filled. */
#define STORE_BUILDING_KEY "remora.building"
/* Where it says there why an image is in the trash. */
#define STORE_TRASH_KEY "remora.trashed"
/* Glance's name of the snapshot that clones are made of. */
#define STORE_SNAP "snap"

/* One RADOS connection. Counted: each job holds one reference, so that a
 * retired connection lives until the last job that uses it has ended. */
typedef struct StoreConn {
    gint refs;
    rados_t rados;
    char *instance;  /* random id of this connection */
    char *addr;      /* as the OSD map's blocklist wants it */
    char *ips;       /* others that a client of this host may have; or NULL */
    int instance_fd; /* flock-guarded file in run_dir/instances */
    char *instance_path;
    StorePlace place;      /* where this process is */
    gsize notes_long;      /* file length at which notes are shortened */
    gint retired;          /* atomic: fenced, nothing is written on it */
    gint aside;            /* atomic: given up for new work */
    StoreCluster *cluster; /* borrowed */
    GMutex closing_lock;   /* guards the next */
    int closing;           /* images that are being closed */
    GCond closed_one;
} StoreConn;

/* conn/stall.c */
typedef struct StoreStalls StoreStalls;

struct StoreCluster {
    gint refs;
    char *name;
    char *conf;
    char *user;
    char *keyring;
    guint connect_timeout_ms;
    guint op_timeout_ms;
    char *run_dir;
    char *state_dir;
    char **probe_pools;
    guint64 clone_object_size;
    guint64 clone_features;
    char *clone_data_pool;
    guint trash_expiry_s;

    GMutex connect_lock;
    GMutex lock;     /* guards everything below */
    StoreConn *conn; /* NULL: not connected */
    char *fsid;
    gint64 down_since_us; /* monotonic; 0: not known to be down */
    char *down_cause;
    GPtrArray *monitors; /* the last map, of StoreMonitor; NULL: none yet */
    bool probing;        /* its thread runs */
    bool probe_now;      /* a round is asked for, without a pause */
    bool mons_silent;    /* a monitor has been waited for in vain */
    bool closing;
    GCond probed;         /* something of what a probe says has changed */
    StoreStalls *stalls;  /* set once; has a lock of its own */
    GHashTable *parents;  /* 'pool/image@snap' -> what was found */
    GHashTable *observed; /* 'pool/image' -> when a claim was first seen so */
    GPtrArray *work;      /* of StoreWork, under way; borrowed */
    char *full_pool;      /* known to be full when it was last asked for */
    GPtrArray *claims;    /* of StoreClaim, held; borrowed */
    GHashTable
        *claiming; /* 'pool/image' -> how many requests are at its claim */
    GCond claims_changed;
    GThread *beat; /* NULL until the first claim, as is the next */
    void (*stop_beat)(StoreCluster *cluster); /* before the cluster goes */
};

/* conn/error.c: the one funnel. All return FALSE, or NULL, and set error.
 * r is negative. conn, which may be NULL, is told of it (store_conn_note()). */
gboolean
store_fail(GError **error, StoreConn *conn, int r, const char *format, ...)
    G_GNUC_PRINTF(4, 5);
gboolean
store_refuse(GError **error, StoreErrorCode code, const char *format, ...)
    G_GNUC_PRINTF(3, 4);

/* conn/connection.c: a connection ends in one of two ways.
 *
 * Aside: a call on it timed out. What that call wrote may still arrive, so
 * that nothing more is begun on it, and the request whose call it was writes
 * nothing more to its image, nor to its claim, which it leaves as it is. What
 * others have under way on it goes on to its end, and their claims stay valid
 * and are touched on it. store_conn_acquire() gives out another one.
 *
 * Retired: it is on the blocklist. Nothing reaches the cluster by it any more,
 * and nothing is tried again under the claims that are held by it. */
StoreConn *store_conn_acquire(StoreCluster *cluster, GError **error);
StoreConn *store_conn_ref(StoreConn *conn);
void store_conn_unref(StoreConn *conn);
bool store_conn_is_aside(const StoreConn *conn);
bool store_conn_is_retired(const StoreConn *conn);
/* Whether who has failed with why may still write to what that was about. */
bool store_conn_may_write(const StoreConn *conn, const GError *why);
void store_conn_retire(StoreConn *conn);
/* What a call on it returned: retires it, or sets it aside and has a probe look
 * at once whether the image, the pool or the cluster does not answer. pool and
 * image: what the call was about, as far as the caller knows; what this thread
 * is at work on (disk/work.c) is looked at, too. Does nothing about any other
 * number. */
void
store_conn_note(StoreConn *conn, int r, const char *pool, const char *image);
/* Without an instance file, and with so short a patience: for a probe. */
StoreConn *
store_conn_open(StoreCluster *cluster, guint op_timeout_ms, GError **error);

/* conn/probe.c. It alone says whether the cluster is down, store_conn_acquire()
 * apart, which finds that no monitor answers. */
void store_probe_begin(StoreCluster *cluster);
/* The same for who has waited for a monitor as long as one may: if they do not
 * even greet, they are not waited for once more. */
void store_probe_monitors(StoreCluster *cluster);
/* Refuses what comes from now on, until a probe succeeds. */
void store_cluster_mark_down(StoreCluster *cluster, const char *cause);
/* For a new cluster of which somebody else says that it has not answered for
 * so long: whether it answers a probe within wait_ms. If not, calls are refused
 * until it does. */
bool store_cluster_try(StoreCluster *cluster, gint64 down_s, guint wait_ms);
/* Until it has ended. For who closes the cluster. */
void store_probe_end(StoreCluster *cluster);

/* conn/stall.c: pools, and images in them, that do not answer. */
typedef enum {
    STORE_ADMIT_GO,
    STORE_ADMIT_TRY,  /* one may, for all that wait for it */
    STORE_ADMIT_WAIT, /* for a probe */
    STORE_ADMIT_REFUSE,
} StoreAdmit;

typedef struct {
    bool looked_into;  /* a call timed out there; a probe has yet to answer */
    bool image_hangs;  /* the probe had no answer about this very image */
    bool marked;       /* nor about another one of the pool, or about it */
    bool trial_is_due; /* none has tried for a while */
} StoreStallFacts;

/* Pure. */
StoreAdmit store_stall_decide(const StoreStallFacts *facts);

/* What a probe is to look at: one image in a pool. */
typedef struct {
    char *pool;
    char *image; /* NULL: the pool as such */
    bool parent; /* of the one before it: to blame only if that one answers */
    bool known;  /* it hung the last time */
    bool whole;  /* after a look: none of the objects answered */
    GPtrArray *objects; /* to ask for; after a look, those without an answer */
} StoreSuspect;

StoreStalls *store_stalls_new(void);
void store_stalls_free(StoreStalls *stalls);
/* Before a disk is made ready: waits for a probe that looks into it. FALSE: it
 * or its pool does not answer, or its parent's. May take the trial. */
gboolean store_stalls_admit(const StoreCluster *cluster,
                            const StoreDisk *disk,
                            GError **error);
/* For less than that: no trial, and nothing is waited for. pool NULL: TRUE. */
gboolean store_stalls_check(const StoreCluster *cluster,
                            const char *pool,
                            const char *image,
                            GError **error);
/* Until a probe has looked at what is suspected now. */
void store_stalls_await(StoreStalls *stalls);
/* A call about it has timed out, or takes too long. Whoever says so begins a
 * probe afterwards. */
void
store_stalls_suspect(StoreStalls *stalls, const char *pool, const char *image);
void store_stalls_suspect_disk(StoreStalls *stalls, const StoreDisk *disk);
/* A request that began at since_us has come to an end, and had its answers. */
void
store_stalls_went(StoreStalls *stalls, const StoreDisk *disk, gint64 since_us);
/* Whether there is something for a probe to look at. */
bool store_stalls_any(StoreStalls *stalls);
/* Of StoreSuspect: all that. To be given back to store_stalls_settle(). */
GPtrArray *store_stalls_take(StoreStalls *stalls);
typedef enum {
    STORE_LOOKED,  /* objects says what hangs */
    STORE_BLINDLY, /* it cannot be looked at now: what timed out hangs */
    STORE_NOT,     /* the same, and something else is to blame */
} StoreLooked;
void store_stalls_settle(StoreStalls *stalls,
                         const GPtrArray *suspects,
                         StoreLooked looked);

/* conn/cluster.c */
gboolean store_ioctx(StoreConn *conn,
                     const char *pool,
                     rados_ioctx_t *ret_io,
                     GError **error);
/* Runs one monitor command given as JSON; ret_text is NUL-terminated. */
gboolean store_mon_command(StoreConn *conn,
                           const char *command,
                           char **ret_text,
                           gsize *ret_len,
                           GError **error);

/* conn/instance.c: the boot clock. It goes on while the host sleeps and
 * touches nothing, as the clocks of those who watch its claims do. */
gint64 store_boot_us(void);
gint64 store_boot_seconds(void);

/* conn/instance.c: this host's own instances, each a file that its process
 * keeps locked. The kernel drops the lock with the process, so a lock that
 * can be had proves death; a missing file proves nothing. */
typedef enum {
    STORE_INSTANCE_UNKNOWN, /* not of this host, as far as can be seen */
    STORE_INSTANCE_LIVE,
    STORE_INSTANCE_DEAD,
} StoreInstanceState;

gboolean store_instance_open(const char *run_dir,
                             char **ret_id,
                             char **ret_path,
                             int *ret_fd,
                             GError **error);
/* Lets go of the lock, and of the file unless its notes still say something.*/
void store_instance_close(StoreConn *conn);
void store_instance_note(StoreConn *conn,
                         const char *verb,
                         const char *pool,
                         const char *image,
                         const char *owner);
/* ret_handed_s: seconds since the instance handed this image to owner, or -1
 * when it did not. */
StoreInstanceState store_instance_look(const char *run_dir,
                                       const char *id,
                                       const char *pool,
                                       const char *image,
                                       int *ret_handed_s);

/* conn/notes.c: what an instance file says. */
typedef struct {
    char *disk; /* pool and image as they are written there */
    char *pool;
    char *image;
    char *owner;
    gint64 when_s;
    bool handed;   /* else only asked for, or given up */
    bool given_up; /* by its holder, which died before it was gone */
    char *watch;   /* the guest's client, once it was seen; or NULL */
} StoreNote;

void store_note_free(StoreNote *note);

char *store_note_line(const char *verb,
                      const char *pool,
                      const char *image,
                      const char *owner,
                      gint64 when_s);
/* What still stands: of StoreNote, by their disk. */
GHashTable *store_notes_parse(const char *text);
const StoreNote *
store_notes_find(GHashTable *notes, const char *pool, const char *image);
char *store_notes_text(GHashTable *notes);
/* conn/instance.c. The same with the guest's client. */
void store_instance_note_watch(StoreConn *conn,
                               const char *pool,
                               const char *image,
                               const char *owner,
                               const char *watch);
/* Writes down as our own what a dead one noted. */
void store_instance_inherit(StoreConn *conn, const StoreNote *note);
/* What any process of this host, living or dead, noted of an image last; NULL:
 * nothing that still stands. store_note_free() it. */
StoreNote *store_instance_find_note(const char *run_dir,
                                    const char *pool,
                                    const char *image);

/* An instance that is proved dead, and stays so: its shared lock is held. */
typedef struct {
    char *id;
    char *path;
    int fd;
    GHashTable *notes;
} StoreDead;

/* Of StoreDead, at most so many at a time; those whose id is in skip are left
 * out. */
#define STORE_DEAD_MAX 256u
GPtrArray *store_instances_dead(const char *run_dir, GHashTable *skip);

/* conn/keyring.c: the key of client.USER in a keyring's text, or NULL. Parses
 * in place: the answer lies in text, whose lines are cut apart. Pure. */
const char *store_keyring_find(char *text, const char *user);
/* Whether this is the base64 of a cephx key. Pure. */
bool store_key_is_valid(const char *key);

/* image/parent.c: what is known of a parent. */
typedef struct {
    char id[128];
    guint64 snap_id;
    guint64 size;
    guint64 object_size;
} StoreFound;

/* From memory, or by a look that also refuses what is not raw. */
gboolean store_parent_find(StoreConn *conn,
                           const StoreParent *parent,
                           StoreFound *ret_found,
                           GError **error);
void store_parent_forget(StoreCluster *cluster, const StoreParent *parent);

/* image/look.c: one image as it stands. */
typedef struct {
    bool there; /* its name is taken */
    bool opens;
    char id[128];
    guint64 size;
    guint64 overlap;
    guint snaps;
    bool has_parent;
    StoreFound parent; /* id and snap_id only */
    char *parent_name; /* 'pool/image@snap' */
    bool marked;       /* by a mark that names this very image */
    bool building;     /* by a building mark that does */
    char *owner;       /* from the mark */
    char **watchers;   /* addresses, NULL-terminated */
    bool crowded;      /* there are too many to list, and none in it */
} StoreLook;

void store_look_clear(StoreLook *look);
/* id: what the name led to a moment ago, or NULL; makes it faster. */
gboolean store_look(StoreConn *conn,
                    const char *pool,
                    const char *image,
                    const char *id,
                    StoreLook *ret_look,
                    GError **error);
/* What RBD keeps of an id, length-prefixed (32 bits, little endian). */
#define STORE_ID_RAW 128
/* All return librados' number. The id may be at most 127 characters long. got:
 * how much of raw there is, or such a number. */
int store_id_parse(const guint8 *raw, int got, char *id, gsize size);
int store_id_read(rados_ioctx_t io, const char *image, char *id, gsize size);
int store_name_is_taken(rados_ioctx_t io, const char *image, bool *ret_taken);
/* image/peek.c: whether an image's name is free, asked beside something else.
 * NULL, which the others take too: it cannot be asked. */
typedef struct StorePeek StorePeek;
StorePeek *
store_peek_begin(StoreConn *conn, const char *pool, const char *image);
/* Waits for the answer. false: it is taken, or that cannot be known. */
bool store_peek_finds_nothing(StorePeek *peek);
/* Waits. The id that the name leads to; false: none, or it is not known. */
bool store_peek_id(StorePeek *peek, char *id, gsize size);
void store_peek_end(StorePeek *peek);
/* image/close.c. Takes over an image that was opened read-only; NULL is
 * allowed. Any thread. */
void store_close_later(StoreConn *conn, rbd_image_t image);
/* Until all of those are closed. Blocks; not in librbd's threads. */
void store_close_wait(StoreConn *conn);
/* image/watchers.c */
int store_watchers_read(rbd_image_t handle,
                        char ***ret_addresses,
                        bool *ret_crowded);
/* For who must know them all. */
gboolean
store_watchers_refuse(const char *pool, const char *image, GError **error);
/* Whether the image holds data of its own, not its parent's. */
gboolean store_has_data(StoreConn *conn,
                        const char *pool,
                        const char *image,
                        bool *ret_data,
                        GError **error);
/* image/child.c: whether the disk's parent lists the image that was looked at
 * as its clone; false when that cannot be known. */
gboolean store_is_listed(StoreConn *conn,
                         const StoreDisk *disk,
                         const StoreLook *look,
                         bool *ret_listed,
                         GError **error);
/* For the claim: the addresses of those who have the image open, none if there
 * is no such image. NULL: an error. */
char **store_watchers_of(StoreConn *conn,
                         const char *pool,
                         const char *image,
                         GError **error);
/* image/lock.c: whether the image's exclusive lock shows that a client whose
 * watch is gone has written its last. false: it may hold it, the image has none,
 * or that cannot be known. */
bool store_has_let_go(StoreConn *conn,
                      const char *pool,
                      const char *image,
                      const char *addr);
/* A field of a line of words 'key=value'; "" when it is not there. g_free(). */
char *store_word(const char *line, const char *key);
/* The mark's value for an image id, and its owner if text is such a mark. */
char *
store_mark_new(const StoreConn *conn, const StoreDisk *disk, const char *id);

/* image/trash.c. why: one line, kept with the image for store_trash_list().
 * An image that is not there is no error. */
gboolean store_trash(StoreConn *conn,
                     const char *pool,
                     const char *image,
                     const char *why,
                     GError **error);
/* disk/work.c: a disk that is being made ready, between the two calls, which
 * are around the claim, too, and all in one thread. */
typedef struct {
    const StoreDisk *disk;
    gint64 since_us;
    const GThread *thread;
    bool hung; /* a call of it has timed out */
} StoreWork;

void
store_work_begin(StoreCluster *cluster, StoreWork *work, const StoreDisk *disk);
void store_work_end(StoreCluster *cluster, StoreWork *work);
/* asker: a domain's name, or an owner. */
bool store_work_is_for(const StoreWork *work, const char *asker);
/* A call of this thread has timed out. */
void store_work_note_hung(StoreCluster *cluster);
/* What is being made ready for asker takes too long. */
void store_work_suspect(StoreCluster *cluster, const char *asker);

/* disk/full.c. Whether somebody found a pool full and nobody has found room
 * since. */
bool store_room_is_missing(StoreCluster *cluster);
/* Before something is made: asks a monitor only if that is so. FALSE: there is
 * no room in the disk's pool or in its parent's. */
gboolean
store_room_check(StoreConn *conn, const StoreDisk *disk, GError **error);
/* What a write to the pool would be told, by the text that 'osd pool ls
 * detail' gives: 0, -EDQUOT or -ENOSPC. Pure. */
int store_pool_room(const char *json, gsize len, const char *pool);

/* conn/fence.c. seconds 0: the cluster's default, an hour. */
gboolean
store_fence(StoreConn *conn, const char *addr, guint seconds, GError **error);
/* Takes it back, as far as this user may: the process is proved dead. */
void store_fence_lift(StoreConn *conn, const char *addr);

/* image/copy.c: the content of a new image. */
typedef struct {
    StoreConn *conn;
    const char *pool;
    const char *image;
    rbd_image_t handle; /* new, reads as zeroes */
    int fd;
    guint64 size;
    guint64 object_size;
    StoreProgress progress;
    gpointer data;
} StoreCopy;

/* TRUE: everything is written and flushed. Either way nothing is under way
 * any more. */
gboolean store_copy(const StoreCopy *copy, GError **error);

/* librados' and librbd's handles as one owner each */
static inline void
store_ioctx_clear(rados_ioctx_t *io)
{
    if (*io)
        rados_ioctx_destroy(*io);
    *io = NULL;
}

static inline void
store_rbd_clear(rbd_image_t *image)
{
    if (*image)
        (void)rbd_close(*image);
    *image = NULL;
}

static inline void
store_options_clear(rbd_image_options_t *options)
{
    if (*options)
        rbd_image_options_destroy(*options);
    *options = NULL;
}

typedef rados_ioctx_t StoreIo;
typedef rbd_image_t StoreHandle;
typedef rbd_image_options_t StoreOptions;
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(StoreIo, store_ioctx_clear)
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(StoreHandle, store_rbd_clear)
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(StoreOptions, store_options_clear)
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(StoreLook, store_look_clear)
G_DEFINE_AUTOPTR_CLEANUP_FUNC(StoreNote, store_note_free)
G_DEFINE_AUTOPTR_CLEANUP_FUNC(StoreConn, store_conn_unref)
G_DEFINE_AUTOPTR_CLEANUP_FUNC(StorePeek, store_peek_end)

#endif
