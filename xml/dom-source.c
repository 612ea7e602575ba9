/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * xml/dom-source.c - where a <disk> says its bytes are
 *
 * Reading never fails: a source is judged only once it is known whether it is
 * ours, for what is not ours is libvirt's to judge.
 */
#include "config.h"

#include "xml/dom-internal.h"

#include <string.h>

void
dom_source_free(DomSource *source)
{
    if (!source)
        return;
    g_free(source->pool);
    g_free(source->image);
    g_free(source->snap_at);
    g_free(source->snap_element);
    g_free(source->said);
    g_free(source);
}

static DomSourcePath
path_of(const char *image)
{
    const char *slash = strchr(image, '/');

    if (!slash)
        return DOM_PATH_IMAGE;
    return slash == image || !slash[1] || strchr(slash + 1, '/')
               ? DOM_PATH_ODD
               : DOM_PATH_NAMESPACE;
}

static void
read_rbd_name(xmlNode *node, const char *name, DomSource *source)
{
    const char *slash = strchr(name, '/');
    const char *rest = slash ? slash + 1 : name;
    const char *at = strchr(rest, '@');

    source->kind = DOM_SOURCE_RBD;
    source->pool = g_strndup(name, slash ? (gsize)(slash - name) : 0);
    source->image = g_strndup(rest, at ? (gsize)(at - rest) : strlen(rest));
    source->path = path_of(source->image);
    source->snap_at = at ? g_strdup(at + 1) : NULL;
    source->snap_element = dom_child_attr(node, "snapshot", "name");
    source->said =
        g_strdup_printf("rbd '" DOM_QUOTE "%s" DOM_QUOTE "'", name,
                        source->snap_element ? "@" : "",
                        source->snap_element ? source->snap_element : "");
}

/* By which attribute libvirt finds the bytes of a disk of a type; those of other
 * types it does not look at, and forgets. */
static const struct {
    const char *type;
    const char *const ways[2];
} local_types[] = {
    {"file", {"file", NULL}},
    {"block", {"dev", NULL}},
    {"dir", {"dir", NULL}},
    {"volume", {"volume", NULL}},
};
/* Everything by which it may find those of another type. */
static const char *const other_ways[] = {"file", "dev",  "dir", "volume",
                                         "path", "type", NULL};
static const char *const network_ways[] = {"protocol", NULL};

static const char *const *
local_ways(const char *type)
{
    for (gsize i = 0; i < G_N_ELEMENTS(local_types); i++)
        if (g_strcmp0(type, local_types[i].type) == 0)
            return local_types[i].ways;
    return other_ways;
}

static void
read_other(xmlNode *node, const char *const *ways, DomSource *source)
{
    for (gsize i = 0; ways[i]; i++) {
        g_autofree char *value = dom_attr(node, ways[i]);

        if (value && *value) {
            source->kind = DOM_SOURCE_OTHER;
            source->said =
                g_strdup_printf("%s '" DOM_QUOTE "'", ways[i], value);
            return;
        }
    }
}

DomSource *
dom_source_read(xmlNode *disk)
{
    DomSource *source = g_new0(DomSource, 1);
    xmlNode *node = dom_child(disk, "source");
    g_autofree char *type = dom_attr(disk, "type");
    g_autofree char *protocol = dom_attr(node, "protocol");
    g_autofree char *name = dom_attr(node, "name");

    source->kind = DOM_SOURCE_NONE;
    if (g_strcmp0(type, "network") != 0)
        read_other(node, local_ways(type), source);
    else if (g_strcmp0(protocol, "rbd") != 0)
        read_other(node, network_ways, source);
    else if (name && *name)
        read_rbd_name(node, name, source);
    return source;
}

gboolean
dom_source_check_path(const DomSource *source, GError **error)
{
    if (source->path == DOM_PATH_ODD)
        return dom_fail(error, DOM_ERROR_REQUEST,
                        "its source '%s/" DOM_QUOTE "' has an empty name in "
                        "it, or one too many: write pool/image",
                        source->pool, source->image);
    return TRUE;
}

const char *
dom_source_snap(const DomSource *source)
{
    return source->snap_at ? source->snap_at : source->snap_element;
}

bool
dom_source_is(const DomSource *source,
              const char *pool,
              const char *image,
              const char *snap)
{
    return source->kind == DOM_SOURCE_RBD &&
           g_strcmp0(source->pool, pool) == 0 &&
           g_strcmp0(source->image, image) == 0 &&
           g_strcmp0(dom_source_snap(source), snap) == 0;
}

DomHost *
dom_host_new(char *name, char *port)
{
    DomHost *host = g_new0(DomHost, 1);

    host->name = name;
    host->port = port;
    return host;
}

void
dom_host_free(DomHost *host)
{
    if (!host)
        return;
    g_free(host->name);
    g_free(host->port);
    g_free(host);
}

/* Hosts and <auth> as they are now. */
gboolean
dom_source_read_access(xmlNode *disk, DomDisk *into, GError **error)
{
    xmlNode *source = dom_child(disk, "source");
    xmlNode *host = dom_child(source, "host");
    xmlNode *auth = dom_child(source, "auth");

    for (; host; host = dom_child_next(host, "host")) {
        char *name = dom_attr(host, "name");

        if (into->hosts->len == DOM_HOSTS_MAX) {
            g_free(name);
            return dom_fail(error, DOM_ERROR_LIMIT,
                            "its source has more than %u hosts", DOM_HOSTS_MAX);
        }
        if (name)
            g_ptr_array_add(into->hosts,
                            dom_host_new(name, dom_attr(host, "port")));
    }
    if (!auth)
        auth = dom_child(disk, "auth");
    into->auth_user = dom_attr(auth, "username");
    into->secret_uuid = dom_child_attr(auth, "secret", "uuid");
    return TRUE;
}
