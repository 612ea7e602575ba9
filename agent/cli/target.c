/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * agent/cli/target.c - the file that an export is written to
 */
#include "config.h"

#include "agent/cli/target.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define MODE 0644

static gboolean
fail(GError **error, const char *what)
{
    int number = errno;

    g_set_error(error, G_FILE_ERROR, g_file_error_from_errno(number), "%s: %s",
                what, g_strerror(number));
    return FALSE;
}

static gboolean
fail_exists(GError **error)
{
    g_set_error_literal(error, G_FILE_ERROR, G_FILE_ERROR_EXIST,
                        "it is there already and is never overwritten: give "
                        "another name, or remove it first");
    return FALSE;
}

/* ---- the file ------------------------------------------------------------------- */

static gboolean
open_part(CmdTarget *target, GError **error)
{
    target->part = g_strconcat(target->path, ".part", NULL);
    target->fd =
        open(target->part, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, MODE);
    if (target->fd >= 0)
        return TRUE;
    g_clear_pointer(&target->part, g_free);
    if (errno != EEXIST)
        return fail(error, "cannot write it");
    g_set_error(error, G_FILE_ERROR, G_FILE_ERROR_EXIST,
                "there is '%s.part', as an export that was cut short leaves "
                "it: remove that if nobody writes to it",
                target->path);
    return FALSE;
}

static gboolean
open_new(CmdTarget *target, GError **error)
{
    g_autofree char *directory = g_path_get_dirname(target->path);

    target->sparse = true;
    target->fd = open(directory, O_WRONLY | O_TMPFILE | O_CLOEXEC, MODE);
    if (target->fd >= 0)
        return TRUE;
    if (errno == EOPNOTSUPP || errno == EISDIR || errno == EINVAL)
        return open_part(target, error);
    return fail(error, "cannot write it");
}

static bool
is_output(const char *path)
{
    return strcmp(path, "-") == 0;
}

const char *
cmd_target_check(const char *path, const char *format, gboolean json)
{
    bool qcow2 = g_strcmp0(format, "qcow2") == 0;

    if (format && !qcow2 && strcmp(format, "raw") != 0)
        return "the format is raw or qcow2";
    if (qcow2 && is_output(path))
        return "qcow2 cannot be written to standard output, for its beginning "
               "is known last";
    if (json && is_output(path))
        return "JSON needs a file, for standard output has the content";
    return NULL;
}

gboolean
cmd_target_open(CmdTarget *target,
                const char *path,
                const char *format,
                GError **error)
{
    struct stat info;

    *target = (CmdTarget){.path = path, .fd = -1};
    target->wants_qcow2 = g_strcmp0(format, "qcow2") == 0;
    if (is_output(path)) {
        target->fd = STDOUT_FILENO;
        /* The snapshot that is read goes, also when nobody reads on. */
        (void)signal(SIGPIPE, SIG_IGN);
        return TRUE;
    }
    if (lstat(target->path, &info) != 0)
        return errno == ENOENT ? open_new(target, error)
                               : fail(error, "cannot write it");
    if (!S_ISBLK(info.st_mode) || target->wants_qcow2)
        return fail_exists(error);
    target->fd = open(target->path, O_WRONLY | O_EXCL | O_CLOEXEC);
    return target->fd >= 0 || fail(error, "cannot write it");
}

/* ---- while it is written ---------------------------------------------------------- */

static gboolean
begin_qcow2(gpointer data, guint64 size, GError **error)
{
    CmdTarget *target = data;

    target->qcow2 = cmd_qcow2_new(target->fd, size, error);
    return target->qcow2 != NULL;
}

static gboolean
put_qcow2(gpointer data,
          guint64 offset,
          const guint8 *bytes,
          gsize len,
          GError **error)
{
    const CmdTarget *target = data;

    return cmd_qcow2_put(target->qcow2, offset, bytes, len, error);
}

StoreImageTarget
cmd_target_begin(CmdTarget *target)
{
    target->sink = (StoreImageSink){
        .begin = begin_qcow2, .put = put_qcow2, .data = target};
    cmd_progress_begin(&target->progress);
    return (StoreImageTarget){
        .fd = target->fd,
        .sparse = target->sparse,
        .sink = target->wants_qcow2 ? &target->sink : NULL,
        .progress = cmd_progress_show,
        .data = &target->progress,
    };
}

/* Puts the name on it, unless that is taken by now. */
gboolean
cmd_target_publish(CmdTarget *target, GError **error)
{
    g_autofree char *self = g_strdup_printf("/proc/self/fd/%d", target->fd);
    int r;

    if (is_output(target->path))
        return TRUE;
    if (target->qcow2 && !cmd_qcow2_end(target->qcow2, error))
        return FALSE;
    if (fsync(target->fd) != 0)
        return fail(error, "cannot write it");
    if (!target->sparse)
        return TRUE;
    r = target->part
            ? link(target->part, target->path)
            : linkat(AT_FDCWD, self, AT_FDCWD, target->path, AT_SYMLINK_FOLLOW);
    if (r == 0)
        return TRUE;
    return errno == EEXIST ? fail_exists(error) : fail(error, "cannot name it");
}

void
cmd_target_end(CmdTarget *target)
{
    g_clear_pointer(&target->qcow2, cmd_qcow2_free);
    if (target->part)
        (void)unlink(target->part);
    g_clear_pointer(&target->part, g_free);
    if (target->fd >= 0 && !is_output(target->path))
        (void)close(target->fd);
    target->fd = -1;
}
