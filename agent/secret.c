/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * agent/secret.c - whose a libvirt secret is, and what may be done with it
 */
#include "config.h"

#include "agent/secret.h"

#include <glib.h>

/* What is in the definition, and how deep the parser is in it. */
typedef struct {
    bool private;
    bool ceph;
    bool in_name;
    GString *name;
} Reading;

char *
secret_usage(const char *user, const char *uuid)
{
    return g_strdup_printf("remora client.%s %s", user, uuid);
}

char *
secret_xml(const char *user, const char *uuid)
{
    g_autofree char *usage = secret_usage(user, uuid);

    return g_markup_printf_escaped("<secret ephemeral='no' private='yes'>"
                                   "<uuid>%s</uuid>"
                                   "<usage type='ceph'><name>%s</name></usage>"
                                   "</secret>",
                                   uuid, usage);
}

/* Whether the element is there, where the parser is: "name", in "usage", in
 * "secret". */
static bool
is_at(GMarkupParseContext *context, const char *path)
{
    g_auto(GStrv) words = g_strsplit(path, " ", -1);
    const GSList *at = g_markup_parse_context_get_element_stack(context);

    for (guint i = 0; words[i]; i++, at = at->next)
        if (!at || g_strcmp0(at->data, words[i]) != 0)
            return false;
    return at == NULL;
}

static bool
says(const char **names,
     const char **values,
     const char *name,
     const char *what)
{
    for (guint i = 0; names[i]; i++)
        if (g_str_equal(names[i], name))
            return g_str_equal(values[i], what);
    return false;
}

static void
on_start(GMarkupParseContext *context,
         const char *element,
         const char **names,
         const char **values,
         gpointer data,
         GError **error)
{
    Reading *reading = data;

    (void)element;
    (void)error;
    if (is_at(context, "secret"))
        reading->private = says(names, values, "private", "yes");
    else if (is_at(context, "usage secret"))
        reading->ceph = says(names, values, "type", "ceph");
    reading->in_name = is_at(context, "name usage secret");
}

static void
on_text(GMarkupParseContext *context,
        const char *text,
        gsize len,
        gpointer data,
        GError **error)
{
    Reading *reading = data;

    (void)error;
    if (reading->in_name && is_at(context, "name usage secret"))
        g_string_append_len(reading->name, text, (gssize)len);
}

static bool
read_xml(const char *xml, Reading *reading)
{
    static const GMarkupParser parser = {
        .start_element = on_start,
        .text = on_text,
    };
    g_autoptr(GMarkupParseContext) context =
        g_markup_parse_context_new(&parser, 0, reading, NULL);

    return g_markup_parse_context_parse(context, xml, -1, NULL) &&
           g_markup_parse_context_end_parse(context, NULL);
}

SecretKind
secret_kind(const char *xml, const char *usage)
{
    g_autoptr(GString) name = g_string_new(NULL);
    Reading reading = {.name = name};

    if (!xml)
        return SECRET_MISSING;
    if (!read_xml(xml, &reading) || !reading.ceph ||
        !g_str_equal(name->str, usage))
        return SECRET_FOREIGN;
    return reading.private ? SECRET_OURS : SECRET_OPEN;
}

SecretStep
secret_step(SecretKind kind, bool has_value)
{
    switch (kind) {
    case SECRET_MISSING:
        return SECRET_DEFINE;
    case SECRET_OURS:
        return SECRET_SET;
    case SECRET_OPEN:
        /* libvirt makes it private, and never the other way round. A value that
         * it has may have been read, and is for people to judge. */
        return has_value ? SECRET_REFUSE : SECRET_DEFINE;
    case SECRET_FOREIGN:
    default:
        return has_value ? SECRET_USE : SECRET_REFUSE;
    }
}
