/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * tests/unit/test-virt-define.c - which definitions are looked at closely
 *
 * Over libvirt's test driver, which needs no daemon.
 */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "agent/virt/define.h"
#include "agent/virt/each.h"

#include <string.h>

static struct {
    bool concerns;
    guint asked; /* what is to become of it */
} now;

static void
free_nothing(gpointer data)
{
    (void)data;
}

static bool
concerns(const char *xml)
{
    assert_non_null(strstr(xml, "<name>test</name>"));
    return now.concerns;
}

static gboolean
changes(gpointer data,
        const GArray *pools,
        const char *xml,
        VirtLive live,
        gpointer domain,
        VirtChanges *ret_changes,
        GError **error)
{
    (void)data;
    (void)pools;
    (void)xml;
    (void)live;
    (void)domain;
    (void)ret_changes;
    (void)error;
    now.asked++;
    return TRUE;
}

static bool
completes(gpointer data)
{
    (void)data;
    return false;
}

static const VirtFactsClass class = {
    .free = free_nothing,
    .concerns = concerns,
    .changes = changes,
    .completes = completes,
};

/* The one domain that the test driver has. */
static void
look(bool is_concerned, guint asked)
{
    g_autoptr(VirtFacts) facts = virt_facts_new(&class, NULL);
    g_autoptr(virConnect) conn = virConnectOpen("test:///default");
    g_autoptr(virDomain) domain = virDomainLookupByName(conn, "test");
    g_auto(VirtDefined) defined = {0};
    g_autoptr(GError) error = NULL;

    now.concerns = is_concerned;
    now.asked = 0;
    assert_true(virt_define_rewrite(facts, domain, &defined, &error));
    assert_int_equal(now.asked, asked);
    assert_false(defined.changed);
    assert_false(defined.left);
    assert_non_null(strstr(defined.xml, "<name>test</name>"));
}

static void
test_foreign(void **state)
{
    (void)state;
    look(false, 0);
}

static void
test_perhaps_ours(void **state)
{
    (void)state;
    look(true, 1);
}

static void
count(gpointer data, virDomainPtr domain)
{
    guint *n = data;

    assert_string_equal(virDomainGetName(domain), "test");
    (*n)++;
}

static void
test_each(void **state)
{
    g_autoptr(virConnect) conn = virConnectOpen("test:///default");
    guint n = 0;

    (void)state;
    assert_true(virt_each(conn, VIR_CONNECT_LIST_DOMAINS_ACTIVE, count, &n));
    assert_int_equal(n, 1);
    assert_true(virt_each(conn, VIR_CONNECT_LIST_DOMAINS_INACTIVE, count, &n));
    assert_int_equal(n, 1);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_foreign),
        cmocka_unit_test(test_perhaps_ours),
        cmocka_unit_test(test_each),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
