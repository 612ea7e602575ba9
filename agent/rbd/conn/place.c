/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * agent/rbd/conn/place.c - which host this is, and which of its boots
 */
#include "config.h"

#include "agent/rbd/conn/place.h"

#include "agent/rbd/conn/error.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define BOOT_ID     "/proc/sys/kernel/random/boot_id"
#define FIRMWARE_ID "/sys/class/dmi/id/product_uuid"
#define ID_FILE     "host-id"
#define WORD_LEN    32

static char *
read_line(const char *path)
{
    g_autofree char *text = NULL;

    if (!g_file_get_contents(path, &text, NULL, NULL))
        return NULL;
    g_strstrip(text);
    return text[0] ? g_steal_pointer(&text) : NULL;
}

/* Linked into place when it is whole, so that of two who make it at once both
 * read the same one. On disk before anybody goes by it: with another id after a
 * power failure this host's own claims would be another's. */
static void
make_id(const char *dir, const char *path)
{
    g_autofree char *id = g_uuid_string_random();
    g_autofree char *unborn = g_strdup_printf("%s.%s", path, id);
    int fd = -1;

    if (g_mkdir_with_parents(dir, 0700) == 0)
        fd = open(unborn, O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC, 0600);
    if (fd < 0)
        return;
    if (write(fd, id, strlen(id)) == (ssize_t)strlen(id) && fsync(fd) == 0 &&
        link(unborn, path) != 0)
        (void)0; /* somebody else was first */
    (void)close(fd);
    (void)unlink(unborn);
}

static char *
random_id(const char *dir, GError **error)
{
    g_autofree char *path = g_build_filename(dir, ID_FILE, NULL);
    char *id = read_line(path);

    if (!id)
        make_id(dir, path);
    if (!id)
        id = read_line(path);
    if (!id)
        (void)store_refuse(error, STORE_ERROR_FAILED,
                           "cannot read or write '%s', which tells this host "
                           "from others: does this user own '%s'?",
                           path, dir);
    return id;
}

gboolean
store_place_here(const char *state_dir, StorePlace *ret_place, GError **error)
{
    g_autofree char *id = random_id(state_dir, error);
    g_autofree char *firmware = read_line(FIRMWARE_ID);
    g_autofree char *both = NULL;
    g_autofree char *sum = NULL;
    char *boot;

    if (!id)
        return FALSE;
    boot = read_line(BOOT_ID);
    if (!boot)
        return store_refuse(error, STORE_ERROR_FAILED,
                            "cannot read '%s': is /proc mounted?", BOOT_ID);
    both = g_strdup_printf("%s\n%s", firmware ? firmware : "", id);
    sum = g_compute_checksum_for_string(G_CHECKSUM_SHA256, both, -1);
    *ret_place = (StorePlace){
        .host = g_strdup(g_get_host_name()),
        .machine = g_strndup(sum, WORD_LEN),
        .boot = boot,
    };
    return TRUE;
}

void
store_place_clear(StorePlace *place)
{
    g_clear_pointer(&place->host, g_free);
    g_clear_pointer(&place->machine, g_free);
    g_clear_pointer(&place->boot, g_free);
}

void
store_place_copy(const StorePlace *from, StorePlace *ret_place)
{
    *ret_place = (StorePlace){
        .host = g_strdup(from->host),
        .machine = g_strdup(from->machine),
        .boot = g_strdup(from->boot),
    };
}

static bool
same_word(const char *a, const char *b)
{
    return a && b && a[0] && strcmp(a, b) == 0;
}

/* Of a running kernel, whatever it is called by now. */
bool
store_place_same_boot(const StorePlace *a, const StorePlace *b)
{
    return same_word(a->machine, b->machine) && same_word(a->boot, b->boot);
}

bool
store_place_same_host(const StorePlace *a, const StorePlace *b)
{
    return (same_word(a->host, b->host) && same_word(a->machine, b->machine)) ||
           store_place_same_boot(a, b);
}
