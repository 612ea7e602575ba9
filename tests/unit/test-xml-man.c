/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * tests/unit/test-xml-man.c - the examples of remora-domain(7) are true
 *
 * Every verbatim block that starts with '<domain' is planned and rewritten,
 * and the result of the first is the one that the page shows.
 */
#include "config.h"

#include "tests/unit/xml-site.h"
#include "xml/dom.h"

#include <libxml/parser.h>
#include <libxml/tree.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

static GPtrArray *examples;

/* Paragraphs of indented lines; those that belong together follow without
 * other text between them, but no example here has an empty line. */
static void
read_examples(void)
{
    const char *srcdir = g_getenv("srcdir");
    g_autofree char *path = g_build_filename(srcdir ? srcdir : ".", "xml",
                                             "remora-domain.pod", NULL);
    g_autofree char *text = NULL;
    g_auto(GStrv) paragraphs = NULL;

    if (!g_file_get_contents(path, &text, NULL, NULL))
        fail_msg("cannot read '%s'", path);
    paragraphs = g_strsplit(text, "\n\n", -1);
    examples = g_ptr_array_new_with_free_func(g_free);
    for (gsize i = 0; paragraphs[i]; i++) {
        if (g_str_has_prefix(paragraphs[i], "    <domain"))
            g_ptr_array_add(examples, g_strdup(paragraphs[i]));
    }
}

static int
setup(void **state G_GNUC_UNUSED)
{
    read_examples();
    return 0;
}

static int
teardown(void **state G_GNUC_UNUSED)
{
    g_clear_pointer(&examples, g_ptr_array_unref);
    return 0;
}

static DomPlan *
plan_of(const char *xml, bool complete)
{
    g_auto(GStrv) files = dom_nova_files(xml, strlen(xml));
    const DomNova nova = {.gone = (const char *const *)files};
    DomRules rules = site_rules();
    g_autoptr(GError) error = NULL;
    DomPlan *plan = NULL;

    rules.nova = &nova;
    rules.complete_bare = complete;
    plan = dom_plan_new(xml, strlen(xml), &rules, &error);
    if (!plan)
        fail_msg("%s:\n%s", error->message, xml);
    return plan;
}

static char *
rewrite(const char *xml)
{
    g_autoptr(DomPlan) plan = plan_of(xml, true);
    DomSite site = site_default();
    g_autoptr(GError) error = NULL;
    char *out = NULL;

    if (!dom_plan_rewrite(plan, &site, &out, &error))
        fail_msg("%s:\n%s", error->message, xml);
    return out;
}

static void
test_plan(void **state G_GNUC_UNUSED)
{
    assert_true(examples->len >= 5);
    for (guint i = 0; i < examples->len; i++) {
        g_autoptr(DomPlan) plan = plan_of(examples->pdata[i], false);
        g_autofree char *out = rewrite(examples->pdata[i]);
        g_autofree char *again = out ? rewrite(out) : NULL;

        assert_true(dom_plan_disks(plan)->len > 0);
        assert_null(again);
    }
}

/* Blanks between elements and in tags do not count: in both texts. */
static char *
without_layout(const char *xml)
{
    xmlDoc *doc =
        xmlReadMemory(xml, (int)strlen(xml), NULL, NULL, XML_PARSE_NOBLANKS);
    xmlChar *text = NULL;
    char *copy;
    int len;

    assert_non_null(doc);
    xmlDocDumpFormatMemory(doc, &text, &len, 1);
    copy = g_strdup((const char *)text);
    xmlFree(text);
    xmlFreeDoc(doc);
    return copy;
}

static void
test_result(void **state G_GNUC_UNUSED)
{
    const char *last = examples->pdata[examples->len - 1];
    g_autofree char *out = rewrite(examples->pdata[0]);
    g_autofree char *again = rewrite(last);
    g_autofree char *is = NULL;
    g_autofree char *shown = NULL;

    assert_non_null(out);
    is = without_layout(out);
    shown = without_layout(last + strspn(last, " "));
    assert_string_equal(is, shown);
    assert_null(again);
}

/* "It can leave out <remora:original> and destination." */
static void
test_left_out(void **state G_GNUC_UNUSED)
{
    const char *last = examples->pdata[examples->len - 1];
    const char *kept = strstr(last, "<remora:original");
    const char *put = strstr(last, "destination=");
    g_autoptr(GString) xml = g_string_new(NULL);
    g_autofree char *out = NULL;

    assert_non_null(kept);
    assert_non_null(put);
    g_string_append_len(xml, last, put - last);
    put = strchr(put, '\n');
    g_string_append_len(xml, put, kept - put);
    g_string_append(xml, strstr(kept, "/>") + 2);
    out = rewrite(xml->str);
    assert_null(out);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_plan),
        cmocka_unit_test(test_result),
        cmocka_unit_test(test_left_out),
    };

    return cmocka_run_group_tests(tests, setup, teardown);
}
