/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * tests/unit/test-agent-moves.c - which disks a migration would copy onto
 * themselves
 */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "agent/proxied-moves.h"
#include "tests/unit/xml-site.h"

#include <string.h>

#define UUID "982b8eac-6bcc-4a21-bd04-b67e26188be0"

/* ---- the body ---------------------------------------------------------------- */

static void
test_read(void **state)
{
    static const char some[] = "+vda\n+\n+vdc\n-<domain/>";
    g_auto(ProxiedMoves) moves = {0};
    g_auto(ProxiedMoves) all = {0};

    (void)state;
    assert_true(proxied_moves_read(some, sizeof(some) - 1, &moves));
    assert_int_equal(moves.targets->len, 3);
    assert_string_equal(moves.targets->pdata[0], "vda");
    assert_string_equal(moves.targets->pdata[1], "");
    assert_string_equal(moves.targets->pdata[2], "vdc");
    assert_int_equal(moves.len, strlen("<domain/>"));
    assert_memory_equal(moves.xml, "<domain/>", moves.len);
    assert_true(proxied_moves_read("-", 1, &all));
    assert_null(all.targets);
    assert_null(all.xml);
}

/* In memory that ends there, so that a sanitizer sees one byte more. */
static void
test_read_broken(void **state)
{
    static const char good[] = "+vda\n-";
    static const char *const bad[] = {"", "x", "+vda", "<domain/>"};

    (void)state;
    for (gsize len = 0; len < sizeof(good) - 1; len++) {
        g_autofree char *copy = g_memdup2(good, len);
        g_auto(ProxiedMoves) moves = {0};

        assert_int_equal(proxied_moves_read(copy, len, &moves),
                         len == sizeof(good) - 1);
    }
    for (gsize i = 0; i < G_N_ELEMENTS(bad); i++) {
        g_auto(ProxiedMoves) moves = {0};

        assert_false(proxied_moves_read(bad[i], strlen(bad[i]), &moves));
    }
}

/* ---- what is copied ------------------------------------------------------------ */

#define DISK(target, image, more)                                              \
    "<disk type='network' device='disk'>"                                      \
    "<source protocol='rbd' name='" image "'/>"                                \
    "<target dev='" target "' bus='virtio'/>" more "</disk>"
#define FILE_DISK(target, more)                                                \
    "<disk type='file' device='disk'><driver name='qemu' type='qcow2'/>"       \
    "<source file='/f'/>" more "<target dev='" target                          \
    "' bus='virtio'/></disk>"

static DomPlan *
plan(const char *disks)
{
    const DomRules rules = site_rules();
    g_autofree char *xml = g_strdup_printf(
        "<domain type='kvm'><name>web</name><uuid>" UUID "</uuid><devices>%s"
        "</devices></domain>",
        disks);
    g_autoptr(GError) error = NULL;
    DomPlan *plan = dom_plan_new(xml, strlen(xml), &rules, &error);

    if (!plan)
        fail_msg("%s", error->message);
    return plan;
}

/* there NULL: as here. target NULL: nothing is copied onto itself. */
static void
check(const char *here,
      const char *there,
      const char *const *named,
      const char *target)
{
    g_autoptr(DomPlan) one = plan(here);
    g_autoptr(DomPlan) other = plan(there ? there : here);
    g_autoptr(GPtrArray) targets = named ? g_ptr_array_new() : NULL;
    const DomDisk *found;

    for (gsize i = 0; named && named[i]; i++)
        g_ptr_array_add(targets, (gpointer)named[i]);
    found = proxied_moves_onto_itself(one, other, targets);
    if (!target)
        assert_null(found);
    else
        assert_string_equal(found ? found->target : "none", target);
}

static void
test_onto_itself(void **state)
{
    static const char *const vda[] = {"vda", NULL};
    static const char *const others[] = {"vdb", "", NULL};
    static const char one[] = DISK("vda", "volumes/a", "");

    (void)state;
    check(one, NULL, NULL, "vda");
    check(one, NULL, vda, "vda");
    check(one, NULL, others, NULL);
    check(FILE_DISK("vda", "") DISK("vdb", "volumes/a", ""), NULL, NULL, "vdb");
    check(FILE_DISK("vda", "") DISK("vdb", "volumes/a", ""), NULL, vda, NULL);
    check(FILE_DISK("vda", ""), NULL, NULL, NULL);
    /* No pool of ours. */
    check(DISK("vda", "theirs/a", ""), NULL, NULL, NULL);
}

/* libvirt leaves out what cannot be written, and what is shared unless it is
 * named. */
static void
test_chosen(void **state)
{
    static const char *const vda[] = {"vda", NULL};

    (void)state;
    check(DISK("vda", "volumes/a", "<readonly/>"), NULL, NULL, NULL);
    check(DISK("vda", "volumes/a", "<shareable/>"), NULL, NULL, NULL);
    check(DISK("vda", "volumes/a", "<shareable/>"), NULL, vda, "vda");
}

static void
test_elsewhere(void **state)
{
    static const char one[] = DISK("vda", "volumes/a", "");
    static const char two[] =
        DISK("vda", "volumes/a", "") DISK("vdb", "volumes/b", "");

    (void)state;
    check(one, DISK("vda", "volumes/b", ""), NULL, NULL);
    check(one, DISK("vda", "vms/a", ""), NULL, NULL);
    check(one, FILE_DISK("vda", ""), NULL, NULL);
    check(FILE_DISK("vda", ""), one, NULL, NULL);
    check(two, DISK("vda", "volumes/b", "") DISK("vdb", "volumes/c", ""), NULL,
          "vda");
    check(two, DISK("vda", "volumes/c", "") DISK("vdb", "volumes/b", ""), NULL,
          "vdb");
}

/* An overlay of the host's own is filled there, and what is below it is read. */
static void
test_overlay(void **state)
{
    static const char *const vda[] = {"vda", NULL};
    static const char overlay[] =
        "</devices><metadata><r:domain xmlns:r='urn:remora:domain:1'>"
        "<r:disk target='vda' image='images/i@s' destination='vms/" UUID
        "_disk' size='1073741824'/></r:domain></metadata><devices>" FILE_DISK(
            "vda", "<backingStore type='network'><format type='raw'/>"
                   "<source protocol='rbd' name='vms/" UUID
                   "_disk'/><backingStore/></backingStore>");
    g_autoptr(DomPlan) one = plan(overlay);

    (void)state;
    assert_int_equal(dom_plan_disks(one)->len, 1);
    check(overlay, NULL, NULL, NULL);
    check(overlay, NULL, vda, NULL);
    /* But not onto what is below it here. */
    check(overlay, DISK("vda", "vms/" UUID "_disk", ""), NULL, "vda");
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_read),        cmocka_unit_test(test_read_broken),
        cmocka_unit_test(test_onto_itself), cmocka_unit_test(test_chosen),
        cmocka_unit_test(test_elsewhere),   cmocka_unit_test(test_overlay),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
