/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * agent/rbd/image/copy.c - a file's or a pipe's bytes into a new image, no zeroes
 *
 * The image is new and reads as zeroes, so holes are skipped where the file
 * system knows them, and zeroes where it does not. Several writes are under
 * way at once: one at a time leaves the OSDs idle for most of the time. A
 * piece never crosses an object, so that an object of zeroes is never made.
 * Nobody knows how long a pipe is: the image grows ahead of it, each time by
 * twice as much, and is cut to its length at the end.
 */
#include "config.h"

#include "agent/rbd/image/copy.h"

#include "agent/rbd/conn/error.h"
#include "agent/rbd/conn/warm.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <unistd.h>

/* librbd copies what is under way once more. */
#define PIECE_MAX    (4u * 1024u * 1024u)
#define FLIGHT_BYTES (32u * 1024u * 1024u)
#define FLIGHT_MAX   64u
#define GROW_MAX     (8ull * 1024u * 1024u * 1024u)
/* How often who waits for a pipe asks whether it is still to wait. */
#define POLL_MS       200
#define POLL_FAILURES 50
#define ZERO_GRAIN    4096u

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
    flight->piece = (gsize)MIN(copy->source->object_size, PIECE_MAX);
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

/* ---- a file, whose size is known -------------------------------------------------- */

static bool
read_at(int fd, guint8 *buffer, gsize len, guint64 offset)
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
fail_write(const StoreCopy *copy, int r, GError **error)
{
    return store_fail(error, copy->conn, r, "cannot write '%s/%s'", copy->pool,
                      copy->image);
}

static gboolean
fail_read(const StoreCopy *copy, guint64 offset, GError **error)
{
    return store_refuse(error, STORE_ERROR_FAILED,
                        "cannot read the file for '%s/%s' at byte "
                        "%" G_GUINT64_FORMAT
                        ": was it cut short meanwhile, or is its disk bad?",
                        copy->pool, copy->image, offset);
}

static gboolean
went_on(const StoreCopy *copy, guint64 done, guint64 total, GError **error)
{
    const StoreImageSource *source = copy->source;

    if (!source->progress || source->progress(done, total, source->data))
        return TRUE;
    return store_refuse(error, STORE_ERROR_FAILED,
                        "adding '%s/%s' was cancelled", copy->pool,
                        copy->image);
}

static void
show(const StoreCopy *copy, const guint8 *bytes, guint64 len)
{
    if (copy->source->see && len > 0)
        copy->source->see(bytes, len, copy->source->data);
}

static gboolean
copy_piece(Flight *flight, guint64 offset, gsize len, GError **error)
{
    const StoreCopy *copy = flight->copy;
    Slot *slot = &flight->slots[flight->next++ % flight->n_slots];
    int r = land(slot);

    if (r >= 0 && !read_at(copy->source->fd, slot->buffer, len, offset))
        return fail_read(copy, offset, error);
    if (r >= 0) {
        show(copy, slot->buffer, len);
        r = submit(flight, slot, offset, len);
    }
    return r >= 0 || fail_write(copy, r, error);
}

/* Where the next data begin, at or after offset. Without errno: behind the
 * last data only SEEK_HOLE succeeds, where holes are not known neither does. */
static guint64
next_data(const StoreCopy *copy, guint64 offset)
{
    off_t data = lseek(copy->source->fd, (off_t)offset, SEEK_DATA);

    if (data >= 0)
        return (guint64)data;
    return lseek(copy->source->fd, (off_t)offset, SEEK_HOLE) >= 0 ? copy->size
                                                                  : offset;
}

/* Who still writes to it would have an image of a part of it. */
static gboolean
is_as_long(const StoreCopy *copy, GError **error)
{
    off_t size = lseek(copy->source->fd, 0, SEEK_END);

    if (size >= 0 && (guint64)size == copy->size)
        return TRUE;
    return store_refuse(error, STORE_ERROR_FAILED,
                        "the file for '%s/%s' became longer or shorter "
                        "meanwhile: wait until nobody writes to it",
                        copy->pool, copy->image);
}

static gboolean
copy_file(Flight *flight, GError **error)
{
    const StoreCopy *copy = flight->copy;
    guint64 offset = 0;

    while (offset < copy->size) {
        guint64 data = next_data(copy, offset);
        gsize len;

        data = MIN(data - data % flight->piece, copy->size);
        show(copy, NULL, data - offset);
        len = (gsize)MIN(flight->piece, copy->size - data);
        if (len > 0 && !copy_piece(flight, data, len, error))
            return FALSE;
        offset = data + len;
        if (!went_on(copy, offset, copy->size, error))
            return FALSE;
    }
    return is_as_long(copy, error);
}

/* ---- a pipe, which ends when it ends ------------------------------------------------ */

/* Waits for bytes, and meanwhile asks who wants them. 0: it has ended. */
static gboolean
read_some(const StoreCopy *copy,
          guint64 done,
          guint8 *buffer,
          gsize len,
          gsize *ret_got,
          GError **error)
{
    for (guint failures = 0; failures < POLL_FAILURES;) {
        struct pollfd one = {.fd = copy->source->fd, .events = POLLIN};
        int n = poll(&one, 1, POLL_MS);
        gssize got = n > 0 ? read(copy->source->fd, buffer, len) : -1;

        if (got >= 0) {
            *ret_got = (gsize)got;
            return TRUE;
        }
        if (!went_on(copy, done, 0, error))
            return FALSE;
        /* A signal is one, too. */
        failures += n == 0 ? 0 : 1;
    }
    return fail_read(copy, done, error);
}

/* As much as there is room for, unless it ends before. */
static gboolean
read_piece(const StoreCopy *copy,
           guint64 done,
           guint8 *buffer,
           gsize len,
           gsize *ret_got,
           GError **error)
{
    gsize got = 1;

    for (*ret_got = 0; *ret_got < len && got > 0; *ret_got += got)
        if (!read_some(copy, done + *ret_got, buffer + *ret_got, len - *ret_got,
                       &got, error))
            return FALSE;
    return TRUE;
}

gboolean
store_copy_read_head(StoreCopy *copy, gsize *ret_len, GError **error)
{
    if (!read_piece(copy, 0, copy->head, sizeof(copy->head), &copy->head_len,
                    error))
        return FALSE;
    *ret_len = copy->head_len;
    return TRUE;
}

bool
store_copy_make_space(StoreCopy *copy, guint64 least)
{
    bool grows = copy->size < least;

    while (copy->size < least) {
        copy->step = copy->step ? MIN(copy->step * 2, GROW_MAX)
                                : copy->source->object_size * 2;
        copy->size += copy->step;
    }
    return grows;
}

static int
grow(StoreCopy *copy, guint64 least)
{
    return store_copy_make_space(copy, least)
               ? rbd_resize(copy->handle, copy->size)
               : 0;
}

/* What was looked at before stands at its beginning. */
static gboolean
fill_slot(
    Flight *flight, Slot *slot, guint64 offset, gsize *ret, GError **error)
{
    const StoreCopy *copy = flight->copy;
    gsize head = offset == 0 ? copy->head_len : 0;

    if (head > 0)
        memcpy(slot->buffer, copy->head, head);
    if (!read_piece(copy, offset + head, slot->buffer + head,
                    flight->piece - head, ret, error))
        return FALSE;
    *ret += head;
    return TRUE;
}

static gboolean
copy_stream(Flight *flight, StoreCopy *copy, guint64 *ret_end, GError **error)
{
    gsize len = flight->piece;

    for (*ret_end = 0; len == flight->piece; *ret_end += len) {
        Slot *slot = &flight->slots[flight->next++ % flight->n_slots];
        int r = land(slot);

        if (r >= 0 && !fill_slot(flight, slot, *ret_end, &len, error))
            return FALSE;
        if (r >= 0)
            r = grow(copy, *ret_end + len);
        if (r >= 0 && len > 0) {
            show(copy, slot->buffer, len);
            r = submit(flight, slot, *ret_end, len);
        }
        if (r < 0)
            return fail_write(copy, r, error);
        if (!went_on(copy, *ret_end + len, 0, error))
            return FALSE;
    }
    return TRUE;
}

/* ---- either ------------------------------------------------------------------------- */

gboolean
store_copy(StoreCopy *copy, GError **error)
{
    Flight flight = {0};
    guint64 end = copy->size;
    gboolean ok;
    int r;

    flight_begin(&flight, copy);
    ok = copy->stream ? copy_stream(&flight, copy, &end, error)
                      : copy_file(&flight, error);
    r = flight_end(&flight);
    if (!ok)
        return FALSE;
    if (r >= 0 && end != copy->size)
        r = rbd_resize(copy->handle, end);
    if (r >= 0)
        r = rbd_flush(copy->handle);
    copy->size = end;
    return r >= 0 || fail_write(copy, r, error);
}
