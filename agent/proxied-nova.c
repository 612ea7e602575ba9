/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * agent/proxied-nova.c - whether what Nova's metadata asks for may be made
 */
#include "config.h"

#include "agent/proxied-nova.h"

#include "agent/request.h"
#include "agent/virt/ask.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>

void
proxied_nova_clear(ProxiedNova *nova)
{
    g_clear_pointer(&nova->gone, g_ptr_array_unref);
}

/* What cannot be looked at may be there. */
static bool
is_gone(const char *file)
{
    struct stat st;

    return lstat(file, &st) < 0 && errno == ENOENT;
}

static GPtrArray *
find_gone(const char *xml, gsize len)
{
    g_auto(GStrv) files = dom_nova_files(xml, len);
    g_autoptr(GPtrArray) gone = g_ptr_array_new_with_free_func(g_free);

    for (gsize i = 0; files[i]; i++)
        if (is_gone(files[i]))
            g_ptr_array_add(gone, g_strdup(files[i]));
    if (gone->len == 0)
        return NULL;
    g_ptr_array_add(gone, NULL);
    return g_steal_pointer(&gone);
}

/* Such as when Nova rescues the guest, or gives it another size. */
static bool
has_made_disks(Host *host, const char *xml)
{
    g_autoptr(DomPlan) plan =
        request_plan(host, HOST_ASK_NOBODY, xml, strlen(xml), false, NULL);
    const GPtrArray *disks = plan ? dom_plan_disks(plan) : NULL;

    for (guint i = 0; disks && i < disks->len; i++) {
        const DomDisk *disk = g_ptr_array_index(disks, i);

        if (dom_disk_is_made(disk) && disk->in_place)
            return true;
    }
    return false;
}

static gboolean
may_have_disks(Host *host,
               Virt *virt,
               guint timeout_ms,
               const DomPlan *plan,
               bool *ret_may,
               GError **error)
{
    g_auto(VirtDomain) domain = {0};
    g_autoptr(GError) why = NULL;

    *ret_may = !dom_plan_uuid_given(plan);
    if (*ret_may)
        return TRUE;
    if (virt_ask(virt, dom_plan_uuid(plan), timeout_ms, &domain, &why)) {
        *ret_may = has_made_disks(host, domain.xml);
        return TRUE;
    }
    *ret_may = g_error_matches(why, VIRT_ERROR, VIRT_ERROR_GONE);
    if (!*ret_may)
        g_propagate_error(error, g_steal_pointer(&why));
    return *ret_may;
}

gboolean
proxied_nova_look(Host *host,
                  Virt *virt,
                  guint timeout_ms,
                  const char *xml,
                  gsize len,
                  ProxiedNova *ret_nova,
                  GError **error)
{
    const Conf *conf = host_conf(host);
    g_autoptr(GPtrArray) gone =
        conf->nova_metadata ? find_gone(xml, len) : NULL;
    g_autoptr(DomPlan) plan =
        gone ? request_plan(host, HOST_ASK_NOBODY, xml, len, false, NULL)
             : NULL;
    bool may;

    /* What cannot be read is refused by who rewrites it. */
    if (!plan)
        return TRUE;
    if (!may_have_disks(host, virt, timeout_ms, plan, &may, error))
        return FALSE;
    if (!may)
        return TRUE;
    ret_nova->nova.gone = (const char *const *)gone->pdata;
    ret_nova->nova.ephemeral_format = conf->nova_ephemeral_format;
    ret_nova->gone = g_steal_pointer(&gone);
    return TRUE;
}
