/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * agent/convert-tool.c - qemu-img turns bytes of some format into a raw disk
 *
 * It runs confined (agent/confine.c): without a network, a user or a file of its
 * own. It gets two sockets, over which this process reads the source for it and
 * writes what it makes of that (agent/nbd.c). So there is no file that could be
 * large, and no more is written than the target has bytes.
 *
 * That it cannot be made to open another file is seen to before
 * (agent/rbd/image/header.c).
 */
#include "config.h"

#include "agent/convert-tool.h"

#include "agent/tool.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* Of address space; some 30 MiB of it are used. */
#define MEMORY (G_GUINT64_CONSTANT(256) << 20)
#define SECTOR 512u

typedef struct {
    int ours;
    int tools;
    NbdDisk disk;
    GThread *thread;
    GError *error;
} Side;

static gpointer
run_side(gpointer data)
{
    Side *side = data;

    (void)nbd_serve(side->ours, &side->disk, &side->error);
    return NULL;
}

static gboolean
side_begin(Side *side, GError **error)
{
    int ends[2];

    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) < 0)
        return tool_fail(error, "cannot make a socket: %s", g_strerror(errno));
    side->ours = ends[0];
    side->tools = ends[1];
    side->thread = g_thread_new("convert", run_side, side);
    return TRUE;
}

/* What happened here is why the tool failed, and not the other way. */
static void
side_end(Side *side, GError **error)
{
    if (!side->thread)
        return;
    (void)shutdown(side->ours, SHUT_RDWR);
    (void)g_thread_join(side->thread);
    (void)close(side->ours);
    (void)close(side->tools);
    if (side->error) {
        g_clear_error(error);
        g_propagate_error(error, side->error);
    }
}

static const char *
source_of(const char *format)
{
#define SOURCE(driver)                                                         \
    "json:{\"driver\":\"" driver "\",\"backing\":null,\"file\":"               \
    "{\"driver\":\"nbd\",\"server\":{\"type\":\"fd\",\"str\":\"3\"}}}"
    static const struct {
        const char *format;
        const char *source;
    } sources[] = {
        {"qcow2", SOURCE("qcow2")},
        {"vmdk", SOURCE("vmdk")},
        {"vhd", SOURCE("vpc\",\"force_size_calc\":\"current_size")},
        {"vhdx", SOURCE("vhdx")},
    };
#undef SOURCE

    for (gsize i = 0; i < G_N_ELEMENTS(sources); i++)
        if (strcmp(sources[i].format, format) == 0)
            return sources[i].source;
    g_return_val_if_reached("");
}

void
convert_tool_args(const char *format, const char **args)
{
    const char *const all[] = {
        "convert",
        "-n",
        "-W",
        "--target-is-zero",
        "--target-image-opts",
        source_of(format),
        "driver=raw,file.driver=nbd,file.server.type=fd,file.server.str=4",
        NULL,
    };

    memcpy(args, all, sizeof(all));
}

static gboolean
run_tool(const Side *from, const Side *to, const char *format, GError **error)
{
    const char *args[CONVERT_ARGS_MAX];
    const Tool tool = {
        .name = "qemu-img",
        .package = "qemu-utils",
        .args = args,
        .seconds = CONVERT_SECONDS,
        .memory = MEMORY,
        .file_size = 1,
        .fds = {from->tools, to->tools},
    };

    convert_tool_args(format, args);
    return tool_run(&tool, error);
}

gboolean
convert_tool_run(const ConvertTool *tool, GError **error)
{
    Side from = {
        .disk = {.size = (tool->from_size + SECTOR - 1) / SECTOR * SECTOR,
                 .read = tool->from,
                 .data = tool->data}};
    Side to = {
        .disk = {.size = tool->to_size, .write = tool->to, .data = tool->data}};
    g_autoptr(GError) why = NULL;

    if (side_begin(&from, &why) && side_begin(&to, &why) &&
        !run_tool(&from, &to, tool->format, &why))
        g_assert(why);
    side_end(&from, &why);
    side_end(&to, &why);
    if (!why)
        return TRUE;
    g_propagate_error(error, g_steal_pointer(&why));
    return FALSE;
}
