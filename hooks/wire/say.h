/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * hooks/wire/say.h - the one line that an operator gets to see
 *
 * libvirt shows the hook's standard error to whoever started the domain.
 */
#ifndef REMORA_HOOKS_WIRE_SAY_H
#define REMORA_HOOKS_WIRE_SAY_H

#include <stddef.h>

/* Why something failed and what to do next; on the caller's stack. */
struct wire_error {
    char line[1024];
};

/* Sets the line. What does not fit is cut off. */
void wire_error_set(struct wire_error *error, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* Writes 'remora: domain 'DOMAIN': TEXT' to standard error, without the
 * domain if that is NULL. TEXT has len bytes. Control characters become
 * blanks, so that it stays one line. It does not wait for a reader. */
void wire_say(const char *domain, const char *text, size_t len);

#endif
