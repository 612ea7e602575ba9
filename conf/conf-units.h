/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * conf/conf-units.h - times and sizes as people write them
 *
 * A number, blanks or none, a unit: "5 s", "8MiB". The unit is never left
 * out: whoever reads the file must not have to know which one was meant.
 * No fractions, signs or blanks around it.
 *
 * Contract: the parsers return FALSE, and leave their output alone, for text
 *           that is not so written or does not fit in 64 bits. Ranges are the
 *           caller's.
 */
#ifndef REMORA_CONF_CONF_UNITS_H
#define REMORA_CONF_CONF_UNITS_H

#include <glib.h>

/* ms, s, min, h, d */
gboolean conf_time_parse(const char *text, guint64 *ret_ms);
/* B, KiB, MiB, GiB, TiB, and K, M, G, T for the same binary units */
gboolean conf_size_parse(const char *text, guint64 *ret_bytes);

/* In the largest unit that leaves no rest; the parsers take it back. g_free()
 * it. Minutes are left out: 60 s and 300 s are what timeouts are called. */
char *conf_time_format(guint64 ms);
char *conf_size_format(guint64 bytes);

#endif
