/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * agent/format.c - an empty file system, made by its own tool in a sparse file
 *
 * The tool runs by way of agent/confine.c and gets nothing but the file, which
 * has no name: what becomes of this process, nothing of it is left.
 */
#include "config.h"

#include "agent/format.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define MEMORY    "1073741824"
#define FILE_FD   3
#define FILE_NAME "/proc/self/fd/3"
/* How much of what a tool says is kept. */
#define SAID_MAX 4096
#define ARGS_MAX 16

typedef struct {
    const char *tool;
    const char *package; /* in Debian */
    const char *args[8];
    const char *label; /* its option, or NULL */
} Tool;

static const Tool tools[] = {
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

G_DEFINE_QUARK(remora - format - error - quark, format_error)

static gboolean fail(GError **error, const char *format, ...)
    G_GNUC_PRINTF(2, 3);

static gboolean
fail(GError **error, const char *format, ...)
{
    g_autofree char *text = NULL;
    va_list args;

    va_start(args, format);
    text = g_strdup_vprintf(format, args);
    va_end(args);
    g_strdelimit(g_strchomp(text), "\n\t", ' ');
    g_set_error_literal(error, FORMAT_ERROR, FORMAT_ERROR_FAILED, text);
    return FALSE;
}

/* Others than root can reach it only by the descriptor that they are given. */
static int
open_file(const char *dir, guint64 size, GError **error)
{
    int fd = open(dir, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);

    if (fd < 0 || fchmod(fd, 0666) < 0 || ftruncate(fd, (off_t)size) < 0) {
        fail(error,
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
collect_args(const Tool *tool, const char *label, const char *size, char **args)
{
    static const char seconds[] = G_STRINGIFY(FORMAT_SECONDS);
    gsize n = 0;

    args[n++] = (char *)REMORA_CONFINE;
    args[n++] = (char *)seconds;
    args[n++] = (char *)MEMORY;
    args[n++] = (char *)size;
    args[n++] = (char *)tool->tool;
    for (gsize i = 0; tool->args[i]; i++)
        args[n++] = (char *)tool->args[i];
    if (tool->label && label) {
        args[n++] = (char *)tool->label;
        args[n++] = (char *)label;
    }
    args[n++] = (char *)FILE_NAME;
    args[n] = NULL;
}

/* The number of an error, or 0. No descriptor but these goes along: all others
 * of the agent are closed on exec. */
static int
spawn(char **args, int file, int said, pid_t *ret_pid)
{
    static char *const environment[] = {NULL};
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
    sigset_t none;
    int r;

    (void)posix_spawn_file_actions_init(&actions);
    (void)posix_spawnattr_init(&attributes);
    (void)sigemptyset(&none);
    (void)posix_spawnattr_setsigmask(&attributes, &none);
    (void)posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK);
    r = posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null",
                                         O_RDWR, 0);
    if (r == 0)
        r = posix_spawn_file_actions_adddup2(&actions, STDIN_FILENO,
                                             STDOUT_FILENO);
    if (r == 0)
        r = posix_spawn_file_actions_adddup2(&actions, said, STDERR_FILENO);
    if (r == 0)
        r = posix_spawn_file_actions_adddup2(&actions, file, FILE_FD);
    if (r == 0)
        r = posix_spawn(ret_pid, args[0], &actions, &attributes, args,
                        environment);
    (void)posix_spawn_file_actions_destroy(&actions);
    (void)posix_spawnattr_destroy(&attributes);
    return r;
}

/* Until the tool has closed its end. false: it takes too long. */
static bool
listen_to(int fd, GString *text)
{
    gint64 until = g_get_monotonic_time() + FORMAT_SECONDS * G_USEC_PER_SEC;
    char bytes[512];

    for (;;) {
        gint64 left = (until - g_get_monotonic_time()) / 1000;
        struct pollfd at = {.fd = fd, .events = POLLIN};
        gssize got;

        if (left <= 0)
            return false;
        if (poll(&at, 1, (int)left) <= 0)
            continue;
        got = read(fd, bytes, sizeof(bytes));
        if (got == 0 || (got < 0 && errno != EINTR))
            return true;
        if (got > 0 && text->len < SAID_MAX)
            g_string_append_len(text, bytes, got);
    }
}

static int
wait_for(pid_t pid)
{
    int status = 0;

    while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
        continue;
    return status;
}

/* Once the pipe's own end is closed, the tool alone keeps it open. */
static gboolean
listen_and_wait(const Tool *tool, int said, pid_t pid, GError **error)
{
    g_autoptr(GString) text = g_string_new(NULL);
    bool in_time = listen_to(said, text);
    int status;

    if (!in_time)
        (void)kill(pid, SIGKILL);
    status = wait_for(pid);
    if (!in_time)
        return fail(error, "'%s' was ended, because it took more than %u s",
                    tool->tool, FORMAT_SECONDS);
    if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
        return TRUE;
    return fail(error,
                "'%s' (of the package %s) did not come to its end (%s %d): "
                "%.400s",
                tool->tool, tool->package,
                WIFEXITED(status) ? "status" : "signal",
                WIFEXITED(status) ? WEXITSTATUS(status) : WTERMSIG(status),
                text->len > 0 ? text->str : "it said nothing");
}

static gboolean
run(const Tool *tool, const char *label, int file, guint64 size, GError **error)
{
    g_autofree char *most = g_strdup_printf("%" G_GUINT64_FORMAT, size);
    char *args[ARGS_MAX];
    int ends[2];
    pid_t pid = 0;
    int r;
    gboolean done;

    if (pipe2(ends, O_CLOEXEC) < 0)
        return fail(error, "cannot run '%s': %s", tool->tool,
                    g_strerror(errno));
    collect_args(tool, label, most, args);
    r = spawn(args, file, ends[1], &pid);
    (void)close(ends[1]);
    done = r == 0 ? listen_and_wait(tool, ends[0], pid, error)
                  : fail(error, "cannot run '%s': %s", args[0], g_strerror(r));
    (void)close(ends[0]);
    return done;
}

int
format_new(const char *dir,
           DomContent content,
           const char *label,
           guint64 size,
           GError **error)
{
    const Tool *tool = &tools[content];
    int fd = open_file(dir, size, error);

    if (fd < 0 || run(tool, label, fd, size, error))
        return fd;
    (void)close(fd);
    return -1;
}
