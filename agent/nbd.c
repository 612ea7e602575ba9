/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * agent/nbd.c - a disk for one tool, over a socket that nobody else has
 *
 * Several threads take turns at the socket: one takes a request, with its bytes,
 * works on it while the next is taken, and answers when nobody else does. Answers
 * have the number of their request, so their order does not matter.
 */
#include "config.h"

#include "agent/nbd.h"

#include "agent/tool.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define SECTOR 512u

/* The handshake, 'fixed newstyle'. */
#define MAGIC           G_GUINT64_CONSTANT(0x4e42444d41474943)
#define OPTION_MAGIC    G_GUINT64_CONSTANT(0x49484156454f5054)
#define ANSWER_MAGIC    G_GUINT64_CONSTANT(0x0003e889045565a9)
#define FIXED_NO_ZEROES 3u
#define OPTION_ABORT    2u
#define OPTION_GO       7u
#define ANSWER_ACK      1u
#define ANSWER_INFO     3u
#define ANSWER_UNKNOWN  0x80000001u
#define INFO_DISK       0u
#define INFO_PIECES     3u
/* What QEMU sends is some dozens of bytes, and so few options. */
#define OPTION_MAX  2048u
#define OPTIONS_MAX 16

/* Then requests. */
#define REQUEST_MAGIC 0x25609513u
#define REPLY_MAGIC   0x67446698u
#define HAS_FLAGS     1u
#define READ_ONLY     2u
#define SENDS_FLUSH   4u
#define READ          0u
#define WRITE         1u
#define LEAVE         2u
#define FLUSH         3u
#define NBD_EIO       5u
#define NBD_EINVAL    22u

typedef struct {
    int fd;
    const NbdDisk *disk;
    GMutex receiving; /* one request at a time, whole */
    GMutex sending;   /* one answer at a time, whole; guards the next two */
    GError *error;    /* the first one */
    bool broken;      /* the other end broke the rules */
} Session;

typedef struct {
    guint16 type;
    guint64 number;
    guint64 offset;
    guint32 len;
} Request;

/* ---- bytes ---------------------------------------------------------------------- */

static bool
receive(int fd, gpointer buffer, gsize len)
{
    guint8 *at = buffer;

    while (len > 0) {
        gssize got = recv(fd, at, len, 0);

        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0)
            return false;
        at += got;
        len -= (gsize)got;
    }
    return true;
}

static bool
transmit(int fd, gconstpointer buffer, gsize len)
{
    const guint8 *at = buffer;

    while (len > 0) {
        gssize put = send(fd, at, len, MSG_NOSIGNAL);

        if (put < 0 && errno == EINTR)
            continue;
        if (put <= 0)
            return false;
        at += put;
        len -= (gsize)put;
    }
    return true;
}

static void
put16(guint8 *at, guint16 value)
{
    value = GUINT16_TO_BE(value);
    memcpy(at, &value, sizeof(value));
}

static void
put32(guint8 *at, guint32 value)
{
    value = GUINT32_TO_BE(value);
    memcpy(at, &value, sizeof(value));
}

static void
put64(guint8 *at, guint64 value)
{
    value = GUINT64_TO_BE(value);
    memcpy(at, &value, sizeof(value));
}

static guint16
get16(const guint8 *at)
{
    return (guint16)(at[0] << 8 | at[1]);
}

static guint32
get32(const guint8 *at)
{
    return (guint32)get16(at) << 16 | get16(at + 2);
}

static guint64
get64(const guint8 *at)
{
    return (guint64)get32(at) << 32 | get32(at + 4);
}

/* ---- the handshake ---------------------------------------------------------------- */

static bool
answer(int fd, guint32 option, guint32 kind, gconstpointer data, guint32 len)
{
    guint8 head[20];

    put64(head, ANSWER_MAGIC);
    put32(head + 8, option);
    put32(head + 12, kind);
    put32(head + 16, len);
    return transmit(fd, head, sizeof(head)) &&
           (len == 0 || transmit(fd, data, len));
}

static bool
answer_go(int fd, const NbdDisk *disk)
{
    guint8 about[12];
    guint8 pieces[14];

    put16(about, INFO_DISK);
    put64(about + 2, disk->size);
    put16(about + 10,
          (guint16)(HAS_FLAGS | SENDS_FLUSH | (disk->write ? 0 : READ_ONLY)));
    put16(pieces, INFO_PIECES);
    put32(pieces + 2, SECTOR);
    put32(pieces + 6, 4096);
    put32(pieces + 10, NBD_PIECE_MAX);
    return answer(fd, OPTION_GO, ANSWER_INFO, about, sizeof(about)) &&
           answer(fd, OPTION_GO, ANSWER_INFO, pieces, sizeof(pieces)) &&
           answer(fd, OPTION_GO, ANSWER_ACK, NULL, 0);
}

/* Any name of a disk is right: there is one. */
static bool
agree(int fd, const NbdDisk *disk)
{
    guint8 head[16];
    guint8 data[OPTION_MAX];

    for (int i = 0; i < OPTIONS_MAX; i++) {
        guint32 option;
        guint32 len;

        if (!receive(fd, head, sizeof(head)) || get64(head) != OPTION_MAGIC)
            return false;
        option = get32(head + 8);
        len = get32(head + 12);
        if (len > sizeof(data) || !receive(fd, data, len))
            return false;
        if (option == OPTION_GO)
            return answer_go(fd, disk);
        if (option == OPTION_ABORT ||
            !answer(fd, option, ANSWER_UNKNOWN, NULL, 0))
            return false;
    }
    return false;
}

static bool
greet(int fd, const NbdDisk *disk)
{
    guint8 hello[18];
    guint8 flags[4];

    put64(hello, MAGIC);
    put64(hello + 8, OPTION_MAGIC);
    put16(hello + 16, FIXED_NO_ZEROES);
    return transmit(fd, hello, sizeof(hello)) &&
           receive(fd, flags, sizeof(flags)) &&
           get32(flags) == FIXED_NO_ZEROES && agree(fd, disk);
}

/* ---- requests ---------------------------------------------------------------------- */

static void
set_broken(Session *session)
{
    g_mutex_lock(&session->sending);
    session->broken = true;
    g_mutex_unlock(&session->sending);
    (void)shutdown(session->fd, SHUT_RDWR);
}

static bool
is_possible(const NbdDisk *disk, const Request *request)
{
    switch (request->type) {
    case READ:
    case WRITE:
        return request->len <= NBD_PIECE_MAX && request->offset <= disk->size &&
               request->len <= disk->size - request->offset;
    default:
        return true;
    }
}

/* false: there is nothing more. */
static bool
take(Session *session, Request *request, guint8 *buffer)
{
    guint8 head[28];

    if (!receive(session->fd, head, sizeof(head)))
        return false;
    *request = (Request){get16(head + 6), get64(head + 8), get64(head + 16),
                         get32(head + 24)};
    if (get32(head) != REQUEST_MAGIC || !is_possible(session->disk, request)) {
        set_broken(session);
        return false;
    }
    return request->type != LEAVE &&
           (request->type != WRITE ||
            receive(session->fd, buffer, request->len));
}

/* The number of an error, or 0. */
static guint32
work(Session *session, const Request *request, guint8 *buffer)
{
    const NbdDisk *disk = session->disk;
    NbdPart part = request->type == READ ? disk->read : disk->write;
    g_autoptr(GError) error = NULL;

    if (request->type == FLUSH)
        return 0; /* who asked for the tool flushes */
    if ((request->type != READ && request->type != WRITE) || !part)
        return NBD_EINVAL;
    if (part(disk->data, request->offset, buffer, request->len, &error))
        return 0;
    g_mutex_lock(&session->sending);
    if (!session->error)
        session->error = g_steal_pointer(&error);
    g_mutex_unlock(&session->sending);
    return NBD_EIO;
}

static bool
reply(Session *session,
      const Request *request,
      guint32 number,
      const guint8 *buffer)
{
    bool has_bytes = request->type == READ && number == 0;
    guint8 head[16];
    bool sent;

    put32(head, REPLY_MAGIC);
    put32(head + 4, number);
    put64(head + 8, request->number);
    g_mutex_lock(&session->sending);
    sent = transmit(session->fd, head, sizeof(head)) &&
           (!has_bytes || transmit(session->fd, buffer, request->len));
    g_mutex_unlock(&session->sending);
    return sent;
}

static gpointer
run_worker(gpointer opaque)
{
    Session *session = opaque;
    g_autofree guint8 *buffer = g_malloc(NBD_PIECE_MAX);
    Request request;
    bool more = true;

    while (more) {
        g_mutex_lock(&session->receiving);
        more = take(session, &request, buffer);
        g_mutex_unlock(&session->receiving);
        if (more &&
            !reply(session, &request, work(session, &request, buffer), buffer))
            more = false;
    }
    /* The others wait for what does not come. */
    (void)shutdown(session->fd, SHUT_RD);
    return NULL;
}

static void
run_workers(Session *session)
{
    GThread *workers[NBD_WORKERS];

    for (int i = 0; i < NBD_WORKERS; i++)
        workers[i] = g_thread_new("nbd", run_worker, session);
    for (int i = 0; i < NBD_WORKERS; i++)
        (void)g_thread_join(workers[i]);
}

gboolean
nbd_serve(int fd, const NbdDisk *disk, GError **error)
{
    Session session = {.fd = fd, .disk = disk};

    g_mutex_init(&session.receiving);
    g_mutex_init(&session.sending);
    if (greet(fd, disk))
        run_workers(&session);
    (void)shutdown(fd, SHUT_RDWR);
    g_mutex_clear(&session.receiving);
    g_mutex_clear(&session.sending);
    if (!session.error && session.broken)
        g_set_error(&session.error, TOOL_ERROR, TOOL_ERROR_FAILED,
                    "the tool asked for what is not there");
    if (!session.error)
        return TRUE;
    g_propagate_error(error, session.error);
    return FALSE;
}
