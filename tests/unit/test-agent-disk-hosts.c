/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * tests/unit/test-agent-disk-hosts.c - which <host> is a monitor
 */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "agent/disk-hosts.h"
#include "agent/monitors.h"
#include "agent/resolve.h"
#include "agent/whose.h"

#include <string.h>

/* ---- a name server ----------------------------------------------------------- */

/* What it says of a name depends on how that begins. */
typedef struct {
    GResolver parent;
} Names;
typedef struct {
    GResolverClass parent;
} NamesClass;
GType names_get_type(void);
G_DEFINE_TYPE(Names, names, G_TYPE_RESOLVER)

static struct {
    GMutex lock;
    GCond changed;
    bool silent; /* says nothing of 'late' names */
    guint asked;
} server;

static void
wait_for_server(const char *name)
{
    g_mutex_lock(&server.lock);
    server.asked++;
    while (g_str_has_prefix(name, "late") && server.silent)
        g_cond_wait(&server.changed, &server.lock);
    g_mutex_unlock(&server.lock);
}

static GList *
lookup(GResolver *resolver,
       const char *name,
       GCancellable *cancellable,
       GError **error)
{
    (void)resolver;
    (void)cancellable;
    wait_for_server(name);
    if (g_str_has_prefix(name, "ill"))
        g_set_error_literal(error, G_RESOLVER_ERROR,
                            G_RESOLVER_ERROR_TEMPORARY_FAILURE, "later");
    else if (g_str_has_prefix(name, "none"))
        g_set_error_literal(error, G_RESOLVER_ERROR, G_RESOLVER_ERROR_NOT_FOUND,
                            "no such name");
    else
        return g_list_append(
            NULL, g_inet_address_new_from_string(strcmp(name, "localhost") == 0
                                                     ? "127.0.0.1"
                                                     : "10.0.0.1"));
    return NULL;
}

static GList *
lookup_with_flags(GResolver *resolver,
                  const char *name,
                  GResolverNameLookupFlags flags,
                  GCancellable *cancellable,
                  GError **error)
{
    (void)flags;
    return lookup(resolver, name, cancellable, error);
}

static void
names_class_init(NamesClass *class)
{
    class->parent.lookup_by_name = lookup;
    class->parent.lookup_by_name_with_flags = lookup_with_flags;
}

static void
names_init(Names *names)
{
    (void)names;
}

static void
be_silent(bool silent)
{
    g_mutex_lock(&server.lock);
    server.silent = silent;
    g_cond_broadcast(&server.changed);
    g_mutex_unlock(&server.lock);
}

/* ---- hosts ------------------------------------------------------------------- */

/* "host port; host port" as a monitor map */
static GPtrArray *
map_of(const char *json)
{
    GPtrArray *monitors = monitors_from_text(json, NULL);

    assert_non_null(monitors);
    return monitors;
}

static bool
known(const char *host, const char *port, const char *map)
{
    g_autoptr(GPtrArray) monitors = map_of(map);
    g_autoptr(GPtrArray) hosts = g_ptr_array_new();
    DomHost one = {(char *)host, (char *)port};
    const DomDisk disk = {.hosts = hosts};

    g_ptr_array_add(hosts, &one);
    return disk_hosts_known(&disk, monitors);
}

static void
test_addresses(void **state)
{
    (void)state;
    assert_true(known("10.0.0.1", "6789", "10.0.0.1:6789"));
    assert_false(known("10.0.0.1", "6789", "10.0.0.2:6789"));
    assert_false(known("10.0.0.1", "6790", "10.0.0.1:6789"));
    assert_true(known("10.0.0.2", "6789", "10.0.0.1:6789,10.0.0.2:6789"));
    assert_true(
        known("10.0.0.1", "3300", "[v2:10.0.0.1:3300,v1:10.0.0.1:6789]"));
    /* libvirt takes that for 6789. */
    assert_true(known("10.0.0.1", " +06789", "10.0.0.1:6789"));
    assert_false(known("10.0.0.1", "-6789", "10.0.0.1:6789"));
    assert_false(known("10.0.0.1", "6789 ", "10.0.0.1:6789"));
    /* IPv6 has many spellings. */
    assert_true(known("fd00:0:0::1", "6789", "[fd00::1]:6789"));
    assert_false(known("fd00::2", "6789", "[fd00::1]:6789"));
}

static void
test_no_port(void **state)
{
    (void)state;
    assert_true(known("10.0.0.1", NULL, "10.0.0.1:6789"));
    assert_true(known("10.0.0.1", NULL, "10.0.0.1:3300"));
    assert_false(known("10.0.0.1", NULL, "10.0.0.1:6790"));
}

static void
test_names(void **state)
{
    (void)state;
    assert_true(known("Mon-A.example", "6789", "mon-a.example:6789"));
    assert_true(known("localhost", "6789", "127.0.0.1:6789"));
    assert_false(known("localhost", "6789", "10.0.0.1:6789"));
}

/* Whether it is known that the disk is in no monitor's cluster. */
static bool
in_doubt(const char *host, const char *map)
{
    g_autoptr(GPtrArray) hosts = g_ptr_array_new();
    g_auto(Whose) whose = {.monitors = map_of(map)};
    DomHost one = {(char *)host, NULL};
    const DomSigns signs = {.hosts = hosts, .secret_uuid = "another"};

    whose.secrets = g_ptr_array_new_with_free_func(g_free);
    g_ptr_array_add(hosts, &one);
    if (whose_weigh(&signs, &whose) == WHOSE_BY_HOSTS)
        return false;
    if (whose.doubt)
        assert_string_equal(whose.doubt, host);
    return whose.doubt != NULL;
}

/* That there is no such name is an answer, and that nothing came is none. */
static void
test_doubt(void **state)
{
    (void)state;
    assert_false(in_doubt("10.0.0.9", "10.0.0.1:6789"));
    assert_false(in_doubt("mon-b", "10.0.0.1:6789"));
    assert_false(in_doubt("mon-b", "10.0.0.9:6789"));
    assert_false(in_doubt("none-b", "10.0.0.1:6789"));
    assert_true(in_doubt("ill-b", "10.0.0.1:6789"));
    /* What speaks for it outweighs that. */
    assert_false(in_doubt("ill-b,10.0.0.1", "10.0.0.1:6789"));
    assert_true(in_doubt("ill-b", "10.0.0.1:6789"));
}

/* QEMU waits longer for a name than a start may. */
static void
test_late(void **state)
{
    g_autoptr(GPtrArray) came = NULL;

    (void)state;
    be_silent(true);
    assert_true(in_doubt("late-b", "10.0.0.1:6789"));
    assert_null(resolve_name("late-b", 0));
    be_silent(false);
    came = resolve_name("late-b", resolve_limit_us() + 20 * G_USEC_PER_SEC);
    assert_int_equal(came->len, 1);
    /* What it stood for is known from now on. */
    assert_true(known("late-b", "6789", "10.0.0.1:6789"));
    assert_false(in_doubt("late-b", "10.0.0.9:6789"));
}

/* No more than so many at a time, and all the others later. */
static void
test_many(void **state)
{
    guint asked = server.asked;

    (void)state;
    be_silent(true);
    for (guint i = 0; i < 2 * RESOLVE_AT_WORK; i++) {
        g_autofree char *name = g_strdup_printf("late-%u", i);

        resolve_begin(name);
        resolve_begin(name);
    }
    be_silent(false);
    for (guint i = 0; i < RESOLVE_AT_WORK; i++) {
        g_autofree char *name = g_strdup_printf("late-%u", i);
        g_autoptr(GPtrArray) came =
            resolve_name(name, resolve_limit_us() + 20 * G_USEC_PER_SEC);

        assert_int_equal(came->len, 1);
    }
    assert_int_equal(server.asked - asked, RESOLVE_AT_WORK);
    for (guint i = 0; i < 2 * RESOLVE_NAMES_MAX; i++) {
        g_autofree char *name = g_strdup_printf("mon-%u", i);
        g_autoptr(GPtrArray) came =
            resolve_name(name, resolve_limit_us() + 20 * G_USEC_PER_SEC);

        assert_int_equal(came->len, 1);
    }
}

/* As mon_host has them, in one attribute. */
static void
test_lists(void **state)
{
    (void)state;
    assert_true(known("10.0.0.9,10.0.0.1", "6789", "10.0.0.1:6789"));
    assert_false(known("10.0.0.1,10.0.0.9", "6790", "10.0.0.1:6790"));
    assert_false(known("10.0.0.1 and", "x", "10.0.0.1:6789"));
    assert_true(known("10.0.0.9;10.0.0.1", NULL, "10.0.0.1:6789"));
    assert_true(known("10.0.0.9 10.0.0.1:6790", "6789", "10.0.0.1:6790"));
    assert_false(known("10.0.0.9,10.0.0.8", "6789", "10.0.0.1:6789"));
    assert_true(known("10.0.0.1:6789", NULL, "10.0.0.1:6789"));
    assert_false(known("10.0.0.1:6790", "6789", "10.0.0.1:6789"));
    assert_true(known("v2:10.0.0.1:3300/0", NULL, "10.0.0.1:3300"));
    assert_true(
        known("[v2:10.0.0.1:3300,v1:10.0.0.1:6789]", NULL, "10.0.0.1:6789"));
    assert_true(known("[fd00::1]:6789", NULL, "[fd00::1]:6789"));
    assert_true(
        known("[v2:[fd00::1]:3300,v1:[fd00::1]:6789]", NULL, "[fd00::1]:6789"));
    assert_true(known("fd00::9,fd00::1", "6789", "[fd00::1]:6789"));
    assert_false(known(",; ", "6789", "10.0.0.1:6789"));
    assert_false(known("[", "6789", "10.0.0.1:6789"));
    assert_false(known("[v1:]", NULL, "10.0.0.1:6789"));
}

static void
test_none(void **state)
{
    g_autoptr(GPtrArray) monitors = map_of("10.0.0.1");
    g_autoptr(GPtrArray) hosts = g_ptr_array_new();
    const DomDisk empty = {.hosts = hosts};
    const DomDisk missing = {0};

    (void)state;
    assert_true(disk_hosts_known(&empty, monitors));
    assert_true(disk_hosts_known(&missing, monitors));
}

static void
test_text(void **state)
{
    g_autoptr(GPtrArray) hosts = g_ptr_array_new();
    DomHost one = {(char *)"10.0.0.1", (char *)"6789"};
    DomHost two = {(char *)"mon-b", NULL};
    const DomDisk disk = {.hosts = hosts};
    g_autofree char *text = NULL;

    (void)state;
    g_ptr_array_add(hosts, &one);
    g_ptr_array_add(hosts, &two);
    text = disk_hosts_text(&disk);
    assert_string_equal(text, "10.0.0.1:6789 mon-b");
}

int
main(void)
{
    g_autoptr(GResolver) names = g_object_new(names_get_type(), NULL);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_addresses), cmocka_unit_test(test_no_port),
        cmocka_unit_test(test_names),     cmocka_unit_test(test_none),
        cmocka_unit_test(test_text),      cmocka_unit_test(test_lists),
        cmocka_unit_test(test_doubt),     cmocka_unit_test(test_late),
        cmocka_unit_test(test_many),
    };

    g_resolver_set_default(names);

    return cmocka_run_group_tests(tests, NULL, NULL);
}
