/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * tests/unit/test-xml-clusters.c - a definition on a host with two clusters
 */
#include "config.h"

#include "tests/unit/xml-site.h"
#include "xml/dom.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#define FAR_FSID   "7c1d2a90-3f55-4b1e-9d0a-5e6f7a8b9c0d"
#define FAR_SECRET "0f2a7c1d-55b3-4a0e-8d6c-1b9e3f7a2c48"
#define UUID       "982b8eac-6bcc-4a21-bd04-b67e26188be0"

static const char *const far_images[] = {"images", "glance", NULL};
static const DomHost far_hosts[] = {{(char *)"172.20.4.1", (char *)"6789"}};

/* data: the host of the cluster. */
static guint
weigh(const DomSigns *signs, gpointer data)
{
    const DomHost *host =
        signs->hosts->len ? g_ptr_array_index(signs->hosts, 0) : NULL;

    if (!host)
        return 1;
    return strcmp(host->name, data) == 0 ? 2 : DOM_WEIGHT_NONE;
}

static DomPlan *
plan_of(const char *disks, const char *entries, GError **error)
{
    DomRules rules[2] = {site_rules(), site_rules()};
    g_autofree char *xml = g_strdup_printf(
        "<domain type='kvm'><name>web1</name><uuid>" UUID "</uuid><metadata>"
        "<remora:domain xmlns:remora='urn:remora:domain:1'>%s</remora:domain>"
        "</metadata><devices>%s</devices></domain>",
        entries, disks);

    for (int i = 0; i < 2; i++) {
        rules[i].weigh = weigh;
        rules[i].weigh_data = i ? far_hosts[0].name : site_hosts[0].name;
    }
    rules[0].name = "near";
    rules[1].name = "far";
    rules[1].fsid = FAR_FSID;
    rules[1].image_pools = far_images;
    rules[1].vms_pool = "guests";
    return dom_plan_new_among(xml, strlen(xml), rules, 2, error);
}

#define DISK(dev, name, inner)                                                 \
    "<disk type='network' device='disk'><source protocol='rbd' name='" name    \
    "'>" inner "</source><target dev='" dev "'/></disk>"
#define NEAR  "<host name='9.115.251.194' port='6789'/>"
#define FAR   "<host name='172.20.4.1' port='6789'/>"
#define OTHER "<host name='10.0.0.1' port='6789'/>"

static void
check(const char *disks, const char *entries, const char *expected)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(DomPlan) plan = plan_of(disks, entries, &error);
    g_autoptr(GString) said = g_string_new(NULL);

    assert_null(error);
    for (guint i = 0; i < dom_plan_disks(plan)->len; i++) {
        const DomDisk *disk = g_ptr_array_index(dom_plan_disks(plan), i);

        g_string_append_printf(said, "%s%u:%s/%s", i ? " " : "", disk->cluster,
                               disk->pool ? disk->pool : "?",
                               disk->image ? disk->image : "?");
        if (disk->parent_fsid)
            g_string_append(said, "<?");
        else if (disk->parent_cluster != disk->cluster)
            g_string_append_printf(said, "<%u", disk->parent_cluster);
    }
    assert_string_equal(said->str, expected);
}

/* Where the disk says that it is; the first with the pool if it says nothing. */
static void
test_sources(void **state)
{
    (void)state;
    check(DISK("vda", "volumes/x", NEAR) DISK("vdb", "volumes/x", FAR), "",
          "0:volumes/x 1:volumes/x");
    check(DISK("vda", "volumes/x", ""), "", "0:volumes/x");
    check(DISK("vda", "guests/x", ""), "", "1:guests/x");
    check(DISK("vda", "glance/x", ""), "", "1:glance/x");
    check(DISK("vda", "volumes/x", OTHER), "", "");
    /* The other one has no such pool. */
    check(DISK("vda", "vms/x", FAR), "", "");
    check(DISK("vda", "images/x@snap", FAR), "", "1:guests/" UUID "_disk");
}

static void
test_requests(void **state)
{
    (void)state;
    check("", "<remora:disk target='vda' image='images/x'/>",
          "0:vms/" UUID "_disk");
    check("", "<remora:disk target='vda' image='glance/x'/>",
          "1:guests/" UUID "_disk");
    check("", "<remora:disk target='vda' image='x'/>", "0:vms/" UUID "_disk");
    check("",
          "<remora:disk target='vda' image='rbd://" FAR_FSID
          "/images/x/snap'/>",
          "1:guests/" UUID "_disk");
    check(DISK("vda", "images/x@snap", ""),
          "<remora:disk target='vda' image='rbd://" FAR_FSID
          "/images/x/snap'/>",
          "1:guests/" UUID "_disk");
    check(DISK("vda", "guests/" UUID "_disk", FAR),
          "<remora:disk target='vda' image='images/x' destination='guests/" UUID
          "_disk'/>",
          "1:guests/" UUID "_disk");
}

#define STRANGE     "rbd://11111111-2222-4333-8444-555555555555/images/x/snap"
#define FAR_IMAGE   "rbd://" FAR_FSID "/images/x/snap"
#define FAR_SPACE   "rbd://" FAR_FSID "/images/tenant%2Fx/snap"
#define ENTRY(rest) "<remora:disk target='vda' " rest "/>"
#define CD(dev)                                                                \
    "<disk type='file' device='cdrom'><target dev='" dev "'/></disk>"
#define MADE         "destination='vms/" UUID "_disk'"
#define MADE_DISK(h) DISK("vda", "vms/" UUID "_disk", h)

/* A disk here of an image there: where the disk is to be is said, by name or by
 * its source, or the image is only there. */
static void
test_copies(void **state)
{
    (void)state;
    check("", ENTRY("image='" FAR_IMAGE "' cluster='near'"),
          "0:vms/" UUID "_disk<1");
    check("", ENTRY("image='images/x' cluster='far'"),
          "1:guests/" UUID "_disk");
    check("", ENTRY("image='glance/x' cluster='near'"),
          "0:vms/" UUID "_disk<1");
    check("", ENTRY("image='" FAR_IMAGE "' cluster='far'"),
          "1:guests/" UUID "_disk");
    check("", ENTRY("kind='swap' size='8 MiB' cluster='far'"),
          "1:guests/" UUID "_disk.swap");
    check(MADE_DISK(NEAR), ENTRY("image='" FAR_IMAGE "'"),
          "0:vms/" UUID "_disk<1");
    /* As the rewrite leaves it, whatever its monitors are today. */
    check(MADE_DISK(NEAR), ENTRY("image='" FAR_IMAGE "' " MADE),
          "0:vms/" UUID "_disk<1");
    check(MADE_DISK(""), ENTRY("image='" FAR_IMAGE "' " MADE),
          "0:vms/" UUID "_disk<1");
    /* Which libvirt cannot open a namespace is not asked. */
    check("", ENTRY("image='" FAR_SPACE "' cluster='near'"),
          "0:vms/" UUID "_disk<1");
    check("", ENTRY("image='glance/tenant/x' cluster='near'"),
          "0:vms/" UUID "_disk<1");
    check(MADE_DISK(NEAR), ENTRY("image='" FAR_SPACE "' " MADE),
          "0:vms/" UUID "_disk<1");
    /* What only reads it goes there. */
    check(CD("sda"), "<remora:disk target='sda' image='" FAR_IMAGE "'/>",
          "1:images/x");
    check(CD("sda"), "<remora:disk target='sda' image='glance/x'/>",
          "1:glance/x");
}

/* Once it is made, it does not matter what became of that cluster. */
static void
test_lost(void **state)
{
    (void)state;
    check(MADE_DISK(NEAR), ENTRY("image='" STRANGE "' " MADE),
          "0:vms/" UUID "_disk<?");
}

static void
check_refused(const char *disks, const char *entries, const char *expected)
{
    g_autoptr(GError) error = NULL;

    assert_null(plan_of(disks, entries, &error));
    assert_non_null(strstr(error->message, expected));
}

static void
test_refused(void **state)
{
    (void)state;
    check_refused("", ENTRY("image='" STRANGE "'"),
                  "its image is in cluster '11111111-2222-4333-8444-"
                  "555555555555', and this host knows '" SITE_FSID
                  "', '" FAR_FSID "'");
    check_refused(
        "", ENTRY("image='x' cluster='elsewhere'"),
        "it is to be in cluster 'elsewhere', and remora.conf has none");
    check_refused(DISK("vda", "images/x@snap", FAR),
                  ENTRY("image='" FAR_IMAGE "' cluster='near'"),
                  "its source is rbd 'images/x@snap' of another cluster, but");
    check_refused(DISK("vda", "images/x@snap", NEAR),
                  ENTRY("image='" FAR_IMAGE "'"),
                  "but the metadata asks for image 'rbd://");
    check_refused(CD("sda"),
                  "<remora:disk target='sda' image='" FAR_IMAGE
                  "' cluster='near'/>",
                  "gets the snapshot itself, which is in another cluster");
    check_refused("", ENTRY("image='" FAR_SPACE "' cluster='far'"),
                  "its image 'images/tenant/x' is in a namespace of RBD, and "
                  "this host's libvirt cannot open one");
    check_refused(CD("sda"),
                  "<remora:disk target='sda' image='" FAR_SPACE "'/>",
                  "this host's libvirt cannot open one");
    check_refused("", ENTRY("image='lost/x'"),
                  "'lost' is not a pool for images");
}

/* Each disk gets what its own cluster says. */
static void
test_rewrite(void **state)
{
    g_autoptr(DomPlan) plan =
        plan_of(DISK("vda", "images/x@snap", FAR),
                "<remora:disk target='vdb' image='images/y'/>", NULL);
    DomSite sites[2] = {site_default(), site_default()};
    g_autofree char *xml = NULL;
    const char *near;
    const char *far;

    (void)state;
    sites[1].hosts = far_hosts;
    sites[1].n_hosts = 1;
    sites[1].auth_user = "far";
    sites[1].secret_uuid = FAR_SECRET;
    assert_true(dom_plan_rewrite(plan, sites, &xml, NULL));
    far = strstr(xml, "name=\"guests/" UUID "_disk\"");
    near = strstr(xml, "name=\"vms/" UUID "_disk.vdb\"");
    assert_non_null(near);
    assert_non_null(far);
    assert_non_null(strstr(far, "172.20.4.1"));
    assert_non_null(strstr(far, "username=\"far\""));
    assert_non_null(strstr(near, "9.115.251.194"));
    assert_non_null(strstr(near, SITE_SECRET));
}

static void
check_rewritten_copy(const char *asked, const char *recorded)
{
    g_autofree char *entry =
        g_strdup_printf(ENTRY("image='%s' cluster='near'"), asked);
    g_autofree char *image = g_strdup_printf(
        "image=\"%s\" destination=\"vms/" UUID "_disk\">", recorded);
    g_autofree char *original = g_strdup_printf(
        "<remora:original image=\"%s\" cluster=\"near\"/>", asked);
    g_autoptr(DomPlan) plan = plan_of("", entry, NULL);
    DomSite sites[2] = {site_default(), site_default()};
    g_autofree char *xml = NULL;

    sites[1].n_hosts = 0;
    assert_true(dom_plan_rewrite(plan, sites, &xml, NULL));
    assert_non_null(strstr(xml, image));
    assert_non_null(strstr(xml, original));
    assert_non_null(strstr(xml, "9.115.251.194"));
}

/* The definition says where the image is for as long as the disk is there. */
static void
test_rewrite_copy(void **state)
{
    (void)state;
    check_rewritten_copy(FAR_IMAGE, FAR_IMAGE);
    check_rewritten_copy(FAR_SPACE, FAR_SPACE);
    check_rewritten_copy("glance/tenant/x",
                         "rbd://" FAR_FSID "/glance/tenant%2Fx/snap");
}

/* A bare id is where it was found. */
static void
test_found(void **state)
{
    g_autoptr(DomPlan) plan = plan_of(
        CD("sda"), ENTRY("image='x'") "<remora:disk target='sda' image='y'/>",
        NULL);
    DomSite sites[2] = {site_default(), site_default()};
    g_autofree char *xml = NULL;

    (void)state;
    sites[1].hosts = far_hosts;
    sites[1].n_hosts = 1;
    for (guint i = 0; i < 2; i++) {
        DomDisk *disk = g_ptr_array_index(dom_plan_disks(plan), i);

        assert_null(disk->parent_pool);
        dom_disk_set_parent(disk, 1, FAR_FSID, "glance");
        assert_int_equal(disk->cluster, strcmp(disk->target, "sda") == 0);
    }
    assert_true(dom_plan_rewrite(plan, sites, &xml, NULL));
    assert_non_null(strstr(xml, "image=\"rbd://" FAR_FSID "/glance/x/snap\""));
    assert_non_null(strstr(xml, "name=\"glance/y\""));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_sources),      cmocka_unit_test(test_requests),
        cmocka_unit_test(test_copies),       cmocka_unit_test(test_lost),
        cmocka_unit_test(test_refused),      cmocka_unit_test(test_rewrite),
        cmocka_unit_test(test_rewrite_copy), cmocka_unit_test(test_found),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
