/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * agent/rbd/store-instance.c - which of this host's own instances are alive
 *
 * Each connection has a random id and a file of that name in
 * run_dir/instances, locked (flock) as long as the connection lives. The
 * kernel drops the lock with the last descriptor, however the process ended,
 * so a lock that can be had proves that the instance is dead. Pids, boot ids
 * and host names prove nothing: they repeat across namespaces and copied
 * hosts. The file also keeps a line for every image that was handed to its
 * owner, with the host's boot clock; it is on tmpfs and ends with the boot.
 */
#include "config.h"

#include "agent/rbd/store-internal.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define INSTANCE_FILE_MAX (4u * 1024u * 1024u)

static char *
instances_dir(const char *run_dir)
{
    return g_build_filename(run_dir, "instances", NULL);
}

static gint64
boot_seconds(void)
{
    struct timespec now;

    (void)clock_gettime(CLOCK_BOOTTIME, &now);
    return (gint64)now.tv_sec;
}

gboolean
store_instance_open(const char *run_dir,
                    char **ret_id,
                    char **ret_path,
                    int *ret_fd,
                    GError **error)
{
    g_autofree char *dir = instances_dir(run_dir);
    g_autofree char *id = g_uuid_string_random();
    g_autofree char *path = g_build_filename(dir, id, NULL);
    int fd = -1;

    if (g_mkdir_with_parents(dir, 0700) == 0)
        fd = open(path, O_CREAT | O_EXCL | O_RDWR | O_APPEND | O_CLOEXEC, 0600);
    if (fd < 0 || flock(fd, LOCK_EX | LOCK_NB) != 0) {
        if (fd >= 0)
            (void)close(fd);
        return store_refuse(error, STORE_ERROR_FAILED,
                            "cannot write '%s': is '%s' there, and does this "
                            "user own it?",
                            path, run_dir);
    }
    *ret_id = g_steal_pointer(&id);
    *ret_path = g_steal_pointer(&path);
    *ret_fd = fd;
    return TRUE;
}

void
store_instance_note(StoreConn *conn,
                    const char *verb,
                    const char *pool,
                    const char *image,
                    const char *owner)
{
    g_autofree char *line =
        g_strdup_printf("%s %s/%s %s %" G_GINT64_FORMAT "\n", verb, pool, image,
                        owner, boot_seconds());
    gssize written = write(conn->instance_fd, line, strlen(line));

    /* A note that is lost only makes a successor more careful. */
    (void)written;
}

/* The newest note on an image; the lines are short and few. */
static int
handed_age(const char *text, const char *pool, const char *image)
{
    g_autofree char *disk = g_strdup_printf("%s/%s", pool, image);
    g_auto(GStrv) lines = g_strsplit(text, "\n", -1);
    int age = -1;

    for (gsize i = 0; lines[i]; i++) {
        g_auto(GStrv) words = g_strsplit(lines[i], " ", 4);
        guint64 when;

        if (g_strv_length(words) != 4 || strcmp(words[1], disk) != 0)
            continue;
        age = -1;
        if (strcmp(words[0], "handed") == 0 &&
            g_ascii_string_to_unsigned(words[3], 10, 0, G_MAXINT64, &when,
                                       NULL))
            age = (int)CLAMP(boot_seconds() - (gint64)when, 0, G_MAXINT);
    }
    return age;
}

static char *
read_notes(int fd)
{
    struct stat info;
    g_autofree char *text = NULL;
    gssize got;

    if (fstat(fd, &info) != 0 || info.st_size > (off_t)INSTANCE_FILE_MAX)
        return NULL;
    text = g_malloc0((gsize)info.st_size + 1);
    got = pread(fd, text, (gsize)info.st_size, 0);
    return got < 0 ? NULL : g_steal_pointer(&text);
}

StoreInstanceState
store_instance_look(const char *run_dir,
                    const char *id,
                    const char *pool,
                    const char *image,
                    int *ret_handed_s)
{
    g_autofree char *dir = instances_dir(run_dir);
    StoreInstanceState state = STORE_INSTANCE_LIVE;
    int fd;

    *ret_handed_s = -1;
    /* The id comes from the cluster: it must not name any other file. */
    if (!g_uuid_string_is_valid(id))
        return STORE_INSTANCE_UNKNOWN;
    g_autofree char *path = g_build_filename(dir, id, NULL);
    fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return STORE_INSTANCE_UNKNOWN;
    if (flock(fd, LOCK_SH | LOCK_NB) == 0) {
        g_autofree char *notes = read_notes(fd);

        state = STORE_INSTANCE_DEAD;
        if (notes)
            *ret_handed_s = handed_age(notes, pool, image);
    }
    (void)close(fd);
    return state;
}
