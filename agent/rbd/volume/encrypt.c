/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * agent/rbd/volume/encrypt.c - a new volume is encrypted, by librbd
 *
 * A header of LUKS at its beginning, and what is written behind it encrypted by
 * whoever has it open: librbd in QEMU, or QEMU itself. A header that was cut short
 * is data, so that data does not show that the volume is whole: until it is, it
 * says that it is being filled.
 *
 * How long the header is librbd alone knows, by version and size of objects. So
 * the volume begins too large, and loses what is too much.
 */
#include "config.h"

#include "agent/rbd/volume/encrypt.h"

#include "agent/rbd/conn/error.h"
#include "agent/rbd/conn/fault.h"
#include "agent/rbd/conn/warm.h"
#include "agent/rbd/image/close.h"
#include "agent/rbd/image/handle.h"
#include "agent/rbd/volume/marks.h"

#include <errno.h>

static int
format(rbd_image_t handle, const StoreEncryption *how)
{
    rbd_encryption_algorithm_t alg = how->aes_128
                                         ? RBD_ENCRYPTION_ALGORITHM_AES128
                                         : RBD_ENCRYPTION_ALGORITHM_AES256;
    rbd_encryption_luks1_format_options_t luks1 = {
        .alg = alg,
        .passphrase = how->passphrase,
        .passphrase_size = how->passphrase_len,
    };
    rbd_encryption_luks2_format_options_t luks2 = {
        .alg = alg,
        .passphrase = how->passphrase,
        .passphrase_size = how->passphrase_len,
    };

    return how->luks == 1
               ? rbd_encryption_format(handle, RBD_ENCRYPTION_FORMAT_LUKS1,
                                       &luks1, sizeof(luks1))
               : rbd_encryption_format(handle, RBD_ENCRYPTION_FORMAT_LUKS2,
                                       &luks2, sizeof(luks2));
}

/* From then on the handle knows only what is behind the header. */
static int
write_header(const StoreClaimed *claimed,
             const StoreEncryption *how,
             guint64 *ret_header)
{
    StoreHandle handle = NULL;
    guint64 raw = 0;
    guint64 behind = 0;
    int closed;
    int r = rbd_open(claimed->io, claimed->volume, &handle, NULL);

    if (r >= 0)
        r = store_marks_fill(handle, claimed);
    if (r >= 0)
        r = STORE_FAULT("volume-marked");
    if (r >= 0)
        r = rbd_get_size(handle, &raw);
    if (r >= 0)
        r = format(handle, how);
    if (r >= 0)
        r = STORE_FAULT("volume-encrypted");
    if (r >= 0)
        r = rbd_get_size(handle, &behind);
    closed = handle ? store_close(handle) : 0;
    /* As large as before: what the header takes is not known. */
    if (r >= 0 && behind >= raw)
        r = -EPROTO;
    *ret_header = raw - behind;
    return r < 0 ? r : closed;
}

/* There is nothing to show: no object is behind the new end. librbd wants to tell
 * somebody all the same. */
static int
tell_nobody(uint64_t done, uint64_t total, void *opaque)
{
    (void)done;
    (void)total;
    (void)opaque;
    return 0;
}

static int
fit(const StoreClaimed *claimed, guint64 size)
{
    StoreHandle handle = NULL;
    int closed;
    int r = rbd_open(claimed->io, claimed->volume, &handle, NULL);

    if (r >= 0)
        r = rbd_resize2(handle, size, true, tell_nobody, NULL);
    if (r >= 0)
        r = STORE_FAULT("volume-fitted");
    if (r >= 0)
        r = store_marks_remove(handle);
    closed = handle ? store_close(handle) : 0;
    return r < 0 ? r : closed;
}

gboolean
store_encrypt(const StoreClaimed *claimed,
              const StoreVolumeSpec *spec,
              GError **error)
{
    guint64 header = 0;
    int r = write_header(claimed, spec->encryption, &header);

    if (r >= 0)
        r = fit(claimed, spec->size + header);
    return r >= 0 ||
           store_fail(error, claimed->conn, r, "cannot encrypt volume '%s/%s'",
                      claimed->pool, claimed->volume);
}
