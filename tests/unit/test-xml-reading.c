/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * tests/unit/test-xml-reading.c - ours reads as libvirt reads
 *
 * The golden definitions, each spelled in another way at random (prefixes,
 * references, entities, encodings, elements twice or elsewhere, other names),
 * are given to libvirt's built-in test driver, which reads and writes with the
 * code of the real ones. What it then prints is plain: the plan of that must be
 * the plan of the odd original, or the original must be refused; what is in it
 * must be found by a reader that is not xml/. The hook's sieve must let the odd
 * one through wherever it lets the plain one.
 *
 * The seed is printed; REMORA_SEED=N replays one run.
 */
#include "config.h"

#include "hooks/wire/sieve.h"
#include "tests/unit/xml-site.h"
#include "xml/dom.h"

#include <libvirt/libvirt.h>
#include <libvirt/virterror.h>
#include <libxml/parser.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#define ROUNDS 6000

static virConnectPtr connection;
static GRand *dice;
static GPtrArray *corpus; /* of char * */

static guint
below(guint n)
{
    return (guint)g_rand_int_range(dice, 0, (gint)n);
}

#define PICK(list) (list[below(G_N_ELEMENTS(list))])

/* ---- spelling it otherwise ----------------------------------------------- */

static void
replace(GString *xml, gsize at, gsize len, const char *text)
{
    g_string_erase(xml, (gssize)at, (gssize)len);
    g_string_insert(xml, (gssize)at, text);
}

/* A place of the word, at random; G_MAXSIZE: there is none. */
static gsize
find(const GString *xml, const char *word)
{
    gsize found = G_MAXSIZE;
    guint n = 0;

    for (const char *at = xml->str; (at = strstr(at, word)); at++) {
        if (below(++n) == 0)
            found = (gsize)(at - xml->str);
    }
    return found;
}

static void
replace_one(GString *xml, const char *word, const char *text)
{
    gsize at = find(xml, word);

    if (at != G_MAXSIZE)
        replace(xml, at, strlen(word), text);
}

static const char *const attributes[] = {
    " name=",   " protocol=", " type=",     " device=",
    " dev=",    " bus=",      " target=",   " image=",
    " target=", " file=",     " xmlns:r=",  " size=",
    " port=",   " username=", " snapshot=", " destination=",
};
static const char *const elements[] = {
    "source", "target",    "disk",     "snapshot", "readonly", "devices",
    "uuid",   "shareable", "metadata", "driver",   "domain"};
static const char *const values[] = {
    "vms/other",    "images/i@snap", "images/i",   "volumes/v", "foreign/x",
    "vms//other",   "/vms/other",    "vms/other/", "vms/n/o",   "vms/a/b/c",
    "vms/o ther\n", "rbd",           "",           "vda",       "network",
    "file",         "volume",        "cdrom",
};

static void
add_prefix(GString *xml)
{
    const char *word = PICK(attributes);
    gsize at = find(xml, word);

    if (at != G_MAXSIZE)
        g_string_insert(xml, (gssize)at + 1, "x:");
}

static void
add_attribute(GString *xml)
{
    const char *word = PICK(attributes);
    g_autofree char *text =
        g_strdup_printf(" x:%s'%s'", word + 1, PICK(values));
    gsize at = find(xml, word);
    const char *end;

    if (at == G_MAXSIZE)
        return;
    end = strpbrk(xml->str + at + strlen(word) + 1, "'\"");
    if (end && below(2))
        at = (gsize)(end - xml->str) + 1;
    g_string_insert(xml, (gssize)at, text);
}

static void
change_value(GString *xml)
{
    const char *word = PICK(attributes);
    gsize at = find(xml, word);
    const char *end;

    if (at == G_MAXSIZE)
        return;
    at += strlen(word) + 1;
    end = strpbrk(xml->str + at, "'\"");
    if (end)
        replace(xml, at, (gsize)(end - xml->str) - at, PICK(values));
}

static void
add_reference(GString *xml)
{
    static const char *const formats[] = {"&#%u;", "&#x%x;", "&#0%u;"};
    gsize at = find(xml, PICK(attributes));
    g_autofree char *text = NULL;
    guint which = below(G_N_ELEMENTS(formats));
    guint c;

    if (at == G_MAXSIZE)
        return;
    at += strcspn(xml->str + at, "=") + 2 + below(5);
    if (at >= xml->len || !g_ascii_isalnum(xml->str[at]))
        return;
    c = (guint)xml->str[at];
    text = which == 0   ? g_strdup_printf("&#%u;", c)
           : which == 1 ? g_strdup_printf("&#x%x;", c)
                        : g_strdup_printf("&#0%u;", c);
    replace(xml, at, 1, text);
}

static void
swap_quotes(GString *xml)
{
    for (gsize i = 0; i < xml->len; i++) {
        if (xml->str[i] == '\'')
            xml->str[i] = '"';
        else if (xml->str[i] == '"')
            xml->str[i] = '\'';
    }
}

static void
add_blanks(GString *xml)
{
    static const char *const words[] = {"=", ">", "/>", "'", "<"};
    static const char *const blanks[] = {" ", "\n", "\t", "\r\n"};
    gsize at = find(xml, PICK(words));

    if (at != G_MAXSIZE)
        g_string_insert(xml, (gssize)(at + below(2)), PICK(blanks));
}

static void
add_markup(GString *xml)
{
    static const char *const marks[] = {
        "<!-- <source protocol='rbd' name='vms/other'/> -->",
        "<?pi <readonly/>?>",
        "<![CDATA[<disk/>]]>",
        "<x:future x:a='1'/>",
        "<future><source protocol='rbd' name='vms/other'/></future>",
        "&amp;",
        "&#10;",
        "<readonly/>",
        "<shareable/>",
        "<x:readonly/>",
        "<transient/>",
        "<source protocol='rbd' name='vms/other'/>",
        "<x:source protocol='rbd' name='vms/other'/>",
        "<target dev='vdy'/>",
        "<snapshot name='t'/>",
        "<disk type='network'><source protocol='rbd' name='vms/other'/><target "
        "dev='vdz'/></disk>",
        "<x:disk type='network'><source protocol='rbd' name='vms/o'/><target "
        "dev='vdz'/></x:disk>",
        "</devices><devices>",
    };
    gsize at = find(xml, below(2) ? ">" : "<");

    if (at != G_MAXSIZE)
        g_string_insert(xml, (gssize)(at + (xml->str[at] == '>')), PICK(marks));
}

/* Without its end, where it has one: most are empty. */
static void
repeat_element(GString *xml)
{
    g_autofree char *tag = g_strconcat("<", PICK(elements), NULL);
    gsize at = find(xml, tag);
    const char *end = at == G_MAXSIZE ? NULL : strchr(xml->str + at, '>');
    g_autofree char *text = NULL;

    if (!end || end[-1] != '/')
        return;
    text = g_strndup(xml->str + at, (gsize)(end - xml->str) + 1 - at);
    g_string_insert(xml, (gssize)at, text);
    if (below(2)) {
        gsize name = at + strcspn(xml->str + at, "=") + 2;

        if (name <= xml->len)
            g_string_insert(xml, (gssize)name, "vms/x");
    }
}

static void
prefix_element(GString *xml)
{
    const char *name = PICK(elements);
    g_autofree char *start = g_strconcat("<", name, NULL);
    g_autofree char *other_start = g_strconcat("<x:", name, NULL);
    g_autofree char *end = g_strconcat("</", name, NULL);
    g_autofree char *other_end = g_strconcat("</x:", name, NULL);

    replace_one(xml, start, other_start);
    replace_one(xml, end, other_end);
}

static void
declare_encoding(GString *xml)
{
    static const char *const encodings[] = {
        "utf8",   "UTF-8",  "ISO-8859-1",  "ISO-8859-15", "windows-1252",
        "UTF-16", "IBM037", "UTF-7",       "Shift_JIS",   "ascii",
        "KOI8-R", "gbk",    "ISO-2022-JP", "cp850",       "ISO_8859-1",
        "l1",     "HZ",     "macintosh",   "ucs2"};
    g_autofree char *text =
        g_strdup_printf("<?xml version='1.0' encoding='%s'?>", PICK(encodings));

    g_string_prepend(xml, text);
    replace_one(xml, "<name>", below(2) ? "<name>\xc3\xa9" : "<name>\xe9");
}

static void
add_mark(GString *xml)
{
    g_string_prepend(xml, "\xef\xbb\xbf");
}

static void
add_doctype(GString *xml)
{
    static const char *const types[] = {
        "<!DOCTYPE domain>",
        "<!DOCTYPE domain SYSTEM 'file:///dev/null'>",
        "<!DOCTYPE domain [<!ELEMENT a EMPTY>]>",
        "<!DOCTYPE domain [<!ATTLIST source protocol CDATA 'rbd'>]>",
        "<!DOCTYPE domain [<!ENTITY e 'rbd'>]>",
        "<!DOCTYPE domain [<!ENTITY % p ''>%p;]>",
        "<!DOCTYPE domain [%p;]>",
    };

    g_string_prepend(xml, PICK(types));
    if (below(2))
        replace_one(xml, "'rbd'", below(2) ? "'&e;'" : "'r&e;bd'");
}

static void
drop_element(GString *xml)
{
    gsize at = find(xml, "<");
    const char *end = at == G_MAXSIZE ? NULL : strchr(xml->str + at, '>');

    if (end)
        g_string_erase(xml, (gssize)at, end + 1 - (xml->str + at));
}

static void (*const mutations[])(GString *) = {
    add_prefix,   add_attribute,  change_value,   add_reference,
    swap_quotes,  add_blanks,     add_markup,     add_markup,
    change_value, repeat_element, prefix_element, declare_encoding,
    add_mark,     add_doctype,    drop_element,   add_attribute,
};

static char *
odd_definition(void)
{
    GString *xml = g_string_new(corpus->pdata[below(corpus->len)]);

    for (guint n = 1 + below(3); n > 0; n--)
        PICK(mutations)(xml);
    return g_string_free(xml, FALSE);
}

/* ---- two readings -------------------------------------------------------- */

static char *
as_libvirt(const char *xml)
{
    virDomainPtr domain = virDomainDefineXML(connection, xml);
    char *text;

    if (!domain)
        return NULL;
    text = virDomainGetXMLDesc(domain, VIR_DOMAIN_XML_INACTIVE);
    assert_non_null(text);
    assert_int_equal(virDomainUndefine(domain), 0);
    virDomainFree(domain);
    return text;
}

static DomPlan *
plan_of(const char *xml, GError **error)
{
    DomRules rules = site_rules();

    return dom_plan_new(xml, strlen(xml), &rules, error);
}

static char *
line_of(const DomPlan *plan, const DomDisk *disk)
{
    g_autofree char *line = g_strdup_printf(
        "%s: kind %d of %s/%s@%s, opens %s/%s@%s, size %" G_GUINT64_FORMAT
        ",%s%s%s%s",
        disk->target, disk->kind, disk->parent_pool, disk->parent_image,
        disk->parent_snap, disk->pool, disk->image, disk->snap, disk->size,
        disk->writable ? " writable" : "", disk->shareable ? " shareable" : "",
        disk->exists ? " exists" : "", disk->in_place ? " in place" : "");
    g_auto(GStrv) pieces = g_strsplit(line, dom_plan_uuid(plan), -1);

    /* Of a domain without one, each plan makes up its own. */
    return g_strjoinv("UUID", pieces);
}

static bool
has_line(const DomPlan *plan, const char *line)
{
    const GPtrArray *disks = dom_plan_disks(plan);

    for (guint i = 0; i < disks->len; i++) {
        g_autofree char *own = line_of(plan, disks->pdata[i]);

        if (strcmp(own, line) == 0)
            return true;
    }
    return false;
}

/* Every disk of one is in the other; with runs, those alone that libvirt could
 * open as they stand. */
static void
check_all_in(const DomPlan *one,
             const DomPlan *other,
             bool runs,
             char *const xml[2])
{
    const GPtrArray *disks = dom_plan_disks(one);

    for (guint i = 0; i < disks->len; i++) {
        const DomDisk *disk = disks->pdata[i];
        g_autofree char *line = line_of(one, disk);

        if ((!runs || disk->in_place) && !has_line(other, line))
            fail_msg("%s\nis only in the %s:\n%s\n---\n%s", line,
                     runs ? "original" : "libvirt's", xml[0], xml[1]);
    }
}

static xmlNode *
child(const xmlNode *parent, const char *name)
{
    xmlNode *node = parent ? parent->children : NULL;

    while (node && strcmp((const char *)node->name, name) != 0)
        node = node->next;
    return node;
}

static char *
value(xmlNode *node, const char *name)
{
    xmlChar *text = node ? xmlGetProp(node, BAD_CAST name) : NULL;
    char *copy = g_strdup(text ? (const char *)text : "");

    xmlFree(text);
    return copy;
}

/* The disk of the plan for a <disk> in libvirt's words, if it must have one. */
static void
check_found(const DomPlan *plan, xmlNode *node, const char *xml)
{
    g_autofree char *protocol = value(child(node, "source"), "protocol");
    g_autofree char *name = value(child(node, "source"), "name");
    g_autofree char *target = value(child(node, "target"), "dev");
    g_auto(GStrv) pieces = g_strsplit(name, "/", -1);
    const GPtrArray *disks = dom_plan_disks(plan);

    if (strcmp(protocol, "rbd") != 0 || g_strv_length(pieces) != 2 ||
        (strcmp(pieces[0], "vms") != 0 && strcmp(pieces[0], "volumes") != 0))
        return;
    for (guint i = 0; i < disks->len; i++) {
        const DomDisk *disk = disks->pdata[i];
        g_autofree char *image =
            g_strdup_printf("%s/%s", disk->pool, disk->image);

        if (strcmp(disk->target, target) == 0 &&
            g_str_has_prefix(name, image) &&
            disk->writable != (child(node, "readonly") ||
                               child(child(node, "source"), "snapshot") ||
                               strchr(name, '@')))
            return;
    }
    fail_msg("'%s' of '%s' is not found in\n%s", name, target, xml);
}

static void
check_disks(const DomPlan *plan, const char *xml)
{
    xmlDoc *doc = xmlReadMemory(xml, (int)strlen(xml), NULL, NULL,
                                XML_PARSE_NOERROR | XML_PARSE_NOWARNING);
    xmlNode *devices = child(xmlDocGetRootElement(doc), "devices");

    for (xmlNode *at = child(devices, "disk"); at; at = at->next) {
        if (strcmp((const char *)at->name, "disk") == 0)
            check_found(plan, at, xml);
    }
    xmlFreeDoc(doc);
}

typedef struct {
    guint taken;   /* by libvirt */
    guint refused; /* of these, by us */
    guint ours;    /* of these, with a disk */
} Seen;

static void
check_one(char *odd, Seen *seen)
{
    g_autofree char *plain = as_libvirt(odd);
    char *const both[] = {odd, plain};
    g_autoptr(GError) error = NULL;
    g_autoptr(DomPlan) theirs = NULL;
    g_autoptr(DomPlan) ours = NULL;

    if (!plain)
        return;
    seen->taken++;
    if (wire_sieve(plain, strlen(plain)) && !wire_sieve(odd, strlen(odd)))
        fail_msg("the sieve misses\n%s\n---\n%s", odd, plain);
    ours = plan_of(odd, NULL);
    if (!ours) {
        seen->refused++;
        return;
    }
    theirs = plan_of(plain, &error);
    if (!theirs)
        fail_msg("%s\n%s\n---\n%s", error->message, odd, plain);
    seen->ours += dom_plan_disks(theirs)->len > 0;
    check_all_in(theirs, ours, false, both);
    check_all_in(ours, theirs, true, both);
    check_disks(theirs, plain);
}

static void
test_reading(void **state G_GNUC_UNUSED)
{
    Seen seen = {0};

    for (guint i = 0; i < corpus->len; i++)
        check_one(corpus->pdata[i], &seen);
    for (guint i = 0; i < ROUNDS; i++) {
        g_autofree char *xml = odd_definition();

        check_one(xml, &seen);
    }
    print_message("libvirt took %u; of these %u were refused, %u had disks\n",
                  seen.taken, seen.refused, seen.ours);
    assert_true(seen.taken > ROUNDS / 5);
    assert_true(seen.ours > ROUNDS / 20);
}

/* ---- the start ----------------------------------------------------------- */

/* Of the test driver's type, and complete. */
static char *
for_test_driver(const char *xml)
{
    GString *text = g_string_new(xml);

    replace_one(text, "<domain type='kvm'", "<domain type='test'");
    replace_one(text, "<domain ", "<domain xmlns:x='urn:x' ");
    replace_one(text, "<vcpu>1</vcpu>", "");
    if (!strstr(text->str, "<memory"))
        replace_one(text, "<devices>", "<memory>1</memory><devices>");
    if (!strstr(text->str, "<os>"))
        replace_one(text, "<devices>", "<os><type>hvm</type></os><devices>");
    replace_one(text, "<emulator>/usr/bin/qemu-system-x86_64</emulator>", "");
    replace_one(text, " machine='pc'", "");
    return g_string_free(text, FALSE);
}

/* A seed means the same wherever the files are. */
static gint
by_text(gconstpointer a, gconstpointer b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

/* Those that are not refused as they stand. */
static void
read_corpus(const char *directory)
{
    GDir *dir = g_dir_open(directory, 0, NULL);
    const char *file;

    corpus = g_ptr_array_new_with_free_func(g_free);
    while (dir && (file = g_dir_read_name(dir))) {
        g_autofree char *path = g_build_filename(directory, file, NULL);
        g_autofree char *xml = NULL;
        g_autofree char *text = NULL;
        g_autoptr(DomPlan) plan = NULL;

        if (!g_str_has_suffix(file, ".in.xml") || strstr(file, "-device-") ||
            !g_file_get_contents(path, &xml, NULL, NULL))
            continue;
        text = for_test_driver(xml);
        plan = plan_of(text, NULL);
        if (plan)
            g_ptr_array_add(corpus, g_steal_pointer(&text));
    }
    g_clear_pointer(&dir, g_dir_close);
    g_ptr_array_sort(corpus, by_text);
}

static void
say_nothing(void *data G_GNUC_UNUSED, virErrorPtr error G_GNUC_UNUSED)
{
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_reading),
    };
    const char *srcdir = g_getenv("srcdir");
    const char *wanted = g_getenv("REMORA_SEED");
    guint32 seed = wanted ? (guint32)strtoul(wanted, NULL, 10)
                          : (guint32)g_get_real_time();
    g_autofree char *directory =
        g_build_filename(srcdir ? srcdir : ".", "tests", "xml", NULL);
    int failed;

    virSetErrorFunc(NULL, say_nothing);
    connection = virConnectOpen("test:///default");
    if (!connection) {
        print_message("SKIP: this libvirt has no test driver: %s\n",
                      virGetLastErrorMessage());
        return 77;
    }
    print_message("REMORA_SEED=%u\n", seed);
    dice = g_rand_new_with_seed(seed);
    read_corpus(directory);
    failed = cmocka_run_group_tests(tests, NULL, NULL);
    g_ptr_array_unref(corpus);
    g_rand_free(dice);
    virConnectClose(connection);
    return failed;
}
