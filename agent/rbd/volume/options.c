/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * agent/rbd/volume/options.c - what a volume is made with
 */
#include "config.h"

#include "agent/rbd/volume/options.h"

#include <rbd/features.h>
#include <rbd/librbd.h>

guint64
store_exclusive_features(void)
{
    return RBD_FEATURE_JOURNALING | RBD_FEATURE_FAST_DIFF |
           RBD_FEATURE_OBJECT_MAP | RBD_FEATURE_EXCLUSIVE_LOCK;
}

static int
set(rbd_image_options_t options, int option, guint64 value)
{
    return value ? rbd_image_options_set_uint64(options, option, value) : 0;
}

const char *
store_spec_data_pool(const StoreSettings *own, const StoreVolumeSpec *spec)
{
    return spec->data_pool ? spec->data_pool : own->clone_data_pool;
}

int
store_options_fill(gpointer options,
                   const StoreSettings *own,
                   const StoreVolumeSpec *spec)
{
    guint64 object =
        spec->object_size ? spec->object_size : own->clone_object_size;
    const char *data_pool = store_spec_data_pool(own, spec);
    int r = rbd_image_options_set_uint64(options, RBD_IMAGE_OPTION_FORMAT, 2);

    if (r >= 0 && object)
        r = set(options, RBD_IMAGE_OPTION_ORDER,
                (guint64)g_bit_nth_msf((gulong)object, -1));
    if (r >= 0)
        r = set(options, RBD_IMAGE_OPTION_FEATURES,
                spec->features ? spec->features : own->clone_features);
    if (r >= 0 && spec->shareable)
        r = set(options, RBD_IMAGE_OPTION_FEATURES_CLEAR,
                store_exclusive_features());
    if (r >= 0 && data_pool)
        r = rbd_image_options_set_string(options, RBD_IMAGE_OPTION_DATA_POOL,
                                         data_pool);
    return r;
}

bool
store_object_size_valid(guint64 size)
{
    return size >= 4096 && size <= 32 * 1024 * 1024 && (size & (size - 1)) == 0;
}
