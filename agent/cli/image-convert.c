/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * agent/cli/image-convert.c - a file that is not raw becomes a raw image
 *
 * By the tool and the checks by which images in the cluster are converted
 * (agent/convert-tool.c, agent/rbd/image/header.c). A file can change between the
 * check and the tool, as an image there cannot: so one that has changed when all is
 * done was converted in vain.
 *
 * The tool writes here and there, so the sums are taken of what is in the image in
 * the end.
 */
#include "config.h"

#include "agent/cli/image-convert.h"

#include "agent/convert-tool.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#define PIECE (4u * 1024u * 1024u)

/* ---- the file ------------------------------------------------------------------ */

/* What is behind the end is zero. */
static gboolean
read_file(int fd, guint64 offset, guint8 *buffer, gsize len, GError **error)
{
    gsize done = 0;
    gssize got = 1;

    while (done < len && got != 0) {
        got = pread(fd, buffer + done, len - done, (off_t)(offset + done));
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0) {
            g_set_error(error, G_FILE_ERROR, g_file_error_from_errno(errno),
                        "cannot read it: %s", g_strerror(errno));
            return FALSE;
        }
        done += (gsize)got;
    }
    memset(buffer + done, 0, len - done);
    return TRUE;
}

static bool
read_header(gpointer data, guint64 offset, guint8 *buffer, gsize len)
{
    const CmdConvert *convert = data;

    return offset <= G_MAXINT64 - len &&
           read_file(convert->fd, offset, buffer, len, NULL);
}

static gboolean
refuse(GError **error, const char *format, const char *why)
{
    g_set_error(
        error, STORE_ERROR, STORE_ERROR_REFUSED,
        "it is %s %s, and is not converted: have whoever made it make a "
        "raw one, or keep its bytes as they are (--as-is)",
        format, why);
    return FALSE;
}

/* The tool is to become nobody, which root alone can make it. */
static gboolean
check_rights(const char *format, GError **error)
{
    if (geteuid() == 0)
        return TRUE;
    g_set_error(error, STORE_ERROR, STORE_ERROR_REFUSED,
                "it is %s, and root alone can convert that: run this as root, "
                "or keep its bytes as they are (--as-is)",
                format);
    return FALSE;
}

gboolean
cmd_convert_look(CmdConvert *convert, int fd, GError **error)
{
    guint8 head[STORE_HEAD_BYTES];
    StoreHeader header = {0};
    off_t end = lseek(fd, 0, SEEK_END);

    convert->fd = fd;
    convert->format = NULL;
    /* A pipe, say, is not for here. */
    if (end < 0 || fstat(fd, &convert->before) < 0 ||
        !(S_ISREG(convert->before.st_mode) || S_ISBLK(convert->before.st_mode)))
        return TRUE;
    if (!read_file(fd, 0, head, sizeof(head), error))
        return FALSE;
    convert->format = store_format_sniff(head, sizeof(head));
    if (!convert->format)
        return TRUE;
    if (!store_header_check(convert->format, read_header, convert, &header))
        return refuse(error, convert->format, "that cannot be read");
    if (header.unfit)
        return refuse(error, convert->format, header.unfit);
    convert->size = header.size;
    return check_rights(convert->format, error);
}

static gboolean
fail_cancelled(GError **error)
{
    g_set_error_literal(error, STORE_ERROR, STORE_ERROR_FAILED,
                        "converting it was cancelled");
    return FALSE;
}

static guint64
file_size(const CmdConvert *convert)
{
    return (guint64)MAX(lseek(convert->fd, 0, SEEK_END), 0);
}

static gboolean
check_unchanged(const CmdConvert *convert, GError **error)
{
    struct stat now = {0};

    if (fstat(convert->fd, &now) == 0 &&
        now.st_size == convert->before.st_size &&
        memcmp(&now.st_mtim, &convert->before.st_mtim, sizeof(now.st_mtim)) ==
            0 &&
        memcmp(&now.st_ctim, &convert->before.st_ctim, sizeof(now.st_ctim)) ==
            0)
        return TRUE;
    g_set_error_literal(error, STORE_ERROR, STORE_ERROR_REFUSED,
                        "it was changed while it was converted: add it again "
                        "when nobody writes to it");
    return FALSE;
}

/* ---- the sum of the file --------------------------------------------------------- */

static gboolean
add_file(const CmdConvert *convert, CmdDigest *digest, GError **error)
{
    g_autofree guint8 *buffer = g_malloc(PIECE);
    guint64 size = file_size(convert);

    for (guint64 at = 0; at < size; at += PIECE) {
        gsize len = (gsize)MIN(size - at, PIECE);

        if (cmd_progress_interrupted())
            return fail_cancelled(error);
        if (!read_file(convert->fd, at, buffer, len, error))
            return FALSE;
        cmd_digest_add(digest, buffer, len);
    }
    return TRUE;
}

gboolean
cmd_convert_verify(const CmdConvert *convert, const char *sum, GError **error)
{
    const char *const names[] = {cmd_digest_name_of(sum), NULL};
    const char *bad = NULL;
    CmdDigest *digest = cmd_digest_new(names, &bad);
    gboolean same = digest && add_file(convert, digest, error);

    if (same && g_ascii_strcasecmp(cmd_digest_sums(digest)[0], sum) != 0) {
        g_set_error(error, STORE_ERROR, STORE_ERROR_REFUSED,
                    "its %s is %s, which is not what was asked for: fetch the "
                    "file again, nothing was added",
                    names[0], cmd_digest_sums(digest)[0]);
        same = FALSE;
    }
    cmd_digest_free(digest);
    return same;
}

/* ---- the conversion --------------------------------------------------------------- */

typedef struct {
    CmdConvert *convert;
    StoreFilling *filling; /* the new image */
    GMutex lock;           /* guards the next two, and convert->progress */
    guint64 done;
    bool cancelled;
} Work;

/* FALSE: it was cancelled. Of the size and, if there are sums, of that again. */
static gboolean
went_on(Work *work, guint64 done, GError **error)
{
    const CmdConvert *convert = work->convert;
    guint64 total = convert->size * (convert->sums ? 2 : 1);
    bool cancelled;

    g_mutex_lock(&work->lock);
    work->done = MAX(work->done, done);
    if (!work->cancelled)
        work->cancelled =
            !cmd_progress_show(work->done, total, convert->progress);
    cancelled = work->cancelled;
    g_mutex_unlock(&work->lock);
    return !cancelled || fail_cancelled(error);
}

static gboolean
read_part(gpointer data, guint64 offset, gpointer buffer, gsize len, GError **e)
{
    Work *work = data;

    /* Of a file that holds nothing but zeroes nothing is written. */
    return read_file(work->convert->fd, offset, buffer, len, e) &&
           went_on(work, 0, e);
}

static gboolean
write_part(
    gpointer data, guint64 offset, gpointer buffer, gsize len, GError **error)
{
    Work *work = data;

    return store_filling_write(work->filling, offset, buffer, len, error) &&
           went_on(work, offset + len, error);
}

static gboolean
add_content(Work *work, GError **error)
{
    const CmdConvert *convert = work->convert;
    g_autofree guint8 *buffer = g_malloc(PIECE);

    for (guint64 at = 0; convert->sums && at < convert->size; at += PIECE) {
        gsize len = (gsize)MIN(convert->size - at, PIECE);

        if (!store_filling_read(work->filling, at, buffer, len, error))
            return FALSE;
        cmd_digest_add(convert->digest, buffer, len);
        if (!went_on(work, convert->size + at + len, error))
            return FALSE;
    }
    return TRUE;
}

/* A key of the terminal ends the tool, too: then that is why. */
static gboolean
run_tool(const ConvertTool *tool, GError **error)
{
    g_autoptr(GError) why = NULL;

    if (convert_tool_run(tool, &why))
        return TRUE;
    if (cmd_progress_interrupted())
        return fail_cancelled(error);
    g_propagate_error(error, g_steal_pointer(&why));
    return FALSE;
}

gboolean
cmd_convert_fill(StoreFilling *filling, gpointer data, GError **error)
{
    Work work = {.convert = data, .filling = filling};
    const ConvertTool tool = {
        .format = work.convert->format,
        .from_size = file_size(work.convert),
        .from = read_part,
        .to_size = store_filling_size(filling),
        .to = write_part,
        .data = &work,
    };
    gboolean good;

    g_mutex_init(&work.lock);
    good = run_tool(&tool, error) && check_unchanged(work.convert, error) &&
           add_content(&work, error);
    g_mutex_clear(&work.lock);
    return good;
}
