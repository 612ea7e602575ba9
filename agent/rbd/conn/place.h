/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * agent/rbd/conn/place.h - which host this is, and which of its boots
 *
 * What a process of this host may prove about another one of it, that it has
 * ended, it may prove of no other host's. So two places are one host only if
 * the host's name, the firmware's UUID and a random id that was written to
 * disk once agree: of two machines that were cloned, at least one of them
 * differs. The name may have changed since this boot began, as where a network
 * gives it: no two boots have one id.
 *
 * Threads:  any.
 */
#ifndef REMORA_AGENT_RBD_CONN_PLACE_H
#define REMORA_AGENT_RBD_CONN_PLACE_H

#include <glib.h>
#include <stdbool.h>

typedef struct {
    char *host;    /* its name, for people */
    char *machine; /* firmware's UUID and the random id, as one word */
    char *boot;    /* the kernel's boot id */
} StorePlace;

/* Where this process is. state_dir keeps the random id, which is made if it is
 * not there yet. Errors: STORE_ERROR_FAILED. */
gboolean store_place_here(const char *state_dir,
                          StorePlace *ret_place,
                          GError **error) G_GNUC_WARN_UNUSED_RESULT;
void store_place_clear(StorePlace *place);
void store_place_copy(const StorePlace *from, StorePlace *ret_place);

/* Pure. A place that is not known (a field is NULL or "") equals none. */
bool store_place_same_host(const StorePlace *a, const StorePlace *b);
bool store_place_same_boot(const StorePlace *a, const StorePlace *b);

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(StorePlace, store_place_clear)

#endif
