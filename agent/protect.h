/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * agent/protect.h - an image that others are cloned from is not written to
 *
 * A plain name of an image is a disk as it stands: many hosts run guests on such
 * images. Who writes it into a new domain, and means a clone, would have the guest
 * write into the image itself. So a new one is refused if the image has the
 * protected snapshot that Glance makes of what is to be cloned.
 *
 * Threads: any; everything blocks. Errors: as of request.h.
 */
#ifndef REMORA_AGENT_PROTECT_H
#define REMORA_AGENT_PROTECT_H

#include "agent/host.h"

/* Whether the plan has a disk that it might be about, which is asked of nobody. */
bool protect_concerns(Host *host, const DomPlan *plan);
/* Whether one disk of a plan is such an image, as far as the cluster can say. */
bool protect_is_image(Host *host, const DomDisk *disk);
/* Those that are such images, of char *, 'pool/image'; NULL: none. What libvirt
 * has already is never refused for it. */
GPtrArray *protect_find(Host *host, const DomPlan *plan);
/* FALSE: one of its disks is such an image. What the cluster cannot say is no
 * reason to refuse. */
gboolean protect_check(Host *host,
                       const DomPlan *plan,
                       GError **error) G_GNUC_WARN_UNUSED_RESULT;

#endif
