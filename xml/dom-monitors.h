/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * xml/dom-monitors.h - addresses of monitors, read as librados reads them
 *
 * librados takes one text, its option mon_host; QEMU makes such a text of the
 * <host>s of a disk. In both, one entry may be a list. What librados cannot
 * read is never half of an address here: an IPv6 address without a port is not
 * cut at its last colon.
 *
 * Threads: any. Pure: a name is not looked up.
 */
#ifndef REMORA_XML_DOM_MONITORS_H
#define REMORA_XML_DOM_MONITORS_H

#include "xml/dom.h"

typedef enum {
    DOM_MESSENGER_ANY, /* librados tries both, or goes by the port */
    DOM_MESSENGER_V1,
    DOM_MESSENGER_V2,
} DomMessenger;

typedef struct {
    char *host; /* an address, IPv6 without brackets, or a name */
    char *port; /* 1 to 65535; NULL: none, so 3300 and 6789 are tried */
    DomMessenger messenger;
    bool other; /* the monitor of the one before it, at another address */
} DomMonitor;

void dom_monitor_free(DomMonitor *monitor);

/*
 * The text of mon_host: entries with commas, blanks or semicolons between them.
 * An entry is ADDRESS, [IPV6] or NAME, each with or without 'v1:', 'v2:' or
 * 'any:' before it, ':PORT' and '/NONCE' behind it; or it is the addresses of
 * one monitor, '[v2:...,v1:...]', of which that for v1 comes first here.
 *
 * Gives an array of DomMonitor, to be unreferenced; those above DOM_HOSTS_MAX
 * are left out. Error: DOM_ERROR_REQUEST, nothing is named, or something that
 * is not an address.
 */
GPtrArray *dom_monitors_parse(const char *mon_host,
                              GError **error) G_GNUC_WARN_UNUSED_RESULT;

/*
 * Where QEMU looks for monitors that is given these <host>s (of DomHost, as in
 * DomDisk): name='a,b' port='6790' is the two 'a' and 'b:6790'. What cannot be
 * read leads nowhere and is left out, so the array (of DomMonitor, to be
 * unreferenced) may be empty. NULL as hosts is none.
 */
GPtrArray *
dom_monitors_of_hosts(const GPtrArray *hosts) G_GNUC_WARN_UNUSED_RESULT;

G_DEFINE_AUTOPTR_CLEANUP_FUNC(DomMonitor, dom_monitor_free)

#endif
