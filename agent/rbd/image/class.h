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

/* Where a snapshot's number stands: the image itself (CEPH_NOSNAP). */
#define STORE_CLASS_NO_SNAP (G_MAXUINT64 - 1)
/* Room for an answer; a longer one is -ERANGE. */
#define STORE_CLASS_ANSWER 256u

typedef struct {
    char bytes[STORE_CLASS_ANSWER];
    size_t len;
    int r; /* of this method: librados' number */
} StoreClassAnswer;

/* Arguments that more than one place has; g_byte_array_unref() them. One number
 * of 64 bits, such as a snapshot's. */
GByteArray *store_class_number(guint64 number) G_GNUC_WARN_UNUSED_RESULT;
/* 'get_children': of which snapshot; the parent's pool, and its id. */
GByteArray *store_class_parent(gint64 pool,
                               const char *id,
                               guint64 snap) G_GNUC_WARN_UNUSED_RESULT;

/* One more method in an operation. argument may be NULL. answer must stay until
 * that is done. */
void store_class_ask(rados_read_op_t op,
                     const char *method,
                     const GByteArray *argument,
                     StoreClassAnswer *answer);
void store_class_tell(rados_write_op_t op,
                      const char *method,
                      const GByteArray *argument);
/* What was answered; bad from the start if the method failed. Borrows answer. */
StoreCoded store_class_read(const StoreClassAnswer *answer);

/* One method alone. Returns the length of the answer, or librados' number. */
int store_class_call(rados_ioctx_t io,
                     const char *object,
                     const char *method,
                     const GByteArray *argument,
                     guint8 *answer,
                     gsize room);

#endif
