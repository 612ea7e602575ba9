/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * agent/rbd/disk/survey.h - how many images of a pool stand, by their headers
 *
 * librbd opens one image, and its parent with it, with some thirty operations
 * one after the other and as much work in its own threads. What is shown of a
 * disk stands in its header, and is read of many at a time. An image that is not
 * plain enough for that is left to librbd.
 *
 * Threads:  any; blocks.
 */
#ifndef REMORA_AGENT_RBD_DISK_SURVEY_H
#define REMORA_AGENT_RBD_DISK_SURVEY_H

#include "agent/rbd/image/coded.h"

#include <glib.h>
#include <rados/librados.h>
#include <stdbool.h>

/* So many images are to be given at once. */
#define STORE_SURVEY_MAX 512u

typedef struct StoreConn StoreConn;

typedef struct {
    const char *image; /* what is asked */
    bool known;        /* what follows is; false: librbd is to be asked */
    bool there;        /* false: the name is free, and nothing else is known */
    guint64 size;
    guint64 overlap;
    char *parent;  /* 'pool/image@snap', or NULL */
    bool marked;   /* by a mark that names this very image */
    char *owner;   /* from the mark, or NULL */
    bool has_lock; /* it has the feature 'exclusive-lock' */
    guint holders; /* how many hold that lock; one, unless it is made by hand */
    guint32 holder; /* if it is one: the last number of its address */
} StoreSurvey;

void store_survey_clear(StoreSurvey *survey);

/* Of n images, STORE_SURVEY_MAX at most, of which only the names are set.
 * librados' number: what could not be asked at all, and then none is known. */
int
store_survey(StoreConn *conn, rados_ioctx_t io, StoreSurvey *surveys, guint n);

/* The answers of 'parent_overlap_get', and of 'get_info' of the class 'lock';
 * false: not understood. Pure. */
bool store_survey_read_overlap(StoreCoded answer, guint64 *ret);
bool store_survey_read_lock(StoreCoded answer,
                            guint *ret_holders,
                            guint32 *ret_holder);

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(StoreSurvey, store_survey_clear)

#endif
