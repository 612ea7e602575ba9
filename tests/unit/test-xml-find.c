/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * tests/unit/test-xml-find.c - which images a guest has, and as what
 *
 * In the words of libvirt for a guest that runs: with indexes, backing chains
 * that end in an empty element, and block jobs.
 */
#include "config.h"

#include "tests/unit/xml-domain.h"
#include "xml/dom.h"

#define HOSTS                                                                  \
    "<host name='9.115.251.194' port='6789'/>"                                 \
    "<auth username='cinder'><secret type='ceph' uuid='" SITE_SECRET           \
    "'/></auth>"
#define RBD(name, index)                                                       \
    "<source protocol='rbd' name='" name "' index='" index "'>" HOSTS          \
    "</source>"
#define BACKING(name, more)                                                    \
    "<backingStore type='network' index='3'><format type='raw'/>" RBD(         \
        name, "3") more "</backingStore>"
#define FILE_BACKING(more)                                                     \
    "<backingStore type='file' index='2'><format type='qcow2'/>"               \
    "<source file='/a'/>" more "</backingStore>"
#define DISK(device, more)                                                     \
    "<disk type='network' device='" device "'>"                                \
    "<driver name='qemu' type='raw'/>" more                                    \
    "<target dev='vda' bus='virtio'/><alias name='virtio-disk0'/></disk>"
#define OVERLAY(more)                                                          \
    "<disk type='file' device='disk'><driver name='qemu' type='qcow2'/>"       \
    "<source file='/o' index='4'/>" more "<target dev='vda' bus='virtio'/>"    \
    "</disk>"
#define MIRROR(job, more)                                                      \
    "<mirror type='network' job='" job "' ready='yes'><format type='raw'/>"    \
    "" more "</mirror>"

static DomFound
find(const char *disks, const char *image)
{
    g_autofree char *xml = domain_text("", disks);
    g_autoptr(GError) error = NULL;
    DomFound found = {DOM_ROLE_NONE, false, false};

    if (!dom_find_source(xml, strlen(xml), "vms", image, &found, &error))
        fail_msg("%s\n%s", error->message, xml);
    return found;
}

static void
test_roles(void **state G_GNUC_UNUSED)
{
    static const struct {
        const char *disks;
        DomRole role;
        bool mirror;
    } of_a[] = {
        {"", DOM_ROLE_NONE, false},
        {DISK("disk", RBD("vms/a", "1") "<backingStore/>"), DOM_ROLE_DISK,
         false},
        {DISK("disk", RBD("vms/a", "1") "<shareable/>"), DOM_ROLE_DISK, false},
        {DISK("lun", RBD("vms/a", "1")), DOM_ROLE_DISK, false},
        {DISK("disk", RBD("vms/a", "1") "<readonly/>"), DOM_ROLE_READ_ONLY,
         false},
        {DISK("cdrom", RBD("vms/a", "1")), DOM_ROLE_READ_ONLY, false},
        {DISK("disk", "<source protocol='rbd' name='vms/a'><snapshot name='s'/>"
                      "</source>"),
         DOM_ROLE_READ_ONLY, false},
        /* Others, of nearly that name. */
        {DISK("disk", RBD("vms/aa", "1")), DOM_ROLE_NONE, false},
        {DISK("disk", RBD("images/a", "1")), DOM_ROLE_NONE, false},
        {DISK("disk", RBD("vms/a@s", "1")), DOM_ROLE_NONE, false},
        {DISK("disk", RBD("vms/n/a", "1")), DOM_ROLE_NONE, false},
        {"<disk type='network' device='disk'><source protocol='nbd' "
         "name='vms/a'/></disk>",
         DOM_ROLE_NONE, false},
        {"<disk type='file' device='disk'><source file='/f' protocol='rbd' "
         "name='vms/a'/></disk>",
         DOM_ROLE_NONE, false},
        /* An external snapshot, and one of that. */
        {OVERLAY(BACKING("vms/a", "<backingStore/>")), DOM_ROLE_BACKING, false},
        {OVERLAY(FILE_BACKING(BACKING("vms/a", ""))), DOM_ROLE_BACKING, false},
        {OVERLAY(BACKING("vms/b", BACKING("vms/a", ""))), DOM_ROLE_BACKING,
         false},
        {OVERLAY("<backingStore type='network'><source protocol='rbd' name='"
                 "vms/a'><snapshot name='s'/></source></backingStore>"),
         DOM_ROLE_BACKING, false},
        /* A block copy, onto it and from it; onto it in another chain. */
        {DISK("disk", RBD("vms/b", "1")
                          MIRROR("copy", RBD("vms/a", "5") "<backingStore/>")),
         DOM_ROLE_MIRROR, true},
        {DISK("disk", RBD("vms/a", "1") MIRROR("copy", RBD("vms/b", "5"))),
         DOM_ROLE_DISK, true},
        {DISK("disk", RBD("vms/a", "1") "<mirror type='file' file='/m' "
                                        "format='raw' job='copy'>"
                                        "<format type='raw'/>"
                                        "<source file='/m'/></mirror>"),
         DOM_ROLE_DISK, true},
        {DISK("disk", RBD("vms/b", "1") MIRROR(
                          "copy", RBD("vms/c", "5") BACKING("vms/a", ""))),
         DOM_ROLE_BACKING, true},
        /* An active commit writes to what is still in the chain. */
        {OVERLAY(BACKING("vms/a", "")
                     MIRROR("active-commit", RBD("vms/a", "3"))),
         DOM_ROLE_MIRROR, true},
        /* A copy of a read-only disk is written. */
        {DISK("cdrom", RBD("vms/b", "1") MIRROR("copy", RBD("vms/a", "5"))),
         DOM_ROLE_MIRROR, true},
        /* qcow2 with its data beside it. */
        {"<disk type='file' device='disk'><source file='/q'>"
         "<dataStore type='network'><format type='raw'/>" RBD(
             "vms/a", "2") "</dataStore></source></disk>",
         DOM_ROLE_DISK, false},
        {OVERLAY("<backingStore type='file'><source file='/q'>"
                 "<dataStore type='network'>" RBD(
                     "vms/a", "2") "</dataStore></source></backingStore>"),
         DOM_ROLE_BACKING, false},
        /* The role that writes counts, whichever comes first. */
        {DISK("cdrom", RBD("vms/a", "1")) OVERLAY(BACKING("vms/a", "")),
         DOM_ROLE_BACKING, false},
        {DISK("disk", RBD("vms/a", "1")) OVERLAY(BACKING("vms/a", "")),
         DOM_ROLE_DISK, false},
        {DISK("disk", RBD("vms/a", "1"))
             DISK("disk", RBD("vms/b", "1") MIRROR("copy", RBD("vms/a", "5"))),
         DOM_ROLE_DISK, true},
    };

    for (gsize i = 0; i < G_N_ELEMENTS(of_a); i++) {
        DomFound found = find(of_a[i].disks, "a");

        if (found.role != of_a[i].role || found.mirror != of_a[i].mirror)
            fail_msg("role %d, mirror %d:\n%s", found.role, found.mirror,
                     of_a[i].disks);
    }
}

static void
test_shared(void **state G_GNUC_UNUSED)
{
    assert_true(
        find(DISK("disk", RBD("vms/a", "1") "<shareable/>"), "a").shared);
    assert_false(find(DISK("disk", RBD("vms/a", "1")), "a").shared);
    assert_false(find(DISK("disk", RBD("vms/b", "1") "<shareable/>")
                          DISK("disk", RBD("vms/a", "1")),
                      "a")
                     .shared);
}

static void
test_list(void **state G_GNUC_UNUSED)
{
    static const struct {
        const char *name;
        DomRole role;
    } expected[] = {
        {"vms/a@", DOM_ROLE_DISK},       {"vms/b@", DOM_ROLE_BACKING},
        {"volumes/c@", DOM_ROLE_MIRROR}, {"images/cd@v1", DOM_ROLE_READ_ONLY},
        {"images/n/x@", DOM_ROLE_DISK},
    };
    g_autofree char *xml = domain_text(
        "",
        DISK(
            "disk",
            RBD("vms/a", "1") BACKING("vms/b", "") MIRROR(
                "copy",
                RBD("volumes/c",
                    "5"))) "<disk type='network' device='cdrom'><source protocol='rbd' "
                           "name='images/cd'><snapshot name='v1'/></source></disk>"
                           "<disk type='file' device='disk'><source file='/f'/>"
                           "<target dev='vdb'/></disk>" DISK(
                               "disk", RBD("images/n/x", "1")));
    g_autoptr(GPtrArray) sources = NULL;

    assert_true(dom_sources(xml, strlen(xml), &sources, NULL));
    assert_int_equal(sources->len, G_N_ELEMENTS(expected));
    for (guint i = 0; i < sources->len; i++) {
        const DomRbdSource *source = sources->pdata[i];
        g_autofree char *name =
            g_strdup_printf("%s/%s@%s", source->pool, source->image,
                            source->snap ? source->snap : "");

        assert_string_equal(name, expected[i].name);
        assert_int_equal(source->role, expected[i].role);
        assert_int_equal(source->mirror, i < 3);
        if (i == 3)
            assert_null(source->target);
        else
            assert_string_equal(source->target, "vda");
    }
}

static void
test_errors(void **state G_GNUC_UNUSED)
{
    static const char *const bad[] = {
        "", "<domain>", "<disk/>", "<!DOCTYPE d [<!ENTITY a 'b'>]><domain/>"};

    for (gsize i = 0; i < G_N_ELEMENTS(bad); i++) {
        g_autoptr(GError) error = NULL;
        GPtrArray *sources = NULL;
        DomFound found = {DOM_ROLE_DISK, true, true};

        assert_false(dom_sources(bad[i], strlen(bad[i]), &sources, NULL));
        assert_null(sources);
        assert_false(dom_find_source(bad[i], strlen(bad[i]), "vms", "a", &found,
                                     &error));
        assert_code(error, DOM_ERROR_MALFORMED);
        assert_int_equal(found.role, DOM_ROLE_DISK);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_roles),
        cmocka_unit_test(test_shared),
        cmocka_unit_test(test_list),
        cmocka_unit_test(test_errors),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
