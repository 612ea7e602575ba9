/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * agent/cli/passphrase.c - a passphrase from a file, and nowhere else for long
 *
 * Read without a buffer of anybody else's, so that wiping one wipes all that this
 * process has of it. librbd wipes its own.
 */
#include "config.h"

#include "agent/cli/passphrase.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

/* false: errno says why. */
static gboolean
read_all(int fd, CmdPassphrase *passphrase)
{
    while (passphrase->len < sizeof(passphrase->bytes)) {
        gssize got = read(fd, passphrase->bytes + passphrase->len,
                          sizeof(passphrase->bytes) - passphrase->len);

        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0)
            return got == 0;
        passphrase->len += (gsize)got;
    }
    return TRUE;
}

static gboolean
fail(const char *path, const char *why, GError **error)
{
    g_set_error(error, G_FILE_ERROR, G_FILE_ERROR_FAILED,
                "cannot take the passphrase of '%s': %s", path, why);
    return FALSE;
}

gboolean
cmd_passphrase_read(const char *path, CmdPassphrase *passphrase, GError **error)
{
    gboolean standard = strcmp(path, "-") == 0;
    int fd = standard ? STDIN_FILENO : open(path, O_RDONLY | O_CLOEXEC);
    const char *why = NULL;

    passphrase->len = 0;
    if (fd < 0)
        return fail(path, g_strerror(errno), error);
    if (!read_all(fd, passphrase))
        why = g_strerror(errno);
    else if (passphrase->len == 0)
        why = "it is empty";
    else if (passphrase->len > CMD_PASSPHRASE_MAX)
        why = "it has more than 2048 bytes";
    if (!standard)
        (void)close(fd);
    if (!why)
        return TRUE;
    cmd_passphrase_wipe(passphrase);
    return fail(path, why, error);
}

void
cmd_passphrase_wipe(CmdPassphrase *passphrase)
{
    explicit_bzero(passphrase, sizeof(*passphrase));
}
