/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * agent/rbd/image/class.h - methods of RBD's object class, called without librbd
 *
 * The OSDs' class 'rbd' reads and writes the objects that an image is made of,
 * and librbd does nothing to them but by its methods. Here is how one is called;
 * who calls it knows what its argument and its answer are, encoded as in
 * coded.h: as librbd does it (src/cls/rbd/cls_rbd_client.cc), which the class
 * may not change as long as there are older clients.
 *
 * Threads:  any; store_class_call() blocks, the others only add to an operation.
 */
#ifndef REMORA_AGENT_RBD_IMAGE_CLASS_H
#define REMORA_AGENT_RBD_IMAGE_CLASS_H

#include "agent/rbd/image/coded.h"

#include <rados/librados.h>
#include <rbd/librbd.h>

/* A pool's images, by name and by id. */
#define STORE_CLASS_DIRECTORY "rbd_directory"
/* Where a snapshot's number stands: the image itself (CEPH_NOSNAP). */
#define STORE_CLASS_NO_SNAP (G_MAXUINT64 - 1)
/* Features with which an image's own header says what it is. One that is being
 * migrated shows what another has. */
#define STORE_CLASS_PLAIN                                                      \
    (RBD_FEATURE_LAYERING | RBD_FEATURE_STRIPINGV2 |                           \
     RBD_FEATURE_EXCLUSIVE_LOCK | RBD_FEATURE_OBJECT_MAP |                     \
     RBD_FEATURE_FAST_DIFF | RBD_FEATURE_DEEP_FLATTEN |                        \
     RBD_FEATURE_JOURNALING | RBD_FEATURE_DATA_POOL | RBD_FEATURE_OPERATIONS)
/* The size of an answer; a longer one is -ERANGE. */
#define STORE_CLASS_ANSWER 256u

typedef struct {
    char bytes[STORE_CLASS_ANSWER];
    size_t len;
    int r; /* of this method: librados' number */
} StoreClassAnswer;

/* One that may be longer. */
#define STORE_CLASS_LONG 4096u

typedef struct {
    char bytes[STORE_CLASS_LONG];
    size_t len;
    int r;
} StoreClassLong;

/* Arguments that more than one place has; g_byte_array_unref() them. One number
 * of 64 bits, such as a snapshot's. */
GByteArray *store_class_number(guint64 number) G_GNUC_WARN_UNUSED_RESULT;
/* One string, such as a name. */
GByteArray *store_class_string(const char *text) G_GNUC_WARN_UNUSED_RESULT;
/* 'get_children': of which snapshot; the parent's pool, and its id. */
GByteArray *store_class_parent(gint64 pool,
                               const char *id,
                               guint64 snap) G_GNUC_WARN_UNUSED_RESULT;

/* 'metadata_set': of one key. */
GByteArray *store_class_metadata(const char *key,
                                 const char *value) G_GNUC_WARN_UNUSED_RESULT;
/* 'get_features': of the image itself, for who only reads. */
GByteArray *store_class_features(void) G_GNUC_WARN_UNUSED_RESULT;

/* One more method in an operation. argument may be NULL, but not of a long answer.
 * answer must stay until that is done. */
void store_class_ask(rados_read_op_t op,
                     const char *method,
                     const GByteArray *argument,
                     StoreClassAnswer *answer);
void store_class_ask_long(rados_read_op_t op,
                          const char *method,
                          const GByteArray *argument,
                          StoreClassLong *answer);
/* The same of another class, such as 'lock'. */
void store_class_ask_other(rados_read_op_t op,
                           const char *object_class,
                           const char *method,
                           const GByteArray *argument,
                           StoreClassAnswer *answer);
void store_class_tell(rados_write_op_t op,
                      const char *method,
                      const GByteArray *argument);
/* What was answered; bad from the start if the method failed. Borrows answer. */
StoreCoded store_class_read(const StoreClassAnswer *answer);
StoreCoded store_class_read_long(const StoreClassLong *answer);

/* An image's parent, as 'parent_get' answers. */
typedef struct {
    gint64 pool; /* -1: there is none */
    char *space; /* the namespace; "": none */
    char *id;
    guint64 snap;
} StoreClassParent;

/* false: not understood. To be cleared in any case. */
bool store_class_read_parent(StoreCoded answer, StoreClassParent *ret);
void store_class_parent_clear(StoreClassParent *parent);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(StoreClassParent, store_class_parent_clear)

/* One method alone. Returns the length of the answer, or librados' number. */
int store_class_call(rados_ioctx_t io,
                     const char *object,
                     const char *method,
                     const GByteArray *argument,
                     guint8 *answer,
                     gsize size);

#endif
