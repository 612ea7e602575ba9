/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * xml/dom-image-ref.c - what an image attribute names
 */
#include "config.h"

#include "xml/dom-internal.h"

#include <string.h>

#define LOCATION "rbd://"
/* Five names, one of a namespace, every byte of them percent-encoded. */
#define TEXT_MAX (5 * 3 * DOM_NAME_MAX + 16)

void
dom_image_ref_free(DomImageRef *ref)
{
    if (!ref)
        return;
    g_free(ref->fsid);
    g_free(ref->pool);
    g_free(ref->image);
    g_free(ref->snap);
    g_free(ref);
}

static gboolean
fail_location(const char *text, GError **error)
{
    return dom_fail(error, DOM_ERROR_REQUEST,
                    "the location '%.200s' is not of the form "
                    "rbd://fsid/pool/image/snap",
                    text);
}

/* NULL where the escapes are broken or hide a NUL. */
static char *
decode(const char *piece)
{
    return g_uri_unescape_string(piece, NULL);
}

static DomImageRef *
parse_location(const char *text, GError **error)
{
    g_auto(GStrv) pieces = g_strsplit(text + strlen(LOCATION), "/", -1);
    g_autoptr(DomImageRef) ref = g_new0(DomImageRef, 1);
    gsize n = g_strv_length(pieces);

    if (n != 4) {
        fail_location(text, error);
        return NULL;
    }
    for (gsize i = 0; i < n; i++) {
        char *piece = decode(pieces[i]);

        if (!piece || !*piece) {
            g_free(piece);
            fail_location(text, error);
            return NULL;
        }
        g_free(pieces[i]);
        pieces[i] = piece;
    }
    ref->fsid = g_steal_pointer(&pieces[0]);
    ref->pool = g_steal_pointer(&pieces[1]);
    ref->image = g_steal_pointer(&pieces[2]);
    ref->snap = g_steal_pointer(&pieces[3]);
    return g_steal_pointer(&ref);
}

char *
dom_image_ref_location(const char *fsid,
                       const char *pool,
                       const char *image,
                       const char *snap)
{
    const char *const names[] = {fsid, pool, image, snap};
    g_autoptr(GString) text = g_string_new(LOCATION);

    for (gsize i = 0; i < G_N_ELEMENTS(names); i++) {
        g_string_append(text, i ? "/" : "");
        g_string_append_uri_escaped(text, names[i], NULL, FALSE);
    }
    return g_string_free(g_steal_pointer(&text), FALSE);
}

static DomImageRef *
parse_plain(const char *text)
{
    DomImageRef *ref = g_new0(DomImageRef, 1);
    const char *slash = strchr(text, '/');
    const char *rest = slash ? slash + 1 : text;
    const char *at = strchr(rest, '@');

    if (slash)
        ref->pool = g_strndup(text, (gsize)(slash - text));
    ref->image = at ? g_strndup(rest, (gsize)(at - rest)) : g_strdup(rest);
    ref->snap = g_strdup(at ? at + 1 : DOM_DEFAULT_SNAP);
    return ref;
}

DomImageRef *
dom_image_ref_parse(const char *text, GError **error)
{
    g_autoptr(DomImageRef) ref = NULL;

    if (strlen(text) > TEXT_MAX) {
        dom_fail(error, DOM_ERROR_LIMIT,
                 "the image is named by more than %u bytes", TEXT_MAX);
        return NULL;
    }
    if (g_str_has_prefix(text, LOCATION)) {
        ref = parse_location(text, error);
    } else if (strstr(text, "://")) {
        fail_location(text, error);
    } else {
        ref = parse_plain(text);
    }
    if (!ref)
        return NULL;
    if ((ref->fsid && strlen(ref->fsid) > DOM_NAME_MAX)) {
        dom_fail(error, DOM_ERROR_LIMIT, "the fsid has more than %u bytes",
                 DOM_NAME_MAX);
        return NULL;
    }
    if ((ref->pool && !dom_name_check("pool", ref->pool, error)) ||
        !(ref->pool ? dom_image_check(ref->image, error)
                    : dom_name_check("image", ref->image, error)) ||
        !dom_name_check("snapshot", ref->snap, error))
        return NULL;
    return g_steal_pointer(&ref);
}
