/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * agent/rbd/claim/cutoff.c - those who may still write under an older claim
 *
 * Cut off for years, not for Ceph's default of an hour: a host that was only
 * suspended comes back after any time, and writes. For a process that is proved
 * dead the default does. Only the host that a guest ran on takes its entry
 * back, once that process is proved dead.
 */
#include "config.h"

#include "agent/rbd/claim/cutoff.h"

#include "agent/rbd/conn/connection.h"
#include "agent/rbd/conn/fence.h"

#include <string.h>

/* Nobody is known, or it is oneself. */
static bool
is_nobody(const StoreConn *conn, const char *addr)
{
    return !addr || !addr[0] || strcmp(addr, conn->addr) == 0;
}

/* dead: the address of a process that is proved dead, or NULL. */
static gboolean
cut_off(StoreConn *conn,
        const char *addr,
        const char *dead,
        GString *done,
        GError **error)
{
    if (is_nobody(conn, addr))
        return TRUE;
    if (!store_fence(conn, addr,
                     g_strcmp0(addr, dead) == 0 ? 0 : STORE_CUT_OFF_S, error))
        return FALSE;
    if (done)
        g_string_append_printf(done,
                               "%scut off client %s, so that it writes no more",
                               done->len ? "; " : "", addr);
    return TRUE;
}

static gboolean
cut_off_list(StoreConn *conn,
             const StoreRecord *record,
             const char *dead,
             GString *done,
             GError **error)
{
    for (guint i = 0; i < record->builders->len; i++)
        if (!cut_off(conn, g_ptr_array_index(record->builders, i), dead, done,
                     error))
            return FALSE;
    return TRUE;
}

gboolean
store_cut_off_builders(StoreConn *conn,
                       const StoreRecord *record,
                       GError **error)
{
    return cut_off(conn, record->who.addr, NULL, NULL, error) &&
           cut_off_list(conn, record, NULL, NULL, error);
}

gboolean
store_cut_off_all(const StoreClaim *claim,
                  const char *dead,
                  GString *done,
                  GError **error)
{
    const StoreRecord *record = claim->record;

    for (guint i = 0; i < record->owed->len; i++) {
        const StoreGuest *guest = g_ptr_array_index(record->owed, i);

        if (!cut_off(claim->conn, guest->addr, dead, done, error))
            return FALSE;
    }
    return cut_off_list(claim->conn, record, dead, done, error);
}

gboolean
store_cut_off_owed(StoreConn *conn,
                   const StoreGuest *guest,
                   guint seconds,
                   GError **error)
{
    return is_nobody(conn, guest->addr) ||
           store_fence(conn, guest->addr, seconds, error);
}
