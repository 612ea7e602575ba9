/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * conf/conf-dump.c - the dump and the sample, both by way of the table
 *
 * In the sample, prose has a blank behind its '#' and a key has none: who
 * takes the '#' away from the keys has a file that holds the defaults.
 */
#include "config.h"

#include "conf/conf-values.h"

#include <string.h>

static const char sample_head[] =
    "# remora.conf - see remora.conf(5)\n"
    "#\n"
    "# Each key is shown with its default. Times and sizes are strings with a\n"
    "# unit. 'remorad --check-config' reads this file and says what is wrong.\n";

typedef struct {
    GString *out;
    gboolean sample;
    guint depth;
} Writer;

static void
line(Writer *writer, const char *text)
{
    g_string_append_printf(writer->out, "%*s%s\n", (int)(4 * writer->depth), "",
                           text);
}

static void
write_comment(Writer *writer, const ConfKey *key)
{
    g_autofree char *expected = conf_value_expected(key);
    g_autofree char *text = g_strdup_printf("# %s", key->text);
    g_autofree char *takes = g_strdup_printf("# Takes %s", expected);

    line(writer, text);
    line(writer, takes);
}

static void
write_key(Writer *writer,
          const ConfKey *key,
          const char *name,
          gconstpointer base)
{
    g_autofree char *text = NULL;
    GString *value = g_string_new(NULL);

    g_string_append_printf(value, "%s%s = ", writer->sample ? "#" : "", name);
    if (writer->sample)
        g_string_append(value, key->preset);
    else
        conf_value_write(key, base, value);
    g_string_append_c(value, ';');
    text = g_string_free(value, FALSE);
    if (writer->sample)
        write_comment(writer, key);
    line(writer, text);
}

/* The part of path before the dot, "" for a key of no group. g_free() it. */
static char *
group_of(const char *path)
{
    const char *dot = strchr(path, '.');

    return g_strndup(path, dot ? (gsize)(dot - path) : 0);
}

/* Ends the group that is open and begins another; "" is none. */
static void
change_group(Writer *writer, const char *from, const char *to)
{
    g_autofree char *head = g_strdup_printf("%s = {", to);

    if (*from) {
        writer->depth--;
        line(writer, "};");
    }
    if (*from || *to)
        g_string_append_c(writer->out, '\n');
    if (*to) {
        line(writer, head);
        writer->depth++;
    }
}

/* What it does not have from the keys for all. */
static void
write_own(Writer *writer, const ConfCluster *cluster)
{
    g_autofree char *open = g_strdup("");

    for (const ConfKey *key = conf_keys; key->path; key++) {
        const ConfKey own = conf_key_in_cluster(key);
        g_autofree char *group = group_of(key->path);

        if (!key->in_cluster || !(cluster->own & conf_key_bit(key)))
            continue;
        if (!g_str_equal(group, open))
            change_group(writer, open, group);
        write_key(writer, &own, key->path + strlen(group) + 1, cluster);
        g_free(open);
        open = g_steal_pointer(&group);
    }
    if (*open) {
        writer->depth--;
        line(writer, "};");
    }
}

static void
write_cluster(Writer *writer, const ConfCluster *cluster, gboolean last)
{
    line(writer, "{");
    writer->depth++;
    for (const ConfKey *key = conf_cluster_keys; key->path; key++)
        write_key(writer, key, key->path, cluster);
    if (cluster)
        write_own(writer, cluster);
    writer->depth--;
    line(writer, last ? "}" : "},");
}

static void
write_clusters(Writer *writer, const ConfKey *key, const Conf *conf)
{
    if (writer->sample)
        write_comment(writer, key);
    line(writer, "clusters = (");
    writer->depth++;
    if (writer->sample)
        write_cluster(writer, NULL, TRUE);
    else
        for (guint i = 0; i < conf->clusters->len; i++)
            write_cluster(writer, g_ptr_array_index(conf->clusters, i),
                          i + 1 == conf->clusters->len);
    writer->depth--;
    line(writer, ");");
}

/* conf NULL: the sample. */
static char *
write_all(const char *head, const Conf *conf)
{
    Writer writer = {.out = g_string_new(head), .sample = conf == NULL};
    g_autofree char *open = g_strdup("");

    for (const ConfKey *key = conf_keys; key->path; key++) {
        g_autofree char *group = group_of(key->path);

        if (!g_str_equal(group, open))
            change_group(&writer, open, group);
        else if (writer.sample)
            g_string_append_c(writer.out, '\n');
        if (key->type == CONF_TYPE_CLUSTERS)
            write_clusters(&writer, key, conf);
        else
            write_key(&writer, key, key->path + strlen(group) + !!*group, conf);
        g_free(open);
        open = g_steal_pointer(&group);
    }
    if (*open) {
        writer.depth--;
        line(&writer, "};");
    }
    return g_string_free(writer.out, FALSE);
}

char *
conf_dump(const Conf *conf)
{
    g_assert(conf != NULL);
    return write_all(NULL, conf);
}

char *
conf_sample(void)
{
    return write_all(sample_head, NULL);
}
