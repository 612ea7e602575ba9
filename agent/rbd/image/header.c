/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * agent/rbd/image/header.c - may this image be converted, by its own header?
 *
 * Only the kinds that hold all of a disk in one file are taken. Places in the
 * file are the tool's to check, which runs confined; here is only what makes it
 * look elsewhere, and how large the disk is.
 */
#include "config.h"

#include "agent/rbd/image/header.h"

#include <string.h>

#define SECTOR 512u

static const char cut_short[] = "with a header that makes no sense";
static const char unknown[] = "with a feature that is not known here";
static const char elsewhere[] = "with data in another file";
static const char backed[] = "with a backing file";
static const char encrypted[] = "that is encrypted";
static const char no_size[] = "of a size that is not possible";
static const char too_large[] = "of more than 1 TiB";

typedef struct {
    StoreHeaderRead read;
    gpointer data;
} Source;

static bool
get(const Source *source, guint64 offset, guint8 *buffer, gsize len)
{
    return source->read(source->data, offset, buffer, len);
}

/* ---- numbers ---------------------------------------------------------------- */

static guint32
be32(const guint8 *at)
{
    guint32 value;

    memcpy(&value, at, sizeof(value));
    return GUINT32_FROM_BE(value);
}

static guint64
be64(const guint8 *at)
{
    guint64 value;

    memcpy(&value, at, sizeof(value));
    return GUINT64_FROM_BE(value);
}

static guint32
le32(const guint8 *at)
{
    guint32 value;

    memcpy(&value, at, sizeof(value));
    return GUINT32_FROM_LE(value);
}

static guint64
le64(const guint8 *at)
{
    guint64 value;

    memcpy(&value, at, sizeof(value));
    return GUINT64_FROM_LE(value);
}

/* NULL: it is possible. */
static const char *
check_size(guint64 size, StoreHeader *header)
{
    if (size == 0 || size % SECTOR != 0)
        return no_size;
    if (size > STORE_CONVERT_MAX)
        return too_large;
    header->size = size;
    return NULL;
}

/* ---- qcow2: docs/interop/qcow2.txt of QEMU ------------------------------------ */

#define QCOW2_HEAD 4096u
/* Of version 2, and the least of version 3. */
#define QCOW2_V2 72u
#define QCOW2_V3 104u
/* Incompatible features. The first says only that reference counts may be old,
 * which a reader does not need. */
#define QCOW2_DIRTY       (1u << 0)
#define QCOW2_DATA_FILE   (1u << 2)
#define QCOW2_COMPRESSION (1u << 3)
#define QCOW2_LONG_L2     (1u << 4)
#define QCOW2_KNOWN       (QCOW2_DIRTY | QCOW2_COMPRESSION | QCOW2_LONG_L2)

static const char *
check_extension(guint32 type)
{
    switch (type) {
    case 0x6803f857: /* the names of features */
    case 0x23852875: /* bitmaps */
        return NULL;
    case 0xe2792aca: /* what the backing file is */
        return backed;
    case 0x0537be77:
        return encrypted;
    case 0x44415441: /* where the data are */
        return elsewhere;
    default:
        return unknown;
    }
}

/* They end in what was read, or are not believed. */
static const char *
check_extensions(const guint8 *head, gsize at)
{
    while (at + 8 <= QCOW2_HEAD) {
        guint32 type = be32(head + at);
        gsize len = be32(head + at + 4);
        const char *why = type != 0 ? check_extension(type) : NULL;

        if (type == 0 || why)
            return why;
        if (len > QCOW2_HEAD)
            return cut_short;
        at += 8 + (len + 7) / 8 * 8;
    }
    return cut_short;
}

static const char *
check_features(const guint8 *head, gsize *ret_len)
{
    guint64 features = be64(head + 72);
    gsize len = be32(head + 100);

    if (features & QCOW2_DATA_FILE)
        return elsewhere;
    if (features & ~(guint64)QCOW2_KNOWN)
        return unknown;
    if (len < QCOW2_V3 || len % 8 != 0 || len > QCOW2_HEAD)
        return cut_short;
    /* zlib or zstd, if there is such a field. */
    if (len > QCOW2_V3 && head[QCOW2_V3] > 1)
        return unknown;
    *ret_len = len;
    return NULL;
}

static const char *
check_qcow2(const Source *source, StoreHeader *header, bool *ret_read)
{
    g_autofree guint8 *head = g_malloc(QCOW2_HEAD);
    gsize len = QCOW2_V2;
    guint32 version;
    const char *why = NULL;

    *ret_read = get(source, 0, head, QCOW2_HEAD);
    if (!*ret_read)
        return NULL;
    version = be32(head + 4);
    if (version != 2 && version != 3)
        return unknown;
    if (be64(head + 8) != 0 || be32(head + 16) != 0)
        return backed;
    if (be32(head + 32) != 0)
        return encrypted;
    /* Of 512 bytes to 2 MiB. */
    if (be32(head + 20) < 9 || be32(head + 20) > 21)
        return cut_short;
    if (version == 3)
        why = check_features(head, &len);
    if (!why)
        why = check_extensions(head, len);
    return why ? why : check_size(be64(head + 24), header);
}

/* ---- vmdk: of VMware's kinds, those that are one file -------------------------- */

#define VMDK_TEXT_AT  512u
#define VMDK_TEXT_MAX (20u * SECTOR)

/* The value of NAME=VALUE, in quotes or not, at the beginning of a line. */
static bool
has_value(const char *text, const char *name, const char *value)
{
    g_auto(GStrv) lines = g_strsplit_set(text, "\r\n", -1);
    bool found = false;

    for (gsize i = 0; lines[i]; i++) {
        char *equals = strchr(lines[i], '=');

        if (!equals)
            continue;
        *equals = '\0';
        if (g_ascii_strcasecmp(g_strstrip(lines[i]), name) != 0)
            continue;
        g_strdelimit(equals + 1, "\"", ' ');
        if (g_ascii_strcasecmp(g_strstrip(equals + 1), value) != 0)
            return false;
        found = true;
    }
    return found;
}

static const char *
check_vmdk_text(const char *text)
{
    /* Wherever it stands: a reader may look for it so. */
    if (strstr(text, "parentFileNameHint") ||
        !has_value(text, "parentCID", "ffffffff"))
        return backed;
    if (!has_value(text, "createType", "monolithicSparse") &&
        !has_value(text, "createType", "streamOptimized"))
        return elsewhere;
    return NULL;
}

static const char *
check_vmdk(const Source *source, StoreHeader *header, bool *ret_read)
{
    guint8 head[SECTOR];
    g_autofree char *text = g_malloc0(VMDK_TEXT_MAX + 1);
    const char *why;

    *ret_read = get(source, 0, head, sizeof(head)) &&
                get(source, VMDK_TEXT_AT, (guint8 *)text, VMDK_TEXT_MAX);
    if (!*ret_read)
        return NULL;
    /* The others are lists of files. */
    if (memcmp(head, "KDMV", 4) != 0)
        return elsewhere;
    if (le32(head + 4) < 1 || le32(head + 4) > 3)
        return unknown;
    /* Without a size of its own it is a list of files, too; and its text is
     * where a reader looks for it. */
    if (le64(head + 12) == 0 || le64(head + 28) != VMDK_TEXT_AT / SECTOR)
        return elsewhere;
    why = check_vmdk_text(text);
    if (!why && le64(head + 12) > STORE_CONVERT_MAX / SECTOR)
        why = too_large;
    return why ? why : check_size(le64(head + 12) * SECTOR, header);
}

/* ---- vhd ----------------------------------------------------------------------- */

#define VHD_DYNAMIC      3u
#define VHD_DIFFERENCING 4u

static const char *
check_vhd(const Source *source, StoreHeader *header, bool *ret_read)
{
    guint8 head[SECTOR];
    guint32 kind;

    *ret_read = get(source, 0, head, sizeof(head));
    if (!*ret_read)
        return NULL;
    kind = be32(head + 60);
    if (kind == VHD_DIFFERENCING)
        return backed;
    if (kind != VHD_DYNAMIC || be32(head + 12) != 0x00010000)
        return unknown;
    return check_size(be64(head + 48), header);
}

/* ---- vhdx: [MS-VHDX] ------------------------------------------------------------ */

#define VHDX_REGIONS_AT (192u * 1024u)
/* As many entries as a reader looks at are read of each table. */
#define VHDX_TABLE       4096u
#define VHDX_ENTRIES_MAX 100u
#define VHDX_HAS_PARENT  (1u << 1)
#define GUID             16u

static const guint8 vhdx_metadata[GUID] = {0x06, 0xa2, 0x7c, 0x8b, 0x90, 0x47,
                                           0x9a, 0x4b, 0xb8, 0xfe, 0x57, 0x5f,
                                           0x05, 0x0f, 0x88, 0x6e};
static const guint8 vhdx_parameters[GUID] = {0x37, 0x67, 0xa1, 0xca, 0x36, 0xfa,
                                             0x43, 0x4d, 0xb3, 0xb6, 0x33, 0xf0,
                                             0xaa, 0x44, 0xe7, 0x6b};
static const guint8 vhdx_disk_size[GUID] = {0x24, 0x42, 0xa5, 0x2f, 0x1b, 0xcd,
                                            0x76, 0x48, 0xb2, 0x11, 0x5d, 0xbe,
                                            0xd8, 0x3b, 0xf4, 0xb8};

/* Where an entry of size bytes with that id is among n, or NULL. */
static const guint8 *
find_entry(const guint8 *first, guint n, gsize size, const guint8 *id)
{
    for (guint i = 0; i < n; i++)
        if (memcmp(first + i * size, id, GUID) == 0)
            return first + i * size;
    return NULL;
}

/* The first 8 bytes of a thing of the metadata, or false. */
static bool
read_item(const Source *source,
          guint64 region,
          const guint8 *table,
          guint n,
          const guint8 *id,
          guint8 *buffer)
{
    const guint8 *entry = find_entry(table + 32, n, 32, id);

    memset(buffer, 0, 8);
    return entry && get(source, region + le32(entry + 16), buffer, 8);
}

static const char *
check_vhdx(const Source *source, StoreHeader *header, bool *ret_read)
{
    g_autofree guint8 *table = g_malloc(VHDX_TABLE);
    guint8 parameters[8];
    guint8 size[8];
    const guint8 *entry;
    guint64 region;
    guint n;

    *ret_read = get(source, VHDX_REGIONS_AT, table, VHDX_TABLE);
    if (!*ret_read)
        return NULL;
    n = le32(table + 8);
    if (memcmp(table, "regi", 4) != 0 || n > VHDX_ENTRIES_MAX)
        return cut_short;
    entry = find_entry(table + 16, n, 32, vhdx_metadata);
    region = entry ? le64(entry + 16) : 0;
    if (region == 0 || region > STORE_CONVERT_MAX)
        return cut_short;
    *ret_read = get(source, region, table, VHDX_TABLE);
    if (!*ret_read)
        return NULL;
    n = (guint)(table[10] | table[11] << 8);
    if (memcmp(table, "metadata", 8) != 0 || n > VHDX_ENTRIES_MAX ||
        !read_item(source, region, table, n, vhdx_parameters, parameters) ||
        !read_item(source, region, table, n, vhdx_disk_size, size))
        return cut_short;
    if (le32(parameters + 4) & VHDX_HAS_PARENT)
        return backed;
    return check_size(le64(size), header);
}

/* ---- any ------------------------------------------------------------------------ */

typedef const char *(*Check)(const Source *source,
                             StoreHeader *header,
                             bool *ret_read);

static const struct {
    const char *format;
    Check check;
} checks[] = {
    {"qcow2", check_qcow2},
    {"vmdk", check_vmdk},
    {"vhd", check_vhd},
    {"vhdx", check_vhdx},
};

bool
store_header_check(const char *format,
                   StoreHeaderRead read,
                   gpointer data,
                   StoreHeader *ret_header)
{
    const Source source = {read, data};

    *ret_header = (StoreHeader){0};
    for (gsize i = 0; i < G_N_ELEMENTS(checks); i++) {
        bool could_read = false;

        if (strcmp(checks[i].format, format) != 0)
            continue;
        ret_header->unfit = checks[i].check(&source, ret_header, &could_read);
        return could_read;
    }
    ret_header->unfit = "which is not converted here";
    return true;
}
