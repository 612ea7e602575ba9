/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * agent/proxied-public.h - what a proxy's client may read of an error
 *
 * The agent sees every domain, host and client of the cluster, and an error says
 * who is in the way. A client of libvirt that is not root may see no more than
 * libvirt shows it, which may be its own domains. What it gets names nothing but
 * what it named itself; all of it is in the log.
 *
 * Threads: any; everything is pure.
 */
#ifndef REMORA_AGENT_PROXIED_PUBLIC_H
#define REMORA_AGENT_PROXIED_PUBLIC_H

#include <glib.h>

/* One line, of the error's kind: its own where that is made of nothing but the
 * client's request, else a sentence. target: of the one disk that is meant; NULL:
 * there is none. g_free() it. */
char *proxied_public_text(guint uid, const GError *error, const char *target);

#endif
