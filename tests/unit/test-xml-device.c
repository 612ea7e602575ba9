/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * tests/unit/test-xml-device.c - a lone device, and what is read without a plan
 *
 * What the rewrite makes of a device is in the golden files; here is what they
 * cannot show.
 */
#include "config.h"

#include "tests/unit/xml-domain.h"

static DomPlan *
plan_device(const char *xml, const char *uuid, GError **error)
{
    DomRules rules = site_rules();

    rules.complete_bare = true;
    return dom_plan_new_device(xml, strlen(xml), uuid, "web1", &rules, error);
}

#define CLONE                                                                  \
    "<disk type='network'><source protocol='rbd' name='images/i@v'/>"          \
    "<target dev='vdc'/></disk>"

static void
test_clone(void **state G_GNUC_UNUSED)
{
    g_autoptr(DomPlan) plan = plan_device(CLONE, UUID, NULL);
    const DomDisk *disk = disk_at(plan, 0);

    assert_int_equal(dom_plan_disks(plan)->len, 1);
    assert_string_equal(dom_plan_uuid(plan), UUID);
    assert_string_equal(dom_plan_name(plan), "web1");
    assert_true(dom_plan_uuid_given(plan));
    assert_false(dom_plan_has_metadata(plan));
    assert_int_equal(disk->kind, DOM_DISK_CLONE);
    assert_string_equal(disk->parent_pool, "images");
    assert_string_equal(disk->parent_image, "i");
    assert_string_equal(disk->parent_snap, "v");
    assert_string_equal(disk->pool, "vms");
    assert_string_equal(disk->image, UUID "_disk.vdc");
    assert_true(disk->exists);
    assert_false(disk->in_place);
}

/* A CD drive is given media, too, and never writes to them. */
static void
test_ejectable(void **state G_GNUC_UNUSED)
{
    static const struct {
        const char *xml;
        bool ejectable;
        bool writable;
    } disks[] = {
        {"<disk type='network'><source protocol='rbd' name='volumes/x'/>"
         "<target dev='vdc'/></disk>",
         false, true},
        {"<disk type='network' device='floppy'><source protocol='rbd' "
         "name='volumes/x'/><target dev='fda'/></disk>",
         true, true},
        {"<disk type='network' device='floppy'><source protocol='rbd' "
         "name='volumes/x'/><target dev='fda'/><readonly/></disk>",
         true, false},
        {"<disk type='network' device='cdrom'><source protocol='rbd' "
         "name='volumes/x'/><target dev='hdc'/></disk>",
         false, false},
    };

    for (gsize i = 0; i < G_N_ELEMENTS(disks); i++) {
        g_autoptr(DomPlan) plan = plan_device(disks[i].xml, UUID, NULL);

        assert_int_equal(disk_at(plan, 0)->ejectable, disks[i].ejectable);
        assert_int_equal(disk_at(plan, 0)->writable, disks[i].writable);
    }
}

static void
test_nothing(void **state G_GNUC_UNUSED)
{
    static const char *const others[] = {
        "<interface/>",
        "<domain><devices>" CLONE "</devices></domain>",
        "<devices>" CLONE "</devices>",
        "<interface xmlns='urn:other'/>",
        "<!DOCTYPE disk><disk/>",
        "<disk type='file'><source file='/a'/></disk>",
    };

    for (gsize i = 0; i < G_N_ELEMENTS(others); i++) {
        g_autoptr(DomPlan) plan = plan_device(others[i], UUID, NULL);
        DomSite site = site_default();
        char *out = (char *)"";

        assert_non_null(plan);
        assert_int_equal(dom_plan_disks(plan)->len, 0);
        assert_true(dom_plan_rewrite(plan, &site, &out, NULL));
        assert_null(out);
    }
}

static void
test_codes(void **state G_GNUC_UNUSED)
{
    static const struct {
        const char *xml;
        const char *uuid;
        DomErrorCode code;
    } bad[] = {
        {"<disk>", UUID, DOM_ERROR_MALFORMED},
        {"", UUID, DOM_ERROR_MALFORMED},
        {"<!DOCTYPE disk [<!ENTITY a 'b'>]><disk/>", UUID, DOM_ERROR_MALFORMED},
        /* libvirt attaches a <disk> of any namespace. */
        {"<disk xmlns='urn:other'/>", UUID, DOM_ERROR_MALFORMED},
        {"<x:disk xmlns:x='urn:x' type='network'><source protocol='rbd' "
         "name='vms/" OTHER "_disk'/><target dev='vdb'/></x:disk>",
         UUID, DOM_ERROR_MALFORMED},
        {CLONE, "", DOM_ERROR_REQUEST},
        {CLONE, "982b8eac", DOM_ERROR_REQUEST},
        {"<disk type='network'><source protocol='rbd' name='images/i@s'/></disk>",
         UUID, DOM_ERROR_REQUEST},
        {"<disk type='network'><source protocol='rbd' name='vms/" OTHER
         "_disk'/><target dev='vdb'/></disk>",
         UUID, DOM_ERROR_OWNER},
    };

    for (gsize i = 0; i < G_N_ELEMENTS(bad); i++) {
        g_autoptr(GError) error = NULL;

        assert_null(plan_device(bad[i].xml, bad[i].uuid, &error));
        assert_code(error, bad[i].code);
    }
}

/* What is taken must not become more than what is taken. */
static void
test_depth(void **state G_GNUC_UNUSED)
{
    g_autofree char *deep = repeat("<a>", 251);
    g_autofree char *close = repeat("</a>", 251);
    g_autofree char *xml =
        g_strconcat("<disk type='network'><source protocol='rbd' "
                    "name='images/i@s'/><target dev='vdb'/>",
                    deep, close, "</disk>", NULL);
    g_autoptr(DomPlan) plan = plan_device(xml, UUID, NULL);
    g_autoptr(DomPlan) again = NULL;
    DomSite site = site_default();
    g_autofree char *out = NULL;

    assert_non_null(plan);
    assert_true(dom_plan_rewrite(plan, &site, &out, NULL));
    again = plan_device(out, UUID, NULL);
    assert_non_null(again);
}

static void
test_names(void **state G_GNUC_UNUSED)
{
    DomRules rules = site_rules();
    g_autoptr(DomPlan) plan = dom_plan_new_device(
        CLONE, strlen(CLONE), "982B8EAC6BCC4A21BD04B67E26188BE0", NULL, &rules,
        NULL);
    g_autoptr(DomPlan) odd =
        dom_plan_new_device(CLONE, strlen(CLONE), UUID, "a<&>b", &rules, NULL);

    assert_null(dom_plan_name(plan));
    assert_string_equal(dom_plan_uuid(plan), UUID);
    assert_string_equal(dom_plan_name(odd), "a<&>b");
}

static void
test_xml_name(void **state G_GNUC_UNUSED)
{
    static const struct {
        const char *xml;
        const char *name;
    } each[] = {
        {"<domain><name>web1</name><uuid>x</uuid></domain>", "web1"},
        {"<domain><name> a\nb </name></domain>", "a b"},
        {"<domain/>", NULL},
        {"<domain><name/></domain>", NULL},
        {"<disk><name>web1</name></disk>", NULL},
        {"<domain><name>web1</name>", NULL},
        {"", NULL},
    };

    for (gsize i = 0; i < G_N_ELEMENTS(each); i++) {
        g_autofree char *name = dom_xml_name(each[i].xml, strlen(each[i].xml));

        assert_int_equal(name != NULL, each[i].name != NULL);
        if (name)
            assert_string_equal(name, each[i].name);
    }
}

static void
test_xml_target(void **state G_GNUC_UNUSED)
{
    g_autofree char *xml =
        domain_text("", "<disk><target dev='vda'/></disk><disk/>"
                        "<disk><target dev='vdb'/></disk>");

    assert_true(dom_xml_has_target(xml, strlen(xml), "vda"));
    assert_true(dom_xml_has_target(xml, strlen(xml), "vdb"));
    assert_false(dom_xml_has_target(xml, strlen(xml), "vd"));
    assert_false(dom_xml_has_target(xml, strlen(xml) - 1, "vda"));
    assert_false(dom_xml_has_target("<domain/>", 9, "vda"));
}

static void
test_xml_written(void **state G_GNUC_UNUSED)
{
    g_autofree char *xml =
        domain_text("", "<disk><target dev='vda'/></disk>"
                        "<disk device='cdrom'><target dev='sda'/></disk>"
                        "<disk><readonly/><target dev='vdb'/></disk>"
                        "<disk device='floppy'><target dev='fda'/></disk>"
                        "<disk device='lun'><target dev='sdb'/></disk>");
    g_auto(GStrv) targets = dom_xml_written_targets(xml, strlen(xml));
    g_autofree char *all = g_strjoinv(" ", targets);
    g_auto(GStrv) none = dom_xml_written_targets(xml, strlen(xml) - 1);

    assert_string_equal(all, "vda fda sdb");
    assert_null(none[0]);
}

static void
test_storage_pools(void **state G_GNUC_UNUSED)
{
#define VOLUME(pool) "<disk type='volume'><source pool='" pool "'/></disk>"
    static const struct {
        const char *xml;
        const char *pools;
    } each[] = {
        {VOLUME("a"), "a"},
        {"<domain><devices>" VOLUME("a") VOLUME("b")
             VOLUME("a") "</devices></domain>",
         "a b"},
        {"<disk type='file'><source pool='a'/></disk>", ""},
        {"<interface type='volume'><source pool='a'/></interface>", ""},
        {"<devices>" VOLUME("a") "</devices>", ""},
        {"<disk type='volume'>", ""},
    };

    for (gsize i = 0; i < G_N_ELEMENTS(each); i++) {
        g_auto(GStrv) pools =
            dom_storage_pools(each[i].xml, strlen(each[i].xml));
        g_autofree char *text = g_strjoinv(" ", pools);

        assert_string_equal(text, each[i].pools);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_clone),
        cmocka_unit_test(test_ejectable),
        cmocka_unit_test(test_nothing),
        cmocka_unit_test(test_codes),
        cmocka_unit_test(test_depth),
        cmocka_unit_test(test_names),
        cmocka_unit_test(test_xml_name),
        cmocka_unit_test(test_xml_target),
        cmocka_unit_test(test_xml_written),
        cmocka_unit_test(test_storage_pools),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
