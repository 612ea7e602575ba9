/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * agent/rbd/conn/asleep.c - all other threads of this process have come to rest
 *
 * For who waits until a library's thread is out of something of which the library
 * says nothing: a thread that was in the middle of it runs, or waits for a
 * processor.
 */
#include "config.h"

#include "agent/rbd/conn/asleep.h"

#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#define LOOK_AGAIN_US 200u
#define STAT_MAX      512u
#define TASKS         "/proc/self/task"

/* 'TID (NAME) STATE ...', and a name may have anything in it. */
bool
store_asleep_parse(const char *stat)
{
    const char *end = strrchr(stat, ')');

    return end && (strncmp(end, ") S ", 4) == 0);
}

/* One that has ended meanwhile is at nothing any more. */
static bool
sleeps(const char *tid)
{
    g_autofree char *path = g_strdup_printf(TASKS "/%s/stat", tid);
    char text[STAT_MAX] = "";
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t n;

    if (fd < 0)
        return true;
    n = read(fd, text, sizeof(text) - 1);
    (void)close(fd);
    return n <= 0 || store_asleep_parse(text);
}

static bool
all_sleep(void)
{
    g_autofree char *own = g_strdup_printf("%d", (int)gettid());
    g_autoptr(GDir) dir = g_dir_open(TASKS, 0, NULL);
    const char *tid;

    while (dir && (tid = g_dir_read_name(dir)))
        if (strcmp(tid, own) != 0 && !sleeps(tid))
            return false;
    return true;
}

bool
store_asleep_wait(guint limit_ms)
{
    gint64 until = g_get_monotonic_time() + (gint64)limit_ms * 1000;

    while (!all_sleep()) {
        if (g_get_monotonic_time() >= until)
            return false;
        g_usleep(LOOK_AGAIN_US);
    }
    return true;
}
