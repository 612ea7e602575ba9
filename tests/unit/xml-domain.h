/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * tests/unit/xml-domain.h - definitions for tests, from parts
 */
#ifndef REMORA_TESTS_XML_DOMAIN_H
#define REMORA_TESTS_XML_DOMAIN_H

#include "tests/unit/xml-site.h"
#include "xml/dom.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#define UUID  "982b8eac-6bcc-4a21-bd04-b67e26188be0"
#define OTHER "a9670d9a-8aa7-49ba-baf5-9d7a450172f3"

#define HEAD "<domain type='kvm'><name>web1</name><uuid>" UUID "</uuid>"
#define META                                                                   \
    "<metadata><remora:domain xmlns:remora='urn:remora:domain:1'>%s"           \
    "</remora:domain></metadata>"
#define TAIL "</domain>"

static inline DomPlan *
plan_text(const char *xml, GError **error)
{
    DomRules rules = site_rules();

    return dom_plan_new(xml, strlen(xml), &rules, error);
}

/* A domain with these entries and these disks. */
static inline char *
domain_text(const char *entries, const char *disks)
{
    g_autofree char *meta = g_strdup_printf(META, entries);

    return g_strconcat(HEAD, *entries ? meta : "", "<devices>", disks,
                       "</devices>" TAIL, NULL);
}

static inline DomPlan *
plan_domain(const char *entries, const char *disks, GError **error)
{
    g_autofree char *xml = domain_text(entries, disks);

    return plan_text(xml, error);
}

static inline const DomDisk *
disk_at(const DomPlan *plan, guint i)
{
    return dom_plan_disks(plan)->pdata[i];
}

static inline void
assert_code(const GError *error, DomErrorCode code)
{
    assert_non_null(error);
    if (!g_error_matches(error, DOM_ERROR, (int)code))
        fail_msg("code %d, not %d: %s", error->code, (int)code, error->message);
}

static inline char *
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

#endif
