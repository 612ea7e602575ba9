/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * tests/unit/test-xml-limits.c - the last that is taken, the first that is not
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

#include <libxml/parserInternals.h>
#include <string.h>
#include <unistd.h>

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

/* A tag each, and two of <domain>. */
static void
test_limit_pieces(void **state G_GNUC_UNUSED)
{
    check_limit("<domain>", "<a/>", "</domain>", DOM_PIECES_MAX - 2);
    check_limit("<domain>", "<a b=''/>", "</domain>", DOM_PIECES_MAX / 2 - 1);
}

static void
check_depth(void)
{
    for (guint past = 0; past <= 1; past++) {
        g_autofree char *down = repeat("<a>", DOM_DEPTH_MAX + past);
        g_autofree char *up = repeat("</a>", DOM_DEPTH_MAX + past);
        g_autofree char *xml =
            g_strconcat("<domain>", down, up, "</domain>", NULL);
        g_autoptr(GError) error = NULL;
        g_autoptr(DomPlan) plan = plan_text(xml, &error);

        assert_int_equal(plan == NULL, past);
        if (past)
            assert_code(error, DOM_ERROR_LIMIT);
    }
}

/* By a libxml2 that takes no more itself, and by one that does. */
static void
test_limit_depth(void **state G_GNUC_UNUSED)
{
    check_depth();
#if LIBXML_VERSION < 21300
    xmlParserMaxDepth = 2048;
    check_depth();
    xmlParserMaxDepth = DOM_DEPTH_MAX;
#endif
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

    return plan_domain(entry, "<disk><target dev='vda'/></disk>", error);
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
                        "name='images/i@s'/><target dev='vda'/>",
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
                    "name='images/i@s'/><target dev='vda'/></disk></devices>"
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
        {"<?xml version='1.0' encoding = \"HX\"?><domain/>", 46},
        {"<?xml version='1.0' encoding='UTF-7'?>+ADw-domain/+AD4-", 54},
        {"<?xml version='1.0' encoding='ascii//IGNORE'?><domain/>", 55},
        {"<?xml version='1.0' encoding='koi8-x'?><domain>\xc1</domain>", 57},
        {"<?xml version='1.0' encoding='ascii'?><domain>\xc1</domain>", 56},
        {"\xef\xbb\xbf<?xml version='1.0' encoding='koi8-r'?><d>\xc1</d>", 50},
        {"\xff\xfe<\0d\0/\0>", 9},
        {"\xff\xfe<\0d\0>\0\0\0<\0/\0d\0>\0", 18},
        {"\xff\xfe", 2},
        {"<!DOCTYPE domain [<!ENTITY a 'b'>]><domain/>", 44},
        {"<!DOCTYPE domain [<!ENTITY a SYSTEM 'file:///a'>]><domain/>", 59},
        {"<!DOCTYPE domain [<!ENTITY % a 'b'>]><domain/>", 46},
        {"<!DOCTYPE domain [<!ATTLIST disk type CDATA 'network'>]><domain/>",
         65},
        {"<!DOCTYPE domain [<!ATTLIST disk type (a|b) #REQUIRED>]><domain/>",
         65},
        {"<!DOCTYPE domain><domain>&a;</domain>", 37},
        {"<x:domain xmlns:x='u'/>", 23},
        {"<domain xmlns='u'/>", 19},
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

/* Where '<' is other bytes, whatever libxml2 makes of that. */
static void
test_hidden_pieces(void **state G_GNUC_UNUSED)
{
    g_autoptr(GString) xml =
        g_string_new("<?xml version='1.0' encoding='UTF-7'?><domain>");
    g_autoptr(GError) error = NULL;

    for (guint i = 0; i < DOM_PIECES_MAX; i++)
        g_string_append(xml, "+ADw-a/+AD4-");
    assert_null(plan_text(xml->str, &error));
    assert_code(error, DOM_ERROR_LIMIT);
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
        "<?xml version='1.0' encoding='utf8'?><domain>\xc3\xa9</domain>",
        "<?xml version='1.0' encoding='ISO-8859-15'?><domain>\xa4</domain>",
        "<?xml version='1.0' encoding='windows-1252'?><domain>\x80</domain>",
        "<?xml version='1.0' encoding='Shift_JIS'?><domain>\x82\xa0</domain>",
        /* Whatever its name, libxml2 reads the text or libvirt refuses it. */
        "<?xml version='1.0' encoding='cp850'?><domain>\xc3\xa9</domain>",
        "<?xml version='1.0' encoding='ISO_8859-1'?><domain>\xc3\xa9</domain>",
        "<?xml version='1.0' encoding='macintosh'?><domain/>",
        "<?xml version='1.0' encoding='csISOLatin1'?><domain>a</domain>",
        "<!DOCTYPE domain><domain/>",
        "<!DOCTYPE domain SYSTEM 'file:///etc/passwd'><domain/>",
        "<!DOCTYPE domain [<!-- c --><?p?><!ELEMENT a EMPTY>]><domain/>",
    };

    for (gsize i = 0; i < G_N_ELEMENTS(good); i++) {
        g_autoptr(DomPlan) plan = plan_text(good[i], NULL);

        if (!plan)
            fail_msg("%" G_GSIZE_FORMAT " is refused", i);
    }
}

/* With the bytes of UTF-16, and what they declare. */
static void
test_utf16(void **state G_GNUC_UNUSED)
{
    static const char *const marks[] = {"\xef\xbb\xbf", ""};
    static const char *const encodings[] = {"UTF-16LE", "UTF-16BE"};
    static const char xml[] =
        "<?xml version='1.0' encoding='UTF-16'?><domain><uuid>" UUID "</uuid>"
        "<title>\xc3\xa9</title><devices><disk type='network'><source "
        "protocol='rbd' name='images/i@s'/><target dev='vda'/></disk>"
        "</devices></domain>";

    for (guint i = 0; i < 4; i++) {
        g_autofree char *text = g_strconcat(marks[i / 2], xml, NULL);
        gsize len = 0;
        g_autofree char *bytes =
            g_convert(text, -1, encodings[i % 2], "UTF-8", NULL, &len, NULL);
        DomRules rules = site_rules();
        DomSite site = site_default();
        g_autoptr(GError) error = NULL;
        g_autoptr(DomPlan) plan = dom_plan_new(bytes, len, &rules, &error);
        g_autofree char *out = NULL;

        if (!plan)
            fail_msg("%u: %s", i, error->message);
        assert_int_equal(dom_plan_disks(plan)->len, 1);
        assert_true(dom_plan_rewrite(plan, &site, &out, NULL));
        assert_true(g_str_has_prefix(out, "<?xml version=\"1.0\" "
                                          "encoding=\"UTF-8\"?>"));
        assert_non_null(strstr(out, "<title>\xc3\xa9</title>"));
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

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_limit_disks),
        cmocka_unit_test(test_no_limit_for_others),
        cmocka_unit_test(test_limit_entries),
        cmocka_unit_test(test_limit_records),
        cmocka_unit_test(test_limit_both),
        cmocka_unit_test(test_limit_hosts),
        cmocka_unit_test(test_limit_attributes),
        cmocka_unit_test(test_limit_namespaces),
        cmocka_unit_test(test_limit_pieces),
        cmocka_unit_test(test_limit_depth),
        cmocka_unit_test(test_limit_bytes),
        cmocka_unit_test(test_limit_names),
        cmocka_unit_test(test_limit_target),
        cmocka_unit_test(test_limit_destination),
        cmocka_unit_test(test_limit_of_result),
        cmocka_unit_test(test_limit_of_result_bytes),
        cmocka_unit_test(test_site_limits),
        cmocka_unit_test(test_bytes),
        cmocka_unit_test(test_hidden_pieces),
        cmocka_unit_test(test_good_bytes),
        cmocka_unit_test(test_utf16),
        cmocka_unit_test(test_silence),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
