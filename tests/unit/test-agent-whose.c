/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * tests/unit/test-agent-whose.c - whose a disk is, sign by sign
 */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "agent/monitors.h"
#include "agent/whose.h"

#define FSID    "4387471a-ae2b-47c4-b67e-9004860d0fd0"
#define SECRET  "e21a123a-31f8-425a-86db-7204c33a6161"
#define ANOTHER "0d9f8a77-1111-4222-8333-444455556666"

/* Every combination: hosts, then secret, then config. */
static const struct {
    WhoseSays hosts;
    WhoseSays secret;
    WhoseWeight config_silent;
    WhoseWeight config_ours;
    WhoseWeight config_other;
} decisions[] = {
    {WHOSE_SILENT, WHOSE_SILENT, WHOSE_SAID_NOTHING, WHOSE_BY_CONFIG,
     WHOSE_NOT},
    {WHOSE_SILENT, WHOSE_OURS, WHOSE_BY_SECRET, WHOSE_BY_SECRET, WHOSE_NOT},
    {WHOSE_SILENT, WHOSE_OTHER, WHOSE_NOT, WHOSE_NOT, WHOSE_NOT},
    {WHOSE_OURS, WHOSE_SILENT, WHOSE_BY_HOSTS, WHOSE_BY_HOSTS, WHOSE_BY_HOSTS},
    {WHOSE_OURS, WHOSE_OURS, WHOSE_BY_HOSTS, WHOSE_BY_HOSTS, WHOSE_BY_HOSTS},
    {WHOSE_OURS, WHOSE_OTHER, WHOSE_BY_HOSTS, WHOSE_BY_HOSTS, WHOSE_BY_HOSTS},
    {WHOSE_FORMER, WHOSE_SILENT, WHOSE_BY_FORMER_HOSTS, WHOSE_BY_CONFIG,
     WHOSE_NOT},
    {WHOSE_FORMER, WHOSE_OURS, WHOSE_BY_SECRET, WHOSE_BY_SECRET, WHOSE_NOT},
    {WHOSE_FORMER, WHOSE_OTHER, WHOSE_NOT, WHOSE_NOT, WHOSE_NOT},
    {WHOSE_OTHER, WHOSE_SILENT, WHOSE_NOT, WHOSE_NOT, WHOSE_NOT},
    {WHOSE_OTHER, WHOSE_OURS, WHOSE_BY_SECRET, WHOSE_BY_SECRET, WHOSE_NOT},
    {WHOSE_OTHER, WHOSE_OTHER, WHOSE_NOT, WHOSE_NOT, WHOSE_NOT},
};

static void
test_decide(void **state)
{
    (void)state;
    for (gsize i = 0; i < G_N_ELEMENTS(decisions); i++) {
        WhoseSigns signs = {.hosts = decisions[i].hosts,
                            .secret = decisions[i].secret};

        signs.config = WHOSE_SILENT;
        assert_int_equal(whose_decide(&signs), decisions[i].config_silent);
        signs.config = WHOSE_OURS;
        assert_int_equal(whose_decide(&signs), decisions[i].config_ours);
        signs.config = WHOSE_OTHER;
        assert_int_equal(whose_decide(&signs), decisions[i].config_other);
    }
}

static GPtrArray *
list(const char *one, const char *two)
{
    GPtrArray *all = g_ptr_array_new();

    g_ptr_array_add(all, (gpointer)one);
    if (two)
        g_ptr_array_add(all, (gpointer)two);
    return all;
}

static Whose
known(void)
{
    return (Whose){
        .secrets = list(FSID, SECRET),
        .usages = list("remora client.remora " SECRET, NULL),
        .configs = list("/etc/ceph/ceph.conf", NULL),
        .monitors = monitors_from_text("10.0.0.1:6789 10.0.0.2", NULL),
        .former = monitors_from_text("10.0.0.3:6789", NULL),
    };
}

static guint
weight(const Whose *whose, const char *host, const DomSigns *rest)
{
    g_autoptr(GPtrArray) hosts = g_ptr_array_new();
    DomHost one = {(char *)host, (char *)"6789"};
    DomSigns signs = *rest;

    if (host)
        g_ptr_array_add(hosts, &one);
    signs.hosts = hosts;
    return whose_weigh(&signs, (gpointer)whose);
}

static void
test_signs(void **state)
{
    g_auto(Whose) whose = known();
    const DomSigns none = {0};
    const DomSigns ours = {.secret_uuid = "E21A123A-31F8-425A-86DB-"
                                          "7204C33A6161"};
    const DomSigns fsid = {.secret_uuid = FSID};
    const DomSigns another = {.secret_uuid = ANOTHER};
    const DomSigns usage = {.secret_usage = "remora client.remora " SECRET};
    const DomSigns usage_other = {.secret_usage = "ceph-b"};
    const DomSigns config = {.config = "/etc/ceph/../ceph//ceph.conf"};
    const DomSigns config_other = {.config = "/etc/ceph/b.conf"};

    (void)state;
    assert_int_equal(weight(&whose, NULL, &none), WHOSE_SAID_NOTHING);
    assert_int_equal(weight(&whose, "10.0.0.2", &none), WHOSE_BY_HOSTS);
    assert_int_equal(weight(&whose, "10.0.0.3", &none), WHOSE_BY_FORMER_HOSTS);
    assert_int_equal(weight(&whose, "10.66.0.11", &none), WHOSE_NOT);
    assert_int_equal(weight(&whose, "10.66.0.11", &ours), WHOSE_BY_SECRET);
    assert_int_equal(weight(&whose, "10.66.0.11", &fsid), WHOSE_BY_SECRET);
    assert_int_equal(weight(&whose, "10.66.0.11", &another), WHOSE_NOT);
    assert_int_equal(weight(&whose, NULL, &another), WHOSE_NOT);
    assert_int_equal(weight(&whose, NULL, &usage), WHOSE_BY_SECRET);
    assert_int_equal(weight(&whose, NULL, &usage_other), WHOSE_NOT);
    assert_int_equal(weight(&whose, NULL, &config), WHOSE_BY_CONFIG);
    assert_int_equal(weight(&whose, NULL, &config_other), WHOSE_NOT);
}

/* What is not known speaks against nothing. */
static void
test_unknown(void **state)
{
    Whose whose = {0};
    const DomSigns another = {.secret_uuid = ANOTHER, .config = "/b.conf"};

    (void)state;
    assert_int_equal(weight(&whose, "10.66.0.11", &another),
                     WHOSE_SAID_NOTHING);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_decide),
        cmocka_unit_test(test_signs),
        cmocka_unit_test(test_unknown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
