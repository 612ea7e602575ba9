/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * agent/rbd/image/handle.h - librbd's handles as one owner each
 */
#ifndef REMORA_AGENT_RBD_IMAGE_HANDLE_H
#define REMORA_AGENT_RBD_IMAGE_HANDLE_H

#include "agent/rbd/image/close.h"

#include <glib.h>

static inline void
store_rbd_clear(rbd_image_t *image)
{
    if (*image)
        (void)store_close(*image);
    *image = NULL;
}

static inline void
store_options_clear(rbd_image_options_t *options)
{
    if (*options)
        rbd_image_options_destroy(*options);
    *options = NULL;
}

typedef rbd_image_t StoreHandle;
typedef rbd_image_options_t StoreOptions;
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(StoreHandle, store_rbd_clear)
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(StoreOptions, store_options_clear)

#endif
