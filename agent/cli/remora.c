/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * agent/cli/remora.c - the command line: options, then one command
 */
#include "config.h"

#include "agent/cli/cmd.h"
#include "agent/log.h"

#include <locale.h>
#include <stdio.h>
#include <string.h>

static const struct {
    const char *name;
    CmdFunc run;
    const char *summary;
} commands[] = {
    {"render", cmd_render, "print what a definition would become"},
    {"plan", cmd_plan, "list a definition's disks and what would be done"},
    {"provision", cmd_provision, "make a domain's disks ready now"},
    {"status", cmd_status, "show agent, cluster, secret and domains"},
    {"revert", cmd_revert, "put definitions back as they were"},
    {"fence", cmd_fence, "cut off a host or a client, and free its disks"},
    {"image", cmd_image, "add an image, or list those that are there"},
};

static char *
description(void)
{
    GString *text = g_string_new("Commands:\n");

    for (gsize i = 0; i < G_N_ELEMENTS(commands); i++)
        g_string_append_printf(text, "  %-12s%s\n", commands[i].name,
                               commands[i].summary);
    g_string_append(text,
                    "\n'remora COMMAND --help' says more; see remora(1).");
    return g_string_free(text, FALSE);
}

static gboolean
parse(int *argc,
      char ***argv,
      CmdGlobals *globals,
      gboolean *version,
      GError **error)
{
    const GOptionEntry entries[] = {
        {"config", 'c', 0, G_OPTION_ARG_FILENAME, &globals->conf,
         "Read FILE instead of " REMORA_CONF, "FILE"},
        {"user", 'n', 0, G_OPTION_ARG_STRING, &globals->user,
         "Use the cluster as client.USER", "USER"},
        {"keyring", 'k', 0, G_OPTION_ARG_FILENAME, &globals->keyring,
         "Take that user's key from FILE", "FILE"},
        {"version", 'V', 0, G_OPTION_ARG_NONE, version,
         "Print the version, and exit", NULL},
        {NULL, 0, 0, 0, NULL, NULL, NULL},
    };
    g_autoptr(GOptionContext) context =
        g_option_context_new("COMMAND [ARGUMENT…]");
    g_autofree char *text = description();

    g_option_context_set_description(context, text);
    g_option_context_set_strict_posix(context, TRUE);
    g_option_context_add_main_entries(context, entries, NULL);
    return g_option_context_parse(context, argc, argv, error);
}

static int
run(const CmdGlobals *globals, int argc, char **argv)
{
    if (argc < 2) {
        fprintf(stderr, "remora: no command; see 'remora --help'\n");
        return 2;
    }
    for (gsize i = 0; i < G_N_ELEMENTS(commands); i++)
        if (strcmp(commands[i].name, argv[1]) == 0)
            return commands[i].run(globals, argc - 1, argv + 1);
    fprintf(stderr, "remora: unknown command '%s'; see 'remora --help'\n",
            argv[1]);
    return 2;
}

int
main(int argc, char **argv)
{
    CmdGlobals globals = {0};
    gboolean version = FALSE;
    g_autoptr(GError) error = NULL;
    int status;

    (void)setlocale(LC_ALL, "");
    log_init("remora", false);
    if (!parse(&argc, &argv, &globals, &version, &error)) {
        fprintf(stderr, "remora: %s; see 'remora --help'\n", error->message);
        return 2;
    }
    if (version) {
        printf("remora %s\n", VERSION);
        return 0;
    }
    status = run(&globals, argc, argv);
    if (fflush(stdout) != 0 && status == 0) {
        fprintf(stderr, "remora: cannot write to standard output\n");
        status = 1;
    }
    g_free(globals.conf);
    g_free(globals.user);
    g_free(globals.keyring);
    return status;
}
