/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * agent/proxied.c - what the proxy's requests do
 */
#include "config.h"

#include "agent/proxied.h"

#include "agent/host-facts.h"
#include "agent/log.h"
#include "agent/protect.h"
#include "agent/proxied-attach.h"
#include "agent/proxied-moves.h"
#include "agent/proxied-nova.h"
#include "agent/proxied-public.h"
#include "agent/request.h"
#include "agent/rewrite.h"
#include "agent/virt/ask.h"
#include "agent/virt/pools.h"

#include <string.h>

/* What one user may have under way, root apart: who holds requests back is not
 * to stand in the way of others. */
#define OF_ONE_MAX 8
/* How long libvirt is waited for, where the deadline allows it. */
#define ASK_MS 5000

struct Proxied {
    Agent *agent;
    Virt *virt; /* atomic */
    GMutex lock;
    GHashTable *open; /* uid -> requests under way */
};

Proxied *
proxied_new(Agent *agent)
{
    Proxied *proxied = g_new0(Proxied, 1);

    proxied->agent = agent;
    g_mutex_init(&proxied->lock);
    proxied->open = g_hash_table_new(NULL, NULL);
    return proxied;
}

void
proxied_set_virt(Proxied *proxied, Virt *virt)
{
    g_atomic_pointer_set(&proxied->virt, virt);
}

/* By so many more, or fewer; false: that would be too many. */
static bool
count(Proxied *proxied, guint uid, int by)
{
    gpointer key = GUINT_TO_POINTER(uid);
    int now;
    bool good;

    g_mutex_lock(&proxied->lock);
    now = GPOINTER_TO_INT(g_hash_table_lookup(proxied->open, key)) + by;
    good = uid == 0 || now <= OF_ONE_MAX;
    if (good && now > 0)
        g_hash_table_replace(proxied->open, key, GINT_TO_POINTER(now));
    else if (good)
        g_hash_table_remove(proxied->open, key);
    g_mutex_unlock(&proxied->lock);
    return good;
}

bool
proxied_enter(Proxied *proxied, guint uid, AgentAnswer *answer)
{
    if (count(proxied, uid, 1))
        return true;
    answer->busy = true;
    answer->message = g_strdup_printf(
        "user %u has %d definitions and disks under way already: try again "
        "when one of them is done",
        uid, OF_ONE_MAX);
    return false;
}

void
proxied_leave(Proxied *proxied, guint uid)
{
    (void)count(proxied, uid, -1);
}

/* The one disk of a device's plan, or NULL. */
static const char *
target_of(const DomPlan *plan)
{
    const GPtrArray *disks = plan ? dom_plan_disks(plan) : NULL;
    const DomDisk *disk =
        disks && disks->len == 1 ? g_ptr_array_index(disks, 0) : NULL;

    return disk ? disk->target : NULL;
}

/* name: NULL if the domain has none. plan: of a device, or NULL. Who is not root
 * may not know what libvirt calls a domain that he gave the UUID of. */
static void
refuse(const ProxiedRequest *request,
       const char *name,
       const DomPlan *plan,
       const GError *error,
       AgentAnswer *answer)
{
    const LogAbout about = {.domain = name};
    const char *called =
        request->uid != 0 && request->name[0] ? request->name : name;
    g_autofree char *text =
        proxied_public_text(request->uid, error, target_of(plan));

    answer->allow = false;
    answer->message = called
                          ? g_strdup_printf("domain '%.255s': %s", called, text)
                          : g_strdup_printf("the domain: %s", text);
    log_warning(&about, "refused to user %u: %s", request->uid, error->message);
}

/* xml NULL: as it is. It is the answer's then. */
static void
allow(const ProxiedRequest *request,
      const char *what,
      const char *name,
      char *xml,
      AgentAnswer *answer)
{
    const LogAbout about = {.domain = name};

    answer->allow = true;
    if (!xml)
        return;
    answer->output = g_bytes_new_take(xml, strlen(xml));
    log_info(&about, "rewritten for user %u (%s)", request->uid, what);
}

/* ---- definitions ----------------------------------------------------------- */

static guint
ask_ms(Host *host)
{
    return MIN(ASK_MS, host_conf(host)->hook_deadline_ms / 3);
}

static Virt *
virt_of(Proxied *proxied)
{
    return g_atomic_pointer_get(&proxied->virt);
}

/* libvirt says that there is none; without its word it is taken for known. */
static bool
is_new(Proxied *proxied, Host *host, const DomPlan *plan)
{
    g_auto(VirtDomain) domain = {0};
    g_autoptr(GError) error = NULL;

    return !dom_plan_uuid_given(plan) ||
           (!virt_ask(virt_of(proxied), dom_plan_uuid(plan), ask_ms(host),
                      &domain, &error) &&
            g_error_matches(error, VIRT_ERROR, VIRT_ERROR_GONE));
}

/* What a domain has already it keeps: it may run on it. */
static gboolean
check_new(Proxied *proxied,
          Host *host,
          const RequestKnown *known,
          const ProxiedRequest *request,
          GError **error)
{
    g_autoptr(DomPlan) plan = request_plan_with(
        host, HOST_ASK_NOBODY, known, request->body, request->len, true, NULL);

    return !plan || !protect_concerns(host, plan) ||
           !is_new(proxied, host, plan) || protect_check(host, plan, error);
}

static gboolean
rewrite_definition(Proxied *proxied,
                   Host *host,
                   const ProxiedRequest *request,
                   char **ret_xml,
                   GError **error)
{
    g_autoptr(VirtFacts) facts = host_facts_new(host);
    g_auto(VirtPools) pools = {0};
    g_auto(ProxiedNova) nova = {0};
    RequestKnown known;

    if (!virt_pools_ask(facts, request->body, request->len, ask_ms(host),
                        &pools, error) ||
        !proxied_nova_look(host, virt_of(proxied), ask_ms(host), request->body,
                           request->len, &nova, error))
        return FALSE;
    known = (RequestKnown){pools.pools, proxied_nova_asks(&nova)};
    return check_new(proxied, host, &known, request, error) &&
           rewrite_domain(host, &known, request->body, request->len, ret_xml,
                          error);
}

static void
serve_define(Proxied *proxied,
             Host *host,
             const ProxiedRequest *request,
             AgentAnswer *answer)
{
    g_autofree char *name = NULL;
    g_autoptr(GError) error = NULL;
    char *xml = NULL;
    bool good = rewrite_definition(proxied, host, request, &xml, &error);

    if (!good || xml)
        name = dom_xml_name(request->body, request->len);
    if (!good)
        refuse(request, name, NULL, error, answer);
    else
        allow(request, "definition", name, xml, answer);
}

static void
serve_move(Host *host, const ProxiedRequest *request, AgentAnswer *answer)
{
    g_autofree char *name = dom_xml_name(request->body, request->len);
    g_autoptr(GError) error = NULL;
    char *xml = NULL;

    if (!request_filter(host, request->body, request->len, NULL, &xml, &error))
        refuse(request, name, NULL, error, answer);
    else
        allow(request, "definition from elsewhere", name, xml, answer);
}

/* ---- devices --------------------------------------------------------------- */

static DomPlan *
plan_device(Host *host,
            const ProxiedRequest *request,
            VirtPools *ret_pools,
            GError **error)
{
    g_autoptr(VirtFacts) facts = host_facts_new(host);

    if (!virt_pools_ask(facts, request->body, request->len, ask_ms(host),
                        ret_pools, error))
        return NULL;
    return request_plan_device(host, ret_pools->pools, request->body,
                               request->len, request->name, NULL, error);
}

/* Whether it asks for a clone: a stored definition gets its name from the event
 * path, which knows the domain's other disks. */
static bool
asks_for_clone(const DomPlan *plan)
{
    const GPtrArray *disks = dom_plan_disks(plan);
    const DomDisk *disk = disks->len ? g_ptr_array_index(disks, 0) : NULL;

    return disk && disk->kind == DOM_DISK_CLONE;
}

/* What others clone is not copied to, whether this device asks for a clone or
 * names the image itself: nobody would see it before libvirt writes. */
static bool
is_among_images(const DomPlan *plan)
{
    const GPtrArray *disks = dom_plan_disks(plan);
    const DomDisk *disk = disks->len ? g_ptr_array_index(disks, 0) : NULL;

    return disk && (disk->kind == DOM_DISK_CLONE || disk->among_images);
}

static gboolean
refuse_copy_to_image(const DomPlan *plan, GError **error)
{
    const DomDisk *disk = g_ptr_array_index(dom_plan_disks(plan), 0);

    g_set_error(error, REQUEST_ERROR, REQUEST_ERROR_REFUSED,
                "disk '%s': '%s/%s' is an image to clone, and a copy would "
                "write to it: name an image of the disk's own that is there "
                "(rbd create)",
                disk->target,
                disk->parent_pool ? disk->parent_pool : disk->pool,
                disk->parent_image ? disk->parent_image : disk->image);
    return FALSE;
}

/* What a copy writes to is claimed as what is attached is. */
static void
serve_copy(Proxied *proxied,
           Host *host,
           const ProxiedRequest *request,
           AgentAnswer *answer)
{
    g_autoptr(GError) error = NULL;
    g_auto(VirtPools) pools = {0};
    g_autoptr(DomPlan) plan = plan_device(host, request, &pools, &error);
    const ProxiedDevice device = {request->uid, pools.pools, request->body,
                                  request->len, .copied_to = true};
    char *xml = NULL;
    gboolean good = FALSE;

    if (plan && dom_plan_disks(plan)->len == 0)
        good = TRUE;
    else if (plan && is_among_images(plan))
        good = refuse_copy_to_image(plan, &error);
    else if (plan)
        good = proxied_attach(host, proxied->agent, &device, NULL,
                              request->name, &xml, answer, &error);
    if (!good)
        refuse(request, request->name, plan, error, answer);
    else
        allow(request, "copy", request->name, xml, answer);
}

static void
answer_device(Host *host,
              DomPlan *plan,
              const ProxiedRequest *request,
              AgentAnswer *answer)
{
    g_autoptr(GError) error = NULL;
    char *xml = NULL;
    RewriteFor what = request->op == WIRE_PROXY_UPDATE ? REWRITE_FOR_UPDATE
                                                       : REWRITE_FOR_STORE;
    /* A disk that asks for a clone goes on as it is. */
    gboolean good =
        asks_for_clone(plan) || rewrite_device(host, plan, what, &xml, &error);

    if (!good)
        refuse(request, request->name, plan, error, answer);
    else
        allow(request, "device", request->name, xml, answer);
}

/* *ret_there: libvirt has it. What is not there it refuses itself. */
static gboolean
ask_domain(Proxied *proxied,
           Host *host,
           const char *uuid,
           VirtDomain *ret_domain,
           bool *ret_there,
           GError **error)
{
    g_autoptr(GError) why = NULL;

    *ret_there =
        virt_ask(virt_of(proxied), uuid, ask_ms(host), ret_domain, &why);
    if (*ret_there || g_error_matches(why, VIRT_ERROR, VIRT_ERROR_GONE))
        return TRUE;
    g_propagate_error(error, g_steal_pointer(&why));
    return FALSE;
}

static gboolean
check_medium(Proxied *proxied, Host *host, const DomPlan *plan, GError **error)
{
    const GPtrArray *disks = dom_plan_disks(plan);
    const DomDisk *disk = disks->len ? g_ptr_array_index(disks, 0) : NULL;
    g_auto(VirtDomain) domain = {0};
    bool there;

    if (!disk || !disk->ejectable || !disk->writable || !disk->image)
        return TRUE;
    return ask_domain(proxied, host, dom_plan_uuid(plan), &domain, &there,
                      error) &&
           (!there || proxied_medium(disk, &domain, error));
}

static void
serve_device(Proxied *proxied,
             Host *host,
             const ProxiedRequest *request,
             AgentAnswer *answer)
{
    g_autoptr(GError) error = NULL;
    g_auto(VirtPools) pools = {0};
    g_autoptr(DomPlan) plan = plan_device(host, request, &pools, &error);

    if (!plan || (request->op == WIRE_PROXY_UPDATE &&
                  !check_medium(proxied, host, plan, &error)))
        refuse(request, request->name, plan, error, answer);
    else
        answer_device(host, plan, request, answer);
}

static void
attach(Proxied *proxied,
       Host *host,
       const ProxiedRequest *request,
       const VirtPools *pools,
       const DomPlan *plan,
       const VirtDomain *domain,
       AgentAnswer *answer)
{
    g_autoptr(GError) error = NULL;
    char *xml = NULL;
    const ProxiedDevice device = {request->uid, pools->pools, request->body,
                                  request->len, .copied_to = false};

    if (!proxied_attach(host, proxied->agent, &device, domain, request->name,
                        &xml, answer, &error))
        refuse(request, domain->name, plan, error, answer);
    else
        allow(request, "device", domain->name, xml, answer);
}

static void
serve_attach(Proxied *proxied,
             Host *host,
             const ProxiedRequest *request,
             AgentAnswer *answer)
{
    g_autoptr(GError) error = NULL;
    g_auto(VirtDomain) domain = {0};
    g_auto(VirtPools) pools = {0};
    g_autoptr(DomPlan) plan = plan_device(host, request, &pools, &error);

    if (!plan) {
        refuse(request, request->name, NULL, error, answer);
    } else if (dom_plan_disks(plan)->len == 0) {
        answer->allow = true;
    } else if (virt_ask(virt_of(proxied), dom_plan_uuid(plan), ask_ms(host),
                        &domain, &error)) {
        if (domain.active)
            attach(proxied, host, request, &pools, plan, &domain, answer);
        else
            answer_device(host, plan, request, answer);
    } else if (g_error_matches(error, VIRT_ERROR, VIRT_ERROR_GONE)) {
        answer->allow = true; /* libvirt will say so itself */
    } else {
        refuse(request, request->name, plan, error, answer);
    }
}

/* Who leaves with its disks. A domain that is off libvirt refuses itself. */
static gboolean
check_moves(Proxied *proxied,
            Host *host,
            const ProxiedRequest *request,
            const ProxiedMoves *moves,
            GError **error)
{
    g_auto(VirtDomain) domain = {0};
    bool there;

    return ask_domain(proxied, host, request->name, &domain, &there, error) &&
           (!there || !domain.active ||
            proxied_moves_check(host, moves, domain.xml, error));
}

static void
serve_moves(Proxied *proxied,
            Host *host,
            const ProxiedRequest *request,
            AgentAnswer *answer)
{
    g_autoptr(GError) error = NULL;
    g_auto(ProxiedMoves) moves = {0};

    if (!proxied_moves_read(request->body, request->len, &moves))
        answer->message = g_strdup("the list of disks cannot be read");
    else if (!check_moves(proxied, host, request, &moves, &error))
        refuse(request, request->name, NULL, error, answer);
    else
        answer->allow = true;
}

/* ---- afterwards ------------------------------------------------------------ */

/* The attach of that device, or the call that began to copy to it, is over, well
 * or not. Nothing ends by a notice that names none, for libvirt may be at it
 * still. */
static void
end_attach(Proxied *proxied, Host *host, const ProxiedRequest *request)
{
    g_autoptr(DomPlan) plan =
        request->len
            ? request_plan_device(host, NULL, request->body, request->len,
                                  request->name, NULL, NULL)
            : NULL;
    const GPtrArray *disks = plan ? dom_plan_disks(plan) : NULL;
    const DomDisk *disk =
        disks && disks->len ? g_ptr_array_index(disks, 0) : NULL;

    g_autofree char *key =
        disk ? host_pool_key(host, disk->cluster, disk->pool) : NULL;

    if (disk && disk->image)
        pending_call_end(agent_pending(proxied->agent), dom_plan_uuid(plan),
                         key, disk->image);
}

static void
serve_call_ended(Proxied *proxied,
                 Host *host,
                 const ProxiedRequest *request,
                 AgentAnswer *answer)
{
    const LogAbout about = {.domain = request->name};
    g_autofree char *uuid = g_ascii_strdown(request->name, -1);
    g_autoptr(GError) error = NULL;

    answer->allow = true;
    end_attach(proxied, host, request);
    pending_add(agent_pending(proxied->agent), uuid, NULL);
    pending_run_one(agent_pending(proxied->agent), uuid);
    agent_settle_soon(proxied->agent, uuid, NULL);
    if (!virt_ask_look(virt_of(proxied), uuid, ask_ms(host), &error))
        log_debug(&about, "not looked at: %s", error->message);
}

/* A name goes into messages and into libvirt's calls. */
static bool
names_well(const ProxiedRequest *request, AgentAnswer *answer)
{
    if (!request->name[0] || g_uuid_string_is_valid(request->name))
        return true;
    answer->message = g_strdup("the name is not a domain's UUID");
    return false;
}

void
proxied_serve(Proxied *proxied,
              Host *host,
              const ProxiedRequest *request,
              AgentAnswer *ret_answer)
{
    if (wire_op_is_proxy(request->op) && !names_well(request, ret_answer))
        return;
    switch (request->op) {
    case WIRE_PROXY_DEFINE:
        serve_define(proxied, host, request, ret_answer);
        return;
    case WIRE_PROXY_MOVE:
        serve_move(host, request, ret_answer);
        return;
    case WIRE_PROXY_ATTACH_LIVE:
        serve_attach(proxied, host, request, ret_answer);
        return;
    case WIRE_PROXY_COPY:
        serve_copy(proxied, host, request, ret_answer);
        return;
    case WIRE_PROXY_MOVE_DISKS:
        serve_moves(proxied, host, request, ret_answer);
        return;
    case WIRE_PROXY_DEVICE:
    case WIRE_PROXY_UPDATE:
        serve_device(proxied, host, request, ret_answer);
        return;
    case WIRE_PROXY_CALL_ENDED:
        serve_call_ended(proxied, host, request, ret_answer);
        return;
    case WIRE_PREPARE:
    case WIRE_MIGRATE:
    case WIRE_RESTORE:
    case WIRE_STARTED:
    case WIRE_STOPPED:
    case WIRE_RELEASE:
    case WIRE_STATUS:
        break;
    }
    ret_answer->message = g_strdup("the proxy's socket is not for that");
}

void
proxied_undo(Proxied *proxied, const AgentAnswer *answer)
{
    agent_undo(proxied->agent, answer);
}
