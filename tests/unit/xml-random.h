/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * tests/unit/xml-random.h - definitions from a seed
 *
 * Most are such as an operator might write; some ask for what is refused.
 */
#ifndef REMORA_TESTS_XML_RANDOM_H
#define REMORA_TESTS_XML_RANDOM_H

#include "tests/unit/xml-site.h"

#include <string.h>

#define UUID "982b8eac-6bcc-4a21-bd04-b67e26188be0"

static GRand *random_dice;

static inline void
random_seed(guint32 seed)
{
    random_dice = g_rand_new_with_seed(seed);
}

static inline bool
random_chance(gint of_ten)
{
    return g_rand_int_range(random_dice, 0, 10) < of_ten;
}

static inline guint
random_below(guint n)
{
    return (guint)g_rand_int_range(random_dice, 0, (gint)n);
}

#define RANDOM_PICK(list) (list[random_below(G_N_ELEMENTS(list))])

static const char *const random_disk_extras[] = {
    "<boot order='1'/>",
    "<serial>abc</serial>",
    "<iotune><read_bytes_sec>1</read_bytes_sec></iotune>",
    "<alias name='ua-x'/>",
    "<address type='pci' slot='0x04'/>",
    "<address type='drive' unit='3'/>",
    "<shareable/>",
    "<transient/>",
    "<backingStore/>",
    "<!-- a comment -->",
    "<future a='1'>text<b/></future>",
    "<x:future xmlns:x='urn:x' x:a='1'><y/></x:future>",
    "<blockio logical_block_size='4096'/>",
    "<wwn>5000c50015ea71ad</wwn>",
    "<![CDATA[ ]]>",
};

static const char *const random_driver_words[] = {
    "name='qemu'",      "type='raw'",   "cache='none'", "io='native'",
    "discard='ignore'", "iothread='1'", "queues='4'",   "x='y'",
};

static const char *const random_hosts[] = {
    "<host name='9.115.251.194' port='6789'/>",
    "<host name='9.115.251.195' port='6789'/>",
    "<host name='2001:db8::218' port='6789'/>",
    "<host name='old'/>",
    "<host name='[::1]' port='1'/>",
    "<host transport='unix' socket='/s'/>",
};

static const char *const random_auths[] = {
    "<auth username='cinder'><secret type='ceph' uuid='" SITE_SECRET
    "'/></auth>",
    "<auth username='old'><secret usage='client.old' type='ceph'/></auth>",
    "<auth username='cinder'/>",
};

static const char *const random_images[] = {
    "i",
    "i@snap",
    "i@v2",
    "images/i",
    "images/i@v2",
    "images/j",
    "rbd://" SITE_FSID "/images/i/snap",
};

static const char *const random_sizes[] = {"3 GiB", "1024", "0.5K", "1T"};

static const char *const random_kinds[] = {
    "kind='ephemeral' size='2 GiB'",
    "kind='ephemeral' size='1G' format='ext4'",
    "kind='ephemeral' size='1G' format='xfs' label='x-1'",
    "kind='swap' size='1G'",
    "kind='data' size='1G'",
    "kind='config' file='/var/x.img'",
    "kind='config'",
    "kind='data' image='i'",
    "kind='rescue' image='images/j'",
    "kind='swap'",
    "kind='clone' image='i' format='vfat'",
};

static inline void
random_add_some(GString *xml, const char *const *list, gsize n, gint of_ten)
{
    for (gsize i = 0; i < n; i++) {
        if (random_chance(of_ten))
            g_string_append_printf(xml, "%s%s", list[i],
                                   random_chance(5) ? "\n      " : "");
    }
}

static inline void
random_add_rbd(GString *xml, const char *name)
{
    g_string_append_printf(xml, "<source protocol='rbd' name='%s'>", name);
    random_add_some(xml, random_hosts, G_N_ELEMENTS(random_hosts),
                    random_chance(3) ? 9 : 2);
    if (g_str_has_prefix(name, "images/") && !strchr(name, '@') &&
        random_chance(4))
        g_string_append(xml, "<snapshot name='v2'/>");
    if (random_chance(2))
        g_string_append(xml, RANDOM_PICK(random_auths));
    g_string_append(xml, "</source>");
}

static inline void
random_add_source(GString *xml, const char *target)
{
    static const char *const names[] = {
        "images/i@snap",
        "images/i",
        "images/j@v2",
        "volumes/v",
        "volumes/volume-7a97c4a3-6f59-41d4-bf47-191d7f97f8e9",
        "backup/b",
        "vms/other",
    };

    switch (random_below(5)) {
    case 0:
        break;
    case 1:
        g_string_append(xml, "<source/>");
        break;
    case 2:
        g_string_append_printf(xml, "<source file='/var/%s.img'/>", target);
        break;
    case 3:
        random_add_rbd(xml, RANDOM_PICK(names));
        break;
    default: {
        g_autofree char *own = g_strdup_printf(
            "vms/" UUID "_disk%s%s", random_chance(5) ? "." : "", target);

        random_add_rbd(xml, random_chance(3) ? own : RANDOM_PICK(names));
    }
    }
}

static inline void
random_add_disk(GString *xml, const char *target)
{
    const char *device = random_chance(7) ? " device='disk'" : "";

    if (random_chance(2))
        device = " device='cdrom'";
    g_string_append_printf(xml, "\n    <disk type='%s'%s>",
                           random_chance(7) ? "network" : "file", device);
    if (random_chance(5)) {
        g_string_append(xml, "<driver");
        for (gsize i = 0; i < G_N_ELEMENTS(random_driver_words); i++) {
            if (random_chance(3))
                g_string_append_printf(xml, " %s", random_driver_words[i]);
        }
        g_string_append(xml, "/>");
    }
    random_add_source(xml, target);
    if (random_chance(2))
        g_string_append(xml, RANDOM_PICK(random_auths));
    g_string_append_printf(xml, "\n      <target dev='%s'%s/>", target,
                           random_chance(7) ? " bus='virtio'" : "");
    random_add_some(xml, random_disk_extras, G_N_ELEMENTS(random_disk_extras),
                    1);
    if (random_chance(2))
        g_string_append(xml, "<readonly/>");
    g_string_append(xml, "\n    </disk>");
}

static inline void
random_add_image(GString *xml)
{
    g_string_append_printf(xml, " image='%s'", RANDOM_PICK(random_images));
    if (random_chance(3))
        g_string_append_printf(xml, " size='%s'", RANDOM_PICK(random_sizes));
}

static inline void
random_add_entries(GString *xml, const char *const *targets, gsize n)
{
    static const char *const prefixes[] = {"remora:", "r:", ""};
    const char *p = RANDOM_PICK(prefixes);
    g_autofree char *declared =
        *p ? g_strdup_printf(":%.*s", (int)strlen(p) - 1, p) : g_strdup("");

    g_string_append_printf(
        xml, "\n  <metadata>\n    <%sdomain xmlns%s='" DOM_NAMESPACE "'>", p,
        declared);
    for (gsize i = 0; i < n; i++) {
        if (!random_chance(4))
            continue;
        g_string_append_printf(xml, "\n      <%sdisk target='%s'", p,
                               targets[i]);
        if (random_chance(2))
            g_string_append_printf(xml, " %s", RANDOM_PICK(random_kinds));
        else
            random_add_image(xml);
        g_string_append(xml, random_chance(8) ? "/>" : "><!-- c -->\n");
        if (xml->str[xml->len - 1] == '\n')
            g_string_append_printf(xml, "</%sdisk>", p);
    }
    g_string_append_printf(xml,
                           "%s\n    </%sdomain>\n"
                           "    <o:other xmlns:o='urn:o'/>\n  </metadata>",
                           random_chance(5) ? "<!-- end -->" : "", p);
}

static inline char *
random_definition(void)
{
    static const char *const targets[] = {"vda", "vdb", "sda", "hdc", "xvde"};
    GString *xml = g_string_new("<domain type='test'>\n  <name>d</name>\n"
                                "  <uuid>" UUID "</uuid>");

    if (random_chance(7))
        random_add_entries(xml, targets, G_N_ELEMENTS(targets));
    g_string_append(xml, "\n  <devices>");
    for (gsize i = 0; i < G_N_ELEMENTS(targets); i++) {
        if (random_chance(5))
            random_add_disk(xml, targets[i]);
    }
    if (random_chance(2))
        g_string_append(xml, "\n    <controller type='scsi' index='0'/>");
    g_string_append(xml, "\n  </devices>\n</domain>\n");
    return g_string_free(xml, FALSE);
}

#endif
