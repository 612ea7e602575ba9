/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * tests/unit/test-xml-nova.c - what Nova writes for files, as it would for RBD
 *
 * The table has Nova's whole set of disks in both ways, on each bus, with and
 * without a key, by IPv4 and IPv6. All of <devices> is compared, element by
 * element and in their order, but for what remora adds by intent: the name of the
 * driver of Nova's own disks, and <readonly/> of a CD drive, which libvirt adds
 * itself. Then come the cases of Nova's own tests that are about locations.
 */
#include "config.h"

#include "tests/unit/xml-site.h"
#include "xml/dom.h"

#include <libxml/parser.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#define UUID   "982b8eac-6bcc-4a21-bd04-b67e26188be0"
#define IMAGE  "0a64fa67-3e34-42e7-b7b0-423c11850e18"
#define VOLUME "6868a043-1412-4f6c-917f-bbffb1a8d21a"
#define FILES  "/var/lib/nova/instances/" UUID "/"

typedef struct {
    bool scsi;
    bool auth;
    bool ipv6;
    bool rbd; /* images_type=rbd */
} Way;

static const DomHost hosts_v4[] = {
    {(char *)"9.115.251.194", (char *)"6789"},
    {(char *)"9.115.251.195", (char *)"6789"},
    {(char *)"9.115.251.218", (char *)"6789"},
};
static const DomHost hosts_v6[] = {
    {(char *)"::1", (char *)"6789"},
    {(char *)"fd00::2", (char *)"6790"},
    {(char *)"fd00::3", (char *)"3300"},
};

/* ---- as Nova writes it --------------------------------------------------------- */

static void
add_access(GString *xml, const Way *way, const char *name)
{
    const DomHost *hosts = way->ipv6 ? hosts_v6 : hosts_v4;

    g_string_append_printf(xml, "<source protocol='rbd' name='%s'>", name);
    for (gsize i = 0; i < 3; i++)
        g_string_append_printf(xml, "<host name='%s' port='%s'/>",
                               hosts[i].name, hosts[i].port);
    g_string_append(xml, "</source>");
    if (way->auth)
        g_string_append(xml, "<auth username='cinder'><secret type='ceph' "
                             "uuid='" SITE_SECRET "'/></auth>");
}

static void
add_target(GString *xml, const Way *way, guint n)
{
    g_string_append_printf(xml, "<target bus='%s' dev='%s%c'/>",
                           way->scsi ? "scsi" : "virtio",
                           way->scsi ? "sd" : "vd", 'a' + (int)n);
}

static void
add_address(GString *xml, const Way *way, guint n)
{
    if (way->scsi)
        g_string_append_printf(
            xml, "<address type='drive' controller='0' unit='%u'/>", n);
}

static void
add_nova_disk(GString *xml, const Way *way, const char *name, int n)
{
    bool cdrom = n < 0;
    g_autofree char *image = g_strdup_printf("vms/" UUID "_%s", name);

    g_string_append_printf(xml, "<disk type='%s' device='%s'>",
                           way->rbd ? "network" : "file",
                           cdrom ? "cdrom" : "disk");
    if (way->rbd) {
        g_string_append(
            xml, "<driver type='raw' cache='writeback' discard='unmap'/>");
        add_access(xml, way, image);
    } else {
        g_string_append_printf(xml,
                               "<driver name='qemu' type='%s' cache='none' "
                               "discard='unmap'/><source file='" FILES "%s'/>",
                               cdrom ? "raw" : "qcow2", name);
    }
    if (cdrom) {
        g_string_append(xml, "<target bus='ide' dev='hda'/>");
    } else {
        add_target(xml, way, (guint)n);
        add_address(xml, way, (guint)n);
    }
    g_string_append(xml, "</disk>");
}

static void
add_volume(GString *xml, const Way *way, guint n)
{
    g_string_append(xml, "<disk type='network' device='disk'>"
                         "<driver name='qemu' type='raw' cache='writeback' "
                         "discard='unmap'/>");
    add_access(xml, way, "volumes/volume-" VOLUME);
    add_target(xml, way, n);
    g_string_append(xml, "<serial>" VOLUME "</serial>");
    add_address(xml, way, n);
    g_string_append(xml, "</disk>");
}

static char *
nova_definition(const Way *way)
{
    GString *xml = g_string_new(
        "<domain type='kvm'><uuid>" UUID "</uuid><name>instance-1</name>"
        "<memory>2097152</memory><metadata><nova:instance xmlns:nova='"
        "http://openstack.org/xmlns/libvirt/nova/1.1'>"
        "<nova:flavor name='m1.small'><nova:disk>3</nova:disk>"
        "<nova:swap>100</nova:swap><nova:ephemeral>2</nova:ephemeral>"
        "</nova:flavor><nova:root type='image' uuid='" IMAGE "'/>"
        "</nova:instance></metadata><os><type>hvm</type></os><devices>");

    add_nova_disk(xml, way, "disk", 0);
    add_nova_disk(xml, way, "disk.local", 1);
    add_nova_disk(xml, way, "disk.swap", 2);
    add_nova_disk(xml, way, "disk.config", -1);
    add_volume(xml, way, 3);
    if (way->scsi)
        g_string_append(
            xml, "<controller type='scsi' index='0' model='virtio-scsi'/>");
    g_string_append(xml, "</devices></domain>");
    return g_string_free(xml, FALSE);
}

/* ---- what is compared ---------------------------------------------------------- */

static bool
is_cdrom(xmlNode *disk)
{
    g_autofree char *device = (char *)xmlGetProp(disk, BAD_CAST "device");

    return g_strcmp0(device, "cdrom") == 0;
}

/* Nova's own disks are those that have no serial here. */
static bool
is_novas(xmlNode *disk)
{
    for (xmlNode *at = disk->children; at; at = at->next)
        if (strcmp((const char *)at->name, "serial") == 0)
            return false;
    return true;
}

static bool
is_intended(xmlNode *node, const char *attribute)
{
    if (!attribute)
        return strcmp((const char *)node->name, "readonly") == 0 &&
               is_cdrom(node->parent);
    return strcmp((const char *)node->name, "driver") == 0 &&
           strcmp(attribute, "name") == 0 && is_novas(node->parent);
}

static gint
compare_texts(gconstpointer a, gconstpointer b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static void
say_attributes(GString *out, xmlNode *node)
{
    g_autoptr(GPtrArray) all = g_ptr_array_new_with_free_func(g_free);

    for (xmlAttr *attr = node->properties; attr; attr = attr->next) {
        g_autofree char *value = (char *)xmlGetProp(node, attr->name);

        if (!is_intended(node, (const char *)attr->name))
            g_ptr_array_add(
                all,
                g_strdup_printf(" %s=%s", (const char *)attr->name, value));
    }
    g_ptr_array_sort(all, compare_texts);
    for (guint i = 0; i < all->len; i++)
        g_string_append(out, all->pdata[i]);
}

static void
say(GString *out, xmlNode *node, guint depth)
{
    if (node->type == XML_TEXT_NODE && !xmlIsBlankNode(node))
        g_string_append_printf(out, "%*s'%s'\n", (int)depth, "",
                               (const char *)node->content);
    if (node->type != XML_ELEMENT_NODE || is_intended(node, NULL))
        return;
    g_string_append_printf(out, "%*s%s", (int)depth, "",
                           (const char *)node->name);
    say_attributes(out, node);
    g_string_append_c(out, '\n');
    for (xmlNode *at = node->children; at; at = at->next)
        say(out, at, depth + 1);
}

static char *
say_devices(const char *xml)
{
    xmlDoc *doc = xmlReadMemory(xml, (int)strlen(xml), "", NULL, 0);
    GString *out = g_string_new(NULL);
    xmlNode *root = doc ? xmlDocGetRootElement(doc) : NULL;

    for (xmlNode *at = root ? root->children : NULL; at; at = at->next)
        if (strcmp((const char *)at->name, "devices") == 0)
            say(out, at, 0);
    xmlFreeDoc(doc);
    assert_int_not_equal(out->len, 0);
    return g_string_free(out, FALSE);
}

static char *
rewrite(const char *xml, const Way *way)
{
    g_auto(GStrv) files = dom_nova_files(xml, strlen(xml));
    const DomNova nova = {.gone = (const char *const *)files};
    DomRules rules = site_rules();
    DomSite site = site_default();
    g_autoptr(DomPlan) plan = NULL;
    g_autoptr(GError) error = NULL;
    char *out = NULL;

    rules.nova = &nova;
    rules.complete_bare = true;
    site.hosts = way->ipv6 ? hosts_v6 : hosts_v4;
    site.n_hosts = 3;
    if (!way->auth)
        site.auth_user = site.secret_uuid = NULL;
    plan = dom_plan_new(xml, strlen(xml), &rules, &error);
    if (!plan || !dom_plan_rewrite(plan, &site, &out, &error))
        fail_msg("%s", error->message);
    return out;
}

static void
test_whole_set(void **state)
{
    (void)state;
    for (guint bits = 0; bits < 8; bits++) {
        const Way file = {bits & 1, bits & 2, bits & 4, false};
        const Way rbd = {file.scsi, file.auth, file.ipv6, true};
        g_autofree char *from_files = nova_definition(&file);
        g_autofree char *from_nova = nova_definition(&rbd);
        g_autofree char *out = rewrite(from_files, &file);
        g_autofree char *got = NULL;
        g_autofree char *expected = say_devices(from_nova);

        assert_non_null(out);
        got = say_devices(out);
        assert_string_equal(got, expected);
    }
}

/* Nothing is asked for by what Nova has on RBD itself. */
static void
test_by_nova_itself(void **state)
{
    const Way rbd = {.auth = true, .rbd = true};
    g_autofree char *xml = nova_definition(&rbd);
    g_autofree char *out = rewrite(xml, &rbd);
    g_autofree char *got = NULL;
    g_autofree char *expected = say_devices(xml);

    (void)state;
    /* The name of the driver alone is completed. */
    assert_non_null(out);
    got = say_devices(out);
    assert_string_equal(got, expected);
    assert_null(strstr(out, "destination="));
}

static void
test_sizes(void **state)
{
    static const guint64 sizes[] = {G_GUINT64_CONSTANT(3) << 30,
                                    G_GUINT64_CONSTANT(2) << 30,
                                    G_GUINT64_CONSTANT(100) << 20, 0};
    const Way file = {0};
    g_autofree char *xml = nova_definition(&file);
    g_auto(GStrv) files = dom_nova_files(xml, strlen(xml));
    const DomNova nova = {.gone = (const char *const *)files};
    DomRules rules = site_rules();
    g_autoptr(DomPlan) plan = NULL;
    const GPtrArray *disks;

    (void)state;
    assert_int_equal(g_strv_length(files), 4);
    rules.nova = &nova;
    plan = dom_plan_new(xml, strlen(xml), &rules, NULL);
    assert_non_null(plan);
    disks = dom_plan_disks(plan);
    assert_int_equal(disks->len, 5);
    for (guint i = 0; i < G_N_ELEMENTS(sizes); i++) {
        const DomDisk *disk = disks->pdata[i];

        assert_true(disk->size == sizes[i]);
    }
}

/* ---- locations ----------------------------------------------------------------- */

static void
test_urls(void **state)
{
    static const char *const refused[] = {
        "http://path/to/somewhere/else",
        "rbd://image/extra",
        "rbd://image/",
        "rbd://fsid/pool/image/",
        "rbd://fsid/pool/image/snap/",
        "rbd://///",
        /* Only Glance itself has images without a snapshot. */
        "rbd://image",
    };
    g_autoptr(DomImageRef) ref =
        dom_image_ref_parse("rbd://fsid/pool/image/snap", NULL);
    g_autoptr(GError) error = NULL;

    (void)state;
    assert_non_null(ref);
    assert_string_equal(ref->fsid, "fsid");
    assert_string_equal(ref->pool, "pool");
    assert_string_equal(ref->image, "image");
    assert_string_equal(ref->snap, "snap");
    for (gsize i = 0; i < G_N_ELEMENTS(refused); i++)
        assert_null(dom_image_ref_parse(refused[i], NULL));
    /* Four pieces, decoded; but none that RBD could name. */
    assert_null(dom_image_ref_parse("rbd://%2F/%2F/%2F/%2F", &error));
    assert_non_null(strstr(error->message, "the pool name '/' has a '/'"));
}

#define AT(location)                                                           \
    "<domain><name>a</name><uuid>" UUID "</uuid><metadata>"                    \
    "<remora:domain xmlns:remora='" DOM_NAMESPACE "'><remora:disk "            \
    "target='vda' image='" location "'/></remora:domain></metadata></domain>"

/* Whether an image can be cloned: one of this cluster's. (Its snapshot and its
 * format are looked at when the disk is made.) */
static void
test_clonable(void **state)
{
    static const char *const pools[] = {"pool", "images", NULL};
    const char *good = AT("rbd://abc/pool/image/snap");
    const char *other = AT("rbd://def/pool/image/snap");
    DomRules rules = site_rules();
    g_autoptr(DomPlan) plan = NULL;
    g_autoptr(GError) error = NULL;

    (void)state;
    rules.image_pools = pools;
    rules.fsid = "abc";
    plan = dom_plan_new(good, strlen(good), &rules, NULL);
    assert_non_null(plan);
    assert_null(dom_plan_new(other, strlen(other), &rules, &error));
    assert_non_null(strstr(error->message, "its image is in cluster 'def'"));
}

static void
test_clone(void **state)
{
    const char *xml = AT("rbd://fsid/images/image-name/snapshot-name");
    DomRules rules = site_rules();
    g_autoptr(DomPlan) plan = NULL;
    const DomDisk *disk;

    (void)state;
    rules.fsid = "fsid";
    plan = dom_plan_new(xml, strlen(xml), &rules, NULL);
    assert_non_null(plan);
    disk = dom_plan_disks(plan)->pdata[0];
    assert_int_equal(disk->kind, DOM_DISK_CLONE);
    assert_string_equal(disk->parent_pool, "images");
    assert_string_equal(disk->parent_image, "image-name");
    assert_string_equal(disk->parent_snap, "snapshot-name");
    assert_string_equal(disk->pool, "vms");
    assert_string_equal(disk->image, UUID "_disk");
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_whole_set), cmocka_unit_test(test_by_nova_itself),
        cmocka_unit_test(test_sizes),     cmocka_unit_test(test_urls),
        cmocka_unit_test(test_clonable),  cmocka_unit_test(test_clone),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
