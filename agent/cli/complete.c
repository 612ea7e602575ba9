/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * agent/cli/complete.c - remora complete: how a command line could go on
 *
 * For the shells' own completion, which shows what this prints: one word a line,
 * and ':files' where a file may stand. Verbs and options are the table's; pools
 * are the configuration's; images and domains are asked for, as long as nobody
 * minds the wait. It says nothing else, and never fails: a line in the middle of
 * somebody's typing helps nobody.
 */
#include "config.h"

#include "agent/cli/image.h"
#include "agent/cli/verbs.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Who has pressed the key waits for it. */
#define PATIENCE_S 3

typedef struct {
    CmdGlobals globals; /* as the line has them; borrowed from it */
    const char *prefix; /* what is typed of the word */
    bool volumes;       /* the verb is one of volumes */
    bool trash;         /* or of the trash, which all pools have */
} Line;

/* What was found by then is printed. */
static void
on_alarm(int number)
{
    (void)number;
    _exit(0);
}

static void
offer(const Line *line, const char *word)
{
    if (g_str_has_prefix(word, line->prefix))
        puts(word);
}

/* ---- values ------------------------------------------------------------------ */

static void
offer_clusters(const Line *line, const Host *host)
{
    for (guint i = 0; i < host_clusters(host); i++)
        offer(line, cluster_name(host_cluster(host, i)));
}

static void
offer_all_pools(const Line *line, const Cluster *cluster)
{
    g_autoptr(GPtrArray) names = cmd_image_pools(cluster);

    for (guint i = 0; i < names->len; i++)
        offer(line, g_ptr_array_index(names, i));
}

static void
offer_pools(const Line *line, const Host *host)
{
    for (guint i = 0; i < host_clusters(host); i++) {
        const ConfCluster *conf = cluster_conf(host_cluster(host, i));
        char **pools = line->volumes ? conf->volume_pools : conf->image_pools;

        if (line->trash)
            offer_all_pools(line, host_cluster(host, i));
        for (gsize p = 0; pools[p] && !line->trash; p++)
            offer(line, pools[p]);
    }
}

static void
offer_images_of(const Line *line, const Cluster *cluster)
{
    char **pools = cluster_conf(cluster)->image_pools;
    /* A verb of volumes takes a name alone for a volume's. */
    bool in_full = line->volumes || strchr(line->prefix, '/');

    for (gsize i = 0; pools[i]; i++) {
        g_auto(GStrv) names =
            store_image_names(cluster_store(cluster), pools[i], NULL);

        for (gsize n = 0; names && names[n]; n++) {
            g_autofree char *full = g_strconcat(pools[i], "/", names[n], NULL);

            offer(line, in_full ? full : names[n]);
        }
    }
}

static void
offer_volumes_of(const Line *line, const Cluster *cluster)
{
    char **pools = cluster_conf(cluster)->volume_pools;
    bool in_full = strchr(line->prefix, '/') != NULL;

    for (gsize i = 0; pools[i]; i++) {
        g_auto(GStrv) names =
            store_image_names(cluster_store(cluster), pools[i], NULL);

        for (gsize n = 0; names && names[n]; n++) {
            const char *id = store_volume_uuid(names[n]);
            g_autofree char *full =
                id ? g_strconcat(pools[i], "/", id, NULL) : NULL;

            if (id)
                offer(line, in_full ? full : id);
        }
    }
}

static void
offer_volumes(const Line *line, const Host *host)
{
    for (guint i = 0; i < host_clusters(host); i++) {
        (void)fflush(stdout);
        offer_volumes_of(line, host_cluster(host, i));
    }
}

static void
offer_images(const Line *line, const Host *host)
{
    for (guint i = 0; i < host_clusters(host); i++) {
        (void)fflush(stdout);
        offer_images_of(line, host_cluster(host, i));
    }
}

static void
offer_domains(const Line *line, const Host *host)
{
    g_autoptr(GError) error = NULL;
    virDomainPtr *domains = NULL;
    int n;

    (void)fflush(stdout);
    g_autoptr(virConnect) conn = cmd_connect(host, true, &error);
    n = conn ? virConnectListAllDomains(conn, &domains, 0) : 0;
    for (int i = 0; i < n; i++) {
        offer(line, virDomainGetName(domains[i]));
        (void)virDomainFree(domains[i]);
    }
    free(domains);
}

/* what: the words in capitals of an argument, such as "FILE|DOMAIN". */
static void
offer_values(const Line *line, const char *what)
{
    g_auto(GStrv) words =
        g_regex_split_simple("[^A-Z]+", what, 0, (GRegexMatchFlags)0);
    const char *const *kinds = (const char *const *)words;

    if (g_strv_contains(kinds, "FILE"))
        puts(":files");
    g_autoptr(Host) host = host_new(line->globals.conf, line->globals.user,
                                    line->globals.keyring, NULL);
    if (!host)
        return;
    if (g_strv_contains(kinds, "CLUSTER"))
        offer_clusters(line, host);
    if (g_strv_contains(kinds, "POOL"))
        offer_pools(line, host);
    if (g_strv_contains(kinds, "IMAGE"))
        offer_images(line, host);
    if (g_strv_contains(kinds, "VOLUME"))
        offer_volumes(line, host);
    if (g_strv_contains(kinds, "DOMAIN"))
        offer_domains(line, host);
}

/* ---- options ------------------------------------------------------------------ */

static void
offer_options(const Line *line, const GOptionEntry *options)
{
    for (; options && options->long_name; options++) {
        g_autofree char *word = g_strconcat("--", options->long_name, NULL);

        offer(line, word);
    }
    offer(line, "--help");
}

/* The option that word is, if it takes a value. ret_value: that, if it stands in
 * the same word, else NULL. */
static const GOptionEntry *
find_option(const GOptionEntry *options,
            const char *word,
            const char **ret_value)
{
    const char *equals = strchr(word, '=');

    *ret_value = NULL;
    for (; options && options->long_name; options++) {
        gsize len = strlen(options->long_name);

        if (!options->arg_description)
            continue;
        if (word[0] == '-' && options->short_name && !word[2] &&
            word[1] == options->short_name)
            return options;
        if (!g_str_has_prefix(word, "--") ||
            strncmp(word + 2, options->long_name, len) != 0 ||
            (word[2 + len] && word + 2 + len != equals))
            continue;
        *ret_value = word[2 + len] ? equals + 1 : NULL;
        return options;
    }
    return NULL;
}

/* Goes on over options and their values. NULL: the last word was one of them,
 * and has been completed; else the first word that is none. */
static char *const *
skip_options(Line *line,
             const GOptionEntry *options,
             char *const *words,
             bool globals)
{
    for (; words[0][0] == '-'; words++) {
        const char *value;
        const GOptionEntry *option = find_option(options, words[0], &value);

        if (!words[1]) {
            line->prefix = value ? value : words[0];
            if (value)
                offer_values(line, option->arg_description);
            else
                offer_options(line, options);
            return NULL;
        }
        if (!option || value)
            continue;
        words++;
        if (globals)
            *(const char **)option->arg_data = words[0];
        if (!words[1]) {
            offer_values(line, option->arg_description);
            return NULL;
        }
    }
    return words;
}

/* ---- the line ------------------------------------------------------------------ */

/* The verbs, groups, or those of a group that go on like the last word. */
static void
offer_verbs(const Line *line, const char *group)
{
    g_autofree char *last = NULL;

    for (gsize i = 0; verbs[i]; i++) {
        g_autofree char *of = verbs_group(verbs[i]);

        if (group && g_strcmp0(of, group) == 0)
            offer(line, verbs[i]->name + strlen(group) + 1);
        if (group || (of && g_strcmp0(of, last) == 0))
            continue;
        offer(line, of ? of : verbs[i]->name);
        g_free(last);
        last = g_steal_pointer(&of);
    }
}

static void
complete_verb(Line *line, const CmdVerb *verb, char *const *words)
{
    while (words) {
        words = skip_options(line, verb->options, words, false);
        if (words && !words[1]) {
            offer_values(line, verb->arguments);
            return;
        }
        words = words ? words + 1 : NULL;
    }
}

static void
complete(Line *line, char *const *words)
{
    const CmdVerb *verb;
    int n;

    words = skip_options(line, verbs_options, words, true);
    if (!words)
        return;
    line->globals = verbs_globals;
    if (!words[1]) {
        offer_verbs(line, NULL);
        return;
    }
    if (verbs_is_group(words[0]) && !words[2]) {
        offer_verbs(line, words[0]);
        return;
    }
    verb = verbs_find(words, &n);
    line->volumes = verb && g_str_has_prefix(verb->name, "volume ");
    line->trash = verb && g_str_has_prefix(verb->name, "trash ");
    if (verb)
        complete_verb(line, verb, words + n);
}

static int
run(const CmdGlobals *globals, char **rest)
{
    Line line = {.globals = *globals};
    guint n = g_strv_length(rest);

    if (n == 0)
        return cmd_usage("complete", "the words of a line are needed");
    (void)signal(SIGALRM, on_alarm);
    (void)alarm(PATIENCE_S);
    line.prefix = rest[n - 1];
    complete(&line, rest);
    return 0;
}

const CmdVerb cmd_complete = {
    .name = "complete",
    .arguments = "-- WORD...",
    .summary = "Prints how a command line could go on, for shells",
    .run = run,
};
