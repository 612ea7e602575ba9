/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * agent/rbd/image/format.h - what does content begin like?
 *
 * Pure.
 */
#ifndef REMORA_AGENT_RBD_IMAGE_FORMAT_H
#define REMORA_AGENT_RBD_IMAGE_FORMAT_H

#include <glib.h>

/* The first bytes of a parent that tell its format. */
#define STORE_HEAD_BYTES 1024u

/* The format that content begins like ("qcow2", "vmdk", ...), or NULL when it
 * can be taken for raw. head is the first len bytes. Pure. */
const char *store_format_sniff(const guint8 *head, gsize len);

/* Which version of LUKS content is encrypted by, 1 or 2, by its header; 0: none,
 * or another. */
guint store_format_luks(const guint8 *head, gsize len);

#endif
