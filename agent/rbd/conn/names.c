/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * agent/rbd/conn/names.c - how objects are called that remora keeps in a pool
 */
#include "config.h"

#include "agent/rbd/conn/names.h"

#include <glib.h>

char *
store_claim_object(const char *image)
{
    return g_strconcat(STORE_CLAIM_PREFIX, image, NULL);
}
