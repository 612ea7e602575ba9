/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * agent/rbd/conn/notes.c - what an instance leaves for its successor to read
 *
 * One line per event: 'VERB POOL/IMAGE OWNER SECONDS', the seconds of the
 * host's boot clock. 'takes' stands before a claim is asked for, 'handed'
 * when its owner may use it, 'drops' before it is given up, 'dropped' when it
 * is gone: at whatever line the writer dies, no claim of its exists that is
 * not noted. 'watch', with the client's address behind it, stands when the
 * owner was seen to have the image open. Pool and image are escaped, because
 * RBD allows spaces in them.
 * Pure.
 */
#include "config.h"

#include "agent/rbd/conn/notes.h"

#include <string.h>

void
store_note_free(StoreNote *note)
{
    if (!note)
        return;
    g_free(note->watch);
    g_free(note->disk);
    g_free(note->pool);
    g_free(note->image);
    g_free(note->owner);
    g_free(note);
}

static void
note_free(gpointer note)
{
    store_note_free(note);
}

static char *
escaped_disk(const char *pool, const char *image)
{
    g_autofree char *a = g_uri_escape_string(pool, NULL, FALSE);
    g_autofree char *b = g_uri_escape_string(image, NULL, FALSE);

    return g_strdup_printf("%s/%s", a, b);
}

char *
store_note_line(const char *verb,
                const char *pool,
                const char *image,
                const char *owner,
                gint64 when_s)
{
    g_autofree char *disk = escaped_disk(pool, image);

    return g_strdup_printf("%s %s %s %" G_GINT64_FORMAT "\n", verb, disk, owner,
                           when_s);
}

static StoreNote *
note_new(const char *disk, const char *owner, guint64 when_s, const char *verb)
{
    g_auto(GStrv) names = g_strsplit(disk, "/", 3);
    g_autofree char *pool = NULL;
    g_autofree char *image = NULL;
    StoreNote *note;

    if (g_strv_length(names) != 2)
        return NULL;
    pool = g_uri_unescape_string(names[0], NULL);
    image = g_uri_unescape_string(names[1], NULL);
    if (!pool || !image)
        return NULL;
    note = g_new0(StoreNote, 1);
    note->disk = g_strdup(disk);
    note->pool = g_steal_pointer(&pool);
    note->image = g_steal_pointer(&image);
    note->owner = g_strdup(owner);
    note->when_s = (gint64)when_s;
    note->handed = strcmp(verb, "handed") == 0;
    note->given_up = strcmp(verb, "drops") == 0;
    return note;
}

/* The owner's client is known from now on. */
static bool
apply_watch(GHashTable *standing, char *const *words)
{
    g_auto(GStrv) rest = g_strsplit(words[3], " ", 2);
    StoreNote *note;
    guint64 when;

    if (strcmp(words[0], "watch") != 0 || g_strv_length(rest) != 2 ||
        !g_ascii_string_to_unsigned(rest[0], 10, 0, G_MAXINT64, &when, NULL))
        return false;
    note = note_new(words[1], words[2], when, words[0]);
    if (!note)
        return false;
    note->watch = g_strdup(rest[1]);
    g_hash_table_replace(standing, note->disk, note);
    return true;
}

static bool
is_handed(GHashTable *standing, const char *disk)
{
    const StoreNote *note = g_hash_table_lookup(standing, disk);

    return note && (note->handed || note->watch);
}

/* An attempt to take does not undo what was handed: it may have failed. */
static void
apply(GHashTable *standing, const char *line)
{
    g_auto(GStrv) words = g_strsplit(line, " ", 4);
    StoreNote *note;
    guint64 when;

    if (g_strv_length(words) != 4 || apply_watch(standing, words) ||
        !g_ascii_string_to_unsigned(words[3], 10, 0, G_MAXINT64, &when, NULL))
        return;
    if (strcmp(words[0], "dropped") == 0) {
        g_hash_table_remove(standing, words[1]);
        return;
    }
    if (strcmp(words[0], "handed") != 0 && strcmp(words[0], "drops") != 0 &&
        (strcmp(words[0], "takes") != 0 || is_handed(standing, words[1])))
        return;
    note = note_new(words[1], words[2], when, words[0]);
    if (note)
        g_hash_table_replace(standing, note->disk, note);
}

static GHashTable *
standing_new(void)
{
    return g_hash_table_new_full(g_str_hash, g_str_equal, NULL, note_free);
}

GHashTable *
store_notes_parse(const char *text)
{
    GHashTable *standing = standing_new();

    while (*text) {
        const char *end = strchrnul(text, '\n');
        g_autofree char *line = g_strndup(text, (gsize)(end - text));

        apply(standing, line);
        text = *end ? end + 1 : end;
    }
    return standing;
}

/* To take a line apart costs a hundred times as much as to look for a word, which
 * is not empty. */
static void
each_line_with(const char *text,
               const char *word,
               void (*func)(GHashTable *to, const char *line),
               GHashTable *to)
{
    const char *at = text;

    while ((at = strstr(at, word))) {
        const char *before = memrchr(text, '\n', (gsize)(at - text));
        const char *start = before ? before + 1 : text;
        const char *end = strchrnul(at, '\n');
        g_autofree char *line = g_strndup(start, (gsize)(end - start));

        func(to, line);
        at = end;
    }
}

static void
apply_disk(GHashTable *standing, const char *text, const char *disk)
{
    g_autofree char *word = g_strdup_printf(" %s ", disk);

    each_line_with(text, word, apply, standing);
}

GHashTable *
store_notes_of_disk(const char *text, const char *pool, const char *image)
{
    GHashTable *standing = standing_new();
    g_autofree char *disk = escaped_disk(pool, image);

    apply_disk(standing, text, disk);
    return standing;
}

static void
add_disk(GHashTable *disks, const char *line)
{
    g_auto(GStrv) words = g_strsplit(line, " ", 3);

    if (g_strv_length(words) == 3)
        g_hash_table_add(disks, g_strdup(words[1]));
}

GHashTable *
store_notes_of_owner(const char *text, const char *owner)
{
    GHashTable *standing = standing_new();
    g_autoptr(GHashTable) disks =
        g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    g_autofree char *word = g_strdup_printf(" %s ", owner);
    GHashTableIter iter;
    gpointer disk;

    each_line_with(text, word, add_disk, disks);
    g_hash_table_iter_init(&iter, disks);
    while (g_hash_table_iter_next(&iter, &disk, NULL))
        apply_disk(standing, text, disk);
    return standing;
}

const StoreNote *
store_notes_find(GHashTable *notes, const char *pool, const char *image)
{
    g_autofree char *disk = escaped_disk(pool, image);

    return g_hash_table_lookup(notes, disk);
}

char *
store_notes_text(GHashTable *notes)
{
    GString *text = g_string_new(NULL);
    GHashTableIter iter;
    gpointer value;

    g_hash_table_iter_init(&iter, notes);
    while (g_hash_table_iter_next(&iter, NULL, &value)) {
        const StoreNote *note = value;

        g_string_append_printf(text, "%s %s %s %" G_GINT64_FORMAT "%s%s\n",
                               note->watch      ? "watch"
                               : note->handed   ? "handed"
                               : note->given_up ? "drops"
                                                : "takes",
                               note->disk, note->owner, note->when_s,
                               note->watch ? " " : "",
                               note->watch ? note->watch : "");
    }
    return g_string_free(text, FALSE);
}
