/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * tests/unit/test-agent-secret.c - into which secrets the guests' key goes
 */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "agent/secret.h"

#include <glib.h>

#define UUID  "a389366b-a33e-5618-8282-2ff5d30511ca"
#define USAGE "remora client.remora " UUID

/* As libvirt prints it, with blanks around what it holds. */
#define SECRET(flags, usage)                                                   \
    "<secret " flags ">\n  <uuid>" UUID "</uuid>\n" usage "</secret>\n"
#define CEPH(name)                                                             \
    "  <usage type='ceph'>\n    <name>" name "</name>\n  </usage>\n"
#define PRIVATE "ephemeral='no' private='yes'"

static const struct {
    const char *xml;
    SecretKind kind;
} secrets[] = {
    {NULL, SECRET_MISSING},
    {SECRET(PRIVATE, CEPH(USAGE)), SECRET_OURS},
    {SECRET("private='yes' ephemeral='yes'", CEPH(USAGE)), SECRET_OURS},
    {SECRET(PRIVATE, "<description>a &lt;b&gt;</description>" CEPH(USAGE)),
     SECRET_OURS},
    {SECRET("ephemeral='no' private='no'", CEPH(USAGE)), SECRET_OPEN},
    {SECRET("ephemeral='no'", CEPH(USAGE)), SECRET_OPEN},
    {SECRET("private='YES'", CEPH(USAGE)), SECRET_OPEN},
    {SECRET(PRIVATE, ""), SECRET_FOREIGN},
    {SECRET(PRIVATE, CEPH("")), SECRET_FOREIGN},
    {SECRET(PRIVATE, CEPH("client.remora secret")), SECRET_FOREIGN},
    /* What begins or ends like ours. */
    {SECRET(PRIVATE, CEPH(USAGE "x")), SECRET_FOREIGN},
    {SECRET(PRIVATE, CEPH(" " USAGE)), SECRET_FOREIGN},
    {SECRET(PRIVATE, CEPH("remora client.other " UUID)), SECRET_FOREIGN},
    {SECRET(PRIVATE, CEPH("remora client.")), SECRET_FOREIGN},
    /* Our words where they mean nothing. */
    {SECRET(PRIVATE, "<description>" USAGE "</description>" CEPH("x")),
     SECRET_FOREIGN},
    {SECRET(PRIVATE, "<name>" USAGE "</name><usage type='ceph'/>"),
     SECRET_FOREIGN},
    {SECRET(PRIVATE,
            "<usage type='ceph'><a><name>" USAGE "</name></a></usage>"),
     SECRET_FOREIGN},
    {SECRET(PRIVATE, "<usage type='tls'><name>" USAGE "</name></usage>"),
     SECRET_FOREIGN},
    {SECRET(PRIVATE, "<usage><name>" USAGE "</name></usage>"), SECRET_FOREIGN},
    {"<other private='yes'>" CEPH(USAGE) "</other>", SECRET_FOREIGN},
    {"<a>" SECRET(PRIVATE, CEPH(USAGE)) "</a>", SECRET_FOREIGN},
    {"<secret private='yes'>" CEPH(USAGE), SECRET_FOREIGN},
    {"", SECRET_FOREIGN},
    {"secret", SECRET_FOREIGN},
};

static void
test_kinds(void **state)
{
    (void)state;
    for (gsize i = 0; i < G_N_ELEMENTS(secrets); i++)
        if (secret_kind(secrets[i].xml, USAGE) != secrets[i].kind)
            fail_msg("row %d: %s", (int)i, secrets[i].xml);
}

static void
test_made(void **state)
{
    g_autofree char *usage = secret_usage("remora", UUID);
    g_autofree char *xml = secret_xml("remora", UUID);
    g_autofree char *odd = secret_xml("<&'>", UUID);
    g_autofree char *odd_usage = secret_usage("<&'>", UUID);

    (void)state;
    assert_string_equal(usage, USAGE);
    assert_int_equal(secret_kind(xml, usage), SECRET_OURS);
    assert_int_equal(secret_kind(odd, odd_usage), SECRET_OURS);
    assert_int_equal(secret_kind(odd, usage), SECRET_FOREIGN);
}

static void
test_steps(void **state)
{
    static const struct {
        SecretKind kind;
        bool has_value;
        SecretStep step;
    } rows[] = {
        {SECRET_MISSING, false, SECRET_DEFINE},
        {SECRET_OURS, false, SECRET_SET},
        {SECRET_OURS, true, SECRET_SET},
        {SECRET_OPEN, false, SECRET_DEFINE},
        {SECRET_OPEN, true, SECRET_REFUSE},
        {SECRET_FOREIGN, false, SECRET_REFUSE},
        {SECRET_FOREIGN, true, SECRET_USE},
    };

    (void)state;
    for (gsize i = 0; i < G_N_ELEMENTS(rows); i++)
        assert_int_equal(secret_step(rows[i].kind, rows[i].has_value),
                         rows[i].step);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_kinds),
        cmocka_unit_test(test_made),
        cmocka_unit_test(test_steps),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
