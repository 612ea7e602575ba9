/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * tests/unit/test-agent-public.c - what a proxy's client may read of an error
 */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "agent/proxied-public.h"
#include "agent/request.h"
#include "agent/virt/error.h"

#include <gio/gio.h>
#include <string.h>

/* With everything in it that is nobody else's business. */
#define SECRET                                                                 \
    "disk 'vda': 'vms/x' is claimed by host 'alpha' for "                      \
    "'982b8eac-6bcc-4a21-bd04-b67e26188be0', client '192.0.2.10:0/123'"

#define NOT_SHOWN 'n'
#define SHOWN     's'

static void
check(GQuark domain, int code, char kind, const char *part)
{
    g_autoptr(GError) error = g_error_new_literal(domain, code, SECRET);
    g_autofree char *root = proxied_public_text(0, error, "vda");
    g_autofree char *user = proxied_public_text(1000, error, "vda");
    g_autofree char *bare = proxied_public_text(1000, error, NULL);

    assert_string_equal(root, SECRET);
    if (kind == SHOWN) {
        assert_string_equal(user, SECRET);
        assert_string_equal(bare, SECRET);
        return;
    }
    assert_true(g_str_has_prefix(user, "disk 'vda': "));
    assert_string_equal(user + strlen("disk 'vda': "), bare);
    if (!strstr(bare, part))
        fail_msg("'%s' does not have '%s'", bare, part);
    assert_non_null(strstr(bare, "remorad's log says "));
    assert_null(strstr(bare, "alpha"));
    assert_null(strstr(bare, "982b8eac"));
    assert_null(strstr(bare, "192.0.2"));
    assert_null(strstr(bare, "vms/x"));
}

static void
test_errors(void **state)
{
    (void)state;
    check(DOM_ERROR, DOM_ERROR_OWNER, SHOWN, NULL);
    check(DOM_ERROR, DOM_ERROR_REQUEST, SHOWN, NULL);
    check(REQUEST_ERROR, REQUEST_ERROR_REFUSED, SHOWN, NULL);
    check(STORE_ERROR, STORE_ERROR_MISSING, SHOWN, NULL);
    check(STORE_ERROR, STORE_ERROR_BUSY, NOT_SHOWN, "in use, or claimed");
    check(STORE_ERROR, STORE_ERROR_REFUSED, NOT_SHOWN, "this domain's disk");
    check(STORE_ERROR, STORE_ERROR_FULL, NOT_SHOWN, "full");
    check(STORE_ERROR, STORE_ERROR_DOWN, NOT_SHOWN, "does not answer");
    check(STORE_ERROR, STORE_ERROR_FENCED, NOT_SHOWN, "does not answer");
    check(STORE_ERROR, STORE_ERROR_FAILED, NOT_SHOWN, "did not do");
    check(STORE_ERROR, 1000, NOT_SHOWN, "did not do");
    check(VIRT_ERROR, VIRT_ERROR_FAILED, NOT_SHOWN, "libvirt");
    check(VIRT_ERROR, VIRT_ERROR_GONE, NOT_SHOWN, "libvirt");
    check(VIRT_ERROR, VIRT_ERROR_DISCONNECTED, NOT_SHOWN, "libvirt");
    check(G_IO_ERROR, G_IO_ERROR_FAILED, NOT_SHOWN, "cannot be done");
}

/* The target is a client's text. */
static void
test_long_target(void **state)
{
    g_autofree char *target = g_strnfill(4096, 't');
    g_autoptr(GError) error =
        g_error_new_literal(STORE_ERROR, STORE_ERROR_BUSY, SECRET);
    g_autofree char *text = proxied_public_text(1000, error, target);

    (void)state;
    assert_true(strlen(text) < 512);
    assert_non_null(strstr(text, "in use"));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_errors),
        cmocka_unit_test(test_long_target),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
