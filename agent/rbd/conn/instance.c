/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * agent/rbd/conn/instance.c - which of this host's own instances are alive
 *
 * Each connection has a random id and a file of that name in instances/ of the
 * cluster's own directory, locked (flock) as long as the connection lives. The
 * kernel drops the lock with the last descriptor, however the process ended,
 * so a lock that can be had proves that the instance is dead. Pids, boot ids
 * and host names prove nothing: they repeat across namespaces and copied
 * hosts. The file also keeps the notes of conn/notes.c; it is on tmpfs and
 * ends with the boot.
 */
#include "config.h"

#include "agent/rbd/conn/instance.h"

#include "agent/rbd/conn/clock.h"
#include "agent/rbd/conn/error.h"
#include "agent/rbd/conn/own-dir.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#define INSTANCE_FILE_MAX (4u * 1024u * 1024u)
/* At this length only what still stands is kept. */
#define INSTANCE_FILE_LONG (64u * 1024u)

struct StoreInstance {
    int fd;
    char *id;
    char *path;
    gsize notes_long; /* file length at which notes are shortened */
};

/* One for all instances: notes are rare and short. */
static GMutex notes_lock;

static char *
instances_dir(const char *run_dir)
{
    return g_build_filename(run_dir, "instances", NULL);
}

static StoreInstance *
instance_new(int fd, const char *id, const char *path)
{
    StoreInstance *instance = g_new0(StoreInstance, 1);

    instance->fd = fd;
    instance->id = g_strdup(id);
    instance->path = g_strdup(path);
    return instance;
}

StoreInstance *
store_instance_open(const char *run_dir, GError **error)
{
    g_autofree char *dir = instances_dir(run_dir);
    g_autofree char *id = g_uuid_string_random();
    g_autofree char *path = g_build_filename(dir, id, NULL);
    g_autofree char *unborn = g_strconcat(path, ".new", NULL);
    int fd = -1;

    if (g_mkdir_with_parents(dir, 0700) == 0)
        fd = open(unborn, O_CREAT | O_EXCL | O_RDWR | O_CLOEXEC, 0600);
    /* It gets its name when it is locked, or it could be taken for dead. */
    if (fd < 0 || flock(fd, LOCK_EX | LOCK_NB) != 0 ||
        rename(unborn, path) != 0) {
        if (fd >= 0)
            (void)close(fd);
        store_refuse(error, STORE_ERROR_FAILED,
                     "cannot write '%s': is '%s' there, and does this user own "
                     "it?",
                     path, run_dir);
        return NULL;
    }
    return instance_new(fd, id, path);
}

const char *
store_instance_id(const StoreInstance *instance)
{
    return instance->id;
}

static char *
read_notes(int fd)
{
    struct stat info;
    g_autofree char *text = NULL;
    gssize got;

    if (fstat(fd, &info) != 0 || info.st_size > (off_t)INSTANCE_FILE_MAX)
        return NULL;
    text = g_malloc0((gsize)info.st_size + 1);
    got = pread(fd, text, (gsize)info.st_size, 0);
    return got < 0 ? NULL : g_steal_pointer(&text);
}

/* A file that is cut short at any instant still says the same: what stands is
 * written over the beginning, and then what follows is cut off, which is the
 * newest part of the old notes. */
static void
shorten(int fd)
{
    g_autofree char *text = read_notes(fd);
    g_autoptr(GHashTable) notes = text ? store_notes_parse(text) : NULL;
    g_autofree char *kept = notes ? store_notes_text(notes) : NULL;
    gsize len = kept ? strlen(kept) : 0;

    if (!kept || len >= strlen(text) || pwrite(fd, kept, len, 0) != (gssize)len)
        return;
    if (ftruncate(fd, (off_t)len) != 0)
        return;
}

static void
write_line(StoreInstance *instance, const char *line)
{
    off_t end;
    gssize written;

    g_mutex_lock(&notes_lock);
    end = lseek(instance->fd, 0, SEEK_END);
    /* Never longer than can be read again; only claims that stand make it
     * long. A note that is lost makes a successor wait or look twice. */
    if (end >= (off_t)instance->notes_long) {
        shorten(instance->fd);
        end = lseek(instance->fd, 0, SEEK_END);
        instance->notes_long = (gsize)end + INSTANCE_FILE_LONG;
    }
    written = write(instance->fd, line, strlen(line));
    g_mutex_unlock(&notes_lock);
    (void)written;
}

void
store_instance_note(StoreInstance *instance,
                    const char *verb,
                    const char *pool,
                    const char *image,
                    const char *owner)
{
    g_autofree char *line =
        store_note_line(verb, pool, image, owner, store_boot_seconds());

    write_line(instance, line);
}

void
store_instance_note_watch(StoreInstance *instance,
                          const char *pool,
                          const char *image,
                          const char *owner,
                          const char *watch)
{
    g_autofree char *line =
        store_note_line("watch", pool, image, owner, store_boot_seconds());
    g_autofree char *whole = NULL;

    line[strlen(line) - 1] = '\0';
    whole = g_strdup_printf("%s %s\n", line, watch);
    write_line(instance, whole);
}

void
store_instance_inherit(StoreInstance *instance, const StoreNote *note)
{
    if (note->watch)
        store_instance_note_watch(instance, note->pool, note->image,
                                  note->owner, note->watch);
    else
        store_instance_note(instance, note->handed ? "handed" : "takes",
                            note->pool, note->image, note->owner);
}

void
store_instance_close(StoreInstance *instance)
{
    g_autofree char *text = instance ? read_notes(instance->fd) : NULL;
    g_autoptr(GHashTable) notes = text ? store_notes_parse(text) : NULL;

    if (!instance)
        return;
    if (notes && g_hash_table_size(notes) == 0)
        (void)unlink(instance->path);
    (void)close(instance->fd);
    g_free(instance->id);
    g_free(instance->path);
    g_free(instance);
}

static int
note_age(const StoreNote *note)
{
    return (int)CLAMP(store_boot_seconds() - note->when_s, 0, G_MAXINT);
}

static int
handed_age(const char *text, const char *pool, const char *image)
{
    g_autoptr(GHashTable) notes = store_notes_of_disk(text, pool, image);
    const StoreNote *note = store_notes_find(notes, pool, image);

    return note && (note->handed || note->watch) ? note_age(note) : -1;
}

StoreInstanceState
store_instance_look(const char *run_dir,
                    const char *id,
                    const char *pool,
                    const char *image,
                    int *ret_handed_s)
{
    g_autofree char *dir = instances_dir(run_dir);
    StoreInstanceState state = STORE_INSTANCE_LIVE;
    int fd;

    *ret_handed_s = -1;
    /* The id comes from the cluster: it must not name any other file. */
    if (!g_uuid_string_is_valid(id))
        return STORE_INSTANCE_UNKNOWN;
    g_autofree char *path = g_build_filename(dir, id, NULL);
    fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return STORE_INSTANCE_UNKNOWN;
    if (flock(fd, LOCK_SH | LOCK_NB) == 0) {
        g_autofree char *notes = read_notes(fd);

        state = STORE_INSTANCE_DEAD;
        if (notes)
            *ret_handed_s = handed_age(notes, pool, image);
    }
    (void)close(fd);
    return state;
}

static void
dead_free(gpointer opaque)
{
    StoreDead *dead = opaque;

    if (dead->fd >= 0)
        (void)close(dead->fd);
    g_free(dead->id);
    g_free(dead->path);
    g_clear_pointer(&dead->notes, g_hash_table_unref);
    g_free(dead);
}

void
store_noted_free(StoreNoted *noted)
{
    g_free(noted->pool);
    g_free(noted->image);
    g_free(noted->owner);
    g_free(noted);
}

static void
add_noted(GPtrArray *all,
          GHashTable *seen,
          const char *owner,
          const StoreNote *note)
{
    StoreNoted *noted;

    if ((owner && strcmp(note->owner, owner) != 0) ||
        !g_hash_table_add(seen, g_strdup(note->disk)))
        return;
    noted = g_new0(StoreNoted, 1);
    noted->pool = g_strdup(note->pool);
    noted->image = g_strdup(note->image);
    noted->owner = g_strdup(note->owner);
    g_ptr_array_add(all, noted);
}

/* Of a living one, too, so the lock does not matter. */
static char *
text_of(const char *dir, const char *id)
{
    g_autofree char *path = g_build_filename(dir, id, NULL);
    char *text;
    int fd = g_uuid_string_is_valid(id) ? open(path, O_RDONLY | O_CLOEXEC) : -1;

    if (fd < 0)
        return NULL;
    text = read_notes(fd);
    (void)close(fd);
    return text;
}

static StoreNote *
note_copy(const StoreNote *note)
{
    StoreNote *copy = g_new0(StoreNote, 1);

    *copy = *note;
    copy->disk = g_strdup(note->disk);
    copy->pool = g_strdup(note->pool);
    copy->image = g_strdup(note->image);
    copy->owner = g_strdup(note->owner);
    copy->watch = g_strdup(note->watch);
    return copy;
}

StoreNote *
store_instance_find_note(const char *run_dir,
                         const char *pool,
                         const char *image)
{
    g_autofree char *path = instances_dir(run_dir);
    g_autoptr(GDir) dir = g_dir_open(path, 0, NULL);
    g_autoptr(StoreNote) last = NULL;
    const char *id;

    while (dir && (id = g_dir_read_name(dir))) {
        g_autofree char *text = text_of(path, id);
        g_autoptr(GHashTable) notes =
            text ? store_notes_of_disk(text, pool, image) : NULL;
        const StoreNote *note =
            notes ? store_notes_find(notes, pool, image) : NULL;

        if (!note || (last && note->when_s < last->when_s))
            continue;
        store_note_free(last);
        last = note_copy(note);
    }
    return g_steal_pointer(&last);
}

GPtrArray *
store_claims_noted(const StoreCluster *cluster, const char *owner)
{
    GPtrArray *all =
        g_ptr_array_new_with_free_func((GDestroyNotify)store_noted_free);
    g_autoptr(GHashTable) seen =
        g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    const char *own = store_own_dir(cluster);
    g_autofree char *path = own ? instances_dir(own) : NULL;
    g_autoptr(GDir) dir = path ? g_dir_open(path, 0, NULL) : NULL;
    const char *id;

    while (dir && (id = g_dir_read_name(dir))) {
        g_autofree char *text = text_of(path, id);
        g_autoptr(GHashTable) notes = NULL;
        GHashTableIter iter;
        gpointer note;

        if (!text)
            continue;
        notes =
            owner ? store_notes_of_owner(text, owner) : store_notes_parse(text);
        g_hash_table_iter_init(&iter, notes);
        while (g_hash_table_iter_next(&iter, NULL, &note))
            add_noted(all, seen, owner, note);
    }
    return all;
}

/* NULL: it lives, or its file says nothing that can be read. */
static StoreDead *
dead_new(const char *dir, const char *id)
{
    StoreDead *dead = g_new0(StoreDead, 1);
    g_autofree char *text = NULL;

    dead->id = g_strdup(id);
    dead->path = g_build_filename(dir, id, NULL);
    dead->fd = open(dead->path, O_RDONLY | O_CLOEXEC);
    if (dead->fd >= 0 && flock(dead->fd, LOCK_SH | LOCK_NB) == 0)
        text = read_notes(dead->fd);
    if (text) {
        dead->notes = store_notes_parse(text);
        return dead;
    }
    dead_free(dead);
    return NULL;
}

GPtrArray *
store_instances_dead(const char *run_dir, GHashTable *skip)
{
    GPtrArray *all = g_ptr_array_new_with_free_func(dead_free);
    g_autofree char *path = instances_dir(run_dir);
    g_autoptr(GDir) dir = g_dir_open(path, 0, NULL);
    const char *id;

    while (dir && all->len < STORE_DEAD_MAX && (id = g_dir_read_name(dir))) {
        StoreDead *dead =
            g_uuid_string_is_valid(id) && !g_hash_table_contains(skip, id)
                ? dead_new(path, id)
                : NULL;

        if (dead)
            g_ptr_array_add(all, dead);
    }
    return all;
}
