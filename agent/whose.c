/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * agent/whose.c - is a disk in this cluster?
 */
#include "config.h"

#include "agent/whose.h"

WhoseWeight
whose_decide(const WhoseSigns *signs)
{
    /* QEMU goes there, whatever else stands in the disk. */
    if (signs->hosts == WHOSE_OURS)
        return WHOSE_BY_HOSTS;
    if (signs->secret == WHOSE_OTHER || signs->config == WHOSE_OTHER)
        return WHOSE_NOT;
    /* Monitors may have moved while this host was off. */
    if (signs->secret == WHOSE_OURS)
        return WHOSE_BY_SECRET;
    if (signs->hosts == WHOSE_OTHER)
        return WHOSE_NOT;
    if (signs->config == WHOSE_OURS)
        return WHOSE_BY_CONFIG;
    return signs->hosts == WHOSE_FORMER ? WHOSE_BY_FORMER_HOSTS
                                        : WHOSE_SAID_NOTHING;
}

static bool
is_among(const GPtrArray *known, const char *text)
{
    for (guint i = 0; i < known->len; i++)
        if (g_ascii_strcasecmp(g_ptr_array_index(known, i), text) == 0)
            return true;
    return false;
}

static WhoseSays
says_text(const GPtrArray *known, const char *text)
{
    if (!known || !text || !*text)
        return WHOSE_SILENT;
    return is_among(known, text) ? WHOSE_OURS : WHOSE_OTHER;
}

/* Only as it is spelled: an untrusted path may lead anywhere. */
static WhoseSays
says_path(const GPtrArray *known, const char *path)
{
    g_autofree char *plain =
        path && *path ? g_canonicalize_filename(path, "/") : NULL;

    if (!known || !plain)
        return WHOSE_SILENT;
    return g_ptr_array_find_with_equal_func((GPtrArray *)known, plain,
                                            g_str_equal, NULL)
               ? WHOSE_OURS
               : WHOSE_OTHER;
}

static WhoseSays
says_hosts(Whose *whose, const GPtrArray *hosts)
{
    if (!whose->monitors || !hosts || hosts->len == 0)
        return WHOSE_SILENT;
    if (disk_hosts_among(hosts, whose->monitors, &whose->names))
        return WHOSE_OURS;
    return whose->former &&
                   disk_hosts_among(hosts, whose->former, &whose->names)
               ? WHOSE_FORMER
               : WHOSE_OTHER;
}

static WhoseSays
says_secret(const Whose *whose, const DomSigns *signs)
{
    return signs->secret_uuid && *signs->secret_uuid
               ? says_text(whose->secrets, signs->secret_uuid)
               : says_text(whose->usages, signs->secret_usage);
}

guint
whose_weigh(const DomSigns *signs, gpointer data)
{
    Whose *whose = data;
    WhoseWeight weight;
    WhoseSigns said;

    g_clear_pointer(&whose->names.unanswered, g_free);
    said = (WhoseSigns){
        .hosts = says_hosts(whose, signs->hosts),
        .secret = says_secret(whose, signs),
        .config = says_path(whose->configs, signs->config),
    };

    weight = whose_decide(&said);
    if (weight == WHOSE_NOT && said.hosts != WHOSE_SILENT && !whose->doubt)
        whose->doubt = g_steal_pointer(&whose->names.unanswered);
    return weight;
}

void
whose_clear(Whose *whose)
{
    g_clear_pointer(&whose->secrets, g_ptr_array_unref);
    g_clear_pointer(&whose->usages, g_ptr_array_unref);
    g_clear_pointer(&whose->configs, g_ptr_array_unref);
    g_clear_pointer(&whose->monitors, g_ptr_array_unref);
    g_clear_pointer(&whose->former, g_ptr_array_unref);
    g_clear_pointer(&whose->doubt, g_free);
    disk_hosts_limit_clear(&whose->names);
}
