/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * xml/dom-monitors.c - addresses of monitors, read as librados reads them
 *
 * librados tries the whole text as addresses first, and where it is not that,
 * as names and addresses without a protocol. Here an entry may be either, so
 * all that librados takes is taken, and a little more ('v2:NAME'); but no
 * address of digits that is short ('10.1') and no port that is too large, of
 * which librados makes others.
 */
#include "config.h"

#include "xml/dom-monitors.h"

#include "xml/dom-internal.h"

#include <string.h>

#define SEPARATORS ",; \t"
#define DIGITS     "0123456789"

void
dom_monitor_free(DomMonitor *monitor)
{
    if (!monitor)
        return;
    g_free(monitor->host);
    g_free(monitor->port);
    g_free(monitor);
}

static GPtrArray *
monitors_new(void)
{
    return g_ptr_array_new_with_free_func((GDestroyNotify)dom_monitor_free);
}

static bool
is_ipv6(const char *text)
{
    return strchr(text, ':') &&
           strspn(text, DIGITS ":abcdefABCDEF") == strlen(text) &&
           g_hostname_is_ip_address(text);
}

/* Four numbers, or a name: what is of digits and dots alone would be read as
 * an address, and as which one differs. */
static bool
is_ipv4_or_name(const char *text)
{
    gsize len = strlen(text);

    if (strspn(text, DIGITS ".") == len)
        return g_hostname_is_ip_address(text);
    return len <= DOM_NAME_MAX && (g_ascii_isalnum(*text) || *text == '_') &&
           strspn(text, DIGITS "abcdefghijklmnopqrstuvwxyz"
                               "ABCDEFGHIJKLMNOPQRSTUVWXYZ-._") == len;
}

static DomMessenger
take_messenger(const char **text)
{
    static const struct {
        const char *prefix;
        DomMessenger messenger;
    } known[] = {
        {"v1:", DOM_MESSENGER_V1},
        {"v2:", DOM_MESSENGER_V2},
        {"any:", DOM_MESSENGER_ANY},
    };

    for (gsize i = 0; i < G_N_ELEMENTS(known); i++) {
        if (!g_str_has_prefix(*text, known[i].prefix))
            continue;
        *text += strlen(known[i].prefix);
        return known[i].messenger;
    }
    return DOM_MESSENGER_ANY;
}

/* Takes '/NONCE' off the end; false: what is behind the slash is none. */
static bool
cut_nonce(char *text)
{
    char *slash = strchr(text, '/');

    if (!slash)
        return true;
    *slash = '\0';
    return strspn(slash + 1, DIGITS) == strlen(slash + 1);
}

/* text is what follows the host: nothing, or ':PORT'. Nothing and 0 are the
 * usual port of the protocol, which is one of two where none is said. */
static bool
read_port(DomMonitor *monitor, const char *text)
{
    static const char *const usual[] = {
        [DOM_MESSENGER_V1] = "6789", [DOM_MESSENGER_V2] = "3300"};
    guint64 port = 0;

    if (*text != '\0' && *text != ':')
        return false;
    if (text[0] == ':' && text[1] != '\0' &&
        !g_ascii_string_to_unsigned(text + 1, 10, 0, 65535, &port, NULL))
        return false;
    monitor->port = port ? g_strdup_printf("%" G_GUINT64_FORMAT, port)
                         : g_strdup(usual[monitor->messenger]);
    if (monitor->messenger == DOM_MESSENGER_ANY && port == 3300)
        monitor->messenger = DOM_MESSENGER_V2;
    else if (monitor->messenger == DOM_MESSENGER_ANY && port == 6789)
        monitor->messenger = DOM_MESSENGER_V1;
    return true;
}

/* One address with what is before and behind it; NULL: it is none. */
static DomMonitor *
monitor_new(const char *text)
{
    g_autoptr(DomMonitor) monitor = g_new0(DomMonitor, 1);
    g_autofree char *plain = NULL;
    const char *end;

    monitor->messenger = take_messenger(&text);
    plain = g_strdup(text);
    if (!cut_nonce(plain))
        return NULL;
    if (*plain == '[') {
        end = strchr(plain, ']');
        if (!end)
            return NULL;
        monitor->host = g_strndup(plain + 1, (gsize)(end - plain - 1));
        end++;
    } else {
        end = is_ipv6(plain) ? plain + strlen(plain)
                             : plain + strcspn(plain, ":");
        monitor->host = g_strndup(plain, (gsize)(end - plain));
    }
    if ((!is_ipv6(monitor->host) && !is_ipv4_or_name(monitor->host)) ||
        !read_port(monitor, end))
        return NULL;
    return g_steal_pointer(&monitor);
}

/* Adds those of one monitor, that for v1 first. */
static bool
add_group(GPtrArray *monitors, char *const *words)
{
    g_autoptr(GPtrArray) group = monitors_new();
    guint place = 0;

    for (; *words; words++) {
        DomMonitor *monitor = monitor_new(*words);

        if (!monitor)
            return false;
        if (monitor->messenger == DOM_MESSENGER_V2)
            g_ptr_array_add(group, monitor);
        else
            g_ptr_array_insert(group, (gint)place++, monitor);
    }
    for (guint i = 0; i < group->len; i++)
        ((DomMonitor *)g_ptr_array_index(group, i))->other = i > 0;
    if (group->len == 0)
        return false;
    g_ptr_array_extend_and_steal(monitors, g_steal_pointer(&group));
    return true;
}

/* How far a '[...]' goes that has brackets in it; 0: it does not end. */
static gsize
group_length(const char *text)
{
    int depth = 0;

    for (const char *p = text; *p; p++) {
        depth += *p == '[' ? 1 : *p == ']' ? -1 : 0;
        if (depth == 0)
            return (gsize)(p - text) + 1;
    }
    return 0;
}

/* Adds one entry, and goes behind it. */
static bool
add_entry(GPtrArray *monitors, const char **text)
{
    gsize len = strcspn(*text, SEPARATORS);
    g_autofree char *word = g_strndup(*text, len);
    DomMonitor *single = monitor_new(word);
    g_auto(GStrv) words = NULL;

    if (single) {
        g_ptr_array_add(monitors, single);
        *text += len;
        return true;
    }
    len = **text == '[' ? group_length(*text) : 0;
    if (len == 0 || !strchr(SEPARATORS "[", (*text)[len]))
        return false;
    g_free(word);
    word = g_strndup(*text + 1, len - 2);
    words = g_strsplit(word, ",", -1);
    *text += len;
    return add_group(monitors, words);
}

static bool
add_list(GPtrArray *monitors, const char *text)
{
    for (;;) {
        text += strspn(text, SEPARATORS);
        if (*text == '\0')
            return true;
        if (!add_entry(monitors, &text))
            return false;
    }
}

static void
limit(GPtrArray *monitors)
{
    if (monitors->len > DOM_HOSTS_MAX)
        g_ptr_array_set_size(monitors, (gint)DOM_HOSTS_MAX);
}

GPtrArray *
dom_monitors_parse(const char *mon_host, GError **error)
{
    g_autoptr(GPtrArray) monitors = monitors_new();

    if (!add_list(monitors, mon_host) || monitors->len == 0) {
        dom_fail(error, DOM_ERROR_REQUEST,
                 "mon_host '%s' is not a list of monitor addresses: correct "
                 "it in ceph.conf",
                 mon_host);
        return NULL;
    }
    limit(monitors);
    return g_steal_pointer(&monitors);
}

/* libvirt reads it as strtol() does. */
static const char *
digits_of(const char *port)
{
    port += strspn(port, " \t\r\n\v\f");
    return port + (*port == '+');
}

/* QEMU puts the port behind the name, whatever that is, and brackets around it
 * first where it has a colon. So the port is the last one's. */
static void
add_host(GPtrArray *monitors, const DomHost *host)
{
    g_autoptr(GPtrArray) own = monitors_new();
    DomMonitor *last;

    if (!host->name || !add_list(own, host->name) || own->len == 0)
        return;
    last = g_ptr_array_index(own, own->len - 1);
    if (host->port && !last->port) {
        g_autofree char *port = g_strconcat(":", digits_of(host->port), NULL);

        if (!read_port(last, port))
            return;
    }
    g_ptr_array_extend_and_steal(monitors, g_steal_pointer(&own));
}

GPtrArray *
dom_monitors_of_hosts(const GPtrArray *hosts)
{
    GPtrArray *monitors = monitors_new();

    for (guint i = 0; hosts && i < hosts->len; i++)
        add_host(monitors, g_ptr_array_index(hosts, i));
    limit(monitors);
    return monitors;
}
