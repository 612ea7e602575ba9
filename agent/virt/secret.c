/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * agent/virt/secret.c - the libvirt secret with the guests' cephx key
 */
#include "config.h"

#include "agent/virt/secret.h"

#include "agent/log.h"
#include "agent/secret.h"

#include <stdlib.h>
#include <string.h>

static void
wipe(guchar *key, gsize len)
{
    if (key)
        explicit_bzero(key, len);
    g_free(key);
}

typedef enum {
    SECRET_HAS_KEY,    /* today's */
    SECRET_IS_MADE,    /* the same, and it was made, or made private, first */
    SECRET_IS_FOREIGN, /* it is somebody else's, and used as it is */
} SecretDone;

/* One secret, and what it is to be. */
typedef struct {
    const VirtFacts *facts;
    guint index;
    const char *user;
    virConnectPtr conn;
    const char *uuid;
    const char *usage;
} Wanted;

/* *ret_kind by what libvirt says now. secret NULL: there is none. */
static gboolean
look_at(const Wanted *wanted,
        virSecretPtr secret,
        SecretKind *ret_kind,
        GError **error)
{
    char *xml = secret ? virSecretGetXMLDesc(secret, 0) : NULL;

    if (secret && !xml)
        return virt_fail(error, "cannot see the secret '%s'", wanted->uuid);
    *ret_kind = secret_kind(xml, wanted->usage);
    free(xml);
    return TRUE;
}

/* libvirt does not show a private value, and does not say either when there is
 * none. */
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

static gboolean
refuse(const Wanted *wanted, SecretKind kind, GError **error)
{
    if (kind == SECRET_OPEN)
        g_set_error(
            error, VIRT_ERROR, VIRT_ERROR_REFUSED,
            "'%s' says private='no', so whoever may read secrets reads "
            "its value: see who made it (virsh secret-dumpxml %s); once "
            "it is gone (virsh secret-undefine %s), a reload makes a "
            "private one",
            wanted->uuid, wanted->uuid, wanted->uuid);
    else
        g_set_error(error, VIRT_ERROR, VIRT_ERROR_REFUSED,
                    "'%s' is not remora's, and has no value: see who made it "
                    "(virsh secret-dumpxml %s), and give it the key of "
                    "client.%s (virsh secret-set-value), or remora another "
                    "UUID (clusters.secret_uuid)",
                    wanted->uuid, wanted->uuid, wanted->user);
    return FALSE;
}

static virSecretPtr
define_secret(const Wanted *wanted, GError **error)
{
    g_autofree char *xml = secret_xml(wanted->user, wanted->uuid);
    virSecretPtr secret = virSecretDefineXML(wanted->conn, xml, 0);

    if (!secret)
        virt_fail(error, "cannot define '%s'", wanted->uuid);
    return secret;
}

/* wipe() it. */
static guchar *
read_key(const Wanted *wanted, gsize *ret_len, GError **error)
{
    const VirtFacts *facts = wanted->facts;
    char *text = facts->class->secret_key(facts->data, wanted->index, error);
    guchar *key = text ? g_base64_decode(text, ret_len) : NULL;

    facts->class->free_key(text);
    return key;
}

/* Right before the key goes into it, the secret is looked at once more: it is
 * another call that made it, and others may define secrets, too. One that is
 * private cannot be made open, only be undefined. */
static gboolean
set_value(const Wanted *wanted, virSecretPtr secret, GError **error)
{
    gsize len = 0;
    guchar *key = read_key(wanted, &len, error);
    SecretKind kind;
    gboolean good = key && look_at(wanted, secret, &kind, error);

    if (good && kind != SECRET_OURS)
        good = refuse(wanted, kind, error);
    if (good && virSecretSetValue(secret, key, len, 0) < 0)
        good = virt_fail(error, "cannot set the value of '%s'", wanted->uuid);
    wipe(key, len);
    return good;
}

static gboolean
ensure(const Wanted *wanted, SecretDone *ret_done, GError **error)
{
    g_autoptr(virSecret) found =
        virSecretLookupByUUIDString(wanted->conn, wanted->uuid);
    g_autoptr(virSecret) made = NULL;
    SecretKind kind;
    SecretStep step;

    if (!look_at(wanted, found, &kind, error))
        return FALSE;
    step = secret_step(kind, found && has_value(found));
    *ret_done = step == SECRET_USE      ? SECRET_IS_FOREIGN
                : step == SECRET_DEFINE ? SECRET_IS_MADE
                                        : SECRET_HAS_KEY;
    if (step == SECRET_USE)
        return TRUE;
    if (step == SECRET_REFUSE)
        return refuse(wanted, kind, error);
    if (step == SECRET_DEFINE && !(made = define_secret(wanted, error)))
        return FALSE;
    return set_value(wanted, made ? made : found, error);
}

static gboolean
ensure_one(const VirtFacts *facts,
           guint index,
           virConnectPtr conn,
           SecretDone *ret_done,
           GError **error)
{
    const char *user = facts->class->secret_name(facts->data, index);
    g_autofree char *uuid =
        facts->class->secret_uuid(facts->data, index, error);
    g_autofree char *usage = uuid ? secret_usage(user, uuid) : NULL;
    const Wanted wanted = {facts, index, user, conn, uuid, usage};

    return uuid && ensure(&wanted, ret_done, error);
}

static void
log_done(const char *user, SecretDone done)
{
    if (done == SECRET_IS_MADE)
        log_info(NULL, "made the libvirt secret of client.%s", user);
    else if (done == SECRET_IS_FOREIGN)
        log_info(NULL,
                 "the libvirt secret of client.%s is somebody else's, and is "
                 "used as it is",
                 user);
}

bool
virt_secrets_ensure(const VirtFacts *facts,
                    virConnectPtr conn,
                    bool *ret_failed)
{
    const char *user;
    bool again = false;

    for (guint i = 0; (user = facts->class->secret_name(facts->data, i)); i++) {
        g_autoptr(GError) error = NULL;
        SecretDone done;

        if (ensure_one(facts, i, conn, &done, &error)) {
            log_done(user, done);
            continue;
        }
        log_warning(NULL, "the libvirt secret is not up to date: %s",
                    error->message);
        again |= facts->class->may_pass(error);
        if (g_error_matches(error, VIRT_ERROR, VIRT_ERROR_FAILED))
            *ret_failed = true;
    }
    return again;
}
