/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * tests/unit/test-xml-libvirt.c - what libvirt itself makes of our output
 *
 * libvirt's built-in test driver needs no root and no hypervisor, and parses
 * and prints definitions with the code that the real ones use. A rewritten
 * definition must be taken by it, and must still be final when it comes back
 * in libvirt's words; the metadata must be what virDomainSetMetadata takes.
 */
#include "config.h"

#include "tests/unit/xml-site.h"
#include "xml/dom.h"

#include <libvirt/libvirt.h>
#include <libvirt/virterror.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#define UUID "982b8eac-6bcc-4a21-bd04-b67e26188be0"

static virConnectPtr connection;

/* libvirt itself refuses a disk without a source, unless it is a CD drive; so
 * only the proxy ever sees one. */
#define WITHOUT_SOURCE                                                         \
    "<disk type='file' device='disk'><target dev='vdb' bus='virtio'/>"         \
    "<boot order='1'/></disk>"

#define DEFINITION(more)                                                       \
    "<domain type='test'><name>web1</name><uuid>" UUID "</uuid>"               \
    "<metadata><o:other xmlns:o='urn:o'/>"                                     \
    "<remora:domain xmlns:remora='urn:remora:domain:1'>"                       \
    "<remora:disk target='vda' image='i' size='3 GiB'/>"                       \
    "<remora:disk target='vdb' image='images/j@v2'/>"                          \
    "</remora:domain></metadata>"                                              \
    "<memory>65536</memory><os><type arch='x86_64'>hvm</type></os>"            \
    "<devices>" more "<disk type='network' device='disk'>"                     \
    "<driver name='qemu' cache='none'/>"                                       \
    "<source protocol='rbd' name='images/k@snap'/>"                            \
    "<target dev='vdc' bus='virtio'/><serial>s</serial></disk>"                \
    "<disk type='network' device='cdrom'>"                                     \
    "<source protocol='rbd' name='images/cd'/>"                                \
    "<target dev='sda' bus='sata'/></disk>"                                    \
    "<disk type='network' device='disk'>"                                      \
    "<source protocol='rbd' name='volumes/"                                    \
    "volume-7a97c4a3-6f59-41d4-bf47-191d7f97f8e9'/>"                           \
    "<target dev='vdd' bus='virtio'/></disk></devices></domain>"

static const char by_proxy[] = DEFINITION(WITHOUT_SOURCE);
static const char definition[] = DEFINITION("");

static virDomainPtr
define(const char *xml)
{
    virDomainPtr domain = virDomainDefineXML(connection, xml);

    if (!domain)
        fail_msg("%s\n%s", virGetLastErrorMessage(), xml);
    return domain;
}

static char *
stored(virDomainPtr domain)
{
    char *text = virDomainGetXMLDesc(domain, VIR_DOMAIN_XML_INACTIVE);

    assert_non_null(text);
    return text;
}

static DomPlan *
plan_of(const char *xml)
{
    DomRules rules = site_rules();
    g_autoptr(GError) error = NULL;
    DomPlan *plan = NULL;

    rules.complete_bare = true;
    plan = dom_plan_new(xml, strlen(xml), &rules, &error);
    if (!plan)
        fail_msg("%s\n%s", error->message, xml);
    return plan;
}

static char *
rewrite(const char *xml)
{
    g_autoptr(DomPlan) plan = plan_of(xml);
    DomSite site = site_default();
    char *out = NULL;

    assert_true(dom_plan_rewrite(plan, &site, &out, NULL));
    return out;
}

static void
undefine(virDomainPtr domain)
{
    assert_int_equal(virDomainUndefine(domain), 0);
    virDomainFree(domain);
}

static void
test_define(void **state G_GNUC_UNUSED)
{
    g_autofree char *out = rewrite(by_proxy);
    virDomainPtr domain = define(out);
    g_autofree char *back = stored(domain);
    g_autofree char *again = rewrite(back);
    g_autoptr(DomPlan) plan = plan_of(back);

    if (again)
        fail_msg("libvirt's\n%s\nbecomes\n%s", back, again);
    assert_int_equal(dom_plan_disks(plan)->len, 5);
    for (guint i = 0; i < 5; i++) {
        const DomDisk *disk = dom_plan_disks(plan)->pdata[i];

        assert_true(disk->in_place);
    }
    undefine(domain);
}

/* It must come through libvirt to the start that follows. */
static void
test_arrival(void **state G_GNUC_UNUSED)
{
    static const char nonce[] = "00112233445566778899aabbccddeeff";
    g_autoptr(DomPlan) plan = plan_of(by_proxy);
    DomSite site = site_default();
    g_autofree char *out = NULL;
    g_autofree char *back = NULL;
    g_autofree char *left = NULL;
    g_autoptr(DomPlan) again = NULL;
    virDomainPtr domain;

    site.arrival = nonce;
    assert_true(dom_plan_rewrite(plan, &site, &out, NULL));
    domain = define(out);
    back = stored(domain);
    again = plan_of(back);
    assert_string_equal(dom_plan_arrival(again), nonce);
    site.arrival = NULL;
    assert_true(dom_plan_rewrite(again, &site, &left, NULL));
    assert_null(left);
    undefine(domain);
}

/* The test driver attaches nothing: the disks are there at the next define. */
static virDomainPtr
define_with(const char *xml, const GPtrArray *devices)
{
    g_autoptr(GString) all = g_string_new(xml);
    const char *end = strstr(xml, "</devices>");

    assert_non_null(end);
    for (guint i = 0; i < devices->len; i++)
        g_string_insert(all, end - xml, devices->pdata[i]);
    return define(all->str);
}

static char *
metadata_of(const char *xml)
{
    const char *start = strstr(xml, "<metadata>");
    const char *end = strstr(xml, "</metadata>");

    assert_non_null(start);
    assert_non_null(end);
    return g_strndup(start, (gsize)(end - start));
}

static void
set_metadata(virDomainPtr domain, const char *metadata)
{
    if (virDomainSetMetadata(domain, VIR_DOMAIN_METADATA_ELEMENT, metadata,
                             DOM_PREFIX, DOM_NAMESPACE,
                             VIR_DOMAIN_AFFECT_CONFIG) < 0)
        fail_msg("%s\n%s", virGetLastErrorMessage(), metadata);
}

/* libvirt stores what is kept in our namespace; it is read all the same. */
static void
test_metadata(void **state G_GNUC_UNUSED)
{
    virDomainPtr domain = define(definition);
    g_autofree char *before = stored(domain);
    g_autofree char *asked = metadata_of(before);
    g_autoptr(DomPlan) plan = plan_of(before);
    DomSite site = site_default();
    g_autoptr(DomChanges) changes = NULL;
    g_autoptr(DomChanges) back = NULL;
    g_autofree char *after = NULL;
    g_autofree char *again = NULL;

    assert_true(dom_plan_changes(plan, &site, &changes, NULL));
    virDomainFree(domain);
    domain = define_with(before, changes->additions);
    set_metadata(domain, changes->metadata);
    after = stored(domain);
    assert_non_null(strstr(after, "<remora:original"));
    assert_non_null(strstr(after, "destination=\"vms/" UUID "_disk\""));
    g_clear_pointer(&plan, dom_plan_free);
    plan = plan_of(after);
    assert_int_equal(dom_plan_disks(plan)->len, 5);
    assert_true(dom_revert(after, strlen(after), &back, NULL));
    set_metadata(domain, back->metadata);
    g_free(after);
    after = stored(domain);
    again = metadata_of(after);
    assert_string_equal(again, asked);
    undefine(domain);
}

/* Each device of a change, put into a definition, is what libvirt takes. */
static void
test_devices(void **state G_GNUC_UNUSED)
{
    g_autoptr(DomPlan) plan = plan_of(by_proxy);
    g_autoptr(GString) xml = g_string_new(
        "<domain type='test'><name>web1</name><memory>65536</memory>"
        "<os><type>hvm</type></os><devices>");
    DomSite site = site_default();
    g_autoptr(DomChanges) changes = NULL;
    virDomainPtr domain;

    site.bus = "scsi";
    assert_true(dom_plan_changes(plan, &site, &changes, NULL));
    assert_int_equal(changes->additions->len, 2);
    for (guint i = 0; i < changes->additions->len; i++)
        g_string_append(xml, changes->additions->pdata[i]);
    for (guint i = 0; i < changes->updates->len; i++)
        g_string_append(xml, changes->updates->pdata[i]);
    g_string_append(xml, "</devices></domain>");
    domain = define(xml->str);
    undefine(domain);
}

static void
say_nothing(void *data G_GNUC_UNUSED, virErrorPtr error G_GNUC_UNUSED)
{
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_define),
        cmocka_unit_test(test_arrival),
        cmocka_unit_test(test_metadata),
        cmocka_unit_test(test_devices),
    };
    int failed;

    virSetErrorFunc(NULL, say_nothing);
    connection = virConnectOpen("test:///default");
    if (!connection) {
        print_message("SKIP: this libvirt has no test driver: %s\n",
                      virGetLastErrorMessage());
        return 77;
    }
    failed = cmocka_run_group_tests(tests, NULL, NULL);
    virConnectClose(connection);
    return failed;
}
