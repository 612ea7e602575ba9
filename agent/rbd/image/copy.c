/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * agent/rbd/image/copy.c - a file's bytes into a new image, no zeroes
 *
 * The image is new and reads as zeroes, so holes are skipped where the file
 * system knows them, and zeroes where it does not. Several writes are under
 * way at once: one at a time leaves the OSDs idle for most of the time. A
 * piece never crosses an object, so that an object of zeroes is never made.
 */
#include "config.h"

#include "agent/rbd/image/copy.h"

#include "agent/rbd/conn/error.h"
#include "agent/rbd/conn/warm.h"

#include <string.h>
#include <unistd.h>

#define PIECE_MAX    (8u * 1024u * 1024u)
#define FLIGHT_BYTES (64u * 1024u * 1024u)
#define FLIGHT_MAX   64u
#define ZERO_GRAIN   4096u

typedef struct {
    guint8 *buffer; /* librbd reads it until the write is complete */
    rbd_completion_t completion;
} Slot;

typedef struct {
    const StoreCopy *copy;
    gsize piece;
    guint n_slots;
    Slot *slots;
    guint next;
} Flight;

static void
flight_begin(Flight *flight, const StoreCopy *copy)
{
    flight->copy = copy;
    flight->piece = (gsize)MIN(copy->object_size, PIECE_MAX);
    flight->n_slots = (guint)MIN(FLIGHT_BYTES / flight->piece, FLIGHT_MAX);
    flight->slots = g_new0(Slot, flight->n_slots);
    for (guint i = 0; i < flight->n_slots; i++)
        flight->slots[i].buffer = g_malloc(flight->piece);
}

/* librbd's number of the write that used the slot. */
static int
land(Slot *slot)
{
    int r;

    if (!slot->completion)
        return 0;
    (void)rbd_aio_wait_for_complete(slot->completion);
    r = (int)rbd_aio_get_return_value(slot->completion);
    rbd_aio_release(slot->completion);
    slot->completion = NULL;
    return r;
}

/* Nothing is under way any more when this returns. */
static int
flight_end(Flight *flight)
{
    int first = 0;

    for (guint i = 0; i < flight->n_slots; i++) {
        int r = land(&flight->slots[i]);

        first = first < 0 ? first : r;
        g_free(flight->slots[i].buffer);
    }
    g_free(flight->slots);
    return first;
}

static bool
is_zero(const guint8 *bytes, gsize len)
{
    return bytes[0] == 0 && memcmp(bytes, bytes + 1, len - 1) == 0;
}

/* Cuts zeroes off both ends; len becomes 0 when there is nothing else. */
static void
trim(const guint8 *bytes, gsize *ret_from, gsize *len)
{
    gsize from = 0;

    while (from < *len && is_zero(bytes + from, MIN(ZERO_GRAIN, *len - from)))
        from += MIN(ZERO_GRAIN, *len - from);
    while (*len > from) {
        gsize grain = (*len - 1) % ZERO_GRAIN + 1;

        grain = MIN(grain, *len - from);
        if (!is_zero(bytes + *len - grain, grain))
            break;
        *len -= grain;
    }
    *ret_from = from;
    *len -= from;
}

static int
submit(Flight *flight, Slot *slot, guint64 offset, gsize len)
{
    gsize from;
    int r;

    trim(slot->buffer, &from, &len);
    if (len == 0)
        return 0;
    r = rbd_aio_create_completion(NULL, NULL, &slot->completion);
    if (r >= 0)
        r = rbd_aio_write2(flight->copy->handle, offset + from, len,
                           (const char *)slot->buffer + from, slot->completion,
                           LIBRADOS_OP_FLAG_FADVISE_SEQUENTIAL);
    if (r < 0 && slot->completion) {
        rbd_aio_release(slot->completion);
        slot->completion = NULL;
    }
    return r;
}

static bool
read_all(int fd, guint8 *buffer, gsize len, guint64 offset)
{
    while (len > 0) {
        gssize got = pread(fd, buffer, len, (off_t)offset);

        if (got <= 0)
            return false;
        buffer += got;
        offset += (guint64)got;
        len -= (gsize)got;
    }
    return true;
}

static gboolean
copy_piece(Flight *flight, guint64 offset, gsize len, GError **error)
{
    const StoreCopy *copy = flight->copy;
    Slot *slot = &flight->slots[flight->next++ % flight->n_slots];
    int r = land(slot);

    if (r >= 0 && !read_all(copy->fd, slot->buffer, len, offset))
        return store_refuse(error, STORE_ERROR_FAILED,
                            "cannot read the file for '%s/%s' at byte "
                            "%" G_GUINT64_FORMAT
                            ": was it cut short meanwhile, or is its disk bad?",
                            copy->pool, copy->image, offset);
    if (r >= 0)
        r = submit(flight, slot, offset, len);
    if (r < 0)
        return store_fail(error, copy->conn, r, "cannot write '%s/%s'",
                          copy->pool, copy->image);
    return TRUE;
}

/* Where the next data begin, at or after offset. Without errno: behind the
 * last data only SEEK_HOLE succeeds, where holes are not known neither does. */
static guint64
next_data(const StoreCopy *copy, guint64 offset)
{
    off_t data = lseek(copy->fd, (off_t)offset, SEEK_DATA);

    if (data >= 0)
        return (guint64)data;
    return lseek(copy->fd, (off_t)offset, SEEK_HOLE) >= 0 ? copy->size : offset;
}

static gboolean
copy_pieces(Flight *flight, GError **error)
{
    const StoreCopy *copy = flight->copy;
    guint64 offset = 0;

    while (offset < copy->size) {
        gsize len;

        offset = next_data(copy, offset);
        offset = MIN(offset - offset % flight->piece, copy->size);
        len = (gsize)MIN(flight->piece, copy->size - offset);
        if (len > 0 && !copy_piece(flight, offset, len, error))
            return FALSE;
        offset += len;
        if (copy->progress && !copy->progress(offset, copy->size, copy->data))
            return store_refuse(error, STORE_ERROR_FAILED,
                                "adding '%s/%s' was cancelled", copy->pool,
                                copy->image);
    }
    return TRUE;
}

gboolean
store_copy(const StoreCopy *copy, GError **error)
{
    Flight flight = {0};
    gboolean ok;
    int r;

    flight_begin(&flight, copy);
    ok = copy_pieces(&flight, error);
    r = flight_end(&flight);
    if (!ok)
        return FALSE;
    if (r >= 0)
        r = rbd_flush(copy->handle);
    if (r < 0)
        return store_fail(error, copy->conn, r, "cannot write '%s/%s'",
                          copy->pool, copy->image);
    return TRUE;
}
