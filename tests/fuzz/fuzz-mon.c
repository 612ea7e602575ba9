/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * tests/fuzz/fuzz-mon.c - any bytes as what a monitor answers, and ceph.conf says
 *
 * The first byte chooses: the answer to 'mon dump', to 'osd dump', the
 * value of mon_host, a keyring, or the notes in an instance's file. What a list
 * of monitors holds is within its limits; notes survive their text.
 */
#include "config.h"

#include "agent/rbd/conn/keyring.h"
#include "agent/rbd/conn/monitors.h"
#include "agent/rbd/conn/notes.h"
#include "agent/rbd/disk/pool-space.h"
#include "xml/dom-monitors.h"

#include "tests/fuzz/fuzz.h"

#include <string.h>

const char *const fuzz_corpora[] = {"tests/fuzz/corpus/mon", NULL};
const unsigned fuzz_pieces = 200;

static void
check_list(const GPtrArray *monitors, const GError *error)
{
    fuzz_must((monitors == NULL) == (error != NULL), "one of the two");
    if (!monitors)
        return;
    fuzz_must(monitors->len > 0 && monitors->len <= STORE_MONITORS_MAX,
              "as many as there may be");
    for (guint i = 0; i < monitors->len; i++) {
        const StoreMonitor *monitor = g_ptr_array_index(monitors, i);

        fuzz_must(monitor->host[0] != '\0', "a monitor has a host");
        fuzz_must(atoi(monitor->port) > 0, "and a port");
    }
}

static void
dump(const char *text, size_t size)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(GPtrArray) monitors = store_monitors_parse(text, size, &error);

    check_list(monitors, error);
}

static void
hosts(const char *text, size_t size)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(GPtrArray) monitors = dom_monitors_parse(text, &error);

    (void)size;
    fuzz_must((monitors == NULL) == (error != NULL), "one of the two");
    fuzz_must(!monitors || monitors->len <= DOM_HOSTS_MAX, "as many as may be");
    for (guint i = 0; monitors && i < monitors->len; i++) {
        const DomMonitor *monitor = g_ptr_array_index(monitors, i);

        fuzz_must(monitor->host[0] != '\0', "a monitor has a host");
        fuzz_must(!monitor->port || atoi(monitor->port) > 0, "a port is one");
    }
}

static void
pools(const char *text, size_t size)
{
    fuzz_must(store_pool_space(text, size, "vms") <= 0, "a number of Ceph's");
}

static void
keyring(const char *text, size_t size)
{
    g_autofree char *copy = g_strdup(text);
    const char *key = store_keyring_find(copy, "admin");

    (void)size;
    if (key)
        fuzz_must(strlen(key) < strlen(text), "the key is in the text");
    (void)store_key_is_valid(text);
}

static void
notes(const char *text, size_t size)
{
    g_autoptr(GHashTable) all = store_notes_parse(text);
    g_autofree char *written = store_notes_text(all);
    g_autoptr(GHashTable) again = store_notes_parse(written);

    (void)size;
    fuzz_must(g_hash_table_size(all) == g_hash_table_size(again),
              "notes survive");
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static void (*const kinds[])(const char *, size_t) = {dump, pools, hosts,
                                                          keyring, notes};
    g_autofree char *text = NULL;

    if (size == 0)
        return 0;
    text = g_strndup((const char *)data + 1, size - 1);
    kinds[data[0] % G_N_ELEMENTS(kinds)](text, size - 1);
    return 0;
}
