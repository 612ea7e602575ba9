/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * agent/cli/image-export.c - remora image export: an image becomes a file
 *
 * The file gets its name when it is whole: until then it has none, or, where the
 * file system has no files without a name, another one. A file that is there is
 * never written to.
 */
#include "config.h"

#include "agent/cli/image.h"
#include "agent/cli/progress.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define MODE 0644

typedef struct {
    const char *path; /* "-": standard output */
    int fd;
    char *part; /* the name that it has meanwhile; NULL: none */
    bool sparse;
} Target;

static gboolean as_json;

static const GOptionEntry options[] = {
    CMD_IMAGE_CLUSTER,
    {"json", 'j', 0, G_OPTION_ARG_NONE, &as_json, "Print JSON", NULL},
    {NULL, 0, 0, 0, NULL, NULL, NULL},
};

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
open_part(Target *target, GError **error)
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
open_new(Target *target, GError **error)
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

static gboolean
open_target(Target *target, GError **error)
{
    struct stat info;

    if (strcmp(target->path, "-") == 0) {
        target->fd = STDOUT_FILENO;
        return TRUE;
    }
    if (lstat(target->path, &info) != 0)
        return errno == ENOENT ? open_new(target, error)
                               : fail(error, "cannot write it");
    if (!S_ISBLK(info.st_mode))
        return fail_exists(error);
    target->fd = open(target->path, O_WRONLY | O_EXCL | O_CLOEXEC);
    return target->fd >= 0 || fail(error, "cannot write it");
}

/* Puts the name on it, unless that is taken by now. */
static gboolean
publish(const Target *target, GError **error)
{
    g_autofree char *self = g_strdup_printf("/proc/self/fd/%d", target->fd);
    int r;

    if (target->fd == STDOUT_FILENO)
        return TRUE;
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

static void
target_end(Target *target)
{
    if (target->part)
        (void)unlink(target->part);
    g_free(target->part);
    if (target->fd >= 0 && target->fd != STDOUT_FILENO)
        (void)close(target->fd);
}

/* ---- the verb -------------------------------------------------------------------- */

static gboolean
write_image(const CmdImage *image,
            const Target *target,
            guint64 *ret_size,
            GError **error)
{
    CmdProgress progress;
    const StoreImageTarget to = {
        .fd = target->fd,
        .sparse = target->sparse,
        .progress = cmd_progress_show,
        .data = &progress,
    };
    gboolean good;

    cmd_progress_begin(&progress);
    good = store_image_export(image->cluster, image->pool, image->image, &to,
                              ret_size, error);
    cmd_progress_end(&progress);
    return good;
}

static int
run(const CmdGlobals *globals, char **rest)
{
    g_auto(CmdImage) image = {0};
    g_autoptr(GError) error = NULL;
    char *const named[] = {rest[0], NULL};
    Target target = {.fd = -1};
    guint64 size = 0;
    int status;

    if (g_strv_length(rest) != 2)
        return cmd_usage("image export",
                         "an image, and a file or - for standard output, are "
                         "needed");
    if (as_json && strcmp(rest[1], "-") == 0)
        return cmd_usage("image export",
                         "JSON needs a file, for standard output has the "
                         "content");
    status = cmd_image_find(globals, "image export", named, &image);
    if (status)
        return status;
    target.path = rest[1];
    if (!open_target(&target, &error) ||
        !write_image(&image, &target, &size, &error) ||
        !publish(&target, &error))
        status = cmd_image_fail(rest[1], error);
    else if (as_json)
        printf("{\"size\": %" G_GUINT64_FORMAT "}\n", size);
    target_end(&target);
    return status;
}

const CmdVerb cmd_image_export = {
    .name = "image export",
    .arguments = "IMAGE FILE|-",
    .summary = "Writes an image's content to a new file, without its zeroes",
    .options = options,
    .run = run,
};
