/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * agent/virt/error.c - libvirt's errors as GError
 */
#include "config.h"

#include "agent/virt/error.h"

#include <stdarg.h>

GQuark
virt_error_quark(void)
{
    return g_quark_from_static_string("remora-virt-error");
}

static VirtErrorCode
code_of(const virError *last)
{
    if (!last)
        return VIRT_ERROR_FAILED;
    if (last->code == VIR_ERR_NO_DOMAIN)
        return VIRT_ERROR_GONE;
    /* A connection that broke, and one that could not be made. */
    if (last->domain == VIR_FROM_RPC || last->code == VIR_ERR_INVALID_CONN ||
        last->code == VIR_ERR_NO_CONNECT)
        return VIRT_ERROR_DISCONNECTED;
    return VIRT_ERROR_FAILED;
}

gboolean
virt_fail(GError **error, const char *format, ...)
{
    virErrorPtr last = virGetLastError();
    va_list args;
    g_autofree char *what = NULL;

    va_start(args, format);
    what = g_strdup_vprintf(format, args);
    va_end(args);
    g_set_error(error, VIRT_ERROR, (gint)code_of(last), "%s: %s", what,
                last && last->message ? last->message : "unknown error");
    virResetLastError();
    return FALSE;
}

static void
ignore(void *data, virErrorPtr error)
{
    (void)data;
    (void)error;
}

void
virt_quiet(void)
{
    virSetErrorFunc(NULL, ignore);
}
