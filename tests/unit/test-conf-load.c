/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * tests/unit/test-conf-load.c - what a good file makes of a Conf
 */
#include "config.h"

#include "tests/unit/conf-help.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static const ConfCluster *
cluster(const Conf *conf, guint n)
{
    assert_true(n < conf->clusters->len);
    return g_ptr_array_index(conf->clusters, n);
}

/* Written out, and not taken from the table: the table could be wrong. */
static void
test_defaults(void **state)
{
    g_autoptr(Conf) conf = conf_load(NULL, NULL);
    const ConfCluster *ceph;

    (void)state;
    assert_non_null(conf);
    assert_int_equal(conf->clusters->len, 1);
    ceph = cluster(conf, 0);
    assert_string_equal(ceph->name, "ceph");
    assert_string_equal(ceph->conf, "/etc/ceph/ceph.conf");
    assert_string_equal(ceph->user, "remora");
    assert_null(ceph->keyring);
    assert_null(ceph->secret_uuid);
    assert_null(ceph->guest_user);
    assert_null(ceph->guest_keyring);
    assert_int_equal(conf->connect_timeout_ms, 5000);
    assert_int_equal(conf->op_timeout_ms, 30000);
    assert_string_equal(conf->image_pools[0], "images");
    assert_null(conf->image_pools[1]);
    assert_string_equal(conf->vms_pool, "vms");
    assert_string_equal(conf->volume_pools[0], "volumes");
    assert_null(conf->volume_pools[1]);
    assert_string_equal(conf->cachemodes, "network=writeback");
    assert_string_equal(conf->discard, "unmap");
    assert_null(conf->bus);
    assert_int_equal(conf->clone_object_size, 0);
    assert_int_equal(conf->image_object_size, 8 * 1024 * 1024);
    assert_null(conf->clone_data_pool);
    assert_null(conf->clone_grow);
    assert_int_equal(conf->clone_features, 0);
    assert_string_equal(conf->clone_convert, "once");
    assert_int_equal(conf->clone_max_depth, 5);
    assert_false(conf->clone_flatten);
    assert_int_equal(conf->trash_expiry_s, 7 * 24 * 60 * 60);
    assert_null(conf->libvirt_socket);
    assert_false(conf->complete_existing);
    assert_false(conf->nova_metadata);
    assert_null(conf->nova_ephemeral_format);
    assert_int_equal(conf->hook_deadline_ms, 30000);
}

static void
test_empty_file(void **state)
{
    g_autoptr(Conf) defaults = conf_load(NULL, NULL);
    g_autoptr(Conf) empty = help_load("");
    g_autoptr(Conf) comment = help_load("# nothing\n// here\n/* at all */");
    /* libconfig 1.5 by itself takes no comment without a line's end. */
    g_autoptr(Conf) no_newline = help_load("op_timeout = \"30 s\"; # the end");
    g_autoptr(Conf) groups = help_load("pools = { };\nhook : { }\n"
                                       "clusters = ( { } );");

    (void)state;
    help_assert_equal(empty, defaults);
    help_assert_equal(comment, defaults);
    help_assert_equal(no_newline, defaults);
    help_assert_equal(groups, defaults);
}

static const char everything[] =
    "clusters = (\n"
    "  { name = \"east.1\"; conf = \"/c/e\"; user = \"agent\";\n"
    "    keyring = \"/k/e\";\n"
    "    secret_uuid = \"E21A123A-31F8-425A-86DB-7204C33A6161\";\n"
    "    guest_user = \"guest\"; guest_keyring = \"/k/g\"; },\n"
    "  { name = \"west\"; conf = \"/c/w\"; pools = { volumes = [ \"v\" ]; };\n"
    "    disk = { bus = \"keep\"; discard = \"\"; };\n"
    "    clone = { max_depth = 7; flatten = false; }; }\n"
    ");\n"
    "connect_timeout = \"1500 ms\";\n"
    "op_timeout = \"2 min\";\n"
    "pools = { images = ( \"i1\", \"i2\" ); vms = \"v m\\\"\\\\\";\n"
    "          volumes = [ ]; };\n"
    "disk = { cachemodes = \"file=none, network=directsync,block=unsafe\";\n"
    "         discard = \"ignore\"; bus = \"scsi\"; };\n"
    "clone = { object_size = \"16 MiB\"; data_pool = \"ec\";\n"
    "          features = [ \"layering\", \"exclusive-lock\",\n"
    "              \"object-map\", \"fast-diff\", \"deep-flatten\",\n"
    "              \"journaling\" ]; grow = \"librbd\";\n"
    "          convert = \"never\";\n"
    "          max_depth = 0; flatten = true; };\n"
    "image = { object_size = \"4M\"; };\n"
    "trash_expiry = \"36 h\";\n"
    "libvirt = { socket = \"/run/s\"; complete_existing = true; };\n"
    "nova = { metadata = true; ephemeral_format = \"xfs\"; };\n"
    "hook = { deadline = \"20 s\"; };\n";

static void
test_everything(void **state)
{
    g_autoptr(Conf) conf = help_load(everything);
    const ConfCluster *east = cluster(conf, 0);

    (void)state;
    assert_int_equal(conf->clusters->len, 2);
    assert_string_equal(east->name, "east.1");
    assert_string_equal(east->conf, "/c/e");
    assert_string_equal(east->user, "agent");
    assert_string_equal(east->keyring, "/k/e");
    assert_string_equal(east->secret_uuid,
                        "e21a123a-31f8-425a-86db-7204c33a6161");
    assert_string_equal(east->guest_user, "guest");
    assert_string_equal(east->guest_keyring, "/k/g");
    assert_string_equal(cluster(conf, 1)->name, "west");
    assert_string_equal(cluster(conf, 1)->user, "remora");
    /* What stands for all holds where a cluster has none of its own. */
    assert_string_equal(east->image_pools[1], "i2");
    assert_null(east->volume_pools[0]);
    assert_string_equal(east->bus, "scsi");
    assert_string_equal(cluster(conf, 1)->image_pools[1], "i2");
    assert_string_equal(cluster(conf, 1)->volume_pools[0], "v");
    assert_null(cluster(conf, 1)->bus);
    assert_null(cluster(conf, 1)->discard);
    assert_int_equal(cluster(conf, 1)->clone_object_size, 16 << 20);
    assert_string_equal(cluster(conf, 1)->clone_data_pool, "ec");
    assert_int_equal(conf->connect_timeout_ms, 1500);
    assert_int_equal(conf->op_timeout_ms, 120000);
    assert_string_equal(conf->image_pools[1], "i2");
    assert_null(conf->image_pools[2]);
    assert_string_equal(conf->vms_pool, "v m\"\\");
    assert_null(conf->volume_pools[0]);
    assert_string_equal(conf->cachemodes,
                        "file=none,network=directsync,block=unsafe");
    assert_string_equal(conf->discard, "ignore");
    assert_string_equal(conf->bus, "scsi");
    assert_int_equal(conf->clone_object_size, 16 * 1024 * 1024);
    /* 1, 4, 8, 16, 32 and 64: librbd's numbers */
    assert_int_equal(conf->clone_features, 125);
    assert_string_equal(conf->clone_data_pool, "ec");
    assert_string_equal(conf->clone_grow, "librbd");
    assert_null(conf->clone_convert);
    assert_null(cluster(conf, 1)->clone_convert);
    assert_int_equal(conf->clone_max_depth, 0);
    assert_true(conf->clone_flatten);
    assert_int_equal(east->clone_max_depth, 0);
    assert_true(east->clone_flatten);
    assert_int_equal(cluster(conf, 1)->clone_max_depth, 7);
    assert_false(cluster(conf, 1)->clone_flatten);
    assert_int_equal(conf->image_object_size, 4 * 1024 * 1024);
    assert_int_equal(conf->trash_expiry_s, 36 * 60 * 60);
    assert_string_equal(conf->libvirt_socket, "/run/s");
    assert_true(conf->complete_existing);
    assert_true(conf->nova_metadata);
    assert_string_equal(conf->nova_ephemeral_format, "xfs");
    assert_int_equal(conf->hook_deadline_ms, 20000);
}

static void
assert_fixpoint(const char *text)
{
    g_autoptr(Conf) conf = help_load(text);
    g_autofree char *dump = conf_dump(conf);
    g_autoptr(Conf) again = help_load(dump);
    g_autofree char *second = conf_dump(again);

    help_assert_equal(again, conf);
    assert_string_equal(second, dump);
}

static void
test_fixpoint(void **state)
{
    (void)state;
    assert_fixpoint("");
    assert_fixpoint(everything);
    assert_fixpoint("disk = { cachemodes = \"\"; discard = \"\"; };");
}

static void
test_dump_text(void **state)
{
    g_autoptr(Conf) conf = help_load("hook = { deadline = \"1 min\"; };");
    g_autofree char *dump = conf_dump(conf);

    (void)state;
    assert_non_null(strstr(dump, "clusters = (\n    {\n"
                                 "        name = \"ceph\";\n"));
    assert_non_null(strstr(dump, "connect_timeout = \"5 s\";\n"));
    assert_non_null(strstr(dump, "pools = {\n    images = [ \"images\" ];\n"));
    assert_non_null(strstr(dump, "    features = [ ];\n"));
    assert_non_null(strstr(dump, "\nhook = {\n    deadline = \"60 s\";\n};\n"));
}

/* Three ways to leave the cache mode alone, and one to leave trim alone. */
static void
test_leave_alone(void **state)
{
    g_autoptr(Conf) empty = help_load("disk = { cachemodes = \"\"; };");
    g_autoptr(Conf) other =
        help_load("disk = { cachemodes = \"file=writeback\"; };");
    g_autofree char *of_network =
        conf_cachemode(g_ptr_array_index(other->clusters, 0), "network");
    g_autofree char *of_file =
        conf_cachemode(g_ptr_array_index(other->clusters, 0), "file");
    g_autoptr(Conf) normal =
        help_load("disk = { cachemodes = \"network=default\"; };");
    g_autoptr(Conf) discard = help_load("disk = { discard = \"\"; };");
    g_autoptr(Conf) bus = help_load("disk = { bus = \"keep\"; };");

    (void)state;
    assert_null(empty->cachemodes);
    assert_null(of_network);
    assert_string_equal(of_file, "writeback");
    assert_null(normal->cachemodes);
    assert_null(discard->discard);
    assert_null(bus->bus);
}

static void
test_cachemodes(void **state)
{
    static const char *const modes[] = {"none", "writethrough", "writeback",
                                        "directsync", "unsafe"};

    (void)state;
    for (gsize i = 0; i < G_N_ELEMENTS(modes); i++) {
        g_autofree char *text = g_strdup_printf(
            "disk = { cachemodes = \"mount=none,network=%s\"; };", modes[i]);
        g_autoptr(Conf) conf = help_load(text);

        g_autofree char *mode =
            conf_cachemode(g_ptr_array_index(conf->clusters, 0), "network");

        assert_string_equal(mode, modes[i]);
    }
}

static void
test_ref(void **state)
{
    Conf *conf = help_load("");
    Conf *again = conf_ref(conf);

    (void)state;
    assert_ptr_equal(conf, again);
    conf_unref(conf);
    assert_string_equal(again->vms_pool, "vms");
    conf_unref(again);
    conf_unref(NULL);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_defaults),   cmocka_unit_test(test_empty_file),
        cmocka_unit_test(test_everything), cmocka_unit_test(test_fixpoint),
        cmocka_unit_test(test_dump_text),  cmocka_unit_test(test_leave_alone),
        cmocka_unit_test(test_cachemodes), cmocka_unit_test(test_ref),
    };

    return cmocka_run_group_tests(tests, NULL, help_clean);
}
