/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * agent/virt/links.h - connections to libvirt, of which each is one caller's at a
 * time
 *
 * Of two threads with one connection the first sends and receives for both, and the
 * second wakes it with g_main_loop_quit(). If the first has let its lock go and has
 * not come to g_main_loop_run(), which is so just after it has handed the second an
 * answer, it sleeps on, and the second's next question is not sent until the first is
 * answered (seen with libvirt 9.0). So who may wait for long has one of his own.
 *
 * Threads: any; only virt_link_connect() blocks.
 */
#ifndef REMORA_AGENT_VIRT_LINKS_H
#define REMORA_AGENT_VIRT_LINKS_H

#include "agent/virt/error.h"

typedef struct VirtLinks VirtLinks;
typedef struct VirtLink VirtLink;

/* virConnectClose() it. Blocks. */
typedef virConnectPtr (*VirtOpen)(gpointer data, GError **error);

/* For the life of the process, as what is made over one may never come back. None
 * is opened before it is needed, and each is closed when nobody has needed it for 5 s,
 * if libvirt's event loop runs. */
VirtLinks *virt_links_new(guint n, VirtOpen open, gpointer data);

/* The first that is free, so that no more are opened than are needed. No more than n
 * are taken at a time. */
VirtLink *virt_links_take(VirtLinks *links);
void virt_link_give_back(VirtLink *link);
/* The one that is open, if it is good and not out of date, or else another. NULL: there
 * is none. virConnectClose() it. */
virConnectPtr virt_link_connect(VirtLink *link, GError **error);

/* How often they were renewed. */
gint virt_links_age(VirtLinks *links);
/* Those that are open are out of date from now on. */
void virt_links_renew(VirtLinks *links);

#endif
