/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * xml/dom-signs.c - by what a source tells which cluster it is in
 *
 * What the signs mean, the rules' own function says: nothing here knows a
 * monitor or a secret.
 */
#include "config.h"

#include "xml/dom-internal.h"

static GPtrArray *
read_hosts(xmlNode *source)
{
    GPtrArray *hosts =
        g_ptr_array_new_with_free_func((GDestroyNotify)dom_host_free);
    xmlNode *host = dom_child(source, "host");

    for (; host && hosts->len < DOM_HOSTS_MAX;
         host = dom_child_next(host, "host"))
        g_ptr_array_add(hosts, dom_host_new(dom_attr(host, "name"),
                                            dom_attr(host, "port")));
    return hosts;
}

static guint
weigh(xmlNode *disk, const DomRules *rules)
{
    xmlNode *source = dom_child(disk, "source");
    xmlNode *inside = dom_child(source, "auth");
    xmlNode *auth = inside ? inside : dom_child(disk, "auth");
    g_autoptr(GPtrArray) hosts = read_hosts(source);
    g_autofree char *secret = dom_child_attr(auth, "secret", "uuid");
    g_autofree char *usage = dom_child_attr(auth, "secret", "usage");
    g_autofree char *config = dom_child_attr(source, "config", "file");
    const DomSigns signs = {hosts, secret, usage, config};

    return rules->weigh(&signs, rules->weigh_data);
}

bool
dom_is_elsewhere(xmlNode *disk, const DomRules *rules, bool *ret_by_hosts)
{
    /* What can be read in two ways is judged by nobody's word: it is refused
     * as what it says at first sight. */
    if (!rules->weigh || !dom_plain_check(disk, NULL) ||
        weigh(disk, rules) != DOM_WEIGHT_NONE)
        return false;
    *ret_by_hosts |= dom_child(dom_child(disk, "source"), "host") != NULL;
    return true;
}

/* As libvirt's other sources are: nothing is asked of it, and it is not lost
 * to what is asked for. */
void
dom_source_estrange(DomSource *source)
{
    g_autofree char *said = g_steal_pointer(&source->said);

    source->kind = DOM_SOURCE_OTHER;
    source->said = g_strdup_printf("%s of another cluster", said);
}
