/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * agent/process.c - whether a QEMU of a domain is left on this host
 */
#include "config.h"

#include "agent/process.h"

#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

/* Of one process; libvirt's longest command lines have some 100 KiB. */
#define ARGUMENTS_MAX (4u * 1024u * 1024u)

/* Its place among what follows the name in stat, which begins with field 3. */
#define THREADS 17

static gint is_blind; /* atomic */

/* Whether the arguments, each ended by a NUL, have '-uuid' before the UUID, or,
 * without one, at all. */
static bool
has_uuid(const char *arguments, gsize len, const char *uuid)
{
    const char *end = arguments + len;
    bool named = false;

    for (const char *at = arguments; at < end; at += strlen(at) + 1) {
        if (named && (!uuid || g_ascii_strcasecmp(at, uuid) == 0))
            return true;
        named = strcmp(at, "-uuid") == 0;
    }
    return false;
}

/* What is not there any more has no UUID; of what is there, and cannot be looked
 * at, nothing is known. */
static bool
may_have_uuid(const char *dir, const char *uuid, bool *ret_empty)
{
    g_autofree char *path = g_build_filename(dir, "cmdline", NULL);
    g_autofree char *text = NULL;
    gsize len = 0;

    *ret_empty = false;
    if (!g_file_get_contents(path, &text, &len, NULL))
        return g_file_test(dir, G_FILE_TEST_IS_DIR);
    *ret_empty = len == 0;
    return len > ARGUMENTS_MAX || has_uuid(text, len, uuid);
}

static bool
has_threads(const char *dir)
{
    g_autofree char *path = g_build_filename(dir, "stat", NULL);
    g_autofree char *text = NULL;
    const char *rest;

    if (!g_file_get_contents(path, &text, NULL, NULL))
        return false;
    /* The name in brackets may hold anything; the fields follow its last. */
    rest = strrchr(text, ')');
    g_auto(GStrv) fields =
        g_strsplit(rest && rest[1] ? rest + 2 : "", " ", THREADS + 2);
    return g_strv_length(fields) > THREADS && strcmp(fields[THREADS], "1") != 0;
}

/* As long as one thread has the process's memory, it can read the arguments in
 * it, and write to a disk. */
static bool
may_a_thread_have_uuid(const char *dir, const char *uuid)
{
    g_autofree char *tasks = g_build_filename(dir, "task", NULL);
    g_autoptr(GDir) list = g_dir_open(tasks, 0, NULL);
    const char *name;
    bool empty;

    if (!list)
        return g_file_test(dir, G_FILE_TEST_IS_DIR);
    while ((name = g_dir_read_name(list))) {
        g_autofree char *task = g_build_filename(tasks, name, NULL);

        if (may_have_uuid(task, uuid, &empty))
            return true;
    }
    return false;
}

/* A process that is being killed may lose its first thread, and with it its own
 * arguments, long before the others. */
static bool
may_be_of(const char *dir, const char *uuid)
{
    bool empty;

    return may_have_uuid(dir, uuid, &empty) ||
           (empty && has_threads(dir) && may_a_thread_have_uuid(dir, uuid));
}

bool
process_none_in(const char *proc, const char *uuid)
{
    g_autoptr(GDir) list = g_dir_open(proc, 0, NULL);
    const char *name;
    bool first = false;

    while (list && (name = g_dir_read_name(list))) {
        g_autofree char *dir = NULL;

        if (!g_ascii_isdigit(name[0]))
            continue;
        first = first || strcmp(name, "1") == 0;
        dir = g_build_filename(proc, name, NULL);
        if (may_be_of(dir, uuid))
            return false;
    }
    /* The first process is always there, and never one's own. */
    return first;
}

bool
process_none_of(const char *uuid)
{
    return !g_atomic_int_get(&is_blind) && process_none_in("/proc", uuid);
}

bool
process_no_guest(void)
{
    return process_none_of(NULL);
}

static bool
connect_to(int fd, const char *path)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};

    return fd >= 0 && strlen(path) < sizeof(address.sun_path) &&
           g_strlcpy(address.sun_path, path, sizeof(address.sun_path)) > 0 &&
           connect(fd, (const struct sockaddr *)&address, sizeof(address)) == 0;
}

void
process_check_view(const char *socket_path)
{
    struct ucred peer = {0};
    socklen_t len = sizeof(peer);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

    if (connect_to(fd, socket_path) &&
        getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &len) == 0)
        g_atomic_int_set(&is_blind, peer.pid == 0);
    if (fd >= 0)
        (void)close(fd);
}
