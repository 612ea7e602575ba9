/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * tests/unit/test-xml-golden.c - definitions in, definitions or refusals out
 *
 * For each tests/xml/NN-title.in.xml there is NN-title.out.xml, the definition
 * after the rewrite (the same bytes where nothing changes), or NN-title.err,
 * the one line of the refusal. REMORA_REGENERATE=1 writes them anew; what
 * changed is then for a reviewer.
 *
 * A comment '<!-- golden: WORDS -->' in the first line changes the host:
 * complete, bus=scsi, bus=virtio, noauth, nofsid, pools (a second image pool),
 * onepool, decide (a bare id is found in 'images'), device (a lone device of
 * the domain SITE_UUID; its files are called NN-device-title), same-guest (it
 * arrives, is restored or runs), arrival (with a nonce), namespaces (libvirt knows
 * those of RBD), whose (the name of a pool is not all that counts: see whose()),
 * volumes (libvirt's storage pools of xml-site.h are known), cachemodes (file=none,
 * block=writethrough), nova (its metadata asks, and no file is there but those
 * in a directory 'there'), xfs (of Nova's ephemeral disks), noport and names (the
 * monitors, and the user, of Nova's own tests). 'invalid' is for
 * tests/xml/schema.t: the input holds what libvirt's schema does not know.
 */
#include "config.h"

#include "tests/unit/xml-site.h"
#include "xml/dom.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <glib/gstdio.h>
#include <string.h>

typedef struct {
    char *directory;
    char *name; /* 'NN-title' */
    DomRules rules;
    DomSite site;
    DomNova nova;
    char **gone;
    bool decide;
    bool device;
} Golden;

static char *
golden_path(const Golden *golden, const char *suffix)
{
    g_autofree char *file = g_strconcat(golden->name, suffix, NULL);

    return g_build_filename(golden->directory, file, NULL);
}

static char *
read_file(const char *path, gsize *ret_len)
{
    char *text = NULL;

    if (!g_file_get_contents(path, &text, ret_len, NULL))
        fail_msg("cannot read '%s'", path);
    return text;
}

static bool
has_word(const char *line, const char *word)
{
    g_auto(GStrv) words = g_strsplit(line, " ", -1);

    return g_strv_contains((const char *const *)words, word);
}

/* As a host does: one of its monitors decides, and else whatever speaks against
 * it. */
static guint
whose(const DomSigns *signs, gpointer data)
{
    (void)data;
    for (guint i = 0; i < signs->hosts->len; i++) {
        const DomHost *host = signs->hosts->pdata[i];

        for (gsize j = 0; j < G_N_ELEMENTS(site_hosts); j++)
            if (g_strcmp0(host->name, site_hosts[j].name) == 0)
                return 3;
    }
    if (signs->secret_usage || signs->config ||
        (signs->secret_uuid && strcmp(signs->secret_uuid, SITE_SECRET) != 0))
        return DOM_WEIGHT_NONE;
    if (signs->secret_uuid)
        return 2;
    return signs->hosts->len > 0 ? DOM_WEIGHT_NONE : 1;
}

static void
read_words(Golden *golden, const char *xml)
{
    g_autofree char *line = g_strndup(xml, strcspn(xml, "\n"));

    golden->rules = site_rules();
    golden->site = site_default();
    if (!g_str_has_prefix(line, "<!-- golden:"))
        return;
    golden->rules.complete_bare = has_word(line, "complete");
    golden->decide = has_word(line, "decide");
    golden->device = has_word(line, "device");
    golden->site.same_guest = has_word(line, "same-guest");
    if (has_word(line, "cachemodes")) {
        golden->site.cache_file = "none";
        golden->site.cache_block = "writethrough";
    }
    if (has_word(line, "volumes")) {
        golden->rules.storage_pools = site_storage_pools;
        golden->rules.n_storage_pools = G_N_ELEMENTS(site_storage_pools);
    }
    if (has_word(line, "arrival"))
        golden->site.arrival = "00112233445566778899aabbccddeeff";
    if (has_word(line, "bus=scsi"))
        golden->site.bus = "scsi";
    if (has_word(line, "bus=virtio"))
        golden->site.bus = "virtio";
    if (has_word(line, "whose"))
        golden->rules.weigh = whose;
    if (has_word(line, "noauth"))
        golden->site.auth_user = golden->site.secret_uuid = NULL;
    if (has_word(line, "nofsid"))
        golden->rules.fsid = NULL;
    if (has_word(line, "noport")) {
        golden->site.hosts = site_no_port_hosts;
        golden->site.n_hosts = G_N_ELEMENTS(site_no_port_hosts);
        golden->site.auth_user = "foo";
        golden->site.secret_uuid = "b38a3f43-4be2-4046-897f-b67c2f5e0147";
    }
    if (has_word(line, "names")) {
        golden->site.hosts = site_named_hosts;
        golden->site.n_hosts = G_N_ELEMENTS(site_named_hosts);
    }
    golden->rules.namespaces = has_word(line, "namespaces");
    if (has_word(line, "pools"))
        golden->rules.image_pools = site_more_image_pools;
    if (has_word(line, "onepool")) {
        golden->rules.image_pools = golden->rules.volume_pools = site_one_pool;
        golden->rules.vms_pool = "rbd";
    }
}

static bool
is_gone(const char *file)
{
    return strstr(file, "/there/") == NULL;
}

static void
read_nova(Golden *golden, const char *xml, gsize len)
{
    g_auto(GStrv) files = dom_nova_files(xml, len);
    g_autofree char *line = g_strndup(xml, strcspn(xml, "\n"));
    gsize n = 0;

    if (has_word(line, "nova"))
        golden->rules.nova = &golden->nova;
    if (has_word(line, "xfs"))
        golden->nova.ephemeral_format = "xfs";
    g_strfreev(golden->gone);
    golden->gone = g_new0(char *, g_strv_length(files) + 1);
    for (gsize i = 0; files[i]; i++)
        if (is_gone(files[i]))
            golden->gone[n++] = g_strdup(files[i]);
    golden->nova.gone = (const char *const *)golden->gone;
}

static void
decide(const Golden *golden, DomPlan *plan)
{
    const GPtrArray *disks = dom_plan_disks(plan);

    for (guint i = 0; golden->decide && i < disks->len; i++) {
        DomDisk *disk = disks->pdata[i];

        if (dom_disk_has_parent(disk) && !disk->parent_pool)
            dom_disk_set_parent(disk, 0, NULL, "images");
    }
}

static DomPlan *
plan(const Golden *golden, const char *xml, gsize len, GError **error)
{
    if (golden->device)
        return dom_plan_new_device(xml, len, SITE_UUID, "web1", &golden->rules,
                                   error);
    return dom_plan_new(xml, len, &golden->rules, error);
}

/* The definition after the rewrite, or NULL with error. */
static char *
rewrite(const Golden *golden,
        const char *xml,
        gsize len,
        bool *ret_changed,
        GError **error)
{
    g_autoptr(DomPlan) made = plan(golden, xml, len, error);
    g_autofree char *uuid = NULL;
    char *out = NULL;

    if (!made)
        return NULL;
    decide(golden, made);
    uuid = g_strdup(dom_plan_uuid(made));
    if (!dom_plan_rewrite(made, &golden->site, &out, error))
        return NULL;
    *ret_changed = out != NULL;
    if (!out)
        return g_strndup(xml, len);
    if (!golden->device && !strstr(xml, "<uuid>")) {
        g_auto(GStrv) pieces = g_strsplit(out, uuid, -1);

        g_free(out);
        out = g_strjoinv(SITE_UUID, pieces);
    }
    return out;
}

static void
compare(const Golden *golden, const char *suffix, const char *text)
{
    g_autofree char *path = golden_path(golden, suffix);
    g_autofree char *expected = NULL;

    if (g_strcmp0(g_getenv("REMORA_REGENERATE"), "1") == 0) {
        g_autofree char *out = golden_path(golden, ".out.xml");
        g_autofree char *err = golden_path(golden, ".err");

        g_unlink(out);
        g_unlink(err);
        assert_true(g_file_set_contents(path, text, -1, NULL));
        return;
    }
    expected = read_file(path, NULL);
    assert_string_equal(text, expected);
}

static void
test_golden(void **state)
{
    Golden *golden = *state;
    g_autofree char *path = golden_path(golden, ".in.xml");
    gsize len;
    g_autofree char *xml = read_file(path, &len);
    g_autofree char *out = NULL;
    g_autofree char *again = NULL;
    g_autoptr(GError) error = NULL;
    bool changed = false;

    read_words(golden, xml);
    read_nova(golden, xml, len);
    out = rewrite(golden, xml, len, &changed, &error);
    if (!out) {
        g_autofree char *line = g_strconcat(error->message, "\n", NULL);

        assert_ptr_equal(strchr(line, '\n'), line + strlen(line) - 1);
        compare(golden, ".err", line);
        return;
    }
    assert_int_equal(changed, strcmp(out, xml) != 0);
    compare(golden, ".out.xml", out);
    again = rewrite(golden, out, strlen(out), &changed, &error);
    assert_null(error);
    assert_non_null(again);
    assert_false(changed);
}

static Golden *
golden_new(const char *directory, const char *file)
{
    Golden *golden = g_new0(Golden, 1);

    golden->directory = g_strdup(directory);
    golden->name = g_strndup(file, strlen(file) - strlen(".in.xml"));
    return golden;
}

static void
golden_free(Golden *golden)
{
    g_free(golden->directory);
    g_free(golden->name);
    g_strfreev(golden->gone);
    g_free(golden);
}

static gint
compare_names(gconstpointer a, gconstpointer b)
{
    const Golden *const *one = a;
    const Golden *const *other = b;

    return strcmp((*one)->name, (*other)->name);
}

static GPtrArray *
find_all(const char *directory)
{
    GPtrArray *all =
        g_ptr_array_new_with_free_func((GDestroyNotify)golden_free);
    GDir *dir = g_dir_open(directory, 0, NULL);
    const char *file;

    while (dir && (file = g_dir_read_name(dir))) {
        if (g_str_has_suffix(file, ".in.xml"))
            g_ptr_array_add(all, golden_new(directory, file));
    }
    g_clear_pointer(&dir, g_dir_close);
    g_ptr_array_sort(all, compare_names);
    return all;
}

int
main(void)
{
    const char *srcdir = g_getenv("srcdir");
    g_autofree char *directory =
        g_build_filename(srcdir ? srcdir : ".", "tests", "xml", NULL);
    g_autoptr(GPtrArray) all = find_all(directory);
    g_autofree struct CMUnitTest *tests = NULL;

    if (all->len == 0) {
        g_printerr("no golden files in '%s'\n", directory);
        return 1;
    }
    tests = g_new0(struct CMUnitTest, all->len);
    for (guint i = 0; i < all->len; i++) {
        Golden *golden = all->pdata[i];

        tests[i].name = golden->name;
        tests[i].test_func = test_golden;
        tests[i].initial_state = golden;
    }
    return _cmocka_run_group_tests("golden", tests, all->len, NULL, NULL);
}
