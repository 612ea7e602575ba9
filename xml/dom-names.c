/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * xml/dom-names.c - names of pools, images, targets and domains
 */
#include "config.h"

#include "xml/dom-internal.h"

#include <string.h>

#define UUID_LENGTH 36

bool
dom_in_list(const char *const *list, const char *name)
{
    for (; list && name && *list; list++) {
        if (strcmp(*list, name) == 0)
            return true;
    }
    return false;
}

/* RBD writes 'pool/image@snap' and has no way to quote. */
gboolean
dom_name_check(const char *what, const char *name, GError **error)
{
    if (!*name)
        return dom_fail(error, DOM_ERROR_REQUEST, "the %s name is empty", what);
    if (strlen(name) > DOM_NAME_MAX)
        return dom_fail(error, DOM_ERROR_LIMIT,
                        "the %s name has more than %u bytes", what,
                        DOM_NAME_MAX);
    if (!g_utf8_validate(name, -1, NULL))
        return dom_fail(error, DOM_ERROR_REQUEST, "the %s name is not UTF-8",
                        what);
    for (const char *c = name; *c; c++) {
        if (*c == '/' || *c == '@')
            return dom_fail(error, DOM_ERROR_REQUEST,
                            "the %s name '" DOM_QUOTE "' has a '%c' in it: RBD "
                            "cannot name it as pool/image@snap",
                            what, name, *c);
        if (g_ascii_iscntrl(*c))
            return dom_fail(error, DOM_ERROR_REQUEST,
                            "the %s name '" DOM_QUOTE
                            "' has a control character in it",
                            what, name);
    }
    return TRUE;
}

gboolean
dom_image_check(const char *image, GError **error)
{
    const char *slash = strchr(image, '/');
    g_autofree char *space =
        slash ? g_strndup(image, (gsize)(slash - image)) : NULL;

    return (!space || dom_name_check("namespace", space, error)) &&
           dom_name_check("image", slash ? slash + 1 : image, error);
}

static const struct {
    const char *prefix;
    const char *bus;
} target_buses[] = {
    {"vd", "virtio"},
    {"sd", "scsi"},
    {"hd", "ide"},
    {"xvd", "xen"},
};

const char *
dom_target_bus(const char *target)
{
    for (gsize i = 0; i < G_N_ELEMENTS(target_buses); i++) {
        if (g_str_has_prefix(target, target_buses[i].prefix))
            return target_buses[i].bus;
    }
    return NULL;
}

static bool
is_target(const char *target)
{
    for (gsize i = 0; i < G_N_ELEMENTS(target_buses); i++) {
        const char *prefix = target_buses[i].prefix;
        const char *rest = target + strlen(prefix);

        if (g_str_has_prefix(target, prefix))
            return *rest &&
                   strspn(rest, "abcdefghijklmnopqrstuvwxyz") == strlen(rest);
    }
    return false;
}

gboolean
dom_target_check(const char *target, GError **error)
{
    if (strlen(target) > DOM_TARGET_MAX)
        return dom_fail(error, DOM_ERROR_LIMIT,
                        "the target name has more than %u bytes",
                        DOM_TARGET_MAX);
    if (!is_target(target))
        return dom_fail(error, DOM_ERROR_REQUEST,
                        "this is no target for an image: use a name such as "
                        "'vda', 'sda', 'hda' or 'xvda'");
    return TRUE;
}

/* Hyphens anywhere and blanks around, as libvirt takes it. */
char *
dom_uuid_parse(const char *text)
{
    char digits[32];
    gsize n = 0;

    text += strspn(text, " \t\r\n\v\f");
    for (; *text; text++) {
        if (*text == '-')
            continue;
        if (!g_ascii_isxdigit(*text))
            break;
        if (n == sizeof(digits))
            return NULL;
        digits[n++] = g_ascii_tolower(*text);
    }
    text += strspn(text, " \t\r\n\v\f");
    if (n != sizeof(digits) || *text)
        return NULL;
    return g_strdup_printf("%.8s-%.4s-%.4s-%.4s-%.12s", digits, digits + 8,
                           digits + 12, digits + 16, digits + 20);
}

const char *
dom_image_in(const char *name, const char *pool)
{
    gsize n = strlen(pool);

    return strncmp(name, pool, n) == 0 && name[n] == '/' ? name + n + 1 : NULL;
}

char *
dom_uuid_of_image(const char *image)
{
    g_autofree char *start = NULL;

    if (strlen(image) <= UUID_LENGTH || image[UUID_LENGTH] != '_')
        return NULL;
    start = g_ascii_strdown(image, UUID_LENGTH);
    if (!g_uuid_string_is_valid(start))
        return NULL;
    return g_steal_pointer(&start);
}
