/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * agent/rbd/image/format.c - which disk format do these bytes begin like?
 *
 * RBD clones hand the parent's bytes to the guest as they are, so a parent
 * that holds qcow2 or the like gives a guest that does not boot. Raw has no
 * signature: what matches none of these is taken for raw. LUKS is left out
 * on purpose, an encrypted raw disk is cloned as it is.
 */
#include "config.h"

#include "agent/rbd/image/format.h"

#include <string.h>

static const struct {
    const char *name;
    gsize offset;
    gsize len;
    const char *bytes;
} signatures[] = {
    {"qcow2", 0, 4, "QFI\xfb"},
    {"qed", 0, 4, "QED\0"},
    {"vmdk", 0, 4, "KDMV"},
    {"vmdk", 0, 4, "COWD"},
    {"vmdk", 0, 21, "# Disk DescriptorFile"},
    {"vdi", 0x40, 4, "\x7f\x10\xda\xbe"},
    {"vhdx", 0, 8, "vhdxfile"},
    {"vhd", 0, 8, "conectix"},
    {"parallels", 0, 16, "WithoutFreeSpace"},
    {"parallels", 0, 16, "WithouFreSpacExt"},
};

const char *
store_format_sniff(const guint8 *head, gsize len)
{
    for (gsize i = 0; i < G_N_ELEMENTS(signatures); i++) {
        if (len < signatures[i].offset + signatures[i].len)
            continue;
        if (memcmp(head + signatures[i].offset, signatures[i].bytes,
                   signatures[i].len) == 0)
            return signatures[i].name;
    }
    return NULL;
}

guint
store_format_luks(const guint8 *head, gsize len)
{
    static const guint8 magic[] = {'L', 'U', 'K', 'S', 0xba, 0xbe, 0};

    if (len < sizeof(magic) + 1 || memcmp(head, magic, sizeof(magic)) != 0)
        return 0;
    return head[sizeof(magic)] <= 2 ? head[sizeof(magic)] : 0;
}
