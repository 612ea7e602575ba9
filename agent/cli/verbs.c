/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * agent/cli/verbs.c - the table of verbs: help, forms, options
 */
#include "config.h"

#include "agent/cli/verbs.h"

#include <stdio.h>
#include <string.h>

const CmdVerb *const verbs[] = {
    &cmd_render,
    &cmd_plan,
    &cmd_provision,
    &cmd_status,
    &cmd_revert,
    &cmd_fence,
    &cmd_df,
    &cmd_tree,
    &cmd_image_add,
    &cmd_image_from_disk,
    &cmd_image_list,
    &cmd_image_show,
    &cmd_image_export,
    &cmd_image_size,
    &cmd_image_rm,
    &cmd_volume_create,
    &cmd_volume_clone,
    &cmd_volume_list,
    &cmd_volume_show,
    &cmd_volume_rm,
    &cmd_volume_resize,
    &cmd_volume_snapshot,
    &cmd_volume_flatten,
    &cmd_volume_adopt,
    &cmd_volume_release,
    &cmd_volume_connection,
    &cmd_volume_qos,
    &cmd_volume_sparsify,
    &cmd_volume_migrate,
    &cmd_volume_to_image,
    &cmd_trash_list,
    &cmd_trash_purge,
    &cmd_complete,
    NULL,
};

static const struct {
    const char *name;
    const char *summary;
} groups[] = {
    {"image", "Sees to images, laid out as Glance does it"},
    {"volume", "Sees to volumes, laid out as Cinder does it"},
    {"trash", "Sees to what is in the trash of the pools"},
};

CmdGlobals verbs_globals;
gboolean verbs_version;

const GOptionEntry verbs_options[] = {
    {"config", 'c', 0, G_OPTION_ARG_FILENAME, &verbs_globals.conf,
     "Read FILE instead of " REMORA_CONF, "FILE"},
    {"user", 'n', 0, G_OPTION_ARG_STRING, &verbs_globals.user,
     "Use the cluster as client.USER", "USER"},
    {"keyring", 'k', 0, G_OPTION_ARG_FILENAME, &verbs_globals.keyring,
     "Take that user's key from FILE", "FILE"},
    {"version", 'V', 0, G_OPTION_ARG_NONE, &verbs_version,
     "Print the version, and exit", NULL},
    {NULL, 0, 0, 0, NULL, NULL, NULL},
};

/* ---- names ------------------------------------------------------------------ */

char *
verbs_group(const CmdVerb *verb)
{
    const char *space = strchr(verb->name, ' ');

    return space ? g_strndup(verb->name, (gsize)(space - verb->name)) : NULL;
}

static bool
is_of_group(const CmdVerb *verb, const char *word)
{
    g_autofree char *group = verbs_group(verb);

    return g_strcmp0(group, word) == 0;
}

bool
verbs_is_group(const char *word)
{
    for (gsize i = 0; i < G_N_ELEMENTS(groups); i++)
        if (strcmp(groups[i].name, word) == 0)
            return true;
    return false;
}

const CmdVerb *
verbs_find(char *const *words, int *ret_words)
{
    *ret_words = words[0] && verbs_is_group(words[0]) ? 2 : 1;
    if (!words[0] || (*ret_words == 2 && !words[1]))
        return NULL;
    g_autofree char *name = g_strjoin(*ret_words == 2 ? " " : NULL, words[0],
                                      *ret_words == 2 ? words[1] : NULL, NULL);
    for (gsize i = 0; verbs[i]; i++)
        if (strcmp(verbs[i]->name, name) == 0)
            return verbs[i];
    return NULL;
}

/* ---- forms and help ---------------------------------------------------------- */

/* One that the arguments name is none that may be left out. */
static void
append_option(GString *form, const GOptionEntry *option, const char *arguments)
{
    g_autofree char *word = g_strconcat("--", option->long_name, NULL);

    if (strstr(arguments, word))
        return;
    g_string_append_printf(
        form, " [%s%s%s]", word, option->arg_description ? "=" : "",
        option->arg_description ? option->arg_description : "");
}

char *
verbs_form(const CmdVerb *verb)
{
    GString *form = g_string_new("remora ");

    g_string_append(form, verb->name);
    for (const GOptionEntry *option = verb->options;
         option && option->long_name; option++)
        append_option(form, option, verb->arguments);
    if (verb->arguments[0])
        g_string_append_printf(form, " %s", verb->arguments);
    return g_string_free(form, FALSE);
}

static const char *
summary_of_group(const char *group)
{
    for (gsize i = 0; i < G_N_ELEMENTS(groups); i++)
        if (strcmp(groups[i].name, group) == 0)
            return groups[i].summary;
    g_return_val_if_reached("");
}

char *
verbs_list(void)
{
    GString *text = g_string_new("Commands:\n");
    g_autofree char *last = NULL;

    for (gsize i = 0; verbs[i]; i++) {
        g_autofree char *group = verbs_group(verbs[i]);

        if (group && g_strcmp0(group, last) == 0)
            continue;
        g_string_append_printf(
            text, "  %-12s%s\n", group ? group : verbs[i]->name,
            group ? summary_of_group(group) : verbs[i]->summary);
        g_free(last);
        last = g_steal_pointer(&group);
    }
    return g_string_free(text, FALSE);
}

static int
group_help(const char *group)
{
    puts("Usage:");
    for (gsize i = 0; verbs[i]; i++) {
        g_autofree char *form = verbs_form(verbs[i]);

        if (is_of_group(verbs[i], group))
            printf("  %s\n", form);
    }
    printf("\n'remora %s COMMAND --help' says more; see remora(1).\n", group);
    return 0;
}

/* GLib's own, but for the first lines, which it makes without the options. */
static int
verb_help(GOptionContext *context, const CmdVerb *verb)
{
    g_autofree char *text = g_option_context_get_help(context, TRUE, NULL);
    g_autofree char *form = verbs_form(verb);
    const char *rest = strstr(text, "\n\n");

    printf("Usage:\n  %s%s", form, rest ? rest : "\n");
    return 0;
}

/* ---- running ------------------------------------------------------------------ */

static int
no_verb(int argc, char **words)
{
    g_autoptr(GString) names = g_string_new(NULL);

    if (!verbs_is_group(words[0])) {
        fprintf(stderr, "remora: unknown command '%s'; see 'remora --help'\n",
                words[0]);
        return 2;
    }
    if (argc > 1 &&
        (strcmp(words[1], "--help") == 0 || strcmp(words[1], "-h") == 0))
        return group_help(words[0]);
    for (gsize i = 0; verbs[i]; i++)
        if (is_of_group(verbs[i], words[0]))
            g_string_append_printf(names, "%s'%s'", names->len ? ", " : "",
                                   strchr(verbs[i]->name, ' ') + 1);
    g_string_prepend(names, "one of ");
    g_string_append(names, " is needed");
    return cmd_usage(words[0], names->str);
}

static GOptionContext *
context_new(const CmdVerb *verb, gboolean *help)
{
    const GOptionEntry more[] = {
        {"help", 'h', 0, G_OPTION_ARG_NONE, help, "Print this, and exit", NULL},
        {NULL, 0, 0, 0, NULL, NULL, NULL},
    };
    GOptionContext *context = g_option_context_new(NULL);
    g_autofree char *summary =
        g_strconcat(verb->summary, verb->more ? ".\n" : ".", verb->more, NULL);

    g_option_context_set_summary(context, summary);
    g_option_context_set_help_enabled(context, FALSE);
    if (verb->options)
        g_option_context_add_main_entries(context, verb->options, NULL);
    g_option_context_add_main_entries(context, more, NULL);
    return context;
}

static int
run_verb(const CmdVerb *verb, int argc, char **words)
{
    gboolean help = FALSE;
    g_autoptr(GOptionContext) context = context_new(verb, &help);
    g_autoptr(GError) error = NULL;
    bool marked;

    if (!g_option_context_parse(context, &argc, &words, &error))
        return cmd_usage(verb->name, error->message);
    if (help)
        return verb_help(context, verb);
    marked = argc > 1 && strcmp(words[1], "--") == 0;
    if (!verb->arguments[0] && argc > 1)
        return cmd_usage(verb->name, "no argument is taken");
    return verb->run(&verbs_globals, words + 1 + (marked ? 1 : 0));
}

int
verbs_run(int argc, char **words)
{
    int n;
    const CmdVerb *verb = verbs_find(words, &n);

    return verb ? run_verb(verb, argc - n + 1, words + n - 1)
                : no_verb(argc, words);
}
