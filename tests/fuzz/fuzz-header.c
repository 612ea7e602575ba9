/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * tests/fuzz/fuzz-header.c - any bytes as an image that is to be converted
 *
 * The first byte chooses the format. What is read behind the end begins again at
 * the begin, so that a header can lead anywhere.
 */
#include "config.h"

#include "agent/rbd/image/format.h"
#include "agent/rbd/image/header.h"

#include "tests/fuzz/fuzz.h"

#include <string.h>

const char *const fuzz_corpora[] = {"tests/fuzz/corpus/header", NULL};
const unsigned fuzz_pieces = 200;

/* No header makes a check read more. */
#define READS_MAX 4
#define LEN_MAX   (16u * 1024u)

typedef struct {
    const uint8_t *data;
    size_t size;
    int reads;
} Image;

static bool
read_image(gpointer data, guint64 offset, guint8 *buffer, gsize len)
{
    Image *image = data;

    fuzz_must(++image->reads <= READS_MAX, "it reads a few times");
    fuzz_must(len <= LEN_MAX, "it reads a little");
    for (gsize i = 0; i < len; i++)
        buffer[i] = image->data[(offset + i) % image->size];
    return true;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char *const formats[] = {"qcow2", "vmdk", "vhd", "vhdx"};
    Image image = {data + 1, size - 1, 0};
    StoreHeader header;

    if (size < 2)
        return 0;
    (void)store_format_sniff(image.data, image.size);
    fuzz_must(store_header_check(formats[data[0] % G_N_ELEMENTS(formats)],
                                 read_image, &image, &header),
              "what can be read is checked");
    if (header.unfit)
        return 0;
    fuzz_must(header.size > 0 && header.size % 512 == 0, "it has a size");
    fuzz_must(header.size <= STORE_CONVERT_MAX, "which is possible");
    return 0;
}
