/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * agent/request.h - one request: plan, provision, answer
 *
 * What the hook, --one-shot and 'remora provision' have in common. Everything
 * that a start needs is in the domain XML and in the cluster; nothing here
 * calls libvirt, which holds the domain's lock meanwhile.
 *
 * Threads:  any; everything blocks.
 * Errors:   one line with disk, cause and next step; the caller says which
 *           domain.
 */
#ifndef REMORA_AGENT_REQUEST_H
#define REMORA_AGENT_REQUEST_H

#include "agent/disks.h"

/* Claims that are still in it are dropped. */
void request_ready_clear(RequestReady *ready);
/* Those that were handed stay as they are in the cluster: the domain is about to
 * be told that it may use its disks. */
void request_leave(RequestReady *ready);

/*
 * Makes every disk of a definition ready, all at once. ret_ready is empty for
 * a domain that asks for nothing. On failure what was built stays, for the
 * next try, and no claim is left.
 */
gboolean request_prepare(Host *host,
                         const char *xml,
                         gsize len,
                         const RequestHow *how,
                         RequestReady *ret_ready,
                         GError **error) G_GNUC_WARN_UNUSED_RESULT;

/*
 * Today's monitors and this host's secret for a domain that arrives or is
 * restored. ret_xml gets NULL where nothing needs to change. arrivals: where to
 * write down a number for one that arrives with disks that are open elsewhere;
 * NULL: it does not arrive alive.
 */
gboolean request_filter(Host *host,
                        const char *xml,
                        gsize len,
                        const char *arrivals,
                        char **ret_xml,
                        GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* Whether a claim on one of its disks is the domain's own, whatever host that is
 * on. Blocks. */
bool request_has_claim(Host *host, const DomPlan *plan);

/* What of a request's time may pass with watching another host's builder. */
guint request_patience_ms(Host *host);

/* A plan of a definition. The cluster, if ask says so, is asked only if the
 * domain is ours: for its fsid, and for the pools of bare image ids. What is to
 * be given to libvirt has libvirt.complete_existing as complete_bare. */
DomPlan *request_plan(Host *host,
                      HostAsk ask,
                      const char *xml,
                      gsize len,
                      bool complete_bare,
                      GError **error) G_GNUC_WARN_UNUSED_RESULT;
/* Which clusters the domain may need, a bit each, as far as that is known without
 * asking any of them; where it is not, all. reads: also those of which only an
 * image is read. */
#define REQUEST_NEEDS_ANY G_MAXUINT32
guint32 request_needs(Host *host, const char *xml, gsize len, bool reads);
/* Which of them it waits for at this moment: those that make a disk ready for
 * waiter (see store_cluster_has_space()), and those to which there is no connection,
 * for the others are done with theirs. If none makes one ready, it may be any of
 * needs. waiter may be NULL. Does not block. */
guint32 request_awaits(const Host *host, const char *waiter, guint32 needs);
/* What else is known of a definition. Borrowed. */
typedef struct {
    const GArray *pools; /* of DomStoragePool, that it names; NULL: none */
    const DomNova *nova; /* NULL: Nova's metadata asks for nothing */
} RequestKnown;

DomPlan *request_plan_with(Host *host,
                           HostAsk ask,
                           const RequestKnown *known,
                           const char *xml,
                           gsize len,
                           bool complete_bare,
                           GError **error) G_GNUC_WARN_UNUSED_RESULT;
/* That of a lone device of a domain, name NULL or its name; pools as above. Whose it is, the
 * cluster is asked only where that is in doubt; what it asks for names its pool. */
DomPlan *request_plan_device(Host *host,
                             const GArray *pools,
                             const char *xml,
                             gsize len,
                             const char *uuid,
                             const char *name,
                             GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* Whether a rewrite would change nothing, whatever the cluster says: all disks
 * are there already, and are not to be completed. */
bool request_is_as_it_stands(Host *host, const DomPlan *plan);

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(RequestReady, request_ready_clear)

#endif
