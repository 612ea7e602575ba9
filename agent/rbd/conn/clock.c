/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * agent/rbd/conn/clock.c - the clock that goes on while the host sleeps
 */
#include "config.h"

#include "agent/rbd/conn/clock.h"

#include <time.h>

gint64
store_boot_us(void)
{
    struct timespec now;

    (void)clock_gettime(CLOCK_BOOTTIME, &now);
    return (gint64)now.tv_sec * G_USEC_PER_SEC + now.tv_nsec / 1000;
}

gint64
store_boot_seconds(void)
{
    return store_boot_us() / G_USEC_PER_SEC;
}
