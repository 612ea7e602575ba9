/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * agent/cli/remora.c - the command line: options, then one verb
 */
#include "config.h"

#include "agent/cli/verbs.h"
#include "agent/log.h"

#include <locale.h>
#include <stdio.h>

static gboolean
parse(int *argc, char ***argv, GError **error)
{
    g_autoptr(GOptionContext) context =
        g_option_context_new("COMMAND [ARGUMENT…]");
    g_autofree char *list = verbs_list();
    g_autofree char *text = g_strconcat(
        list, "\n'remora COMMAND --help' says more; see remora(1).", NULL);

    g_option_context_set_description(context, text);
    g_option_context_set_strict_posix(context, TRUE);
    g_option_context_add_main_entries(context, verbs_options, NULL);
    return g_option_context_parse(context, argc, argv, error);
}

int
main(int argc, char **argv)
{
    g_autoptr(GError) error = NULL;
    int status;

    (void)setlocale(LC_ALL, "");
    log_init("remora", false);
    if (!parse(&argc, &argv, &error)) {
        fprintf(stderr, "remora: %s; see 'remora --help'\n", error->message);
        return 2;
    }
    if (verbs_version) {
        printf("remora %s\n", VERSION);
        return 0;
    }
    if (argc < 2) {
        fprintf(stderr, "remora: no command; see 'remora --help'\n");
        return 2;
    }
    status = verbs_run(argc - 1, argv + 1);
    if (fflush(stdout) != 0 && status == 0) {
        fprintf(stderr, "remora: cannot write to standard output\n");
        status = 1;
    }
    return status;
}
