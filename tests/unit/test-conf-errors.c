/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * tests/unit/test-conf-errors.c - every message, text and code, and every
 * limit, at it and one past it
 */
#include "config.h"

#include "tests/unit/conf-help.h"

#include <glib/gstdio.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

typedef struct {
    const char *text;
    const char *message; /* behind 'FILE:' */
} Case;

static void
assert_refused(const char *text, const char *message, int code)
{
    int found_code;
    g_autofree char *found = help_refused(text, strlen(text), &found_code);

    assert_string_equal(found, message);
    assert_int_equal(found_code, code);
}

static void
assert_all_refused(const Case *cases, gsize n)
{
    for (gsize i = 0; i < n; i++)
        assert_refused(cases[i].text, cases[i].message, CONF_ERROR_KEY);
}

#define DEADLINE "a time from 1 s to 60 s such as \"30 s\""

static void
test_types(void **state)
{
    static const Case cases[] = {
        {"\nhook = {\n deadline = \"40\"; };",
         "3: 'hook.deadline': found \"40\", expected " DEADLINE},
        {"hook = { deadline = 40; };",
         "1: 'hook.deadline': found a number without quotes, "
         "expected " DEADLINE},
        {"hook = { deadline = 5000000000; };",
         "1: 'hook.deadline': found a number without quotes, "
         "expected " DEADLINE},
        {"hook = { deadline = 5000000000L; };",
         "1: 'hook.deadline': found a number without quotes, "
         "expected " DEADLINE},
        {"hook = { deadline = 1.5; };",
         "1: 'hook.deadline': found a number without quotes, "
         "expected " DEADLINE},
        {"hook = { deadline = true; };",
         "1: 'hook.deadline': found true, expected " DEADLINE},
        {"hook = { deadline = { }; };",
         "1: 'hook.deadline': found a group { }, expected " DEADLINE},
        {"hook = { deadline = [ ]; };",
         "1: 'hook.deadline': found a list [ ], expected " DEADLINE},
        {"hook = { deadline = ( ); };",
         "1: 'hook.deadline': found a list ( ), expected " DEADLINE},
        {"libvirt = { complete_existing = \"yes\"; };",
         "1: 'libvirt.complete_existing': found \"yes\", expected true or "
         "false"},
        {"nova = { ephemeral_format = \"ntfs\"; };",
         "1: 'nova.ephemeral_format': found \"ntfs\", expected \"ext4\", "
         "\"xfs\" or \"vfat\", or \"\""},
        {"libvirt = { complete_existing = 1; };",
         "1: 'libvirt.complete_existing': found a number without quotes, "
         "expected true or false"},
        {"pools = \"vms\";",
         "1: 'pools': found \"vms\", expected a group of keys in { }"},
        {"\npools = ( );",
         "2: 'pools': found a list ( ), expected a group of keys in { }"},
    };

    (void)state;
    assert_all_refused(cases, G_N_ELEMENTS(cases));
}

static void
test_ranges(void **state)
{
    static const Case cases[] = {
        {"connect_timeout = \"999 ms\";",
         "1: 'connect_timeout': found \"999 ms\", expected a time from 1 s to "
         "300 s such as \"5 s\""},
        {"op_timeout = \"11 min\";",
         "1: 'op_timeout': found \"11 min\", expected a time from 1 s to "
         "600 s such as \"30 s\""},
        {"trash_expiry = \"1500 ms\";",
         "1: 'trash_expiry': found \"1500 ms\", expected a time from 1 s to "
         "365 d such as \"7 d\""},
        {"image = { object_size = \"\"; };",
         "1: 'image.object_size': found \"\", expected a power of two from "
         "4 KiB to 32 MiB such as \"8 MiB\""},
        {"clone = { object_size = \"3 MiB\"; };",
         "1: 'clone.object_size': found \"3 MiB\", expected a power of two "
         "from 4 KiB to 32 MiB such as \"8 MiB\", or \"\""},
        {"disk = { discard = \"on\"; };",
         "1: 'disk.discard': found \"on\", expected \"unmap\" or \"ignore\", "
         "or \"\""},
        {"disk = { bus = \"\"; };",
         "1: 'disk.bus': found \"\", expected \"keep\", \"scsi\" or "
         "\"virtio\""},
        {"clone = { grow = \"fast\"; };",
         "1: 'clone.grow': found \"fast\", expected \"direct\" or "
         "\"librbd\""},
        {"libvirt = { socket = \"run/s\"; };",
         "1: 'libvirt.socket': found \"run/s\", expected an absolute path of "
         "at most 107 bytes such as \"/run/libvirt/libvirt-sock\", or \"\""},
    };

    (void)state;
    assert_all_refused(cases, G_N_ELEMENTS(cases));
}

static void
test_cachemodes(void **state)
{
    static const Case cases[] = {
        {"disk = { cachemodes = \"writeback\"; };",
         "1: 'disk.cachemodes': found \"writeback\", expected a list of "
         "SOURCE=MODE such as \"network=writeback\""},
        {"disk = { cachemodes = \"network=none,\"; };",
         "1: 'disk.cachemodes': found \"network=none,\", expected a list of "
         "SOURCE=MODE such as \"network=writeback\""},
        {"disk = { cachemodes = [ \"network=none\" ]; };",
         "1: 'disk.cachemodes': found a list [ ], expected a list of "
         "SOURCE=MODE such as \"network=writeback\", or \"\""},
        {"disk = { cachemodes = \"rbd=none\"; };",
         "1: 'disk.cachemodes': found \"rbd=none\", expected file, block, "
         "network or mount before the '='"},
        {"disk = { cachemodes = \"network=on\"; };",
         "1: 'disk.cachemodes': found \"network=on\", expected default, none, "
         "writethrough, writeback, directsync or unsafe after the '='"},
        {"disk = { cachemodes = \"file=none,file=none\"; };",
         "1: 'disk.cachemodes': found \"file=none,file=none\", expected each "
         "source type once"},
    };

    (void)state;
    assert_all_refused(cases, G_N_ELEMENTS(cases));
}

#define POOL "a pool name of 1 to 255 bytes without '/' and '@'"

static void
test_pools(void **state)
{
    static const Case cases[] = {
        {"pools = { vms = \"\"; };",
         "1: 'pools.vms': found \"\", expected " POOL " such as \"vms\""},
        {"pools = { vms = \"a/b\"; };",
         "1: 'pools.vms': found \"a/b\", expected " POOL " such as \"vms\""},
        {"clone = { data_pool = \"a@b\"; };",
         "1: 'clone.data_pool': found \"a@b\", expected " POOL
         " such as \"vms-data\", or \"\""},
        {"pools = { images = \"images\"; };",
         "1: 'pools.images': found \"images\", expected a list of 1 to 64 "
         "pool names such as [ \"images\" ]"},
        {"pools = { images = [ ]; };",
         "1: 'pools.images': found 0 names, expected a list of 1 to 64 pool "
         "names such as [ \"images\" ]"},
        {"pools = { volumes = [ \"a\",\n\"b/\" ]; };",
         "2: 'pools.volumes': found \"b/\", expected " POOL},
        {"pools = { volumes = [ 1, 2 ]; };",
         "1: 'pools.volumes': found a number without quotes, expected a list "
         "of 0 to 64 pool names such as [ \"volumes\" ]"},
        {"pools = { volumes = [ \"a\", \"a\" ]; };",
         "1: 'pools.volumes': found \"a\", expected each pool once"},
        {"pools = {\n vms = \"images\"; };",
         "2: 'pools.vms': found \"images\", which 'pools.images' names too, "
         "expected image pools to hold nothing but images"},
        {"pools = {\n images = [ \"i\", \"vms\" ]; };",
         "2: 'pools.images': found \"vms\", which 'pools.vms' names too, "
         "expected image pools to hold nothing but images"},
        {"pools = {\n images = [ \"i\" ];\n volumes = [ \"i\" ]; };",
         "3: 'pools.volumes': found \"i\", which 'pools.images' names too, "
         "expected image pools to hold nothing but images"},
    };

    (void)state;
    assert_all_refused(cases, G_N_ELEMENTS(cases));
}

#define FEATURES                                                               \
    "a list of the features layering, exclusive-lock, object-map, fast-diff, " \
    "deep-flatten, journaling"

static void
test_features(void **state)
{
    static const Case cases[] = {
        {"clone = { features = 61; };",
         "1: 'clone.features': found a number without quotes, expected " FEATURES},
        {"clone = { features = [ \"layering\", \"striping\" ]; };",
         "1: 'clone.features': found \"striping\", expected " FEATURES},
        {"clone = { max_depth = \"5\"; };",
         "1: 'clone.max_depth': found \"5\", expected a number from 0 to 16 "
         "without quotes"},
        {"clone = { max_depth = 17; };",
         "1: 'clone.max_depth': found 17, expected a number from 0 to 16 "
         "without quotes"},
        {"clone = { max_depth = -1; };",
         "1: 'clone.max_depth': found -1, expected a number from 0 to 16 "
         "without quotes"},
        {"clone = { features = [ \"data-pool\" ]; };",
         "1: 'clone.features': found \"data-pool\", expected " FEATURES},
        {"clone = { features = [ \"layering\", \"layering\" ]; };",
         "1: 'clone.features': found \"layering\", expected each feature "
         "once"},
        {"clone = { features = [ \"deep-flatten\" ]; };",
         "1: 'clone.features': found deep-flatten, expected 'layering' too, "
         "without which there is no clone"},
        {"clone = { features = [ \"layering\", \"object-map\" ]; };",
         "1: 'clone.features': found layering, object-map, expected "
         "'exclusive-lock' too, which 'object-map' needs"},
        {"clone = { features = [ \"layering\", \"exclusive-lock\", "
         "\"fast-diff\" ]; };",
         "1: 'clone.features': found layering, exclusive-lock, fast-diff, "
         "expected 'object-map' too, which 'fast-diff' needs"},
        {"clone = { features = [ \"layering\", \"journaling\" ]; };",
         "1: 'clone.features': found layering, journaling, expected "
         "'exclusive-lock' too, which 'journaling' needs"},
    };

    (void)state;
    assert_all_refused(cases, G_N_ELEMENTS(cases));
}

#define CLUSTERS "a list of 1 to 16 groups such as ( { name = \"ceph\"; } )"

#define UUID "e21a123a-31f8-425a-86db-7204c33a6161"

static void
test_clusters(void **state)
{
    static const Case cases[] = {
        {"clusters = { };",
         "1: 'clusters': found a group { }, expected " CLUSTERS},
        {"clusters = ( );",
         "1: 'clusters': found 0 groups, expected " CLUSTERS},
        {"clusters = ( { },\n \"x\" );",
         "2: 'clusters[1]': found \"x\", expected a group such as { name = "
         "\"ceph\"; }"},
        {"clusters = ( { name = \"a b\"; } );",
         "1: 'clusters[0].name': found \"a b\", expected a name of letters, "
         "digits, '.', '_' and '-' such as \"ceph\""},
        {"clusters = ( { name = \"\"; } );",
         "1: 'clusters[0].name': found \"\", expected a name of letters, "
         "digits, '.', '_' and '-' such as \"ceph\""},
        {"clusters = ( { },\n{ } );",
         "2: 'clusters[1].name': found \"ceph\", expected a name that no "
         "other cluster has"},
        {"clusters = ( { name = \"b\"; },\n{\nname = \"b\"; } );",
         "3: 'clusters[1].name': found \"b\", expected a name that no other "
         "cluster has"},
        {"clusters = ( { },\n{ name = \"b\"; } );",
         "2: 'clusters[1].conf': found \"/etc/ceph/ceph.conf\", expected a "
         "ceph.conf that no other cluster has"},
        {"clusters = ( { secret_uuid = \"" UUID "\"; }, { name = \"b\"; conf = "
         "\"/b\";\nsecret_uuid = \"" UUID "\"; } );",
         "2: 'clusters[1].secret_uuid': found \"" UUID "\", expected a secret "
         "that no other cluster has"},
        {"clusters = ( { pools = {\nvms = \"images\"; }; } );",
         "2: 'clusters[0].pools.vms': found \"images\", which 'pools.images' "
         "names too, expected image pools to hold nothing but images"},
        {"clusters = ( { pools = {\nimages = [ \"vms\" ]; }; } );",
         "2: 'clusters[0].pools.images': found \"vms\", which 'pools.vms' names "
         "too, expected image pools to hold nothing but images"},
        {"clusters = ( { pools = { vm = \"b\"; }; } );",
         "1: 'clusters[0].pools.vm' is not a key: did you mean "
         "'clusters[0].pools.vms'?"},
        {"clusters = ( { disk = \"b\"; } );",
         "1: 'clusters[0].disk': found \"b\", expected a group of keys in { }"},
        {"clusters = ( { hook = { deadline = \"3 s\"; }; } );",
         "1: 'clusters[0].hook' is not a key: remora.conf(5) lists them all"},
        {"clusters = ( { conf = \"\"; } );",
         "1: 'clusters[0].conf': found \"\", expected an absolute path of at "
         "most 1024 bytes such as \"/etc/ceph/ceph.conf\""},
        {"clusters = ( { user = \"client.remora\"; } );",
         "1: 'clusters[0].user': found \"client.remora\", expected a Ceph "
         "user without 'client.' such as \"remora\""},
        {"clusters = ( { user = \"\"; } );",
         "1: 'clusters[0].user': found \"\", expected a Ceph user without "
         "'client.' such as \"remora\""},
        {"clusters = ( { guest_user = \"client.g\"; } );",
         "1: 'clusters[0].guest_user': found \"client.g\", expected a Ceph "
         "user without 'client.' such as \"remora-guest\", or \"\""},
        {"clusters = ( { secret_uuid = \"e21a123a\"; } );",
         "1: 'clusters[0].secret_uuid': found \"e21a123a\", expected a UUID "
         "such as \"e21a123a-31f8-425a-86db-7204c33a6161\", or \"\""},
        {"clusters = ( {\n\nguest_keyring = \"/k\"; } );",
         "3: 'clusters[0].guest_keyring': found \"/k\", expected "
         "'guest_user' to be set as well"},
        {"clusters = ( { keyrong = \"/k\"; } );",
         "1: 'clusters[0].keyrong' is not a key: did you mean "
         "'clusters[0].keyring'?"},
        {"clusters = ( { rbd_pool = \"/k\"; } );",
         "1: 'clusters[0].rbd_pool' is not a key: remora.conf(5) lists them "
         "all"},
    };

    (void)state;
    assert_all_refused(cases, G_N_ELEMENTS(cases));
}

static void
test_unknown(void **state)
{
    static const Case cases[] = {
        {"hook = {\n dedline = \"30 s\"; };",
         "2: 'hook.dedline' is not a key: did you mean 'hook.deadline'?"},
        {"disk_cachemodes = \"network=none\";",
         "1: 'disk_cachemodes' is not a key: did you mean "
         "'disk.cachemodes'?"},
        {"deadline = \"30 s\";",
         "1: 'deadline' is not a key: did you mean 'hook.deadline'?"},
        {"hook = { op_timeout = \"30 s\"; };",
         "1: 'hook.op_timeout' is not a key: did you mean 'op_timeout'?"},
        {"pool = { vms = \"vms\"; };",
         "1: 'pool' is not a key: did you mean 'pools'?"},
        {"Hook = { };", "1: 'Hook' is not a key: did you mean 'hook'?"},
        {"pools = { vms = \"v\"; vms2 = \"w\"; };",
         "1: 'pools.vms2' is not a key: did you mean 'pools.vms'?"},
        {"glance_api_servers = \"x\";",
         "1: 'glance_api_servers' is not a key: remora.conf(5) lists them "
         "all"},
        {"hook = { a = { b = 1; }; };",
         "1: 'hook.a' is not a key: remora.conf(5) lists them all"},
        {"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
         "bbbb = 1;",
         "1: 'aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
         "aaaaa...' is not a key: remora.conf(5) lists them all"},
    };

    (void)state;
    assert_all_refused(cases, G_N_ELEMENTS(cases));
}

/* What no string may be, and how a message shows it. */
static void
test_strings(void **state)
{
    static const Case cases[] = {
        {"pools = { vms = \"a\nb\"; };",
         "1: 'pools.vms': found \"a\\x0ab\", expected a string without "
         "control characters"},
        {"pools = { vms = \"a\\tb\"; };",
         "1: 'pools.vms': found \"a\\x09b\", expected a string without "
         "control characters"},
        {"pools = { vms = \"a\\x7fb\"; };",
         "1: 'pools.vms': found \"a\\x7fb\", expected a string without "
         "control characters"},
        {"pools = { vms = \"a\\xc2\\x9bb\"; };",
         "1: 'pools.vms': found \"a\\x9bb\", expected a string without "
         "control characters"},
        {"pools = { vms = \"a\\xffb\"; };",
         "1: 'pools.vms': found \"a\\xffb\", expected UTF-8"},
        {"pools = { images = [ \"a\\x1b[2J\" ]; };",
         "1: 'pools.images': found \"a\\x1b[2J\", expected a string without "
         "control characters"},
        {"hook = { deadline = \""
         "0123456789012345678901234567890123456789"
         "01234567890123456789012\\xc3\\xa4Z\"; };",
         "1: 'hook.deadline': found \"0123456789012345678901234567890123456789"
         "01234567890123456789012\xc3\xa4...\", expected " DEADLINE},
    };

    (void)state;
    assert_all_refused(cases, G_N_ELEMENTS(cases));
}

static void
test_library(void **state)
{
    (void)state;
    assert_refused("op_timeout = \"5 s\";\nop_timeout = \"5 s\";",
                   "2: found a key that is set above already, expected each "
                   "key once",
                   CONF_ERROR_KEY);
    assert_refused("hook = { };\nhook = { };",
                   "2: found a key that is set above already, expected each "
                   "key once",
                   CONF_ERROR_KEY);
    assert_refused("pools = { images =\n[ \"a\", 1 ]; };",
                   "2: found values of several types in one list, expected "
                   "strings",
                   CONF_ERROR_KEY);
    assert_refused("hook = {\n deadline = ;\n};",
                   "2: syntax error here or on a line before: remora.conf(5) "
                   "shows how the file is written",
                   CONF_ERROR_SYNTAX);
}

static void
test_deep(void **state)
{
    g_autoptr(GString) deep = g_string_new("hook = ");

    (void)state;
    for (guint i = 0; i < 100000; i++)
        g_string_append_c(deep, '(');
    assert_refused(deep->str,
                   "1: memory exhausted here or on a line before: "
                   "remora.conf(5) shows how the file is written",
                   CONF_ERROR_SYNTAX);
}

#define INCLUDE                                                                \
    "'@include' is refused, because it would read any file: put everything "   \
    "into this one"

static void
test_bytes(void **state)
{
    static const char nul[] = "# one\n\0\nhook = { };";
    g_autofree char *found = NULL;
    g_autoptr(Conf) comment = NULL;
    int code;

    (void)state;
    assert_refused("\n\n@include \"/etc/passwd\"\n", "3: " INCLUDE,
                   CONF_ERROR_SYNTAX);
    assert_refused(" \t@include\t\"x\"\n", "1: " INCLUDE, CONF_ERROR_SYNTAX);
    assert_refused("\npools = { vms = \"vms\\X00\"; };",
                   "2: found '\\x00', expected no NUL in a string",
                   CONF_ERROR_SYNTAX);
    found = help_refused(nul, sizeof(nul) - 1, &code);
    assert_string_equal(found, "2: found a NUL byte, expected text");
    assert_int_equal(code, CONF_ERROR_SYNTAX);
    comment = help_load("# no @include here\n");
}

static void
assert_unreadable(const char *path, const char *why)
{
    g_autofree char *message =
        g_strdup_printf("cannot read '%s': %s", path, why);
    g_autoptr(GError) error = NULL;

    assert_null(conf_load(path, &error));
    assert_true(g_error_matches(error, CONF_ERROR, CONF_ERROR_FILE));
    assert_string_equal(error->message, message);
}

static void
test_files(void **state)
{
    const char *file = help_file("", 0);
    g_autofree char *dir = g_path_get_dirname(file);
    g_autofree char *other = g_build_filename(dir, "other", NULL);

    (void)state;
    assert_unreadable("/nonexistent/remora.conf", "No such file or directory");
    assert_unreadable(dir, "it is not a regular file");
    assert_unreadable("/dev/zero", "it is not a regular file");
    /* Nobody writes to it: who opens it to read would wait for ever. */
    assert_int_equal(mkfifo(other, 0600), 0);
    assert_unreadable(other, "it is not a regular file");
    assert_int_equal(g_unlink(other), 0);
    /* Not a file without permission: root, who may run this, reads it. */
    assert_int_equal(symlink("other", other), 0);
    assert_unreadable(other, "Too many levels of symbolic links");
    assert_int_equal(g_unlink(other), 0);
}

/* A good file of exactly len bytes. */
static char *
file_of(gsize len)
{
    char *text = g_malloc(len + 1);

    memset(text, ' ', len);
    text[0] = '#';
    text[len] = '\0';
    return text;
}

static void
test_limit_file(void **state)
{
    g_autofree char *good = file_of(CONF_FILE_MAX);
    g_autofree char *bad = file_of(CONF_FILE_MAX + 1);
    g_autoptr(Conf) conf = help_load(good);

    (void)state;
    assert_unreadable(help_file(bad, strlen(bad)),
                      "it is larger than 1 MiB, which no configuration is");
}

static char *
repeat(const char *head, const char *each, gsize n, const char *tail)
{
    GString *out = g_string_new(head);

    for (gsize i = 0; i < n; i++)
        g_string_append(out, each);
    g_string_append(out, tail);
    return g_string_free(out, FALSE);
}

/* count things, named one by one: 'p0', 'p1' ... */
static char *
count_up(const char *head, const char *format_head, guint n, const char *tail)
{
    GString *out = g_string_new(head);

    for (guint i = 0; i < n; i++)
        g_string_append_printf(out, "%s%s%u\"%s", i ? "," : "", format_head, i,
                               *format_head == '{' ? ";}" : "");
    g_string_append(out, tail);
    return g_string_free(out, FALSE);
}

/* So many, each with a name and a ceph.conf of its own. */
static char *
clusters_up(guint n)
{
    GString *out = g_string_new("clusters = (");

    for (guint i = 0; i < n; i++)
        g_string_append_printf(out, "%s{ name = \"c%u\"; conf = \"/c/%u\"; }",
                               i ? ", " : "", i, i);
    g_string_append(out, ");");
    return g_string_free(out, FALSE);
}

static void
test_limit_lists(void **state)
{
    g_autofree char *pools =
        count_up("pools = { images = [", "\"p", CONF_POOLS_MAX, "]; };");
    g_autofree char *more_pools =
        count_up("pools = { images = [", "\"p", CONF_POOLS_MAX + 1, "]; };");
    g_autofree char *more_volumes =
        count_up("pools = { volumes = [", "\"p", CONF_POOLS_MAX + 1, "]; };");
    g_autofree char *clusters = clusters_up(CONF_CLUSTERS_MAX);
    g_autofree char *more_clusters = clusters_up(CONF_CLUSTERS_MAX + 1);
    g_autoptr(Conf) a = help_load(pools);
    g_autoptr(Conf) b = help_load(clusters);

    (void)state;
    assert_int_equal(g_strv_length(a->image_pools), 64);
    assert_int_equal(b->clusters->len, 16);
    assert_refused(more_pools,
                   "1: 'pools.images': found 65 names, expected a list of 1 "
                   "to 64 pool names such as [ \"images\" ]",
                   CONF_ERROR_KEY);
    assert_refused(more_volumes,
                   "1: 'pools.volumes': found 65 names, expected a list of 0 "
                   "to 64 pool names such as [ \"volumes\" ]",
                   CONF_ERROR_KEY);
    assert_refused(more_clusters,
                   "1: 'clusters': found 17 groups, expected " CLUSTERS,
                   CONF_ERROR_KEY);
}

static void
test_limit_strings(void **state)
{
    g_autofree char *user =
        repeat("clusters = ( { user = \"", "u", 1024, "\"; } );");
    g_autofree char *more_user =
        repeat("clusters = ( { user = \"", "u", 1025, "\"; } );");
    g_autofree char *pool = repeat("pools = { vms = \"", "v", 255, "\"; };");
    g_autofree char *more_pool =
        repeat("pools = { vms = \"", "v", 256, "\"; };");
    g_autofree char *more_element =
        repeat("pools = { images = [ \"", "v", 256, "\" ]; };");
    g_autofree char *socket =
        repeat("libvirt = { socket = \"/", "s", 106, "\"; };");
    g_autofree char *more_socket =
        repeat("libvirt = { socket = \"/", "s", 107, "\"; };");
    g_autofree char *shown = repeat("", "v", 64, "...");
    g_autofree char *pool_message = g_strdup_printf(
        "1: 'pools.vms': found \"%s\", expected " POOL " such as \"vms\"",
        shown);
    g_autofree char *element_message = g_strdup_printf(
        "1: 'pools.images': found \"%s\", expected " POOL, shown);
    g_autofree char *socket_shown = repeat("/", "s", 63, "...");
    g_autofree char *socket_message = g_strdup_printf(
        "1: 'libvirt.socket': found \"%s\", expected an absolute path of at "
        "most 107 bytes such as \"/run/libvirt/libvirt-sock\", or \"\"",
        socket_shown);
    g_autoptr(Conf) a = help_load(user);
    g_autoptr(Conf) b = help_load(pool);
    g_autoptr(Conf) c = help_load(socket);

    (void)state;
    assert_refused(more_user,
                   "1: 'clusters[0].user': found a string of 1025 bytes, "
                   "expected at most 1024 bytes",
                   CONF_ERROR_KEY);
    assert_refused(more_pool, pool_message, CONF_ERROR_KEY);
    assert_refused(more_element, element_message, CONF_ERROR_KEY);
    assert_refused(more_socket, socket_message, CONF_ERROR_KEY);
}

typedef struct {
    const char *key;
    const char *good;
    const char *bad;
} Edge;

/* Both ends of every range: key is a format that takes the value. */
static void
test_limit_ranges(void **state)
{
    static const Edge edges[] = {
        {"connect_timeout = \"%s\";", "1 s", "999 ms"},
        {"connect_timeout = \"%s\";", "300 s", "300001 ms"},
        {"op_timeout = \"%s\";", "1 s", "999 ms"},
        {"op_timeout = \"%s\";", "600 s", "600001 ms"},
        {"hook = { deadline = \"%s\"; };", "1 s", "999 ms"},
        {"hook = { deadline = \"%s\"; };", "60 s", "60001 ms"},
        {"trash_expiry = \"%s\";", "1 s", "0 s"},
        {"trash_expiry = \"%s\";", "365 d", "31536001 s"},
        {"clone = { object_size = \"%s\"; };", "4 KiB", "2 KiB"},
        {"clone = { object_size = \"%s\"; };", "32 MiB", "64 MiB"},
        {"image = { object_size = \"%s\"; };", "4 KiB", "4095 B"},
        {"image = { object_size = \"%s\"; };", "32 MiB", "33554433 B"},
    };

    (void)state;
    for (gsize i = 0; i < G_N_ELEMENTS(edges); i++) {
        g_auto(GStrv) parts = g_strsplit(edges[i].key, "%s", 2);
        g_autofree char *good =
            g_strconcat(parts[0], edges[i].good, parts[1], NULL);
        g_autofree char *bad =
            g_strconcat(parts[0], edges[i].bad, parts[1], NULL);
        g_autoptr(Conf) conf = help_load(good);
        g_autofree char *message = NULL;
        int code;

        message = help_refused(bad, strlen(bad), &code);
        assert_int_equal(code, CONF_ERROR_KEY);
        assert_non_null(strstr(message, edges[i].bad));
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_types),
        cmocka_unit_test(test_ranges),
        cmocka_unit_test(test_cachemodes),
        cmocka_unit_test(test_pools),
        cmocka_unit_test(test_features),
        cmocka_unit_test(test_clusters),
        cmocka_unit_test(test_unknown),
        cmocka_unit_test(test_strings),
        cmocka_unit_test(test_library),
        cmocka_unit_test(test_deep),
        cmocka_unit_test(test_bytes),
        cmocka_unit_test(test_files),
        cmocka_unit_test(test_limit_file),
        cmocka_unit_test(test_limit_lists),
        cmocka_unit_test(test_limit_strings),
        cmocka_unit_test(test_limit_ranges),
    };

    return cmocka_run_group_tests(tests, NULL, help_clean);
}
