/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * tests/unit/test-virt-calls.c - domains that hang, and those that do not
 *
 * Over libvirt's test driver, which needs no daemon. Calls hang because the test
 * does not let them go.
 */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <glib/gstdio.h>
#include <string.h>
#include <unistd.h>

#include "agent/virt/calls.h"
#include "agent/virt/unanswered.h"

/* The one that the test driver has. */
#define THERE "6695eb01-f6a4-8304-79aa-97f2502e193f"

/* What the calls did; the threads use it after the test has ended, too. */
static struct {
    GMutex lock;
    GCond changed;
    bool let_go;
    bool let_one_go;
    const char *first; /* of those that say who they are */
    guint hanging;
    guint most;   /* of those that hung at a time */
    guint hung;   /* and do no more */
    guint served; /* that did not hang */
    guint found;  /* of these, with a domain */
    guint opened;
} seen;

static virConnectPtr
open_test(gpointer data, GError **error)
{
    virConnectPtr conn = data ? NULL : virConnectOpen("test:///default");

    g_mutex_lock(&seen.lock);
    seen.opened++;
    g_mutex_unlock(&seen.lock);
    if (!conn)
        virt_fail(error, "cannot connect");
    return conn;
}

/* libvirt does not answer. */
static virConnectPtr
open_never(gpointer data, GError **error)
{
    (void)data;
    g_mutex_lock(&seen.lock);
    seen.hanging++;
    g_cond_broadcast(&seen.changed);
    while (!seen.let_go)
        g_cond_wait(&seen.changed, &seen.lock);
    seen.hanging--;
    g_mutex_unlock(&seen.lock);
    virt_fail(error, "cannot connect");
    return NULL;
}

static void
hang(virDomainPtr domain, const GError *error, gpointer data)
{
    (void)data;
    (void)domain;
    (void)error;
    g_mutex_lock(&seen.lock);
    seen.hanging++;
    seen.most = MAX(seen.most, seen.hanging);
    g_cond_broadcast(&seen.changed);
    while (!seen.let_go)
        g_cond_wait(&seen.changed, &seen.lock);
    seen.hanging--;
    seen.hung++;
    g_cond_broadcast(&seen.changed);
    g_mutex_unlock(&seen.lock);
}

/* Alone to be let go. */
static void
hang_alone(virDomainPtr domain, const GError *error, gpointer data)
{
    (void)data;
    (void)domain;
    (void)error;
    g_mutex_lock(&seen.lock);
    seen.hanging++;
    g_cond_broadcast(&seen.changed);
    while (!seen.let_one_go)
        g_cond_wait(&seen.changed, &seen.lock);
    seen.hanging--;
    g_mutex_unlock(&seen.lock);
}

static void
serve(virDomainPtr domain, const GError *error, gpointer data)
{
    (void)data;
    g_mutex_lock(&seen.lock);
    assert_true((domain != NULL) != (error != NULL));
    seen.served++;
    seen.found += domain ? 1 : 0;
    g_cond_broadcast(&seen.changed);
    g_mutex_unlock(&seen.lock);
}

static void
say_who(virDomainPtr domain, const GError *error, gpointer data)
{
    g_mutex_lock(&seen.lock);
    if (!seen.first)
        seen.first = data;
    g_mutex_unlock(&seen.lock);
    serve(domain, error, data);
}

/* Until so many hang and so many were served. */
static void
wait_for(guint hanging, guint served)
{
    gint64 end = g_get_monotonic_time() + 60 * G_USEC_PER_SEC;

    g_mutex_lock(&seen.lock);
    while (seen.hanging != hanging || seen.served != served)
        if (!g_cond_wait_until(&seen.changed, &seen.lock, end))
            fail_msg("%u hang and %u were served", seen.hanging, seen.served);
    g_mutex_unlock(&seen.lock);
}

/* So many calls hung, in all, and none is left. */
static void
let_go(guint hung)
{
    gint64 end = g_get_monotonic_time() + 60 * G_USEC_PER_SEC;

    g_mutex_lock(&seen.lock);
    seen.let_go = true;
    g_cond_broadcast(&seen.changed);
    while (seen.hung != hung)
        if (!g_cond_wait_until(&seen.changed, &seen.lock, end))
            fail_msg("%u have hung", seen.hung);
    g_mutex_unlock(&seen.lock);
}

static void
let_all_go(void)
{
    g_mutex_lock(&seen.lock);
    seen.let_go = true;
    g_cond_broadcast(&seen.changed);
    g_mutex_unlock(&seen.lock);
}

/* Its threads stay. */
static VirtCalls *
keep(VirtCalls *calls)
{
    static GPtrArray *all;

    if (!all)
        all = g_ptr_array_new();
    g_ptr_array_add(all, calls);
    return calls;
}

static VirtCalls *
fresh_with(VirtOpen open, const char *path)
{
    VirtCalls *calls = keep(virt_calls_new(open, NULL, path));

    g_mutex_lock(&seen.lock);
    seen.hanging = seen.most = seen.hung = seen.served = 0;
    seen.found = seen.opened = 0;
    seen.let_go = seen.let_one_go = false;
    seen.first = NULL;
    g_mutex_unlock(&seen.lock);
    return calls;
}

static VirtCalls *
fresh(void)
{
    return fresh_with(open_test, NULL);
}

static void
push_hanging(VirtCalls *calls, guint i, VirtCallKind kind)
{
    g_autofree char *uuid =
        g_strdup_printf("982b8eac-6bcc-4a21-bd04-0000000000%02u", i);

    virt_calls_push(calls, uuid, kind, hang, NULL);
}

static void
test_rule(void **state)
{
    (void)state;
    assert_true(virt_calls_may_begin(0, 0, false, false));
    assert_true(virt_calls_may_begin(VIRT_CALLS_MAX - 1, 0, false, false));
    assert_false(virt_calls_may_begin(VIRT_CALLS_MAX, 0, false, false));
    assert_false(virt_calls_may_begin(1, 1, true, false));
    assert_true(virt_calls_may_begin(VIRT_CALLS_SPARE - 1, 1, false, false));
    assert_false(virt_calls_may_begin(VIRT_CALLS_SPARE, 1, false, false));
    assert_true(virt_calls_may_begin(VIRT_CALLS_SPARE, 0, false, false));
    assert_false(virt_calls_may_begin(1, 1, false, true));
    assert_false(virt_calls_may_begin(1, 0, false, true));
}

/* All but one of the threads hang, whatever else is asked of those domains; and
 * then all of them. */
static void
test_hanging(void **state)
{
    VirtCalls *calls = fresh();

    (void)state;
    for (guint i = 0; i < VIRT_CALLS_MAX - 1; i++)
        push_hanging(calls, i, VIRT_CALL_LOOK);
    wait_for(VIRT_CALLS_MAX - 1, 0);
    for (guint i = 0; i < VIRT_CALLS_MAX - 1; i++) {
        push_hanging(calls, i, VIRT_CALL_READ);
        push_hanging(calls, i, VIRT_CALL_LOOK);
    }
    for (guint i = 0; i < 3; i++) {
        virt_calls_push(calls, THERE, VIRT_CALL_READ, serve, NULL);
        wait_for(VIRT_CALLS_MAX - 1, i + 1);
    }
    assert_int_equal(seen.found, 3);
    assert_int_equal(seen.opened, VIRT_CALLS_MAX);
    push_hanging(calls, VIRT_CALLS_MAX, VIRT_CALL_READ);
    wait_for(VIRT_CALLS_MAX, 3);
    virt_calls_push(calls, THERE, VIRT_CALL_READ, serve, NULL);
    let_go(3 * (VIRT_CALLS_MAX - 1) + 1);
    wait_for(0, 4);
    assert_int_equal(seen.most, VIRT_CALLS_MAX);
    assert_int_equal(seen.opened, VIRT_CALLS_MAX);
}

/* No two of one kind; and one of another kind while there is room. */
static void
test_one_domain(void **state)
{
    VirtCalls *calls = fresh();

    (void)state;
    push_hanging(calls, 1, VIRT_CALL_LOOK);
    wait_for(1, 0);
    virt_calls_push(calls, "982b8eac-6bcc-4a21-bd04-000000000001",
                    VIRT_CALL_LOOK, serve, NULL);
    /* The same domain, however it is written. */
    virt_calls_push(calls, "982B8EAC-6BCC-4A21-BD04-000000000001",
                    VIRT_CALL_LOOK, serve, calls);
    /* What waits already is not to be done twice. */
    virt_calls_push(calls, "982B8EAC-6BCC-4A21-BD04-000000000001",
                    VIRT_CALL_LOOK, serve, NULL);
    virt_calls_push(calls, "982b8eac-6bcc-4a21-bd04-000000000001",
                    VIRT_CALL_READ, serve, NULL);
    wait_for(1, 1);
    let_go(1);
    wait_for(0, 3);
    assert_int_equal(seen.found, 0);
    assert_int_equal(seen.opened, 2);
}

static void
test_connections(void **state)
{
    VirtCalls *calls = fresh();

    (void)state;
    for (guint i = 0; i < 2; i++) {
        virt_calls_push(calls, THERE, VIRT_CALL_READ, serve, NULL);
        wait_for(0, i + 1);
    }
    assert_int_equal(seen.opened, 1);
    virt_calls_renew(calls);
    virt_calls_push(calls, THERE, VIRT_CALL_READ, serve, NULL);
    wait_for(0, 3);
    assert_int_equal(seen.opened, 2);
    assert_int_equal(seen.found, 3);
}

static void
test_no_connection(void **state)
{
    VirtCalls *calls;

    (void)state;
    (void)fresh();
    calls = keep(virt_calls_new(open_test, (gpointer) "none", NULL));
    virt_calls_push(calls, THERE, VIRT_CALL_READ, serve, NULL);
    wait_for(0, 1);
    assert_int_equal(seen.found, 0);
}

static gpointer
run_loop(gpointer unused)
{
    while (virEventRunDefaultImpl() == 0)
        continue;
    return unused;
}

/* virDomainFree() it. */
static virDomainPtr
define(virConnectPtr conn, guint i)
{
    g_autofree char *xml = g_strdup_printf(
        "<domain type='test'><name>bulk%u</name>"
        "<uuid>982b8eac-6bcc-4a21-bd04-1000000000%02u</uuid>"
        "<memory>1024</memory><os><type>hvm</type></os></domain>",
        i, i);
    virDomainPtr domain = virDomainDefineXML(conn, xml);

    assert_non_null(domain);
    return domain;
}

/* Over their own connection, one after another. */
static void
test_bulk(void **state)
{
    VirtCalls *calls = fresh();
    g_autoptr(virConnect) conn = virConnectOpen("test:///default");

    (void)state;
    for (guint i = 0; i < 3; i++) {
        g_autoptr(virDomain) domain = define(conn, i);

        virt_calls_push_bulk(calls, domain, virt_calls_age(calls),
                             VIRT_CALL_LOOK, serve, NULL);
        wait_for(0, i + 1);
    }
    assert_int_equal(seen.found, 3);
    assert_int_equal(seen.opened, 0);
}

/* Those that hang are not in the way of the rest, nor of more calls over one
 * connection than libvirtd serves. */
static void
test_bulk_hanging(void **state)
{
    VirtCalls *calls = fresh();
    g_autoptr(virConnect) conn = virConnectOpen("test:///default");

    (void)state;
    for (guint i = 0; i < VIRT_CALLS_MAX - 1; i++) {
        g_autoptr(virDomain) domain = define(conn, i);

        virt_calls_push_bulk(calls, domain, virt_calls_age(calls),
                             VIRT_CALL_LOOK, hang, NULL);
    }
    wait_for(VIRT_CALLS_MAX - 1, 0);
    virt_calls_push(calls, THERE, VIRT_CALL_READ, serve, NULL);
    wait_for(VIRT_CALLS_MAX - 1, 1);
    assert_in_range(seen.opened, VIRT_CALLS_MAX - VIRT_CALLS_LISTED,
                    VIRT_CALLS_MAX - 1);
    let_go(VIRT_CALLS_MAX - 1);
    wait_for(0, 1);
    assert_int_equal(seen.most, VIRT_CALLS_MAX - 1);
}

/* What was listed before is looked up anew. */
static void
test_bulk_renewed(void **state)
{
    VirtCalls *calls = fresh();
    g_autoptr(virConnect) conn = virConnectOpen("test:///default");
    g_autoptr(virDomain) domain = define(conn, 0);
    gint age = virt_calls_age(calls);

    (void)state;
    virt_calls_push_bulk(calls, domain, age, VIRT_CALL_READ, hang, NULL);
    wait_for(1, 0);
    virt_calls_renew(calls);
    virt_calls_push_bulk(calls, domain, age, VIRT_CALL_READ, serve, NULL);
    let_go(1);
    wait_for(0, 1);
    assert_int_equal(seen.found, 1);
    assert_int_equal(seen.opened, 1);
}

/* What somebody asks for meanwhile is made before the rest of the bulk. */
static void
test_bulk_hurried(void **state)
{
    VirtCalls *calls = fresh();
    g_autoptr(virConnect) conn = virConnectOpen("test:///default");
    gint age = virt_calls_age(calls);
    char uuid[VIR_UUID_STRING_BUFLEN];
    char first[] = "first", second[] = "second";

    (void)state;
    for (guint i = 0; i < VIRT_CALLS_MAX; i++) {
        g_autoptr(virDomain) domain = define(conn, i);

        virt_calls_push_bulk(calls, domain, age, VIRT_CALL_LOOK,
                             i == 0 ? hang_alone : hang, NULL);
    }
    wait_for(VIRT_CALLS_MAX, 0);
    for (guint i = 0; i < 2; i++) {
        g_autoptr(virDomain) domain = define(conn, VIRT_CALLS_MAX + i);

        virt_calls_push_bulk(calls, domain, age, VIRT_CALL_LOOK, say_who,
                             i == 0 ? first : second);
        assert_return_code(virDomainGetUUIDString(domain, uuid), 0);
    }
    virt_calls_push(calls, uuid, VIRT_CALL_LOOK, say_who, second);
    g_mutex_lock(&seen.lock);
    seen.let_one_go = true;
    g_cond_broadcast(&seen.changed);
    g_mutex_unlock(&seen.lock);
    wait_for(VIRT_CALLS_MAX - 1, 2);
    assert_string_equal(seen.first, "second");
    let_go(VIRT_CALLS_MAX - 1);
}

#define BULK(n) "982b8eac-6bcc-4a21-bd04-1000000000" n

static void
test_text(void **state)
{
    g_autoptr(GHashTable) uuids = virt_unanswered_parse(BULK(
        "01") "\nnone\n\n982B8EAC-6BCC-4A21-BD04-100000000000\n" BULK("01"));
    g_autofree char *text = virt_unanswered_text(uuids);
    g_autoptr(GHashTable) none = virt_unanswered_parse("");
    g_autofree char *empty = virt_unanswered_text(none);

    (void)state;
    assert_string_equal(text, BULK("00") "\n" BULK("01") "\n");
    assert_string_equal(empty, "");
}

/* No more than there can be. */
static void
test_long_text(void **state)
{
    g_autoptr(GString) text = g_string_new(NULL);
    g_autoptr(GHashTable) uuids = NULL;

    (void)state;
    for (guint i = 0; i < VIRT_UNANSWERED_MAX + 1; i++)
        g_string_append_printf(text, BULK("%02u") "\n", i);
    uuids = virt_unanswered_parse(text->str);
    assert_int_equal(g_hash_table_size(uuids), VIRT_UNANSWERED_MAX);
}

/* g_free() it, and g_unlink() it. */
static char *
file_with(const char *text)
{
    char *path = NULL;
    int fd = g_file_open_tmp("virt-calls-XXXXXX", &path, NULL);

    assert_true(fd >= 0 && close(fd) == 0);
    assert_true(g_file_set_contents(path, text, -1, NULL));
    return path;
}

static void
wait_for_text(const char *path, const char *text)
{
    gint64 end = g_get_monotonic_time() + 60 * G_USEC_PER_SEC;
    g_autofree char *is = virt_unanswered_read(path);

    while (strcmp(is, text) != 0) {
        if (g_get_monotonic_time() > end)
            fail_msg("the file has: %s", is);
        g_usleep(10000);
        g_free(is);
        is = virt_unanswered_read(path);
    }
}

/* Who is not answered is in the file until that is over. Without a connection
 * nobody is. */
static void
test_note(void **state)
{
    g_autofree char *path = file_with("");
    VirtCalls *calls = fresh_with(open_never, path);

    (void)state;
    virt_calls_push(calls, BULK("02"), VIRT_CALL_LOOK, serve, NULL);
    virt_calls_push(calls, BULK("01"), VIRT_CALL_READ, serve, NULL);
    wait_for_text(path, BULK("01") "\n" BULK("02") "\n");
    let_all_go();
    wait_for_text(path, "");
    assert_false(g_file_test(path, G_FILE_TEST_EXISTS));
    assert_int_equal(seen.served, 2);
}

/* Of those of which an earlier agent was not answered one is asked about; the
 * next when that has gone on. */
static void
test_before(void **state)
{
    g_autofree char *path = file_with(THERE "\n" BULK("01") "\n");
    VirtCalls *calls = fresh_with(open_never, path);
    g_autoptr(virConnect) conn = virConnectOpen("test:///default");
    gint age = virt_calls_age(calls);
    char before[] = "before", other[] = "other";
    g_autoptr(virDomain) one = define(conn, 1);
    g_autoptr(virDomain) two = define(conn, 2);

    (void)state;
    virt_calls_push(calls, THERE, VIRT_CALL_READ, say_who, NULL);
    wait_for(1, 0);
    virt_calls_push_bulk(calls, one, age, VIRT_CALL_LOOK, say_who, before);
    virt_calls_push_bulk(calls, two, age, VIRT_CALL_LOOK, say_who, other);
    wait_for(1, 1);
    assert_string_equal(seen.first, other);
    virt_calls_answered(calls, BULK("01"));
    wait_for(1, 2);
    wait_for_text(path, THERE "\n");
    virt_calls_answered(calls, THERE);
    virt_calls_wait_for_those_before(calls);
    let_all_go();
    wait_for(0, 3);
    assert_int_equal(seen.found, 2);
    wait_for_text(path, "");
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rule),
        cmocka_unit_test(test_hanging),
        cmocka_unit_test(test_one_domain),
        cmocka_unit_test(test_bulk),
        cmocka_unit_test(test_bulk_hanging),
        cmocka_unit_test(test_bulk_renewed),
        cmocka_unit_test(test_bulk_hurried),
        cmocka_unit_test(test_connections),
        cmocka_unit_test(test_no_connection),
        cmocka_unit_test(test_text),
        cmocka_unit_test(test_long_text),
        cmocka_unit_test(test_note),
        cmocka_unit_test(test_before),
    };
    virConnectPtr conn;

    virt_quiet();
    if (virEventRegisterDefaultImpl() < 0)
        return 1;
    g_thread_unref(g_thread_new("loop", run_loop, NULL));
    conn = virConnectOpen("test:///default");
    if (!conn)
        return 77; /* a libvirt without its test driver */
    (void)virConnectClose(conn);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
