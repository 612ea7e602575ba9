/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * tests/fuzz/fuzz-xml.c - any bytes as a definition, and as a lone device
 *
 * Whatever the bytes are: no crash, no leak, and what comes out of a rewrite
 * is taken again and needs none. What asks for a disk gets through the hook's
 * sieve.
 */
#include "config.h"

#include "hooks/wire/sieve.h"
#include "tests/unit/xml-site.h"
#include "xml/dom.h"

#include "tests/fuzz/fuzz.h"

#include <string.h>

const char *const fuzz_corpora[] = {"tests/xml", "tests/fuzz/corpus/xml", NULL};
const unsigned fuzz_pieces = 40;

static void
decide(DomPlan *plan, const char *pool)
{
    const GPtrArray *disks = dom_plan_disks(plan);

    for (guint i = 0; i < disks->len; i++) {
        DomDisk *disk = disks->pdata[i];

        if (dom_disk_has_parent(disk) && !disk->parent_pool)
            dom_disk_set_parent(disk, 0, NULL, pool);
    }
}

static char *
rewrite(const char *xml, size_t size, const DomRules *rules, DomSite *site)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(DomPlan) plan = dom_plan_new(xml, size, rules, &error);
    g_autoptr(DomChanges) changes = NULL;
    char *out = NULL;

    if (!plan) {
        g_assert_nonnull(error);
        return NULL;
    }
    decide(plan, rules->image_pools[0]);
    if (dom_plan_disks(plan)->len > 0)
        fuzz_must(wire_sieve(xml, size), "it gets through the sieve");
    if (dom_plan_rewrite(plan, site, &out, &error)) {
        g_assert_true(dom_plan_changes(plan, site, &changes, NULL));
        g_assert_cmpint(changes != NULL, ==, out != NULL);
    } else {
        g_assert_true(g_error_matches(error, DOM_ERROR, DOM_ERROR_LIMIT));
    }
    return out;
}

static void
check_final(const char *xml, const DomRules *rules, DomSite *site)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(DomPlan) plan = dom_plan_new(xml, strlen(xml), rules, &error);
    char *out = NULL;

    g_assert_no_error(error);
    decide(plan, rules->image_pools[0]);
    g_assert_true(dom_plan_rewrite(plan, site, &out, &error));
    g_assert_null(out);
}

/* NULL: refused, or nothing to change. */
static char *
rewrite_device(const char *xml, gsize size, const DomRules *rules, bool must)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(DomPlan) plan =
        dom_plan_new_device(xml, size, SITE_UUID, "a", rules, &error);
    DomSite site = site_default();
    char *out = NULL;

    if (!plan) {
        g_assert_nonnull(error);
        g_assert_false(must);
        return NULL;
    }
    g_assert_cmpuint(dom_plan_disks(plan)->len, <=, 1);
    if (!dom_plan_rewrite(plan, &site, &out, &error))
        g_assert_true(g_error_matches(error, DOM_ERROR, DOM_ERROR_LIMIT));
    return out;
}

static void
run_device(const char *xml, gsize size)
{
    DomRules rules = site_rules();
    g_autofree char *out = NULL;
    g_autofree char *again = NULL;

    rules.complete_bare = true;
    out = rewrite_device(xml, size, &rules, false);
    if (out)
        again = rewrite_device(out, strlen(out), &rules, true);
    g_assert_null(again);
}

static void
read_facts(const char *xml, gsize size)
{
    g_autofree char *name = dom_xml_name(xml, size);

    (void)dom_xml_has_target(xml, size, name ? name : "vda");
}

static void
revert(const char *xml, size_t size, bool must)
{
    DomChanges *changes = NULL;
    g_autoptr(GError) error = NULL;

    if (dom_revert(xml, size, &changes, &error)) {
        g_assert_true(changes || !must);
        dom_changes_free(changes);
    } else {
        g_assert_false(must);
        g_assert_nonnull(error);
    }
}

/* All that Nova's metadata can ask for. */
static void
run_nova(const char *xml, gsize size)
{
    g_auto(GStrv) files = dom_nova_files(xml, size);
    const DomNova nova = {.gone = (const char *const *)files};
    DomRules rules = site_rules();
    DomSite site = site_default();
    g_autofree char *out = NULL;

    rules.nova = &nova;
    out = rewrite(xml, size, &rules, &site);
    if (out) {
        check_final(out, &rules, &site);
        revert(out, strlen(out), true);
    }
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char *const buses[] = {NULL, "scsi", "virtio"};
    const char *xml = (const char *)data;

    for (gsize i = 0; i < G_N_ELEMENTS(buses); i++) {
        DomRules rules = site_rules();
        DomSite site = site_default();
        g_autofree char *out = NULL;

        rules.complete_bare = i > 0;
        if (i == 1)
            rules.image_pools = site_more_image_pools;
        site.bus = buses[i];
        out = rewrite(xml, size, &rules, &site);
        if (out) {
            check_final(out, &rules, &site);
            revert(out, strlen(out), true);
        }
    }
    revert(xml, size, false);
    run_nova(xml, size);
    run_device(xml, size);
    read_facts(xml, size);
    return 0;
}
