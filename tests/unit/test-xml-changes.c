/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * tests/unit/test-xml-changes.c - a rewrite as calls of libvirt, and the way back
 */
#include "config.h"

#include "tests/unit/xml-domain.h"
#include "tests/unit/xml-site.h"
#include "xml/dom.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

static void
test_changes(void **state G_GNUC_UNUSED)
{
    g_autoptr(DomPlan) plan = plan_domain(
        "<remora:disk target='vdb' image='i'/>",
        "<disk type='network'><source protocol='rbd' name='images/i@snap'/>"
        "<target dev='vda'/></disk>",
        NULL);
    g_autoptr(DomPlan) empty = plan_domain("", "", NULL);
    g_autoptr(DomChanges) changes = NULL;
    DomChanges *none = NULL;
    DomSite site = site_default();

    site.bus = "scsi";
    assert_true(dom_plan_changes(plan, &site, &changes, NULL));
    assert_true(g_str_has_prefix(changes->metadata, "<domain><disk target="));
    assert_null(strstr(changes->metadata, "xmlns"));
    assert_null(strstr(changes->metadata, "remora:"));
    assert_int_equal(changes->updates->len, 1);
    assert_int_equal(changes->additions->len, 2);
    assert_int_equal(changes->removals->len, 0);
    assert_string_equal(changes->additions->pdata[0],
                        "<controller type=\"scsi\" index=\"0\" "
                        "model=\"virtio-scsi\"/>");
    assert_true(g_str_has_prefix(changes->additions->pdata[1], "<disk "));
    assert_true(g_str_has_prefix(changes->updates->pdata[0], "<disk "));
    assert_true(dom_plan_changes(empty, &site, &none, NULL));
    assert_null(none);
    dom_changes_free(NULL);
}

/* One of two is in use. */
static void
test_left(void **state G_GNUC_UNUSED)
{
    g_autoptr(DomPlan) plan = plan_domain(
        "<remora:disk target='vdb' image='i'/>"
        "<remora:disk target='vdc' image='i'/>",
        "<disk type='network'><source protocol='rbd' name='images/i@snap'/>"
        "<target dev='vda'/></disk>",
        NULL);
    const GPtrArray *disks = dom_plan_disks(plan);
    g_autoptr(DomChanges) changes = NULL;
    DomChanges *none = NULL;
    DomSite site = site_default();

    dom_disk_leave(g_ptr_array_index(disks, 0));
    dom_disk_leave(g_ptr_array_index(disks, 2));
    assert_true(dom_plan_changes(plan, &site, &changes, NULL));
    assert_int_equal(changes->updates->len, 0);
    assert_int_equal(changes->additions->len, 1);
    assert_string_equal(changes->targets->pdata[0], "vdb");
    assert_null(strstr(changes->metadata, "vda"));
    assert_null(strstr(changes->metadata, "_disk.vdc"));
    dom_disk_leave(g_ptr_array_index(disks, 1));
    assert_true(dom_plan_changes(plan, &site, &none, NULL));
    assert_null(none);
}

static DomChanges *
revert_text(const char *entries, const char *disks)
{
    g_autofree char *xml = domain_text(entries, disks);
    DomChanges *changes = NULL;
    g_autoptr(GError) error = NULL;

    if (!dom_revert(xml, strlen(xml), &changes, &error))
        fail_msg("%s", error->message);
    return changes;
}

#define PUT(name)                                                              \
    "<disk type='network'><source protocol='rbd' name='" name                  \
    "'/><target dev='vda'/></disk>"
#define KEPT                                                                   \
    "<remora:disk target='vda' image='images/i@snap' destination='vms/" UUID   \
    "_disk' size='1024'>\n <remora:original image='i' size='1K'>%s"            \
    "</remora:original>\n</remora:disk>"

static void
test_revert(void **state G_GNUC_UNUSED)
{
    g_autofree char *made = g_strdup_printf(KEPT, "");
    g_autofree char *had = g_strdup_printf(
        KEPT, "<remora:disk type='file' remora:x='y'><remora:target dev='vda'/>"
              "</remora:disk>");
    g_autoptr(DomChanges) one = revert_text(made, PUT("vms/" UUID "_disk"));
    g_autoptr(DomChanges) two = revert_text(had, PUT("vms/" UUID "_disk"));

    assert_string_equal(one->metadata,
                        "<domain><disk target=\"vda\" image=\"i\" "
                        "size=\"1K\"/></domain>");
    assert_int_equal(one->removals->len, 1);
    assert_int_equal(one->updates->len + one->additions->len, 0);
    assert_int_equal(two->updates->len, 1);
    assert_string_equal(two->updates->pdata[0],
                        "<disk type=\"file\"><target dev=\"vda\"/></disk>");
}

/* All that an entry said comes back, and nothing that was found out. */
static void
test_revert_kind(void **state G_GNUC_UNUSED)
{
    g_autoptr(DomChanges) changes = revert_text(
        "<remora:disk target='vda' kind='ephemeral' destination='vms/" UUID
        "_disk.local' size='1073741824' format='ext4' label='ephemeral0'>"
        "<remora:original kind='ephemeral' size='1 GiB' format='ext4'/>"
        "</remora:disk>",
        PUT("vms/" UUID "_disk.local"));

    assert_string_equal(changes->metadata,
                        "<domain><disk target=\"vda\" kind=\"ephemeral\" "
                        "size=\"1 GiB\" format=\"ext4\"/></domain>");
    assert_int_equal(changes->removals->len, 1);
}

/* A disk of type 'volume', which was put where it means. */
static void
test_revert_volume(void **state G_GNUC_UNUSED)
{
    static const char kept[] =
        "<remora:original target='vda'><disk type='volume'>"
        "<source pool='p' volume='v'/><target dev='vda'/></disk>"
        "</remora:original>";
    g_autoptr(DomChanges) one = revert_text(kept, PUT("volumes/v"));
    g_autoptr(DomChanges) two = revert_text(kept, PUT("volumes/w"));

    assert_int_equal(one->updates->len, 1);
    assert_non_null(strstr(one->updates->pdata[0], "volume=\"v\""));
    assert_int_equal(two->updates->len, 0);
}

/* A file, whose cache mode was set. */
static void
test_revert_other(void **state G_GNUC_UNUSED)
{
#define FILE_DISK(name, driver)                                                \
    "<disk type='file'>" driver "<source file='" name                          \
    "'/><target dev='vda'/></disk>"
    static const char kept[] = "<remora:original target='vda'>" FILE_DISK(
        "/a", "") "</remora:original>";
    g_autoptr(DomChanges) one =
        revert_text(kept, FILE_DISK("/a", "<driver cache='none'/>"));
    g_autoptr(DomChanges) two =
        revert_text(kept, FILE_DISK("/b", "<driver cache='none'/>"));

    assert_int_equal(one->updates->len, 1);
    assert_null(strstr(one->updates->pdata[0], "cache"));
    assert_int_equal(two->updates->len, 0);
}

/* Another disk is there now: it stays. */
static void
test_revert_stale(void **state G_GNUC_UNUSED)
{
    static const char *const others[] = {
        PUT("vms/other"),
        PUT("images/i"),
        "<disk type='file'><source file='/x'/><target dev='vda'/></disk>",
        "<disk type='file'><target dev='vda'/></disk>",
    };
    g_autofree char *had = g_strdup_printf(KEPT, "<disk type='file'/>");

    for (gsize i = 0; i < G_N_ELEMENTS(others); i++) {
        g_autoptr(DomChanges) changes = revert_text(had, others[i]);

        assert_string_equal(changes->metadata, "");
        assert_int_equal(changes->updates->len, 0);
        assert_int_equal(changes->removals->len, 0);
        assert_int_equal(changes->additions->len, 0);
    }
}

static void
test_revert_gone(void **state G_GNUC_UNUSED)
{
    g_autofree char *had = g_strdup_printf(KEPT, "<disk type='file'/>");
    g_autofree char *made = g_strdup_printf(KEPT, "");
    g_autoptr(DomChanges) one = revert_text(had, "");
    g_autoptr(DomChanges) two = revert_text(made, "");

    assert_int_equal(one->additions->len, 1);
    assert_int_equal(two->additions->len + two->removals->len, 0);
    assert_string_equal(two->metadata, "");
}

static void
test_revert_nothing(void **state G_GNUC_UNUSED)
{
    g_autoptr(GError) error = NULL;
    DomChanges *changes = NULL;

    assert_null(revert_text("", PUT("images/i")));
    assert_null(revert_text("<remora:disk target='vda' image='i'/>", ""));
    assert_false(dom_revert("<domain", 7, &changes, &error));
    assert_code(error, DOM_ERROR_MALFORMED);
    g_clear_error(&error);
    assert_false(dom_revert("<domain><metadata><x xmlns='" DOM_NAMESPACE
                            "'/></metadata></domain>",
                            strlen("<domain><metadata><x xmlns='" DOM_NAMESPACE
                                   "'/></metadata></domain>"),
                            &changes, &error));
    assert_code(error, DOM_ERROR_REQUEST);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_changes),
        cmocka_unit_test(test_left),
        cmocka_unit_test(test_revert),
        cmocka_unit_test(test_revert_kind),
        cmocka_unit_test(test_revert_volume),
        cmocka_unit_test(test_revert_other),
        cmocka_unit_test(test_revert_stale),
        cmocka_unit_test(test_revert_gone),
        cmocka_unit_test(test_revert_nothing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
