/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * agent/cli/render.c - remora render: what a definition would become
 */
#include "config.h"

#include "agent/cli/cmd.h"
#include "agent/request.h"

#include <glib/gstdio.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

static gboolean
render(
    Host *host, HostAsk ask, const GString *xml, char **ret_xml, GError **error)
{
    g_autoptr(DomPlan) plan =
        request_plan(host, ask, xml->str, xml->len, true, error);
    g_auto(HostSite) site = {0};

    if (!plan)
        return FALSE;
    if (dom_plan_disks(plan)->len == 0)
        return TRUE;
    return host_site(host, ask, plan, &site, error) &&
           dom_plan_rewrite(plan, site.sites, ret_xml, error);
}

static char *
temporary(const char *text, gssize len, GError **error)
{
    g_autofree char *path = NULL;
    int fd = g_file_open_tmp("remora-XXXXXX.xml", &path, error);

    if (fd < 0)
        return NULL;
    (void)close(fd);
    if (g_file_set_contents(path, text, len, error))
        return g_steal_pointer(&path);
    (void)g_unlink(path);
    return NULL;
}

static gboolean
run_diff(const char *old, const char *new, GError **error)
{
    const char *const argv[] = {"diff",    "-u",        "--label", "before",
                                "--label", "rewritten", "--",      old,
                                new,       NULL};
    g_autofree char *out = NULL;
    int status = 0;

    if (!g_spawn_sync(NULL, (char **)(gpointer)argv, NULL, G_SPAWN_SEARCH_PATH,
                      NULL, NULL, &out, NULL, &status, error))
        return FALSE;
    /* 1: they differ. */
    if (!WIFEXITED(status) || WEXITSTATUS(status) > 1) {
        g_set_error(error, G_SPAWN_ERROR, G_SPAWN_ERROR_FAILED,
                    "diff failed: leave --diff out, and compare by hand");
        return FALSE;
    }
    fputs(out, stdout);
    return TRUE;
}

static gboolean
print_diff(const GString *old, const char *new, GError **error)
{
    g_autofree char *old_path = temporary(old->str, (gssize)old->len, error);
    g_autofree char *new_path = old_path ? temporary(new, -1, error) : NULL;
    gboolean good = new_path && run_diff(old_path, new_path, error);

    if (old_path)
        (void)g_unlink(old_path);
    if (new_path)
        (void)g_unlink(new_path);
    return good;
}

static gboolean
print(const GString *old, const char *new, gboolean diff, GError **error)
{
    if (diff)
        return !new || print_diff(old, new, error);
    if (new)
        (void)fputs(new, stdout);
    else
        (void)fwrite(old->str, 1, old->len, stdout);
    return TRUE;
}

static gboolean as_diff;
static gboolean offline;

static const GOptionEntry options[] = {
    {"diff", 'd', 0, G_OPTION_ARG_NONE, &as_diff,
     "Print what changes, as diff -u", NULL},
    {"offline", 'o', 0, G_OPTION_ARG_NONE, &offline,
     "Take monitors and fsid from ceph.conf, without the cluster", NULL},
    {NULL, 0, 0, 0, NULL, NULL, NULL},
};

static int
run(const CmdGlobals *globals, char **rest)
{
    g_auto(CmdInput) input = {0};
    g_autoptr(GError) error = NULL;
    g_autofree char *new = NULL;
    int status = cmd_input(globals, "render", rest, &input);

    if (!input.host)
        return status;
    if (!render(input.host, offline ? HOST_ASK_CONF : HOST_ASK_CLUSTER,
                input.xml, &new, &error) ||
        !print(input.xml, new, as_diff, &error))
        return cmd_fail(input.path, error);
    return 0;
}

const CmdVerb cmd_render = {
    .name = "render",
    .arguments = "[FILE|-]",
    .summary = "Prints what a domain definition would become",
    .options = options,
    .run = run,
};
