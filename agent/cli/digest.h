/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * agent/cli/digest.h - checksums of what passes by, each in a thread of its own
 *
 * By libcrypto, which Ceph's libraries bring along: it is some times faster than
 * GLib's, and knows all that the system knows.
 *
 * Threads: the functions belong to one thread.
 */
#ifndef REMORA_AGENT_CLI_DIGEST_H
#define REMORA_AGENT_CLI_DIGEST_H

#include <glib.h>
#include <stdbool.h>

typedef struct CmdDigest CmdDigest;

/* names: NULL-terminated, such as "md5"; none at all is allowed. NULL: *ret_bad
 * is the first that the library does not know. */
CmdDigest *cmd_digest_new(const char *const *names, const char **ret_bad);
/* bytes NULL: so many zeroes. Copies what it is given. */
void cmd_digest_add(CmdDigest *digest, const guint8 *bytes, guint64 len);
/* When all is added: the sums in hex, as the names; NULL-terminated, owned by
 * digest. */
char **cmd_digest_sums(CmdDigest *digest);
void cmd_digest_free(CmdDigest *digest);

/* The algorithm that a sum in hex is most often of, by its length; NULL: it is no
 * sum in hex, or of none of those. Pure. */
const char *cmd_digest_name_of(const char *sum);

#endif
