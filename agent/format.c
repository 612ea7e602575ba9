/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * agent/format.c - an empty file system, made by its own tool in a sparse file
 *
 * The tool runs by way of agent/confine.c and gets nothing but the file, which
 * has no name: what becomes of this process, nothing of it is left.
 */
#include "config.h"

#include "agent/format.h"

#include "agent/tool.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#define MEMORY    (G_GUINT64_CONSTANT(1) << 30)
#define FILE_NAME "/proc/self/fd/" G_STRINGIFY(TOOL_FD)
#define ARGS_MAX  12

typedef struct {
    const char *tool;
    const char *package; /* in Debian */
    const char *args[8];
    const char *label; /* its option, or NULL */
} Maker;

static const Maker makers[] = {
    [DOM_CONTENT_EXT4] = {"mkfs.ext4",
                          "e2fsprogs",
                          {"-q", "-F", "-E",
                           "lazy_itable_init=1,lazy_journal_init=1,nodiscard",
                           NULL},
                          "-L"},
    [DOM_CONTENT_XFS] = {"mkfs.xfs",
                         "xfsprogs",
                         {"-q", "-f", "-K", NULL},
                         "-L"},
    [DOM_CONTENT_VFAT] = {"mkfs.vfat", "dosfstools", {NULL}, "-n"},
    [DOM_CONTENT_SWAP] = {"mkswap", "util-linux", {NULL}, NULL},
};

/* Others than root can reach it only by the descriptor that they are given. */
static int
open_file(const char *dir, guint64 size, GError **error)
{
    int fd = open(dir, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);

    if (fd < 0 || fchmod(fd, 0666) < 0 || ftruncate(fd, (off_t)size) < 0) {
        tool_fail(error,
                  "cannot make a file of %" G_GUINT64_FORMAT
                  " bytes in '%s' to format it: %s",
                  size, dir, g_strerror(errno));
        if (fd >= 0)
            (void)close(fd);
        return -1;
    }
    return fd;
}

static void
collect_args(const Maker *maker, const char *label, const char **args)
{
    gsize n = 0;

    for (gsize i = 0; maker->args[i]; i++)
        args[n++] = maker->args[i];
    if (maker->label && label) {
        args[n++] = maker->label;
        args[n++] = label;
    }
    args[n++] = FILE_NAME;
    args[n] = NULL;
}

static gboolean
run(const Maker *maker,
    const char *label,
    int file,
    guint64 size,
    GError **error)
{
    const char *args[ARGS_MAX];
    const Tool tool = {
        .name = maker->tool,
        .package = maker->package,
        .args = args,
        .seconds = FORMAT_SECONDS,
        .memory = MEMORY,
        .file_size = size,
        .fds = {file, -1},
    };

    collect_args(maker, label, args);
    return tool_run(&tool, error);
}

int
format_new(const char *dir,
           DomContent content,
           const char *label,
           guint64 size,
           GError **error)
{
    const Maker *maker = &makers[content];
    int fd = open_file(dir, size, error);

    if (fd < 0 || run(maker, label, fd, size, error))
        return fd;
    (void)close(fd);
    return -1;
}
