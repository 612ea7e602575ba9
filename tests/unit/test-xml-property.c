/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * tests/unit/test-xml-property.c - what holds for any definition
 *
 * Random definitions, from a seed that is printed; REMORA_SEED=N replays one
 * run. For each: rewriting twice changes nothing; the changes, applied as
 * libvirt applies them, give the same disks as the rewrite, and are final;
 * reverting either gives back the disks and our metadata as they were; a
 * foreign domain passes. A disk of it, alone, becomes final in one rewrite.
 *
 * Documents are compared by a written-out form that knows no prefixes, no
 * order of attributes and no blanks.
 */
#include "config.h"

#include "tests/unit/xml-random.h"
#include "tests/unit/xml-site.h"
#include "xml/dom.h"

#include <libxml/parser.h>
#include <libxml/tree.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#define ROUNDS 3000

/* --- comparing -------------------------------------------------------- */

static gint
by_text(gconstpointer a, gconstpointer b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static void
write_attributes(GString *text, const xmlNode *node)
{
    g_autoptr(GPtrArray) all = g_ptr_array_new_with_free_func(g_free);

    for (const xmlAttr *attr = node->properties; attr; attr = attr->next) {
        xmlChar *value = xmlNodeListGetString(node->doc, attr->children, 1);

        g_ptr_array_add(all,
                        g_strdup_printf(" %s=[%s]", (const char *)attr->name,
                                        value ? (const char *)value : ""));
        xmlFree(value);
    }
    g_ptr_array_sort(all, by_text);
    for (guint i = 0; i < all->len; i++)
        g_string_append(text, all->pdata[i]);
}

/* Definitions here are shallow, so this may recurse. */
static void
write_form(GString *text, const xmlNode *node)
{
    if (node->type == XML_TEXT_NODE || node->type == XML_CDATA_SECTION_NODE) {
        if (!xmlIsBlankNode(node))
            g_string_append(text, (const char *)node->content);
    } else if (node->type == XML_COMMENT_NODE) {
        g_string_append_printf(text, "!%s!", (const char *)node->content);
    } else if (node->type == XML_ELEMENT_NODE) {
        g_string_append_printf(text, "<%s", (const char *)node->name);
        write_attributes(text, node);
        g_string_append(text, ">");
        for (const xmlNode *at = node->children; at; at = at->next)
            write_form(text, at);
        g_string_append(text, "</>\n");
    }
}

static char *
form_of(const xmlNode *node)
{
    GString *text = g_string_new(NULL);

    if (node)
        write_form(text, node);
    return g_string_free(text, FALSE);
}

static xmlNode *
first_child(const xmlNode *parent)
{
    return parent ? parent->children : NULL;
}

static xmlNode *
child(const xmlNode *parent, const char *name)
{
    xmlNode *node = first_child(parent);

    while (node && (node->type != XML_ELEMENT_NODE ||
                    strcmp((const char *)node->name, name) != 0))
        node = node->next;
    return node;
}

static char *
target_of(const xmlNode *disk)
{
    xmlChar *dev = xmlGetProp(child(disk, "target"), BAD_CAST "dev");
    char *target = g_strdup((const char *)dev);

    xmlFree(dev);
    return target;
}

static xmlNode *
our_metadata(xmlDoc *doc)
{
    xmlNode *metadata = child(xmlDocGetRootElement(doc), "metadata");
    xmlNode *node = first_child(metadata);

    while (node && !(node->ns &&
                     strcmp((const char *)node->ns->href, DOM_NAMESPACE) == 0))
        node = node->next;
    return node;
}

static xmlDoc *
read_xml(const char *xml)
{
    xmlDoc *doc = xmlReadMemory(xml, (int)strlen(xml), NULL, NULL, 0);

    assert_non_null(doc);
    return doc;
}

/* The disks in an order of their own: one that was detached and attached
 * again is the last. With our metadata if asked for. */
static char *
disks_form(const char *xml, bool with_metadata)
{
    xmlDoc *doc = read_xml(xml);
    const xmlNode *devices = child(xmlDocGetRootElement(doc), "devices");
    g_autoptr(GPtrArray) all = g_ptr_array_new_with_free_func(g_free);

    for (const xmlNode *at = first_child(devices); at; at = at->next) {
        if (at->type == XML_ELEMENT_NODE &&
            strcmp((const char *)at->name, "disk") == 0)
            g_ptr_array_add(all, form_of(at));
    }
    g_ptr_array_sort(all, by_text);
    /* An element of ours with nothing in it is as good as none. */
    if (with_metadata) {
        char *ours = form_of(our_metadata(doc));

        if (strcmp(ours, "<domain></>\n") == 0)
            *ours = '\0';
        g_ptr_array_add(all, ours);
    }
    xmlFreeDoc(doc);
    g_ptr_array_add(all, NULL);
    return g_strjoinv("\n", (char **)all->pdata);
}

/* --- libvirt, as far as it matters here -------------------------------- */

static void
take_into_namespace(xmlNode *node, xmlNs *ns)
{
    if (node->type != XML_ELEMENT_NODE)
        return;
    if (!node->ns)
        xmlSetNs(node, ns);
    for (xmlNode *at = node->children; at; at = at->next)
        take_into_namespace(at, ns);
}

static xmlNode *
import(xmlDoc *doc, const char *xml)
{
    xmlDoc *other = read_xml(xml);
    xmlNode *node = xmlDocCopyNode(xmlDocGetRootElement(other), doc, 1);

    xmlFreeDoc(other);
    return node;
}

/* virDomainSetMetadata */
static void
set_metadata(xmlDoc *doc, const char *text)
{
    xmlNode *root = xmlDocGetRootElement(doc);
    xmlNode *metadata = child(root, "metadata");
    xmlNode *old = our_metadata(doc);
    xmlNode *node;
    xmlNs *ns;

    if (old) {
        xmlUnlinkNode(old);
        xmlFreeNode(old);
    }
    if (!*text)
        return;
    if (!metadata)
        metadata = xmlNewChild(root, NULL, BAD_CAST "metadata", NULL);
    node = import(doc, text);
    ns = xmlNewNs(node, BAD_CAST DOM_NAMESPACE, BAD_CAST DOM_PREFIX);
    assert_non_null(ns); /* "failed to create a new XML namespace" */
    take_into_namespace(node, ns);
    xmlAddChild(metadata, node);
}

static xmlNode *
find_disk(xmlDoc *doc, const xmlNode *like)
{
    const xmlNode *devices = child(xmlDocGetRootElement(doc), "devices");
    g_autofree char *target = target_of(like);

    for (xmlNode *at = first_child(devices); at; at = at->next) {
        g_autofree char *other = NULL;

        if (at->type != XML_ELEMENT_NODE ||
            strcmp((const char *)at->name, "disk") != 0)
            continue;
        other = target_of(at);
        if (g_strcmp0(other, target) == 0)
            return at;
    }
    return NULL;
}

static void
apply_device(xmlDoc *doc, const char *xml, bool expect_old, bool add)
{
    xmlNode *devices = child(xmlDocGetRootElement(doc), "devices");
    xmlNode *node = import(doc, xml);
    xmlNode *old = NULL;

    if (strcmp((const char *)node->name, "disk") == 0)
        old = find_disk(doc, node);
    assert_int_equal(old != NULL, expect_old);
    if (old) {
        xmlUnlinkNode(old);
        xmlFreeNode(old);
    }
    if (add)
        xmlAddChild(devices, node);
    else
        xmlFreeNode(node);
}

static char *
apply(const char *xml, const DomChanges *changes)
{
    xmlDoc *doc = read_xml(xml);
    xmlChar *text = NULL;
    char *result;
    int len;

    if (changes->metadata)
        set_metadata(doc, changes->metadata);
    for (guint i = 0; i < changes->updates->len; i++)
        apply_device(doc, changes->updates->pdata[i], true, true);
    for (guint i = 0; i < changes->additions->len; i++)
        apply_device(doc, changes->additions->pdata[i], false, true);
    for (guint i = 0; i < changes->removals->len; i++)
        apply_device(doc, changes->removals->pdata[i], true, false);
    xmlDocDumpMemory(doc, &text, &len);
    result = g_strdup((const char *)text);
    xmlFree(text);
    xmlFreeDoc(doc);
    return result;
}

/* --- properties -------------------------------------------------------- */

static DomPlan *
plan_of(const char *xml, const DomRules *rules, GError **error)
{
    return dom_plan_new(xml, strlen(xml), rules, error);
}

static void
check_final(const char *xml, const DomRules *rules, const DomSite *site)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(DomPlan) plan = plan_of(xml, rules, &error);
    g_autofree char *out = NULL;
    DomChanges *changes = NULL;

    if (!plan || !dom_plan_rewrite(plan, site, &out, &error))
        fail_msg("%s\n%s", error->message, xml);
    if (out)
        fail_msg("not final:\n%s\nbecomes\n%s", xml, out);
    assert_true(dom_plan_changes(plan, site, &changes, NULL));
    assert_null(changes);
}

static void
check_same(const char *one, const char *other, const char *what)
{
    if (strcmp(one, other) != 0)
        fail_msg("%s:\n%s\n---\n%s", what, one, other);
}

static void
check_revert(const char *rewritten, const char *original)
{
    DomChanges *changes = NULL;
    g_autoptr(DomChanges) owned = NULL;
    g_autofree char *back = NULL;
    g_autofree char *was = disks_form(original, true);
    g_autofree char *is = NULL;
    g_autoptr(GError) error = NULL;

    if (!dom_revert(rewritten, strlen(rewritten), &changes, &error))
        fail_msg("%s\n%s", error->message, rewritten);
    assert_non_null(changes);
    owned = changes;
    back = apply(rewritten, changes);
    is = disks_form(back, true);
    check_same(is, was, "revert");
}

static void
check_changes(DomPlan *plan,
              const char *xml,
              const char *rewritten,
              const DomRules *rules,
              const DomSite *site)
{
    DomChanges *changes = NULL;
    g_autoptr(DomChanges) owned = NULL;
    g_autofree char *applied = NULL;
    g_autofree char *one = disks_form(rewritten, true);
    g_autofree char *other = NULL;

    assert_true(dom_plan_changes(plan, site, &changes, NULL));
    assert_non_null(changes);
    owned = changes;
    assert_int_equal(changes->removals->len, 0);
    applied = apply(xml, changes);
    other = disks_form(applied, true);
    check_same(other, one, "changes");
    check_final(applied, rules, site);
    check_revert(applied, xml);
}

/* Metadata without disks, or with one that the user wrote, stays. */
static bool
check_one(const char *xml, const DomRules *rules, const DomSite *site)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(DomPlan) plan = plan_of(xml, rules, &error);
    g_autofree char *out = NULL;
    DomChanges *changes = NULL;

    if (!plan) {
        assert_true(error->domain == DOM_ERROR);
        return false;
    }
    if (!dom_plan_rewrite(plan, site, &out, &error))
        fail_msg("%s\n%s", error->message, xml);
    if (!out) {
        assert_true(dom_revert(xml, strlen(xml), &changes, NULL));
        assert_null(changes);
        return false;
    }
    check_final(out, rules, site);
    check_changes(plan, xml, out, rules, site);
    check_revert(out, xml);
    return true;
}

static void
test_random(void **state G_GNUC_UNUSED)
{
    static const char *const buses[] = {NULL, "scsi", "virtio"};
    guint rewritten = 0;

    for (guint i = 0; i < ROUNDS; i++) {
        g_autofree char *xml = random_definition();
        DomRules rules = site_rules();
        DomSite site = site_default();

        rules.complete_bare = random_chance(5);
        site.bus = RANDOM_PICK(buses);
        if (random_chance(2))
            site.auth_user = site.secret_uuid = NULL;
        rewritten += check_one(xml, &rules, &site);
    }
    print_message("%u of %u were rewritten\n", rewritten, ROUNDS);
    assert_true(rewritten > ROUNDS / 5);
}

/* With other pools the same definitions are nobody's, entries apart. */
static void
test_foreign(void **state G_GNUC_UNUSED)
{
    static const char *const none[] = {"nowhere", NULL};
    guint seen = 0;

    for (guint i = 0; i < ROUNDS; i++) {
        g_autofree char *xml = random_definition();
        DomRules rules = site_rules();
        DomSite site = site_default();
        g_autoptr(DomPlan) plan = NULL;
        char *out = (char *)"";

        if (strstr(xml, DOM_NAMESPACE))
            continue;
        rules.image_pools = rules.volume_pools = none;
        rules.vms_pool = "nothing";
        rules.complete_bare = true;
        plan = plan_of(xml, &rules, NULL);
        assert_non_null(plan);
        assert_int_equal(dom_plan_disks(plan)->len, 0);
        assert_true(dom_plan_rewrite(plan, &site, &out, NULL));
        assert_null(out);
        seen++;
    }
    assert_true(seen > ROUNDS / 10);
}

/* --- lone devices ------------------------------------------------------- */

static char *
rewrite_device(const char *xml, const DomRules *rules)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(DomPlan) plan =
        dom_plan_new_device(xml, strlen(xml), SITE_UUID, "a", rules, &error);
    DomSite site = site_default();
    char *out = NULL;

    if (!plan) {
        assert_true(error->domain == DOM_ERROR);
        return NULL;
    }
    if (!dom_plan_rewrite(plan, &site, &out, &error))
        fail_msg("%s\n%s", error->message, xml);
    return out;
}

static char *
device_text(xmlDoc *doc, xmlNode *disk)
{
    xmlBuffer *buffer = xmlBufferCreate();
    char *text;

    xmlNodeDump(buffer, doc, disk, 0, 0);
    text = g_strdup((const char *)xmlBufferContent(buffer));
    xmlBufferFree(buffer);
    return text;
}

/* Whether it was rewritten. */
static bool
check_device(const char *xml, const DomRules *rules)
{
    g_autofree char *out = rewrite_device(xml, rules);
    g_autofree char *again = out ? rewrite_device(out, rules) : NULL;
    xmlDoc *doc;
    const xmlNode *root;

    if (!out)
        return false;
    if (again)
        fail_msg("not final:\n%s\nbecomes\n%s", out, again);
    assert_null(strstr(out, DOM_NAMESPACE));
    doc = read_xml(out);
    root = xmlDocGetRootElement(doc);
    assert_string_equal((const char *)root->name, "disk");
    assert_non_null(child(child(root, "source"), "host"));
    xmlFreeDoc(doc);
    return true;
}

static void
test_devices(void **state G_GNUC_UNUSED)
{
    guint rewritten = 0;

    for (guint i = 0; i < ROUNDS; i++) {
        g_autofree char *xml = random_definition();
        xmlDoc *doc = read_xml(xml);
        xmlNode *devices = child(xmlDocGetRootElement(doc), "devices");
        DomRules rules = site_rules();

        rules.complete_bare = random_chance(2);
        for (xmlNode *at = first_child(devices); at; at = at->next) {
            g_autofree char *device = NULL;

            if (at->type != XML_ELEMENT_NODE)
                continue;
            device = device_text(doc, at);
            rewritten += check_device(device, &rules);
        }
        xmlFreeDoc(doc);
    }
    print_message("%u devices were rewritten\n", rewritten);
    assert_true(rewritten > ROUNDS / 10);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_random),
        cmocka_unit_test(test_foreign),
        cmocka_unit_test(test_devices),
    };
    const char *wanted = g_getenv("REMORA_SEED");
    guint32 seed = wanted ? (guint32)strtoul(wanted, NULL, 10)
                          : (guint32)g_get_real_time();

    print_message("REMORA_SEED=%u\n", seed);
    random_seed(seed);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
