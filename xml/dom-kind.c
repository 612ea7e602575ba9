/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * xml/dom-kind.c - what a disk is for, and what it has to say for that
 *
 * The names are Nova's, so that its tools find the images, and so is a file
 * system's label. Whatever a kind does not know is refused: it would be passed
 * over, and missed later.
 */
#include "config.h"

#include "xml/dom-internal.h"

#include <string.h>

#define MIB (G_GUINT64_CONSTANT(1) << 20)
#define TIB (G_GUINT64_CONSTANT(1) << 40)

typedef enum {
    NO,
    MAY,
    MUST,
} Has;

typedef struct {
    const char *word;
    const char *suffix; /* NULL: the target */
    Has image;
    Has size;
    bool format; /* and label */
    bool file;
} Kind;

static const Kind kinds[] = {
    [DOM_KIND_CLONE] = {"clone", NULL, MUST, MAY, false, false},
    [DOM_KIND_DATA] = {"data", NULL, MAY, MAY, false, false},
    [DOM_KIND_RESCUE] = {"rescue", ".rescue", MUST, MAY, false, false},
    [DOM_KIND_EPHEMERAL] = {"ephemeral", ".local", NO, MUST, true, false},
    [DOM_KIND_SWAP] = {"swap", ".swap", NO, MUST, false, false},
    [DOM_KIND_CONFIG] = {"config", ".config", NO, NO, false, true},
};

/* What the tools and a host's files can do. */
typedef struct {
    const char *word;
    DomContent content;
    gsize label_max;
    guint64 least;
    guint64 most;
} Format;

static const Format formats[] = {
    {"ext4", DOM_CONTENT_EXT4, 16, MIB, 16 * TIB - MIB},
    {"xfs", DOM_CONTENT_XFS, 12, 300 * MIB, 16 * TIB - MIB},
    {"vfat", DOM_CONTENT_VFAT, 11, MIB, 2 * TIB - MIB},
};
static const Format swap_format = {"swap", DOM_CONTENT_SWAP, 0, MIB,
                                   16 * TIB - MIB};

const char *
dom_kind_word(DomKind kind)
{
    return kinds[kind].word;
}

char *
dom_kind_suffix(DomKind kind, guint n)
{
    if (n == 0)
        return g_strdup(kinds[kind].suffix);
    return kind == DOM_KIND_EPHEMERAL ? g_strdup_printf(".eph%u", n) : NULL;
}

char *
dom_kind_label(const char *image)
{
    const char *eph = strstr(image, "_disk.eph");

    return g_strconcat("ephemeral", eph ? eph + strlen("_disk.eph") : "0",
                       NULL);
}

static gboolean
read_word(xmlNode *node, DomEntry *entry, GError **error)
{
    g_autofree char *word = dom_attr(node, "kind");

    for (gsize i = 0; i < G_N_ELEMENTS(kinds); i++) {
        if (!word || strcmp(word, kinds[i].word) == 0) {
            entry->kind = (DomKind)i;
            return TRUE;
        }
    }
    return dom_fail(error, DOM_ERROR_REQUEST,
                    "kind '" DOM_QUOTE "' is not known: use 'clone', 'data', "
                    "'rescue', 'ephemeral', 'swap' or 'config'",
                    word);
}

static gboolean
check_has(const Kind *kind, const char *name, Has has, bool is, GError **error)
{
    if (is ? has != NO : has != MUST)
        return TRUE;
    if (is)
        return dom_fail(error, DOM_ERROR_REQUEST,
                        "a disk of kind '%s' has no '%s': remove it",
                        kind->word, name);
    return dom_fail(error, DOM_ERROR_REQUEST, "a disk of kind '%s' needs '%s'",
                    kind->word, name);
}

static gboolean
read_image(xmlNode *node, DomEntry *entry, GError **error)
{
    const Kind *kind = &kinds[entry->kind];

    entry->image_text = dom_attr(node, "image");
    if (!entry->image_text && kind->image == MUST)
        return dom_fail(error, DOM_ERROR_REQUEST,
                        "<disk> has no 'image': name one by its id, or as "
                        "pool/image@snap");
    if (!check_has(kind, "image", kind->image, entry->image_text != NULL,
                   error))
        return FALSE;
    if (entry->image_text)
        entry->ref = dom_image_ref_parse(entry->image_text, error);
    return !entry->image_text || entry->ref;
}

static gboolean
read_size(xmlNode *node, DomEntry *entry, GError **error)
{
    const Kind *kind = &kinds[entry->kind];
    bool blank = kind->image == MAY && !entry->ref;
    g_autofree char *size = dom_attr(node, "size");

    return check_has(kind, "size", blank ? MUST : kind->size, size != NULL,
                     error) &&
           (!size || dom_size_parse(size, &entry->size, error));
}

/* A word is all that the three know, and that no shell or tool stumbles over. */
static gboolean
check_label(const Format *format, const char *label, GError **error)
{
    gsize n = strlen(label);

    for (const char *c = label; *c; c++) {
        if (!g_ascii_isalnum(*c) && *c != '_' && (*c != '-' || c == label))
            n = 0;
    }
    if (n > 0 && n <= format->label_max)
        return TRUE;
    return dom_fail(error, DOM_ERROR_REQUEST,
                    "the label '" DOM_QUOTE "' is not 1 to %u letters, digits, "
                    "'_' and '-' (for %s)",
                    label, (guint)format->label_max, format->word);
}

static gboolean
check_size(const Format *format, guint64 size, GError **error)
{
    if (size >= format->least && size <= format->most)
        return TRUE;
    return dom_fail(error, DOM_ERROR_REQUEST,
                    "%s takes a size of %" G_GUINT64_FORMAT
                    " MiB to %" G_GUINT64_FORMAT " MiB",
                    format->word, format->least / MIB, format->most / MIB);
}

static const Format *
find_format(const char *word, GError **error)
{
    for (gsize i = 0; i < G_N_ELEMENTS(formats); i++) {
        if (strcmp(word, formats[i].word) == 0)
            return &formats[i];
    }
    dom_fail(error, DOM_ERROR_REQUEST,
             "format '" DOM_QUOTE "' is not known: use 'ext4', 'xfs' or "
             "'vfat', or none for a blank disk",
             word);
    return NULL;
}

const char *
dom_kind_format(DomContent content)
{
    for (gsize i = 0; i < G_N_ELEMENTS(formats); i++) {
        if (formats[i].content == content)
            return formats[i].word;
    }
    return NULL;
}

gboolean
dom_kind_set_format(DomEntry *entry, const char *word, GError **error)
{
    const Format *format = NULL;

    if (entry->kind == DOM_KIND_SWAP)
        format = &swap_format;
    else if (word && !(format = find_format(word, error)))
        return FALSE;
    if (entry->label && !format)
        return dom_fail(error, DOM_ERROR_REQUEST,
                        "a disk without a 'format' has no label: remove "
                        "'label'");
    if (!format)
        return TRUE;
    entry->content = format->content;
    return (!entry->label || check_label(format, entry->label, error)) &&
           check_size(format, entry->size, error);
}

static gboolean
read_format(xmlNode *node, DomEntry *entry, GError **error)
{
    const Kind *kind = &kinds[entry->kind];
    g_autofree char *word = dom_attr(node, "format");
    Has has = kind->format ? MAY : NO;

    entry->label = dom_attr(node, "label");
    return check_has(kind, "format", has, word != NULL, error) &&
           check_has(kind, "label", has, entry->label != NULL, error) &&
           dom_kind_set_format(entry, word, error);
}

gboolean
dom_kind_check_file(const char *file, GError **error)
{
    if (file[0] == '/' && strlen(file) <= DOM_FILE_MAX &&
        g_utf8_validate(file, -1, NULL))
        return TRUE;
    return dom_fail(error, DOM_ERROR_REQUEST,
                    "the file '" DOM_QUOTE "' is not an absolute path of at "
                    "most %u bytes",
                    file, DOM_FILE_MAX);
}

static gboolean
read_file(xmlNode *node, DomEntry *entry, GError **error)
{
    const Kind *kind = &kinds[entry->kind];

    entry->file = dom_attr(node, "file");
    if (kind->file)
        entry->content = DOM_CONTENT_FILE;
    return check_has(kind, "file", kind->file ? MAY : NO, entry->file != NULL,
                     error) &&
           (!entry->file || dom_kind_check_file(entry->file, error));
}

gboolean
dom_kind_read(xmlNode *node, DomEntry *entry, GError **error)
{
    return read_word(node, entry, error) && read_image(node, entry, error) &&
           read_size(node, entry, error) && read_format(node, entry, error) &&
           read_file(node, entry, error);
}
