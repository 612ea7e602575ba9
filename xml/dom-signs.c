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

/* libvirt takes it with and without hyphens. */
static char *
read_secret(xmlNode *auth)
{
    g_autofree char *said = dom_child_attr(auth, "secret", "uuid");
    char *uuid = said ? dom_uuid_parse(said) : NULL;

    return uuid ? uuid : g_steal_pointer(&said);
}

static guint
weigh(xmlNode *disk, const DomRules *rules)
{
    xmlNode *source = dom_child(disk, "source");
    xmlNode *inside = dom_child(source, "auth");
    xmlNode *auth = inside ? inside : dom_child(disk, "auth");
    g_autoptr(GPtrArray) hosts = read_hosts(source);
    g_autofree char *secret = read_secret(auth);
    g_autofree char *usage = dom_child_attr(auth, "secret", "usage");
    g_autofree char *config = dom_child_attr(source, "config", "file");
    const DomSigns signs = {hosts, secret, usage, config};

    return rules->weigh(&signs, rules->weigh_data);
}

bool
dom_is_disk_pool(const DomRules *rules, const char *pool)
{
    return g_strcmp0(rules->vms_pool, pool) == 0 ||
           dom_in_list(rules->volume_pools, pool);
}

static bool
has_pool(const DomRules *rules, const char *pool)
{
    return dom_in_list(rules->image_pools, pool) ||
           dom_is_disk_pool(rules, pool);
}

/* Once a disk is made, its image may be in another cluster. */
static bool
is_named(const DomRules *rules, const DomEntry *entry)
{
    if (!entry)
        return false;
    if (entry->cluster)
        return g_strcmp0(entry->cluster, rules->name) == 0;
    return !entry->destination && entry->ref && entry->ref->fsid &&
           g_strcmp0(entry->ref->fsid, rules->fsid) == 0;
}

DomWhere
dom_where(const DomClusters *clusters,
          xmlNode *disk,
          const DomSource *source,
          const DomEntry *entry,
          const DomRules **ret_rules,
          bool *ret_by_hosts)
{
    /* What can be read in two ways is judged by nobody's word: it is refused
     * as what it says at first sight. */
    bool plain = dom_plain_check(disk, NULL);
    DomWhere where = DOM_WHERE_NOWHERE;
    guint most = DOM_WEIGHT_NONE;

    for (guint i = 0; i < clusters->n; i++) {
        const DomRules *rules = &clusters->all[i];
        guint weight;

        if (source->kind != DOM_SOURCE_RBD || !has_pool(rules, source->pool))
            continue;
        where = MAX(where, DOM_WHERE_HERE);
        weight = rules->weigh && plain ? weigh(disk, rules) : 1;
        if (weight > most ||
            (weight != DOM_WEIGHT_NONE && weight == most &&
             is_named(rules, entry) && !is_named(*ret_rules, entry))) {
            most = weight;
            *ret_rules = rules;
        }
    }
    if (where == DOM_WHERE_NOWHERE || most != DOM_WEIGHT_NONE)
        return where;
    *ret_by_hosts |= dom_child(dom_child(disk, "source"), "host") != NULL;
    return DOM_WHERE_ELSEWHERE;
}

/* The first of which it is not known that it has another fsid. */
static const DomRules *
first_unknown(const DomClusters *clusters)
{
    for (guint i = 0; i < clusters->n; i++)
        if (!clusters->all[i].fsid)
            return &clusters->all[i];
    return NULL;
}

static const DomRules *
first_with_images(const DomClusters *clusters, const char *pool)
{
    for (guint i = 0; i < clusters->n; i++)
        if (dom_in_list(clusters->all[i].image_pools, pool))
            return &clusters->all[i];
    return NULL;
}

const DomRules *
dom_where_asked(const DomClusters *clusters, const DomEntry *entry)
{
    const DomImageRef *ref = entry ? entry->ref : NULL;
    const DomRules *rules = NULL;

    for (guint i = 0; i < clusters->n; i++)
        if (is_named(&clusters->all[i], entry))
            return &clusters->all[i];
    if (ref && ref->fsid)
        rules = first_unknown(clusters);
    if (!rules && ref && ref->pool)
        rules = first_with_images(clusters, ref->pool);
    return rules ? rules : clusters->all;
}

const DomRules *
dom_where_image(const DomClusters *clusters,
                const DomRules *rules,
                const DomImageRef *ref)
{
    if (!ref->fsid)
        return !ref->pool || dom_in_list(rules->image_pools, ref->pool)
                   ? rules
                   : first_with_images(clusters, ref->pool);
    for (guint i = 0; i < clusters->n; i++)
        if (g_strcmp0(clusters->all[i].fsid, ref->fsid) == 0)
            return &clusters->all[i];
    return rules->fsid ? first_unknown(clusters) : rules;
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
