/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * agent/contents.c - what is put into a disk that has no parent
 *
 * A file is read when the domain starts, for Nova writes it after it defines;
 * and only if there is no image yet: a config drive is made once.
 */
#include "config.h"

#include "agent/contents.h"

#include "agent/access.h"
#include "agent/format.h"
#include "agent/host.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

/* RBD takes any size, guests count in these. */
#define SECTOR 512u

static gboolean
fill_formatted(StoreFilling *filling, gpointer data, GError **error)
{
    const DomDisk *disk = data;
    guint64 size = store_filling_size(filling);
    int fd =
        format_new(HOST_STATE_DIR, disk->content, disk->label, size, error);
    gboolean done;

    if (fd < 0)
        return FALSE;
    done = store_filling_copy(filling, fd, size, error);
    (void)close(fd);
    return done;
}

static gboolean
fill_from_file(StoreFilling *filling, gpointer data, GError **error)
{
    const Contents *contents = data;

    return store_filling_copy(filling, contents->fd, contents->size, error);
}

/* Where libvirt's access drivers let a user define domains who is not root's
 * equal, root's secrets are not his to read by way of a disk. */
static bool
is_secret(const struct stat *info)
{
    return access_is_checked() && info->st_uid == 0 &&
           !(info->st_mode & S_IROTH);
}

/* A file that is a link, or something else, may be another one at its end. */
static void
open_file(Contents *contents, const char *path)
{
    struct stat info;
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);

    if (fd < 0 || fstat(fd, &info) < 0)
        contents->why = g_strdup(g_strerror(errno));
    else if (!S_ISREG(info.st_mode))
        contents->why = g_strdup("it is no plain file");
    else if (info.st_size <= 0 || info.st_size > CONTENTS_FILE_MAX)
        contents->why =
            g_strdup_printf("it has %lld bytes, and may have 1 to "
                            "%u",
                            (long long)info.st_size, CONTENTS_FILE_MAX);
    else if (is_secret(&info))
        contents->why = g_strdup("it is root's own and not for others to read, "
                                 "and libvirt has access drivers");
    if (!contents->why) {
        contents->fd = fd;
        contents->size = (guint64)info.st_size;
    } else if (fd >= 0) {
        (void)close(fd);
    }
}

static void
begin_file(Contents *contents, StoreDisk *into)
{
    open_file(contents, contents->disk->file);
    if (contents->fd < 0)
        return;
    into->source = STORE_SOURCE_FILLED;
    into->fill = fill_from_file;
    into->fill_data = contents;
    into->size = (contents->size + SECTOR - 1) / SECTOR * SECTOR;
    into->keep_size = true;
}

void
contents_begin(Contents *contents, const DomDisk *disk, StoreDisk *into)
{
    contents->disk = disk;
    switch (disk->content) {
    case DOM_CONTENT_BLANK:
        into->source = STORE_SOURCE_BLANK;
        break;
    case DOM_CONTENT_EXT4:
    case DOM_CONTENT_XFS:
    case DOM_CONTENT_VFAT:
    case DOM_CONTENT_SWAP:
        into->source = STORE_SOURCE_FILLED;
        into->fill = fill_formatted;
        into->fill_data = (gpointer)disk;
        break;
    case DOM_CONTENT_FILE:
        begin_file(contents, into);
        break;
    }
}

void
contents_explain(const Contents *contents, GError **error)
{
    if (!contents->why)
        return;
    g_clear_error(error);
    g_set_error(error, STORE_ERROR, STORE_ERROR_MISSING,
                "its file '%s' cannot be used (%s), and there is no '%s/%s' "
                "made of it before: write the file, then start the domain "
                "again",
                contents->disk->file, contents->why, contents->disk->pool,
                contents->disk->image);
}

gboolean
contents_check(const Contents *contents, StoreCluster *cluster, GError **error)
{
    const DomDisk *disk = contents->disk;
    StoreState state = {0};
    bool there;

    if (!contents->why)
        return TRUE;
    if (!store_state(cluster, disk->pool, disk->image, &state, error))
        return FALSE;
    there = state.there;
    store_state_clear(&state);
    if (!there)
        contents_explain(contents, error);
    return there;
}

void
contents_end(Contents *contents)
{
    if (contents->fd >= 0)
        (void)close(contents->fd);
    contents->fd = -1;
    g_clear_pointer(&contents->why, g_free);
}
