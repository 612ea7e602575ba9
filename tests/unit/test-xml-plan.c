/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * tests/unit/test-xml-plan.c - what a plan says, its limits and its codes
 *
 * What the rewrite makes of a definition is in the golden files; here is what
 * they cannot show.
 */
#include "config.h"

#include "tests/unit/xml-site.h"
#include "xml/dom.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define UUID  "982b8eac-6bcc-4a21-bd04-b67e26188be0"
#define OTHER "a9670d9a-8aa7-49ba-baf5-9d7a450172f3"

#define HEAD "<domain type='kvm'><name>web1</name><uuid>" UUID "</uuid>"
#define META                                                                   \
    "<metadata><remora:domain xmlns:remora='urn:remora:domain:1'>%s"           \
    "</remora:domain></metadata>"
#define TAIL "</domain>"

static DomPlan *
plan_text(const char *xml, GError **error)
{
    DomRules rules = site_rules();

    return dom_plan_new(xml, strlen(xml), &rules, error);
}

/* A domain with these entries and these disks. */
static char *
domain_text(const char *entries, const char *disks)
{
    g_autofree char *meta = g_strdup_printf(META, entries);

    return g_strconcat(HEAD, *entries ? meta : "", "<devices>", disks,
                       "</devices>" TAIL, NULL);
}

static DomPlan *
plan_domain(const char *entries, const char *disks, GError **error)
{
    g_autofree char *xml = domain_text(entries, disks);

    return plan_text(xml, error);
}

static const DomDisk *
disk_at(const DomPlan *plan, guint i)
{
    return dom_plan_disks(plan)->pdata[i];
}

static void
assert_code(const GError *error, DomErrorCode code)
{
    assert_non_null(error);
    if (!g_error_matches(error, DOM_ERROR, (int)code))
        fail_msg("code %d, not %d: %s", error->code, (int)code, error->message);
}

static void
test_codes(void **state G_GNUC_UNUSED)
{
    static const struct {
        const char *entries;
        const char *disks;
        DomErrorCode code;
    } bad[] = {
        {"<remora:disk target='vda'/>", "", DOM_ERROR_REQUEST},
        {"<remora:disk target='vda' image='i' size='2000000 TiB'/>", "",
         DOM_ERROR_LIMIT},
        {"<remora:disk target='vda' image='i' destination='vms/" OTHER
         "_disk'/>",
         "", DOM_ERROR_OWNER},
        {"<remora:disk target='vda' image='i' destination='x/" UUID "_disk'/>",
         "", DOM_ERROR_OWNER},
        {"",
         "<disk type='network'><source protocol='rbd' name='vms/" OTHER
         "_disk'/><target dev='vda'/></disk>",
         DOM_ERROR_OWNER},
        {"", "<disk>", DOM_ERROR_MALFORMED},
    };

    for (gsize i = 0; i < G_N_ELEMENTS(bad); i++) {
        g_autoptr(GError) error = NULL;

        assert_null(plan_domain(bad[i].entries, bad[i].disks, &error));
        assert_code(error, bad[i].code);
    }
}

static void
test_clone(void **state G_GNUC_UNUSED)
{
    g_autoptr(DomPlan) plan = plan_domain(
        "<remora:disk target='vdb' image='images/i@v' size='1 GiB'/>",
        "<disk type='file'><target dev='vdb'/></disk>", NULL);
    const DomDisk *disk = disk_at(plan, 0);

    assert_int_equal(dom_plan_disks(plan)->len, 1);
    assert_int_equal(disk->kind, DOM_DISK_CLONE);
    assert_string_equal(disk->target, "vdb");
    assert_string_equal(disk->parent_pool, "images");
    assert_string_equal(disk->parent_image, "i");
    assert_string_equal(disk->parent_snap, "v");
    assert_string_equal(disk->pool, "vms");
    assert_string_equal(disk->image, UUID "_disk");
    assert_null(disk->snap);
    assert_int_equal(disk->size, 1024 * 1024 * 1024);
    assert_true(disk->writable);
    assert_false(disk->shareable);
    assert_true(disk->exists);
    assert_false(disk->in_place);
    assert_int_equal(disk->hosts->len, 0);
    assert_null(disk->auth_user);
    assert_null(disk->secret_uuid);
}

static void
test_snapshot(void **state G_GNUC_UNUSED)
{
    g_autoptr(DomPlan) plan =
        plan_domain("",
                    "<disk type='network' device='cdrom'><source protocol='rbd'"
                    " name='images/cd'><host name='::1' port='3300'/><host "
                    "name='b'/><snapshot name='snap'/><auth username='u'>"
                    "<secret type='ceph' uuid='" SITE_SECRET
                    "'/></auth></source><target dev='sda'/></disk>",
                    NULL);
    const DomDisk *disk = disk_at(plan, 0);
    const DomHost *host = disk->hosts->pdata[0];

    assert_int_equal(disk->kind, DOM_DISK_SNAPSHOT);
    assert_string_equal(disk->pool, "images");
    assert_string_equal(disk->image, "cd");
    assert_string_equal(disk->snap, "snap");
    assert_false(disk->writable);
    assert_true(disk->in_place);
    assert_int_equal(disk->hosts->len, 2);
    assert_string_equal(host->name, "::1");
    assert_string_equal(host->port, "3300");
    assert_null(((const DomHost *)disk->hosts->pdata[1])->port);
    assert_string_equal(disk->auth_user, "u");
    assert_string_equal(disk->secret_uuid, SITE_SECRET);
}

static void
test_bare(void **state G_GNUC_UNUSED)
{
    g_autoptr(DomPlan) plan = plan_domain(
        "",
        "<disk type='network'><source protocol='rbd' name='volumes/v'/>"
        "<target dev='vda'/><shareable/></disk>"
        "<disk type='network'><source protocol='rbd' name='volumes/v@s'/>"
        "<target dev='vdb'/></disk>",
        NULL);

    assert_int_equal(dom_plan_disks(plan)->len, 2);
    assert_int_equal(disk_at(plan, 0)->kind, DOM_DISK_BARE);
    assert_null(disk_at(plan, 0)->parent_image);
    assert_null(disk_at(plan, 0)->snap);
    assert_true(disk_at(plan, 0)->writable);
    assert_true(disk_at(plan, 0)->shareable);
    assert_true(disk_at(plan, 0)->in_place);
    assert_string_equal(disk_at(plan, 1)->snap, "s");
    assert_false(disk_at(plan, 1)->writable);
    assert_false(dom_plan_has_metadata(plan));
}

static void
test_names(void **state G_GNUC_UNUSED)
{
    g_autoptr(DomPlan) plan = plan_domain("", "", NULL);
    g_autoptr(DomPlan) bare = plan_text("<domain/>", NULL);
    g_autoptr(DomPlan) again = plan_text("<domain/>", NULL);

    assert_string_equal(dom_plan_name(plan), "web1");
    assert_string_equal(dom_plan_uuid(plan), UUID);
    assert_false(dom_plan_has_metadata(plan));
    assert_null(dom_plan_name(bare));
    assert_true(g_uuid_string_is_valid(dom_plan_uuid(bare)));
    assert_int_equal(dom_plan_uuid(bare)[14], '4');
    assert_string_not_equal(dom_plan_uuid(bare), dom_plan_uuid(again));
    g_clear_pointer(&again, dom_plan_free);
    again = plan_domain("<!-- none -->", "", NULL);
    assert_true(dom_plan_has_metadata(again));
    dom_plan_free(NULL);
}

static void
test_uuids(void **state G_GNUC_UNUSED)
{
    static const char *const good[] = {
        UUID,
        " 982B8EAC-6BCC-4A21-BD04-B67E26188BE0\n",
        "982b8eac6bcc4a21bd04b67e26188be0",
        "98-2b8eac6bcc4a21bd04b67e26188be0",
    };
    static const char *const bad[] = {
        "982b8eac-6bcc-4a21-bd04-b67e26188be",
        "982b8eac-6bcc-4a21-bd04-b67e26188be00",
        "982b8eac-6bcc-4a21-bd04-b67e26188beg",
        "982b8eac-6bcc 4a21-bd04-b67e26188be0",
        "x",
    };

    for (gsize i = 0; i < G_N_ELEMENTS(good); i++) {
        g_autofree char *xml =
            g_strdup_printf("<domain><uuid>%s</uuid></domain>", good[i]);
        g_autoptr(DomPlan) plan = plan_text(xml, NULL);

        assert_non_null(plan);
        assert_string_equal(dom_plan_uuid(plan), UUID);
    }
    for (gsize i = 0; i < G_N_ELEMENTS(bad); i++) {
        g_autofree char *xml =
            g_strdup_printf("<domain><uuid>%s</uuid></domain>", bad[i]);
        g_autoptr(GError) error = NULL;

        assert_null(plan_text(xml, &error));
        assert_code(error, DOM_ERROR_MALFORMED);
    }
}

static void
test_parent_pool(void **state G_GNUC_UNUSED)
{
    DomRules rules = site_rules();
    DomSite site = site_default();
    g_autofree char *xml = domain_text(
        "<remora:disk target='vda' image='i'/>"
        "<remora:disk target='sda' image='cd'/>",
        "<disk type='file' device='cdrom'><target dev='sda'/></disk>");
    g_autoptr(DomPlan) plan = NULL;
    g_autoptr(GError) error = NULL;
    g_autofree char *out = NULL;

    rules.image_pools = site_more_image_pools;
    plan = dom_plan_new(xml, strlen(xml), &rules, NULL);
    assert_null(disk_at(plan, 0)->parent_pool);
    assert_null(disk_at(plan, 0)->pool);
    assert_null(disk_at(plan, 1)->parent_pool);
    assert_false(dom_plan_rewrite(plan, &site, &out, &error));
    assert_code(error, DOM_ERROR_REQUEST);
    assert_null(out);
    dom_disk_set_parent_pool(dom_plan_disks(plan)->pdata[0], "glance");
    dom_disk_set_parent_pool(dom_plan_disks(plan)->pdata[1], "images");
    assert_string_equal(disk_at(plan, 0)->pool, "glance");
    assert_string_equal(disk_at(plan, 1)->pool, "vms");
    assert_true(dom_plan_rewrite(plan, &site, &out, NULL));
    assert_non_null(strstr(out, "name=\"glance/cd\""));
    assert_non_null(strstr(out, "image=\"images/i@snap\""));
}

/* The example of the design, to the byte but for libxml2's quotes. */
static void
test_example(void **state G_GNUC_UNUSED)
{
    static const char expected[] =
        "<disk type='network' device='disk'>\n"
        "  <driver name='qemu' type='raw' cache='writeback' discard='unmap'/>\n"
        "  <source protocol='rbd' name='vms/" UUID "_disk'>\n"
        "    <host name='9.115.251.194' port='6789'/>\n"
        "    <host name='9.115.251.195' port='6789'/>\n"
        "    <host name='9.115.251.218' port='6789'/>\n"
        "  </source>\n"
        "  <auth username='cinder'>\n"
        "    <secret type='ceph' uuid='" SITE_SECRET "'/>\n"
        "  </auth>\n"
        "  <target bus='virtio' dev='vda'/>\n"
        "</disk>";
    static const DomHost hosts[] = {
        {(char *)"9.115.251.194", (char *)"6789"},
        {(char *)"9.115.251.195", (char *)"6789"},
        {(char *)"9.115.251.218", (char *)"6789"},
    };
    const char *xml = "<domain>\n  <uuid>" UUID "</uuid>\n  <metadata>\n"
                      "<r:domain xmlns:r='urn:remora:domain:1'><r:disk "
                      "target='vda' image='i'/></r:domain></metadata>\n"
                      "  <devices>\n  </devices>\n</domain>\n";
    DomSite site = site_default();
    g_autoptr(DomPlan) plan = plan_text(xml, NULL);
    g_auto(GStrv) lines = NULL;
    g_autofree char *indented = NULL;
    g_autofree char *out = NULL;

    site.hosts = hosts;
    assert_true(dom_plan_rewrite(plan, &site, &out, NULL));
    g_strdelimit(out, "\"", '\'');
    lines = g_strsplit(expected, "\n", -1);
    indented = g_strjoinv("\n    ", lines);
    assert_non_null(strstr(out, indented));
}

/* A plan can be rewritten for one site and then for another. */
static void
test_rewrite_again(void **state G_GNUC_UNUSED)
{
    g_autoptr(DomPlan) plan =
        plan_domain("<remora:disk target='vda' image='i'/>", "", NULL);
    DomSite site = site_default();
    g_autofree char *one = NULL;
    g_autofree char *two = NULL;
    g_autofree char *three = NULL;

    assert_true(dom_plan_rewrite(plan, &site, &one, NULL));
    site.auth_user = "other";
    assert_true(dom_plan_rewrite(plan, &site, &two, NULL));
    site.auth_user = "cinder";
    assert_true(dom_plan_rewrite(plan, &site, &three, NULL));
    assert_string_equal(one, three);
    assert_string_not_equal(one, two);
}

static void
test_site_limits(void **state G_GNUC_UNUSED)
{
    static DomHost hosts[DOM_HOSTS_MAX + 1];
    g_autoptr(DomPlan) plan =
        plan_domain("<remora:disk target='vda' image='i'/>", "", NULL);
    g_autoptr(DomPlan) empty = plan_domain("", "", NULL);
    DomSite site = site_default();
    g_autoptr(GError) none = NULL;
    g_autoptr(GError) many = NULL;
    g_autofree char *at = NULL;
    char *out = (char *)"";

    for (gsize i = 0; i < G_N_ELEMENTS(hosts); i++) {
        hosts[i].name = g_strdup_printf("mon%" G_GSIZE_FORMAT, i);
        hosts[i].port = NULL;
    }
    site.hosts = hosts;
    site.n_hosts = DOM_HOSTS_MAX;
    assert_true(dom_plan_rewrite(plan, &site, &at, NULL));
    site.n_hosts++;
    assert_false(dom_plan_rewrite(plan, &site, &out, &many));
    assert_code(many, DOM_ERROR_LIMIT);
    site.n_hosts = 0;
    assert_false(dom_plan_rewrite(plan, &site, &out, &none));
    assert_code(none, DOM_ERROR_REQUEST);
    assert_string_equal(out, "");
    /* Who asks for nothing needs no cluster. */
    assert_true(dom_plan_rewrite(empty, &site, &out, NULL));
    assert_null(out);
    for (gsize i = 0; i < G_N_ELEMENTS(hosts); i++)
        g_free(hosts[i].name);
}

static char *
repeat(const char *format, guint n)
{
    g_autoptr(GString) text = g_string_new(NULL);
    g_auto(GStrv) pieces = g_strsplit(format, "N", -1);

    for (guint i = 0; i < n; i++) {
        g_autofree char *number = g_strdup_printf("%u", i);
        g_autofree char *one = g_strjoinv(number, pieces);

        g_string_append(text, one);
    }
    return g_string_free(g_steal_pointer(&text), FALSE);
}

/* n of them are taken, one more is refused with DOM_ERROR_LIMIT. */
static void
check_limit(const char *before, const char *each, const char *after, guint n)
{
    for (guint past = 0; past <= 1; past++) {
        g_autofree char *many = repeat(each, n + past);
        g_autofree char *xml = g_strconcat(before, many, after, NULL);
        g_autoptr(GError) error = NULL;
        g_autoptr(DomPlan) plan = plan_text(xml, &error);

        if (past == 0 && !plan)
            fail_msg("%u of '%s': %s", n, each, error->message);
        if (past == 1) {
            assert_null(plan);
            assert_code(error, DOM_ERROR_LIMIT);
        }
    }
}

static void
test_limit_disks(void **state G_GNUC_UNUSED)
{
    check_limit("<domain><devices>",
                "<disk type='network'><source protocol='rbd' name='volumes/v'/>"
                "<target dev='vdN'/></disk>",
                "</devices></domain>", DOM_DISKS_MAX);
}

/* Disks that are nobody's business here are not counted. */
static void
test_no_limit_for_others(void **state G_GNUC_UNUSED)
{
    g_autofree char *disks = repeat(
        "<disk type='file'><source file='/N'/><target dev='vdN'/></disk>",
        DOM_DISKS_MAX + 1);
    g_autoptr(DomPlan) plan = plan_domain("", disks, NULL);

    assert_non_null(plan);
    assert_int_equal(dom_plan_disks(plan)->len, 0);
}

/* 'vdaaa', 'vdbaa', and so on: a target has no digits. */
static char *
entries_text(guint n)
{
    g_autoptr(GString) text = g_string_new(NULL);

    for (guint i = 0; i < n; i++)
        g_string_append_printf(text,
                               "<remora:disk target='vd%c%c%c' image='i'/>",
                               'a' + i % 26, 'a' + i / 26 % 26, 'a' + i / 676);
    return g_string_free(g_steal_pointer(&text), FALSE);
}

static void
test_limit_entries(void **state G_GNUC_UNUSED)
{
    g_autofree char *at = entries_text(DOM_DISKS_MAX);
    g_autofree char *past = entries_text(DOM_DISKS_MAX + 1);
    g_autoptr(GError) error = NULL;
    g_autoptr(DomPlan) plan = plan_domain(at, "", &error);
    DomSite site = site_default();
    g_autofree char *out = NULL;

    assert_non_null(plan);
    assert_int_equal(dom_plan_disks(plan)->len, DOM_DISKS_MAX);
    assert_true(dom_plan_rewrite(plan, &site, &out, NULL));
    assert_null(plan_domain(past, "", &error));
    assert_code(error, DOM_ERROR_LIMIT);
}

static void
test_limit_records(void **state G_GNUC_UNUSED)
{
    check_limit("<domain><metadata><r:domain xmlns:r='urn:remora:domain:1'>",
                "<r:original target='vdN'><disk/></r:original>",
                "</r:domain></metadata></domain>", DOM_DISKS_MAX);
}

/* Entries and disks together. */
static void
test_limit_both(void **state G_GNUC_UNUSED)
{
    g_autofree char *entries = entries_text(DOM_DISKS_MAX);
    g_autoptr(GError) error = NULL;

    assert_null(plan_domain(entries,
                            "<disk type='network'><source protocol='rbd' "
                            "name='volumes/v'/><target dev='sda'/></disk>",
                            &error));
    assert_code(error, DOM_ERROR_LIMIT);
}

static void
test_limit_hosts(void **state G_GNUC_UNUSED)
{
    check_limit("<domain><devices><disk type='network'><source protocol='rbd' "
                "name='volumes/v'>",
                "<host name='monN'/>",
                "</source><target dev='vda'/></disk></devices></domain>",
                DOM_HOSTS_MAX);
}

static void
test_limit_attributes(void **state G_GNUC_UNUSED)
{
    check_limit("<domain><a ", "aN = 'x'\n", "/></domain>", DOM_ATTRIBUTES_MAX);
    check_limit("<domain><a ", "aN=\"x>\" ", "/></domain>", DOM_ATTRIBUTES_MAX);
}

static void
test_limit_namespaces(void **state G_GNUC_UNUSED)
{
    check_limit("<domain>", "<a xmlns:pN='u'/>", "</domain>",
                DOM_NAMESPACES_MAX);
}

static void
test_limit_depth(void **state G_GNUC_UNUSED)
{
    for (guint past = 0; past <= 1; past++) {
        g_autofree char *down = repeat("<a>", 256 + past);
        g_autofree char *up = repeat("</a>", 256 + past);
        g_autofree char *xml =
            g_strconcat("<domain>", down, up, "</domain>", NULL);
        g_autoptr(GError) error = NULL;
        g_autoptr(DomPlan) plan = plan_text(xml, &error);

        assert_int_equal(plan == NULL, past);
        if (past)
            assert_code(error, DOM_ERROR_LIMIT);
    }
}

static void
test_limit_bytes(void **state G_GNUC_UNUSED)
{
    g_autofree char *blanks = g_strnfill(DOM_XML_MAX + 1, ' ');
    DomRules rules = site_rules();
    g_autoptr(GError) error = NULL;
    g_autoptr(DomPlan) plan = NULL;

    memcpy(blanks, "<domain/>", strlen("<domain/>"));
    plan = dom_plan_new(blanks, DOM_XML_MAX, &rules, &error);
    assert_non_null(plan);
    assert_null(dom_plan_new(blanks, DOM_XML_MAX + 1, &rules, &error));
    assert_code(error, DOM_ERROR_LIMIT);
}

static DomPlan *
plan_source_name(const char *format, guint n, GError **error)
{
    g_autofree char *name = g_strnfill(n, 'n');
    g_auto(GStrv) pieces = g_strsplit(format, "N", -1);
    g_autofree char *source = g_strjoinv(name, pieces);
    g_autofree char *disk = g_strdup_printf(
        "<disk type='network'><source protocol='rbd' name='%s'/>"
        "<target dev='vda'/></disk>",
        source);

    return plan_domain("", disk, error);
}

static void
test_limit_names(void **state G_GNUC_UNUSED)
{
    static const char *const forms[] = {"images/N", "images/i@N", "volumes/N",
                                        "volumes/v@N", "vms/N"};

    for (gsize i = 0; i < G_N_ELEMENTS(forms); i++) {
        g_autoptr(GError) error = NULL;
        g_autoptr(DomPlan) at =
            plan_source_name(forms[i], DOM_NAME_MAX, &error);

        assert_non_null(at);
        assert_null(plan_source_name(forms[i], DOM_NAME_MAX + 1, &error));
        assert_code(error, DOM_ERROR_LIMIT);
    }
}

static DomPlan *
plan_target(guint n, GError **error)
{
    g_autofree char *letters = g_strnfill(n - 2, 'a');
    g_autofree char *entry =
        g_strdup_printf("<remora:disk target='vd%s' image='i'/>", letters);

    return plan_domain(entry, "", error);
}

static void
test_limit_target(void **state G_GNUC_UNUSED)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(DomPlan) at = plan_target(DOM_TARGET_MAX, &error);

    assert_non_null(at);
    assert_null(plan_target(DOM_TARGET_MAX + 1, &error));
    assert_code(error, DOM_ERROR_LIMIT);
}

static DomPlan *
plan_destination(gsize n, GError **error)
{
    g_autofree char *rest = g_strnfill(n - strlen(UUID "_disk"), 'n');
    g_autofree char *entry =
        g_strdup_printf("<remora:disk target='vda' image='i' "
                        "destination='vms/" UUID "_disk%s'/>",
                        rest);

    return plan_domain(entry, "", error);
}

static void
test_limit_destination(void **state G_GNUC_UNUSED)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(DomPlan) at = plan_destination(DOM_NAME_MAX, &error);

    assert_non_null(at);
    assert_null(plan_destination(DOM_NAME_MAX + 1, &error));
    assert_code(error, DOM_ERROR_LIMIT);
}

/* What is kept of a disk is deeper in the document than the disk was. */
static void
test_limit_of_result(void **state G_GNUC_UNUSED)
{
    DomSite site = site_default();

    for (guint past = 0; past <= 1; past++) {
        /* <domain>, <devices>, <disk> above; two more in the metadata. */
        g_autofree char *down = repeat("<a>", 251 + past);
        g_autofree char *up = repeat("</a>", 251 + past);
        g_autofree char *disk =
            g_strconcat("<disk type='network'><source protocol='rbd' "
                        "name='images/i'/><target dev='vda'/>",
                        down, up, "</disk>", NULL);
        g_autoptr(DomPlan) plan = plan_domain("", disk, NULL);
        g_autoptr(GError) error = NULL;
        g_autofree char *out = NULL;

        assert_non_null(plan);
        assert_int_equal(dom_plan_rewrite(plan, &site, &out, &error), !past);
        if (past)
            assert_code(error, DOM_ERROR_LIMIT);
    }
}

static void
test_limit_of_result_bytes(void **state G_GNUC_UNUSED)
{
    g_autofree char *blanks = g_strnfill(DOM_XML_MAX - 400, ' ');
    g_autofree char *xml =
        g_strconcat("<domain>", blanks,
                    "<devices><disk type='network'><source protocol='rbd' "
                    "name='images/i'/><target dev='vda'/></disk></devices>"
                    "</domain>",
                    NULL);
    g_autoptr(DomPlan) plan = plan_text(xml, NULL);
    DomSite site = site_default();
    g_autoptr(GError) error = NULL;
    char *out = NULL;

    assert_non_null(plan);
    assert_false(dom_plan_rewrite(plan, &site, &out, &error));
    assert_null(out);
    assert_code(error, DOM_ERROR_LIMIT);
}

static void
test_bytes(void **state G_GNUC_UNUSED)
{
    static const struct {
        const char *bytes;
        gsize len;
    } bad[] = {
        {"", 0},
        {"<domain>\0</domain>", 18},
        {"\xff\xfe<\0d\0/\0>\0", 10},
        {"\x4c\x6f\xa7\x94", 4},
        {"<domain/>x", 10},
        {"<domain>&undefined;</domain>", 28},
        {"<domain>\xff</domain>", 18},
        {"<?xml version='1.0' encoding='UTF-16'?><domain/>", 48},
        {"<?xml version='1.0' encoding = \"HZ\"?><domain/>", 46},
        {"<!DOCTYPE domain><domain/>", 26},
        {"<!DOCTYPE domain SYSTEM 'file:///etc/passwd'><domain/>", 54},
        {"<x:domain xmlns:x='u'/>", 23},
    };
    DomRules rules = site_rules();

    for (gsize i = 0; i < G_N_ELEMENTS(bad); i++) {
        g_autoptr(GError) error = NULL;

        if (dom_plan_new(bad[i].bytes, bad[i].len, &rules, &error))
            fail_msg("%" G_GSIZE_FORMAT " is taken", i);
        assert_code(error, DOM_ERROR_MALFORMED);
        assert_null(strchr(error->message, '\n'));
    }
}

static void
test_good_bytes(void **state G_GNUC_UNUSED)
{
    static const char *const good[] = {
        "\xef\xbb\xbf<domain/>",
        "<?xml version='1.0' encoding='utf-8'?><domain/>",
        "<?xml version='1.0' encoding='iso-8859-1'?><domain>\xe9</domain>",
        "<?xml version='1.0'?><domain a='encoding=\"x\"'/>",
        "\n <!-- c --><domain>&amp;&#65;</domain>\n",
    };

    for (gsize i = 0; i < G_N_ELEMENTS(good); i++) {
        g_autoptr(DomPlan) plan = plan_text(good[i], NULL);

        if (!plan)
            fail_msg("%" G_GSIZE_FORMAT " is refused", i);
    }
}

/* libxml2 prints errors unless it is told not to. */
static void
test_silence(void **state G_GNUC_UNUSED)
{
    static const char *const bad[] = {
        "<domain><a></b></domain>",
        "<domain>&x;</domain>",
        "<domain a='1' a='2'/>",
        "<domain xmlns:a='' b:c='d'/>",
        "<!DOCTYPE d [<!ENTITY a 'b'>]><d/>",
        "\xff",
    };
    g_autoptr(GError) error = NULL;
    g_autofree char *path = NULL;
    int saved = dup(STDERR_FILENO);
    int file = g_file_open_tmp("remora-XXXXXX", &path, NULL);
    off_t written;

    assert_true(saved >= 0 && file >= 0);
    assert_true(dup2(file, STDERR_FILENO) >= 0);
    for (gsize i = 0; i < G_N_ELEMENTS(bad); i++) {
        g_autoptr(DomPlan) plan = plan_text(bad[i], NULL);
    }
    written = lseek(STDERR_FILENO, 0, SEEK_END);
    dup2(saved, STDERR_FILENO);
    close(saved);
    close(file);
    unlink(path);
    assert_int_equal(written, 0);
}

/* A message is one line of valid UTF-8 whatever it quotes. */
static void
test_messages(void **state G_GNUC_UNUSED)
{
    g_autofree char *wide = g_strnfill(600, 'x');
    g_autofree char *accents = repeat("\xc3\xa9", 200);
    g_autofree char *xml = NULL;
    g_autoptr(GError) error = NULL;
    g_autoptr(GError) second = NULL;
    g_autofree char *entry =
        g_strdup_printf("<remora:disk target='vda' x%s='1'/>", accents);

    assert_null(plan_domain(entry, "", &error));
    assert_true(g_utf8_validate(error->message, -1, NULL));
    assert_true(strlen(error->message) < 400);
    xml = g_strdup_printf("<%s/>", wide);
    assert_null(plan_text(xml, &second));
    assert_true(strlen(second->message) < 200);
}

static void
test_changes(void **state G_GNUC_UNUSED)
{
    g_autoptr(DomPlan) plan = plan_domain(
        "<remora:disk target='vdb' image='i'/>",
        "<disk type='network'><source protocol='rbd' name='images/i'/>"
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
    "_disk' size='1024'><remora:original image='i' size='1K'>%s"               \
    "</remora:original></remora:disk>"

static void
test_revert(void **state G_GNUC_UNUSED)
{
    g_autofree char *made = g_strdup_printf(KEPT, "");
    g_autofree char *had = g_strdup_printf(
        KEPT, "<remora:disk type='file'><remora:target dev='vda'/>"
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

        assert_non_null(changes->metadata);
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
        cmocka_unit_test(test_codes),
        cmocka_unit_test(test_clone),
        cmocka_unit_test(test_snapshot),
        cmocka_unit_test(test_bare),
        cmocka_unit_test(test_names),
        cmocka_unit_test(test_uuids),
        cmocka_unit_test(test_parent_pool),
        cmocka_unit_test(test_example),
        cmocka_unit_test(test_rewrite_again),
        cmocka_unit_test(test_site_limits),
        cmocka_unit_test(test_limit_disks),
        cmocka_unit_test(test_no_limit_for_others),
        cmocka_unit_test(test_limit_entries),
        cmocka_unit_test(test_limit_records),
        cmocka_unit_test(test_limit_both),
        cmocka_unit_test(test_limit_hosts),
        cmocka_unit_test(test_limit_attributes),
        cmocka_unit_test(test_limit_namespaces),
        cmocka_unit_test(test_limit_depth),
        cmocka_unit_test(test_limit_bytes),
        cmocka_unit_test(test_limit_names),
        cmocka_unit_test(test_limit_target),
        cmocka_unit_test(test_limit_destination),
        cmocka_unit_test(test_limit_of_result),
        cmocka_unit_test(test_limit_of_result_bytes),
        cmocka_unit_test(test_bytes),
        cmocka_unit_test(test_good_bytes),
        cmocka_unit_test(test_silence),
        cmocka_unit_test(test_messages),
        cmocka_unit_test(test_changes),
        cmocka_unit_test(test_revert),
        cmocka_unit_test(test_revert_stale),
        cmocka_unit_test(test_revert_gone),
        cmocka_unit_test(test_revert_nothing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
