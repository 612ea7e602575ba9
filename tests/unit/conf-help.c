/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * tests/unit/conf-help.c - what the tests of conf/ share
 */
#include "config.h"

#include "tests/unit/conf-help.h"

#include <glib/gstdio.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static char *dir;
static char *file;

const char *
help_file(const char *text, gsize len)
{
    g_autoptr(GError) error = NULL;

    if (!dir) {
        dir = g_dir_make_tmp("remora-conf-XXXXXX", &error);
        g_assert_no_error(error);
        file = g_build_filename(dir, "remora.conf", NULL);
    }
    g_file_set_contents(file, text, (gssize)len, &error);
    g_assert_no_error(error);
    return file;
}

int
help_clean(void **state)
{
    (void)state;
    if (dir) {
        g_unlink(file);
        g_rmdir(dir);
    }
    g_clear_pointer(&file, g_free);
    g_clear_pointer(&dir, g_free);
    return 0;
}

Conf *
help_load(const char *text)
{
    g_autoptr(GError) error = NULL;
    Conf *conf = conf_load(help_file(text, strlen(text)), &error);

    if (!conf)
        fail_msg("refused: %s\nin: %.2000s", error->message, text);
    assert_null(error);
    return conf;
}

char *
help_refused(const char *text, gsize len, int *ret_code)
{
    const char *path = help_file(text, len);
    g_autofree char *prefix = g_strconcat(path, ":", NULL);
    g_autoptr(GError) error = NULL;
    g_autoptr(Conf) conf = conf_load(path, &error);

    if (conf)
        fail_msg("taken: %.2000s", text);
    assert_non_null(error);
    assert_true(error->domain == CONF_ERROR);
    assert_null(strchr(error->message, '\n'));
    assert_true(g_utf8_validate(error->message, -1, NULL));
    *ret_code = error->code;
    if (g_str_has_prefix(error->message, prefix))
        return g_strdup(error->message + strlen(prefix));
    return g_strdup(error->message);
}

static void
assert_same(const char *what, const char *a, const char *b)
{
    if (g_strcmp0(a, b) != 0)
        fail_msg("%s: '%s' is not '%s'", what, a ? a : "(NULL)",
                 b ? b : "(NULL)");
}

static void
assert_clusters_equal(const GPtrArray *a, const GPtrArray *b)
{
    assert_int_equal(a->len, b->len);
    for (guint i = 0; i < a->len; i++) {
        const ConfCluster *x = g_ptr_array_index(a, i);
        const ConfCluster *y = g_ptr_array_index(b, i);

        assert_same("name", x->name, y->name);
        assert_same("conf", x->conf, y->conf);
        assert_same("user", x->user, y->user);
        assert_same("keyring", x->keyring, y->keyring);
        assert_same("secret_uuid", x->secret_uuid, y->secret_uuid);
        assert_same("guest_user", x->guest_user, y->guest_user);
        assert_same("guest_keyring", x->guest_keyring, y->guest_keyring);
        assert_true(g_strv_equal((const char *const *)x->image_pools,
                                 (const char *const *)y->image_pools));
        assert_same("vms", x->vms_pool, y->vms_pool);
        assert_true(g_strv_equal((const char *const *)x->volume_pools,
                                 (const char *const *)y->volume_pools));
        assert_same("cachemodes", x->cachemodes, y->cachemodes);
        assert_same("discard", x->discard, y->discard);
        assert_same("bus", x->bus, y->bus);
        assert_int_equal(x->clone_object_size, y->clone_object_size);
        assert_same("clone_data_pool", x->clone_data_pool, y->clone_data_pool);
        assert_int_equal(x->clone_features, y->clone_features);
        assert_same("convert", x->clone_convert, y->clone_convert);
        assert_int_equal(x->clone_max_depth, y->clone_max_depth);
        assert_true(x->clone_flatten == y->clone_flatten);
    }
}

void
help_assert_equal(const Conf *a, const Conf *b)
{
    assert_clusters_equal(a->clusters, b->clusters);
    assert_int_equal(a->connect_timeout_ms, b->connect_timeout_ms);
    assert_int_equal(a->op_timeout_ms, b->op_timeout_ms);
    assert_true(g_strv_equal((const char *const *)a->image_pools,
                             (const char *const *)b->image_pools));
    assert_same("vms", a->vms_pool, b->vms_pool);
    assert_true(g_strv_equal((const char *const *)a->volume_pools,
                             (const char *const *)b->volume_pools));
    assert_same("cachemodes", a->cachemodes, b->cachemodes);
    assert_same("discard", a->discard, b->discard);
    assert_same("bus", a->bus, b->bus);
    assert_int_equal(a->clone_object_size, b->clone_object_size);
    assert_int_equal(a->image_object_size, b->image_object_size);
    assert_same("data_pool", a->clone_data_pool, b->clone_data_pool);
    assert_same("grow", a->clone_grow, b->clone_grow);
    assert_int_equal(a->clone_features, b->clone_features);
    assert_same("convert", a->clone_convert, b->clone_convert);
    assert_int_equal(a->clone_max_depth, b->clone_max_depth);
    assert_true(a->clone_flatten == b->clone_flatten);
    assert_int_equal(a->trash_expiry_s, b->trash_expiry_s);
    assert_same("socket", a->libvirt_socket, b->libvirt_socket);
    assert_true(a->complete_existing == b->complete_existing);
    assert_true(a->nova_metadata == b->nova_metadata);
    assert_same("nova.ephemeral_format", a->nova_ephemeral_format,
                b->nova_ephemeral_format);
    assert_int_equal(a->hook_deadline_ms, b->hook_deadline_ms);
}

char *
help_source(const char *name)
{
    const char *srcdir = g_getenv("srcdir");
    g_autofree char *path = g_build_filename(srcdir ? srcdir : ".", name, NULL);
    g_autoptr(GError) error = NULL;
    char *text = NULL;

    if (!g_file_get_contents(path, &text, NULL, &error))
        fail_msg("%s: run it by 'make check'", error->message);
    return text;
}
