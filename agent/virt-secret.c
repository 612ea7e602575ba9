/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * agent/virt-secret.c - the libvirt secret with the guests' cephx key
 */
#include "config.h"

#include "agent/virt-secret.h"

#include <stdlib.h>
#include <string.h>

/* What a secret of ours calls itself; the user follows. */
#define USAGE_PREFIX "remora client."

static void
wipe(guchar *key, gsize len)
{
    if (key)
        explicit_bzero(key, len);
    g_free(key);
}

static virSecretPtr
define_secret(Host *host, virConnectPtr conn, const char *uuid, GError **error)
{
    g_autofree char *xml = g_markup_printf_escaped(
        "<secret ephemeral='no' private='yes'>"
        "<uuid>%s</uuid>"
        "<usage type='ceph'><name>" USAGE_PREFIX "%s %s</name></usage>"
        "</secret>",
        uuid, host_guest_user(host), uuid);
    virSecretPtr secret = virSecretDefineXML(conn, xml, 0);

    if (!secret)
        virt_fail(error, "cannot define the secret %s", uuid);
    return secret;
}

/* libvirt does not show a private value, but says when there is none. */
static bool
has_value(virSecretPtr secret)
{
    size_t len = 0;
    unsigned char *value = virSecretGetValue(secret, &len, 0);
    const virError *last;

    if (value) {
        explicit_bzero(value, len);
        free(value);
        return true;
    }
    last = virGetLastError();
    return !last || last->code != VIR_ERR_NO_SECRET;
}

static bool
is_ours(virSecretPtr secret)
{
    const char *usage = virSecretGetUsageID(secret);

    return usage && g_str_has_prefix(usage, USAGE_PREFIX);
}

static gboolean
set_value(Host *host, virSecretPtr secret, GError **error)
{
    const ConfCluster *first = g_ptr_array_index(host_conf(host)->clusters, 0);
    const char *keyring =
        first->guest_user ? first->guest_keyring : first->keyring;
    char *text = store_user_key(host_cluster(host), host_guest_user(host),
                                keyring, error);
    guchar *key;
    gsize len = 0;
    int r;

    if (!text)
        return FALSE;
    key = g_base64_decode(text, &len);
    store_key_free(text);
    r = virSecretSetValue(secret, key, len, 0);
    wipe(key, len);
    if (r < 0)
        return virt_fail(error, "cannot set the secret's value");
    return TRUE;
}

gboolean
virt_secret_ensure(Host *host,
                   virConnectPtr conn,
                   bool *ret_made,
                   GError **error)
{
    g_autofree char *uuid = NULL;
    g_autoptr(virSecret) secret = NULL;
    const char *fsid = store_cluster_fsid(host_cluster(host), error);

    *ret_made = false;
    if (!fsid)
        return FALSE;
    uuid = host_secret_uuid(host, fsid);
    secret = virSecretLookupByUUIDString(conn, uuid);
    if (secret && !is_ours(secret) && has_value(secret))
        return TRUE;
    *ret_made = secret == NULL;
    if (!secret)
        secret = define_secret(host, conn, uuid, error);
    return secret && set_value(host, secret, error);
}
