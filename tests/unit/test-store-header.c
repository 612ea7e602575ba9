/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * tests/unit/test-store-header.c - which images may be converted
 *
 * Each row is a header that is right but for one thing. What qemu-img itself
 * makes is checked in test-agent-convert.c.
 */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "agent/rbd/store.h"

#include <string.h>

#define LEN (256u * 1024u)

/* An image, and how it is read. */
typedef struct {
    guint8 *bytes;
    gsize len;
    guint reads;
    guint fails_at; /* that read fails; 0: none does */
} Image;

static bool
read_image(gpointer data, guint64 offset, guint8 *buffer, gsize len)
{
    Image *image = data;

    /* Blocks of a fixed size, few of them. */
    assert_true(len <= 16 * 1024);
    if (++image->reads == image->fails_at)
        return false;
    memset(buffer, 0, len);
    if (offset < image->len)
        memcpy(buffer, image->bytes + offset,
               MIN(len, image->len - (gsize)offset));
    return true;
}

/* ---- images that are right ------------------------------------------------------ */

static void
put(Image *image, gsize offset, guint64 value, guint bytes, bool big)
{
    for (guint i = 0; i < bytes; i++)
        image->bytes[offset + i] =
            (guint8)(value >> 8 * (big ? bytes - 1 - i : i));
}

static void
put_text(Image *image, gsize offset, const char *text)
{
    memcpy(image->bytes + offset, text, strlen(text) + 1);
}

static void
make_qcow2(Image *image)
{
    put_text(image, 0, "QFI\xfb");
    put(image, 4, 3, 4, true);
    put(image, 20, 16, 4, true);
    put(image, 24, 8u << 20, 8, true);
    put(image, 100, 112, 4, true);
    /* The names of features, then the end. */
    put(image, 112, 0x6803f857, 4, true);
    put(image, 116, 49, 4, true);
}

static void
make_qcow2_v2(Image *image)
{
    make_qcow2(image);
    put(image, 4, 2, 4, true);
    memset(image->bytes + 72, 0, 128);
}

#define VMDK_TEXT                                                              \
    "# Disk DescriptorFile\nCID=1234\nparentCID=ffffffff\n"                    \
    "createType=\"monolithicSparse\"\n"

static void
make_vmdk(Image *image)
{
    put_text(image, 0, "KDMV");
    put(image, 4, 1, 4, false);
    put(image, 12, 16384, 8, false);
    put(image, 28, 1, 8, false);
    put(image, 36, 20, 8, false);
    put_text(image, 512, VMDK_TEXT);
}

static void
make_vhd(Image *image)
{
    put_text(image, 0, "conectix");
    put(image, 12, 0x10000, 4, true);
    put(image, 48, 8u << 20, 8, true);
    put(image, 60, 3, 4, true);
}

#define REGIONS  (192u * 1024u)
#define METADATA (208u * 1024u)

static void
put_guid(Image *image, gsize offset, const char *hex)
{
    for (gsize i = 0; i < 16; i++)
        image->bytes[offset + i] =
            (guint8)(g_ascii_xdigit_value(hex[2 * i]) << 4 |
                     g_ascii_xdigit_value(hex[2 * i + 1]));
}

static void
make_vhdx(Image *image)
{
    put_text(image, 0, "vhdxfile");
    put_text(image, REGIONS, "regi");
    put(image, REGIONS + 8, 2, 4, false);
    put_guid(image, REGIONS + 16 + 32, "06a27c8b90479a4bb8fe575f050f886e");
    put(image, REGIONS + 16 + 48, METADATA, 8, false);
    put_text(image, METADATA, "metadata");
    put(image, METADATA + 10, 2, 2, false);
    put_guid(image, METADATA + 32, "3767a1ca36fa434db3b633f0aa44e76b");
    put(image, METADATA + 32 + 16, 4096, 4, false);
    put_guid(image, METADATA + 64, "2442a52f1bcd7648b2115dbed83bf4b8");
    put(image, METADATA + 64 + 16, 4104, 4, false);
    put(image, METADATA + 4104, 8u << 20, 8, false);
}

/* ---- the tables ------------------------------------------------------------------ */

typedef struct {
    const char *format;
    void (*make)(Image *image);
    gsize offset;
    guint64 value; /* of so many bytes; 0: nothing is changed */
    guint bytes;
    const char *unfit;
} Row;

#define BACKED    "with a backing file"
#define ELSEWHERE "with data in another file"
#define ENCRYPTED "that is encrypted"
#define UNKNOWN   "with a feature that is not known here"
#define NO_SENSE  "with a header that makes no sense"
#define NO_SIZE   "of a size that is not possible"
#define TOO_LARGE "of more than 1 TiB"

/* Those of qcow2 and vhd are big-endian, all others little. */
static const Row rows[] = {
    {"qcow2", make_qcow2, 0, 0, 0, NULL},
    {"qcow2", make_qcow2, 4, 1, 4, UNKNOWN},
    {"qcow2", make_qcow2, 4, 4, 4, UNKNOWN},
    {"qcow2", make_qcow2, 8, 4096, 8, BACKED},
    {"qcow2", make_qcow2, 16, 11, 4, BACKED},
    {"qcow2", make_qcow2, 20, 8, 4, NO_SENSE},
    {"qcow2", make_qcow2, 20, 9, 4, NULL},
    {"qcow2", make_qcow2, 20, 21, 4, NULL},
    {"qcow2", make_qcow2, 20, 22, 4, NO_SENSE},
    {"qcow2", make_qcow2, 24, 0, 8, NO_SIZE},
    {"qcow2", make_qcow2, 24, 513, 8, NO_SIZE},
    {"qcow2", make_qcow2, 24, STORE_CONVERT_MAX, 8, NULL},
    {"qcow2", make_qcow2, 24, STORE_CONVERT_MAX + 512, 8, TOO_LARGE},
    {"qcow2", make_qcow2, 24, G_MAXUINT64 - 511, 8, TOO_LARGE},
    {"qcow2", make_qcow2, 32, 1, 4, ENCRYPTED},
    {"qcow2", make_qcow2, 32, 2, 4, ENCRYPTED},
    {"qcow2", make_qcow2, 72, 1, 8, NULL},      /* dirty */
    {"qcow2", make_qcow2, 72, 2, 8, UNKNOWN},   /* corrupt */
    {"qcow2", make_qcow2, 72, 4, 8, ELSEWHERE}, /* a data file */
    {"qcow2", make_qcow2, 72, 8, 8, NULL},      /* a compression */
    {"qcow2", make_qcow2, 72, 16, 8, NULL},     /* subclusters */
    {"qcow2", make_qcow2, 72, 32, 8, UNKNOWN},  /* of tomorrow */
    {"qcow2", make_qcow2, 72, 1ull << 63, 8, UNKNOWN},
    {"qcow2", make_qcow2, 72, 4 | 32, 8, ELSEWHERE},
    {"qcow2", make_qcow2, 100, 96, 4, NO_SENSE},
    {"qcow2", make_qcow2, 100, 113, 4, NO_SENSE},
    {"qcow2", make_qcow2, 100, 4096, 4, NO_SENSE},
    {"qcow2", make_qcow2, 100, 4104, 4, NO_SENSE},
    {"qcow2", make_qcow2, 100, G_MAXUINT32, 4, NO_SENSE},
    {"qcow2", make_qcow2, 104, 1, 1, NULL}, /* zstd */
    {"qcow2", make_qcow2, 104, 2, 1, UNKNOWN},
    {"qcow2", make_qcow2, 112, 0, 4, NULL},
    {"qcow2", make_qcow2, 112, 0x23852875, 4, NULL},
    {"qcow2", make_qcow2, 112, 0xe2792aca, 4, BACKED},
    {"qcow2", make_qcow2, 112, 0x0537be77, 4, ENCRYPTED},
    {"qcow2", make_qcow2, 112, 0x44415441, 4, ELSEWHERE},
    {"qcow2", make_qcow2, 112, 1, 4, UNKNOWN},
    {"qcow2", make_qcow2, 116, 4096, 4, NO_SENSE},
    {"qcow2", make_qcow2, 116, 4097, 4, NO_SENSE},
    {"qcow2", make_qcow2, 116, G_MAXUINT32, 4, NO_SENSE},
    /* The second one: 49 bytes are 56 with what fills them up. */
    {"qcow2", make_qcow2, 120 + 56, 0x44415441, 4, ELSEWHERE},
    {"qcow2", make_qcow2_v2, 0, 0, 0, NULL},
    {"qcow2", make_qcow2_v2, 8, 4096, 8, BACKED},
    {"qcow2", make_qcow2_v2, 32, 1, 4, ENCRYPTED},
    {"qcow2", make_qcow2_v2, 72, 0xe2792aca, 4, BACKED},
    {"qcow2", make_qcow2_v2, 72, 4, 8, NULL}, /* the end, and what is behind */
    {"vmdk", make_vmdk, 0, 0, 0, NULL},
    {"vmdk", make_vmdk, 0, 0x44574f43, 4, ELSEWHERE}, /* COWD */
    {"vmdk", make_vmdk, 4, 0, 4, UNKNOWN},
    {"vmdk", make_vmdk, 4, 3, 4, NULL},
    {"vmdk", make_vmdk, 4, 4, 4, UNKNOWN},
    {"vmdk", make_vmdk, 12, 0, 8, ELSEWHERE},
    {"vmdk", make_vmdk, 12, STORE_CONVERT_MAX / 512, 8, NULL},
    {"vmdk", make_vmdk, 12, STORE_CONVERT_MAX / 512 + 1, 8, TOO_LARGE},
    {"vmdk", make_vmdk, 12, G_MAXUINT64, 8, TOO_LARGE},
    {"vmdk", make_vmdk, 28, 0, 8, ELSEWHERE},
    {"vmdk", make_vmdk, 28, 2, 8, ELSEWHERE},
    {"vhd", make_vhd, 0, 0, 0, NULL},
    {"vhd", make_vhd, 12, 0x20000, 4, UNKNOWN},
    {"vhd", make_vhd, 48, 0, 8, NO_SIZE},
    {"vhd", make_vhd, 48, STORE_CONVERT_MAX + 512, 8, TOO_LARGE},
    {"vhd", make_vhd, 60, 2, 4, UNKNOWN},
    {"vhd", make_vhd, 60, 4, 4, BACKED},
    {"vhdx", make_vhdx, 0, 0, 0, NULL},
    {"vhdx", make_vhdx, REGIONS, 0, 4, NO_SENSE},
    {"vhdx", make_vhdx, REGIONS + 8, 1, 4, NO_SENSE},
    {"vhdx", make_vhdx, REGIONS + 8, 101, 4, NO_SENSE},
    {"vhdx", make_vhdx, REGIONS + 8, G_MAXUINT32, 4, NO_SENSE},
    {"vhdx", make_vhdx, REGIONS + 64, 0, 8, NO_SENSE},
    {"vhdx", make_vhdx, REGIONS + 64, G_MAXUINT64, 8, NO_SENSE},
    {"vhdx", make_vhdx, REGIONS + 64, STORE_CONVERT_MAX, 8, NO_SENSE},
    {"vhdx", make_vhdx, METADATA, 0, 8, NO_SENSE},
    {"vhdx", make_vhdx, METADATA + 10, 1, 2, NO_SENSE},
    {"vhdx", make_vhdx, METADATA + 10, 101, 2, NO_SENSE},
    {"vhdx", make_vhdx, METADATA + 10, 0xffff, 2, NO_SENSE},
    {"vhdx", make_vhdx, METADATA + 4100, 2, 4, BACKED},
    {"vhdx", make_vhdx, METADATA + 4100, 1, 4, NULL},
    {"vhdx", make_vhdx, METADATA + 4104, 0, 8, NO_SIZE},
    {"vhdx", make_vhdx, METADATA + 80, G_MAXUINT32, 4, NO_SIZE},
};

static void
check(const Row *row, Image *image, const char *unfit)
{
    StoreHeader header;

    image->reads = 0;
    assert_true(store_header_check(row->format, read_image, image, &header));
    if (g_strcmp0(header.unfit, unfit) != 0)
        fail_msg("%s, %" G_GSIZE_FORMAT ": %s, not: %s", row->format,
                 row->offset, header.unfit ? header.unfit : "fit",
                 unfit ? unfit : "fit");
    assert_true(unfit || header.size > 0);
    assert_true(image->reads <= 4);
}

static void
test_rows(void **state)
{
    (void)state;
    for (gsize i = 0; i < G_N_ELEMENTS(rows); i++) {
        const Row *row = &rows[i];
        Image image = {g_malloc0(LEN), LEN, 0, 0};
        bool big = row->format[0] == 'q' || strcmp(row->format, "vhd") == 0;

        row->make(&image);
        put(&image, row->offset, row->value, row->bytes, big);
        check(row, &image, row->unfit);
        g_free(image.bytes);
    }
}

/* The text in a vmdk, and what is said of it. */
static void
test_vmdk_text(void **state)
{
    static const struct {
        const char *text;
        const char *unfit;
    } texts[] = {
        {VMDK_TEXT, NULL},
        {"parentCID = FFFFFFFF \r\ncreateType = \"streamOptimized\"\r\n", NULL},
        {"", BACKED},
        {"createType=\"monolithicSparse\"\n", BACKED},
        {"parentCID=12345678\ncreateType=\"monolithicSparse\"\n", BACKED},
        {VMDK_TEXT "parentCID=12345678\n", BACKED},
        {VMDK_TEXT "parentFileNameHint=\"/etc/shadow\"\n", BACKED},
        {VMDK_TEXT "#xparentFileNameHint", BACKED},
        {"parentCID=ffffffff\n", ELSEWHERE},
        {"parentCID=ffffffff\ncreateType=\"monolithicFlat\"\n", ELSEWHERE},
        {"parentCID=ffffffff\ncreateType=\"twoGbMaxExtentSparse\"\n",
         ELSEWHERE},
        {VMDK_TEXT "createType=\"vmfs\"\n", ELSEWHERE},
    };

    (void)state;
    for (gsize i = 0; i < G_N_ELEMENTS(texts); i++) {
        const Row row = {"vmdk", make_vmdk, i, 0, 0, NULL};
        Image image = {g_malloc0(LEN), LEN, 0, 0};

        make_vmdk(&image);
        memset(image.bytes + 512, 0, 1024);
        put_text(&image, 512, texts[i].text);
        check(&row, &image, texts[i].unfit);
        g_free(image.bytes);
    }
}

/* Cut anywhere, it is still checked, and what is cut is zero. */
static void
test_cut(void **state)
{
    static const Row formats[] = {
        {"qcow2", make_qcow2, 0, 0, 0, NULL},
        {"vmdk", make_vmdk, 0, 0, 0, NULL},
        {"vhd", make_vhd, 0, 0, 0, NULL},
        {"vhdx", make_vhdx, 0, 0, 0, NULL},
    };

    (void)state;
    for (gsize i = 0; i < G_N_ELEMENTS(formats); i++) {
        Image image = {g_malloc0(LEN), LEN, 0, 0};

        formats[i].make(&image);
        for (image.len = 0; image.len < LEN;
             image.len += image.len < 1024 ? 1 : 61) {
            StoreHeader header;

            assert_true(store_header_check(formats[i].format, read_image,
                                           &image, &header));
        }
        g_free(image.bytes);
    }
}

/* What cannot be read is not checked. */
static void
test_read_fails(void **state)
{
    (void)state;
    for (gsize i = 0; i < G_N_ELEMENTS(rows); i++) {
        Image image = {g_malloc0(LEN), LEN, 0, 1};
        StoreHeader header;

        rows[i].make(&image);
        assert_false(
            store_header_check(rows[i].format, read_image, &image, &header));
        assert_int_equal(header.size, 0);
        g_free(image.bytes);
    }
}

static void
test_others(void **state)
{
    static const char *const formats[] = {"qed", "vdi", "parallels", "raw", ""};

    (void)state;
    for (gsize i = 0; i < G_N_ELEMENTS(formats); i++) {
        Image image = {NULL, 0, 0, 0};
        StoreHeader header;

        assert_true(
            store_header_check(formats[i], read_image, &image, &header));
        assert_string_equal(header.unfit, "which is not converted here");
        assert_int_equal(image.reads, 0);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rows),   cmocka_unit_test(test_vmdk_text),
        cmocka_unit_test(test_cut),    cmocka_unit_test(test_read_fails),
        cmocka_unit_test(test_others),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
