/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * agent/proxied.c - what the proxy's requests do
 */
#include "config.h"

#include "agent/proxied.h"

#include "agent/log.h"
#include "agent/proxied-attach.h"
#include "agent/proxied-public.h"
#include "agent/request.h"
#include "agent/rewrite.h"
#include "agent/virt-ask.h"

#include <string.h>

/* What one user may have under way, root apart: who holds requests back is not
 * to stand in the way of others. */
#define OF_ONE_MAX 8
/* How long libvirt is waited for, where the deadline allows it. */
#define ASK_MS 5000

struct Front {
    Agent *agent;
    Virt *virt; /* atomic */
    GMutex lock;
    GHashTable *open; /* uid -> requests under way */
};

Front *
front_new(Agent *agent)
{
    Front *front = g_new0(Front, 1);

    front->agent = agent;
    g_mutex_init(&front->lock);
    front->open = g_hash_table_new(NULL, NULL);
    return front;
}

void
front_free(Front *front)
{
    if (!front)
        return;
    g_hash_table_unref(front->open);
    g_mutex_clear(&front->lock);
    g_free(front);
}

void
front_set_virt(Front *front, Virt *virt)
{
    g_atomic_pointer_set(&front->virt, virt);
}

/* By so many more, or fewer; false: that would be too many. */
static bool
count(Front *front, guint uid, int by)
{
    gpointer key = GUINT_TO_POINTER(uid);
    int now;
    bool good;

    g_mutex_lock(&front->lock);
    now = GPOINTER_TO_INT(g_hash_table_lookup(front->open, key)) + by;
    good = uid == 0 || now <= OF_ONE_MAX;
    if (good && now > 0)
        g_hash_table_replace(front->open, key, GINT_TO_POINTER(now));
    else if (good)
        g_hash_table_remove(front->open, key);
    g_mutex_unlock(&front->lock);
    return good;
}

bool
front_enter(Front *front, guint uid, AgentAnswer *answer)
{
    if (count(front, uid, 1))
        return true;
    answer->busy = true;
    answer->message = g_strdup_printf(
        "user %u has %d definitions and disks under way already: try again "
        "when one of them is done",
        uid, OF_ONE_MAX);
    return false;
}

void
front_leave(Front *front, guint uid)
{
    (void)count(front, uid, -1);
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
refuse(const FrontRequest *request,
       const char *name,
       const DomPlan *plan,
       const GError *error,
       AgentAnswer *answer)
{
    const LogAbout about = {.domain = name};
    const char *called =
        request->uid != 0 && request->name[0] ? request->name : name;
    g_autofree char *text =
        front_public_text(request->uid, error, target_of(plan));

    answer->allow = false;
    answer->message = called
                          ? g_strdup_printf("domain '%.255s': %s", called, text)
                          : g_strdup_printf("the domain: %s", text);
    log_warning(&about, "refused to user %u: %s", request->uid, error->message);
}

/* xml NULL: as it is. It is the answer's then. */
static void
allow(const FrontRequest *request,
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

static void
serve_define(Host *host, const FrontRequest *request, AgentAnswer *answer)
{
    g_autofree char *name = NULL;
    g_autoptr(GError) error = NULL;
    char *xml = NULL;
    bool good = rewrite_domain(host, request->body, request->len, &xml, &error);

    if (!good || xml)
        name = dom_peek_name(request->body, request->len);
    if (!good)
        refuse(request, name, NULL, error, answer);
    else
        allow(request, "definition", name, xml, answer);
}

static void
serve_move(Host *host, const FrontRequest *request, AgentAnswer *answer)
{
    g_autofree char *name = dom_peek_name(request->body, request->len);
    g_autoptr(GError) error = NULL;
    char *xml = NULL;

    if (!request_filter(host, request->body, request->len, NULL, &xml, &error))
        refuse(request, name, NULL, error, answer);
    else
        allow(request, "definition from elsewhere", name, xml, answer);
}

/* ---- devices --------------------------------------------------------------- */

static guint
ask_ms(Host *host)
{
    return MIN(ASK_MS, host_conf(host)->hook_deadline_ms / 3);
}

static Virt *
virt_of(Front *front)
{
    return g_atomic_pointer_get(&front->virt);
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
serve_copy(Front *front,
           Host *host,
           const FrontRequest *request,
           AgentAnswer *answer)
{
    const FrontDevice device = {request->uid, request->body, request->len,
                                .copied_to = true};
    g_autoptr(GError) error = NULL;
    g_autoptr(DomPlan) plan = rewrite_plan_device(
        host, request->body, request->len, request->name, NULL, &error);
    char *xml = NULL;
    gboolean good = FALSE;

    if (plan && dom_plan_disks(plan)->len == 0)
        good = TRUE;
    else if (plan && is_among_images(plan))
        good = refuse_copy_to_image(plan, &error);
    else if (plan)
        good = front_attach(host, front->agent, &device, NULL, request->name,
                            &xml, answer, &error);
    if (!good)
        refuse(request, request->name, plan, error, answer);
    else
        allow(request, "copy", request->name, xml, answer);
}

static void
answer_device(Host *host,
              DomPlan *plan,
              const FrontRequest *request,
              AgentAnswer *answer)
{
    g_autoptr(GError) error = NULL;
    char *xml = NULL;
    RewriteFor what = request->op == WIRE_FRONT_UPDATE ? REWRITE_FOR_UPDATE
                                                       : REWRITE_FOR_STORE;
    /* A disk that asks for a clone goes on as it is. */
    gboolean good =
        asks_for_clone(plan) || rewrite_device(host, plan, what, &xml, &error);

    if (!good)
        refuse(request, request->name, plan, error, answer);
    else
        allow(request, "device", request->name, xml, answer);
}

static void
serve_device(Host *host, const FrontRequest *request, AgentAnswer *answer)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(DomPlan) plan = rewrite_plan_device(
        host, request->body, request->len, request->name, NULL, &error);

    if (!plan)
        refuse(request, request->name, NULL, error, answer);
    else
        answer_device(host, plan, request, answer);
}

static void
attach(Front *front,
       Host *host,
       const FrontRequest *request,
       const DomPlan *plan,
       const VirtDomain *domain,
       AgentAnswer *answer)
{
    g_autoptr(GError) error = NULL;
    char *xml = NULL;
    const FrontDevice device = {request->uid, request->body, request->len,
                                .copied_to = false};

    if (!front_attach(host, front->agent, &device, domain, request->name, &xml,
                      answer, &error))
        refuse(request, domain->name, plan, error, answer);
    else
        allow(request, "device", domain->name, xml, answer);
}

static void
serve_attach(Front *front,
             Host *host,
             const FrontRequest *request,
             AgentAnswer *answer)
{
    g_autoptr(GError) error = NULL;
    g_auto(VirtDomain) domain = {0};
    g_autoptr(DomPlan) plan = rewrite_plan_device(
        host, request->body, request->len, request->name, NULL, &error);

    if (!plan) {
        refuse(request, request->name, NULL, error, answer);
    } else if (dom_plan_disks(plan)->len == 0) {
        answer->allow = true;
    } else if (virt_ask(virt_of(front), dom_plan_uuid(plan), ask_ms(host),
                        &domain, &error)) {
        if (domain.active)
            attach(front, host, request, plan, &domain, answer);
        else
            answer_device(host, plan, request, answer);
    } else if (g_error_matches(error, VIRT_ERROR, VIRT_ERROR_GONE)) {
        answer->allow = true; /* libvirt will say so itself */
    } else {
        refuse(request, request->name, plan, error, answer);
    }
}

/* ---- afterwards ------------------------------------------------------------ */

/* The attach of that device, or the call that began to copy to it, is over, well
 * or not. Nothing ends by a look that names none, for libvirt may be at it
 * still. */
static void
end_attach(Front *front, Host *host, const FrontRequest *request)
{
    g_autoptr(DomPlan) plan =
        request->len ? rewrite_plan_device(host, request->body, request->len,
                                           request->name, NULL, NULL)
                     : NULL;
    const GPtrArray *disks = plan ? dom_plan_disks(plan) : NULL;
    const DomDisk *disk =
        disks && disks->len ? g_ptr_array_index(disks, 0) : NULL;

    if (disk && disk->image)
        pending_call_end(agent_pending(front->agent), dom_plan_uuid(plan),
                         disk->pool, disk->image);
}

static void
serve_look(Front *front,
           Host *host,
           const FrontRequest *request,
           AgentAnswer *answer)
{
    const LogAbout about = {.domain = request->name};
    g_autofree char *uuid = g_ascii_strdown(request->name, -1);
    g_autoptr(GError) error = NULL;

    answer->allow = true;
    end_attach(front, host, request);
    pending_add(agent_pending(front->agent), uuid, NULL);
    pending_run_one(agent_pending(front->agent), uuid);
    agent_settle_soon(front->agent, uuid, NULL);
    if (!virt_ask_look(virt_of(front), uuid, ask_ms(host), &error))
        log_debug(&about, "not looked at: %s", error->message);
}

/* A name goes into messages and into libvirt's calls. */
static bool
names_well(const FrontRequest *request, AgentAnswer *answer)
{
    if (!request->name[0] || g_uuid_string_is_valid(request->name))
        return true;
    answer->message = g_strdup("the name is not a domain's UUID");
    return false;
}

void
front_serve(Front *front,
            Host *host,
            const FrontRequest *request,
            AgentAnswer *ret_answer)
{
    if (wire_op_is_front(request->op) && !names_well(request, ret_answer))
        return;
    switch (request->op) {
    case WIRE_FRONT_DEFINE:
        serve_define(host, request, ret_answer);
        return;
    case WIRE_FRONT_MOVE:
        serve_move(host, request, ret_answer);
        return;
    case WIRE_FRONT_ATTACH_LIVE:
        serve_attach(front, host, request, ret_answer);
        return;
    case WIRE_FRONT_COPY:
        serve_copy(front, host, request, ret_answer);
        return;
    case WIRE_FRONT_DEVICE:
    case WIRE_FRONT_UPDATE:
        serve_device(host, request, ret_answer);
        return;
    case WIRE_FRONT_LOOK:
        serve_look(front, host, request, ret_answer);
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
front_undo(Front *front, const AgentAnswer *answer)
{
    agent_undo(front->agent, answer);
}
