/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * tests/unit/test-xml-plan.c - what a plan says, and its codes
 *
 * What the rewrite makes of a definition is in the golden files; here is what
 * they cannot show.
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
         "<disk><target dev='vda'/></disk>", DOM_ERROR_OWNER},
        {"<remora:disk target='vda' image='i' destination='x/" UUID "_disk'/>",
         "<disk><target dev='vda'/></disk>", DOM_ERROR_OWNER},
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

/* libvirt would open an image of the name 'cd@snap'. */
static void
test_snapshot_at(void **state G_GNUC_UNUSED)
{
    g_autoptr(DomPlan) plan =
        plan_domain("",
                    "<disk type='network' device='cdrom'><source protocol='rbd'"
                    " name='images/cd@snap'/><target dev='sda'/></disk>"
                    /* libvirt sees no medium in it. */
                    "<disk type='file' device='cdrom'><source protocol='rbd'"
                    " name='images/cd'><snapshot name='snap'/></source>"
                    "<target dev='sdb'/></disk>",
                    NULL);

    assert_int_equal(dom_plan_disks(plan)->len, 1);
    assert_string_equal(disk_at(plan, 0)->snap, "snap");
    assert_false(disk_at(plan, 0)->in_place);
}

static void
test_bare(void **state G_GNUC_UNUSED)
{
    g_autoptr(DomPlan) plan = plan_domain(
        "",
        "<disk type='network'><source protocol='rbd' name='volumes/v'/>"
        "<target dev='vda'/><shareable/></disk>"
        "<disk type='network'><source protocol='rbd' name='volumes/v@s'/>"
        "<target dev='vdb'/></disk>"
        /* As long as a UUID, and none. */
        "<disk type='network'><source protocol='rbd' name='vms/"
        "98xb8eac-6bcc-4a21-bd04-b67e26188be0_disk'/><target dev='vdc'/>"
        "</disk>",
        NULL);

    assert_int_equal(dom_plan_disks(plan)->len, 3);
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
    dom_disk_set_parent(dom_plan_disks(plan)->pdata[0], 0, NULL, "glance");
    dom_disk_set_parent(dom_plan_disks(plan)->pdata[1], 0, NULL, "images");
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

/* Every function may be called from any thread. */
static gpointer
rewrite_often(gpointer data G_GNUC_UNUSED)
{
    DomSite site = site_default();
    char *last = NULL;

    for (guint i = 0; i < 200; i++) {
        g_autoptr(DomPlan) plan =
            plan_domain("<remora:disk target='vda' image='i'/>", "", NULL);
        g_autoptr(DomPlan) bad = plan_text("<domain><a></domain>", NULL);

        g_clear_pointer(&last, g_free);
        if (!plan || bad || !dom_plan_rewrite(plan, &site, &last, NULL))
            return NULL;
    }
    return last;
}

static void
test_threads(void **state G_GNUC_UNUSED)
{
    GThread *threads[4];
    g_autofree char *expected = rewrite_often(NULL);

    for (gsize i = 0; i < G_N_ELEMENTS(threads); i++)
        threads[i] = g_thread_new("plan", rewrite_often, NULL);
    for (gsize i = 0; i < G_N_ELEMENTS(threads); i++) {
        g_autofree char *out = g_thread_join(threads[i]);

        assert_non_null(out);
        assert_string_equal(out, expected);
    }
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

/* What libvirt holds against the guest that is there is not touched, whatever
 * the site would like. */
static void
test_same_guest(void **state G_GNUC_UNUSED)
{
    static const char *const caches[] = {"writethrough", "directsync", NULL};
    static const char disk[] =
        "<domain><devices><disk type='network' device='disk'><driver "
        "name='qemu' type='raw'/><source protocol='rbd' name='volumes/volume-"
        "7a97c4a3-6f59-41d4-bf47-191d7f97f8e9'><host name='old'/></source>"
        "<target dev='vda' bus='sata'/><shareable/></disk></devices></domain>";
    DomRules rules = site_rules();
    DomSite site = site_default();

    rules.complete_bare = true;
    site.same_guest = true;
    site.bus = "scsi";
    for (gsize i = 0; i < G_N_ELEMENTS(caches); i++) {
        g_autoptr(DomPlan) plan =
            dom_plan_new(disk, strlen(disk), &rules, NULL);
        g_autofree char *out = NULL;

        site.cache = caches[i];
        assert_non_null(plan);
        assert_true(dom_plan_rewrite(plan, &site, &out, NULL));
        assert_non_null(out);
        assert_null(strstr(out, "cache="));
        assert_null(strstr(out, "<serial"));
        assert_null(strstr(out, "<controller"));
        assert_null(strstr(out, "<uuid>"));
        assert_non_null(strstr(out, "bus=\"sata\""));
        assert_non_null(strstr(out, "discard=\"unmap\""));
        assert_non_null(strstr(out, "9.115.251.194"));
    }
}

static char *
with_arrival(const char *nonce)
{
    return g_strdup_printf(
        HEAD "<metadata><x:arrival xmlns:x='urn:remora:arrival:1' nonce='%s'/>"
             "<x:arrival xmlns:x='urn:remora:arrival:1' nonce='"
             "ffffffffffffffff'/></metadata>" TAIL,
        nonce);
}

static void
test_arrival(void **state G_GNUC_UNUSED)
{
    static const char digits[] = "0123456789abcdefABCDEF0123456789abcdef"
                                 "0123456789abcdef0123456789a";
    DomSite site = site_default();

    for (gsize len = 0; len <= DOM_NONCE_MAX + 1; len++) {
        g_autofree char *nonce = g_strndup(digits, len);
        g_autofree char *xml = with_arrival(nonce);
        g_autoptr(DomPlan) left = plan_text(xml, NULL);
        g_autoptr(DomPlan) plan =
            plan_domain("<remora:disk target='vda' image='i'/>", "", NULL);
        g_autoptr(DomPlan) again = NULL;
        g_autoptr(GError) error = NULL;
        g_autofree char *out = NULL;
        bool good = len >= DOM_NONCE_MIN && len <= DOM_NONCE_MAX;

        assert_false(dom_plan_has_metadata(left));
        assert_int_equal(dom_plan_disks(left)->len, 0);
        assert_int_equal(g_strcmp0(dom_plan_arrival(left), nonce) == 0, good);
        assert_null(dom_plan_arrival(plan));
        site.arrival = nonce;
        assert_int_equal(dom_plan_rewrite(plan, &site, &out, &error), good);
        if (!good) {
            assert_code(error, DOM_ERROR_REQUEST);
            assert_null(dom_plan_arrival(left));
            continue;
        }
        again = plan_text(out, NULL);
        assert_string_equal(dom_plan_arrival(again), nonce);
        assert_int_equal(dom_plan_disks(again)->len, 1);
    }
}

/* Guests run on images in such a pool; only a snapshot there is asked for. */
static void
test_image_alone(void **state G_GNUC_UNUSED)
{
    g_autoptr(DomPlan) plan = plan_domain(
        "",
        "<disk type='network'><source protocol='rbd' name='images/web'/>"
        "<target dev='vda'/></disk>"
        "<disk type='network' device='cdrom'><source protocol='rbd'"
        " name='images/cd'/><target dev='sda'/></disk>"
        "<disk type='network'><source protocol='rbd' name='vms/" OTHER
        "_disk'/><target dev='vdb'/><readonly/></disk>",
        NULL);

    assert_int_equal(dom_plan_disks(plan)->len, 3);
    for (guint i = 0; i < 3; i++) {
        const DomDisk *disk = disk_at(plan, i);

        assert_int_equal(disk->kind, DOM_DISK_BARE);
        assert_true(disk->in_place);
        assert_int_equal(disk->writable, i == 0);
        assert_int_equal(disk->among_images, i < 2);
        assert_null(disk->parent_image);
        assert_null(disk->snap);
    }
    assert_string_equal(disk_at(plan, 0)->pool, "images");
    assert_string_equal(disk_at(plan, 0)->image, "web");
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_codes),
        cmocka_unit_test(test_clone),
        cmocka_unit_test(test_snapshot),
        cmocka_unit_test(test_snapshot_at),
        cmocka_unit_test(test_bare),
        cmocka_unit_test(test_names),
        cmocka_unit_test(test_uuids),
        cmocka_unit_test(test_parent_pool),
        cmocka_unit_test(test_example),
        cmocka_unit_test(test_rewrite_again),
        cmocka_unit_test(test_threads),
        cmocka_unit_test(test_messages),
        cmocka_unit_test(test_same_guest),
        cmocka_unit_test(test_arrival),
        cmocka_unit_test(test_image_alone),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
