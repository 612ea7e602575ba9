/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * agent/rbd/conn/key.c - a user's key, found where librados would find it
 *
 * QEMU gets its key from a libvirt secret, and that has to be filled from
 * what the host already has. librados reads the file but does not give the
 * key away, so the options are asked of it (they hold the defaults, and the
 * names in them are expanded) and the file is read here. Of its options 'key'
 * wins over 'keyfile', and both over the keyrings. Every buffer that held a
 * key is wiped.
 */
#include "config.h"

#include "agent/rbd/conn/key.h"

#include "agent/rbd/conn/error.h"
#include "agent/rbd/conn/keyring.h"

#include <errno.h>
#include <glib/gstdio.h>
#include <rados/librados.h>
#include <string.h>
#include <sys/stat.h>

#define KEYRING_MAX (1024 * 1024)
#define OPTION_MAX  8192u

void
store_key_free(char *key)
{
    if (key)
        explicit_bzero(key, strlen(key));
    g_free(key);
}

typedef char *StoreSecret;

static void
secret_clear(StoreSecret *secret)
{
    g_clear_pointer(secret, store_key_free);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(StoreSecret, secret_clear)

/* NULL: not there, not readable, or not a file that could hold a key. The
 * contents are read in one piece, so that no copy stays behind. */
static char *
read_secret(const char *path)
{
    GStatBuf info;
    char *text = NULL;

    if (g_stat(path, &info) != 0 || !S_ISREG(info.st_mode) ||
        info.st_size > KEYRING_MAX)
        return NULL;
    return g_file_get_contents(path, &text, NULL, NULL) ? text : NULL;
}

static char *
checked(const char *key, const char *where, const char *user, GError **error)
{
    if (store_key_is_valid(key))
        return g_strdup(key);
    store_refuse(error, STORE_ERROR_REFUSED,
                 "the key of 'client.%s' in %s is malformed: export it again "
                 "(ceph auth get client.%s)",
                 user, where, user);
    return NULL;
}

/* NULL without an error: this keyring holds no such key. */
static char *
from_keyring(const char *path, const char *user, bool *ret_read, GError **error)
{
    g_auto(StoreSecret) text = read_secret(path);
    gsize size = text ? strlen(text) : 0;
    g_autofree char *where = g_strdup_printf("keyring '%s'", path);
    const char *key;
    char *copy;

    *ret_read = text != NULL;
    if (!text)
        return NULL;
    key = store_keyring_find(text, user);
    copy = key ? checked(key, where, user, error) : NULL;
    /* Parsing has put ends into it: wipe it by its whole length. */
    explicit_bzero(text, size);
    return copy;
}

static char *
from_given(const char *path, const char *user, GError **error)
{
    g_autoptr(GError) why = NULL;
    bool was_read;
    char *key = from_keyring(path, user, &was_read, &why);

    if (key)
        return key;
    if (why)
        g_propagate_error(error, g_steal_pointer(&why));
    else if (!was_read)
        store_refuse(error, STORE_ERROR_FAILED,
                     "cannot read the keyring '%s': does it exist, and may "
                     "this user read it?",
                     path);
    else
        store_refuse(error, STORE_ERROR_MISSING,
                     "keyring '%s' holds no key of 'client.%s': add it (ceph "
                     "auth get client.%s)",
                     path, user, user);
    return NULL;
}

static char *
from_list(const char *list, const char *user, GError **error)
{
    g_auto(GStrv) paths = g_strsplit_set(list, ",; \t", -1);

    for (gsize i = 0; paths[i]; i++) {
        g_autoptr(GError) why = NULL;
        bool was_read;
        char *key = NULL;

        if (*paths[i])
            key = from_keyring(paths[i], user, &was_read, &why);
        if (key)
            return key;
        if (why) {
            g_propagate_error(error, g_steal_pointer(&why));
            return NULL;
        }
    }
    store_refuse(error, STORE_ERROR_MISSING,
                 "no key of 'client.%s' is in any keyring that librados would "
                 "use (%s): put it there (ceph auth get client.%s)",
                 user, list, user);
    return NULL;
}

static char *
from_keyfile(const char *path, const char *user, GError **error)
{
    g_auto(StoreSecret) text = read_secret(path);
    g_autofree char *where = g_strdup_printf("keyfile '%s'", path);

    if (text)
        return checked(g_strstrip(text), where, user, error);
    store_refuse(error, STORE_ERROR_FAILED,
                 "cannot read the keyfile '%s' of 'client.%s': does it exist, "
                 "and may this user read it?",
                 path, user);
    return NULL;
}

static char *
from_options(rados_t rados, const char *user, GError **error)
{
    char *text = g_malloc0(OPTION_MAX);
    char *key = NULL;

    if (rados_conf_get(rados, "key", text, OPTION_MAX) >= 0 && *text)
        key = checked(text, "the option 'key'", user, error);
    else if (rados_conf_get(rados, "keyfile", text, OPTION_MAX) >= 0 && *text)
        key = from_keyfile(text, user, error);
    else if (rados_conf_get(rados, "keyring", text, OPTION_MAX) >= 0)
        key = from_list(text, user, error);
    else
        store_refuse(error, STORE_ERROR_FAILED,
                     "the option 'keyring' is longer than %u bytes: name the "
                     "keyring of 'client.%s' itself",
                     OPTION_MAX, user);
    explicit_bzero(text, OPTION_MAX);
    g_free(text);
    return key;
}

char *
store_user_key(const StoreCluster *cluster,
               const char *user,
               const char *keyring,
               GError **error)
{
    g_autoptr(GError) why = NULL;
    rados_t rados = NULL;
    char *key = NULL;
    int r;

    if (keyring)
        return from_given(keyring, user, error);
    r = rados_create(&rados, user);
    if (r < 0) {
        store_explain(error, r, "cannot set up a connection");
        return NULL;
    }
    r = rados_conf_read_file(rados, store_settings(cluster)->conf);
    if (r < 0)
        store_explain(&why, r, "cannot read '%s'", store_conf_path(cluster));
    else
        key = from_options(rados, user, &why);
    rados_shutdown(rados);
    if (why)
        g_propagate_error(error, g_steal_pointer(&why));
    return key;
}
