/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * hooks/proxy/xdr.h - as much of XDR (RFC 4506) as libvirt's calls need here
 *
 * A reader goes over bytes that it does not own. Once something is wrong it
 * gives zeroes, and proxy_xdr_good() is false. Writing is into the caller's
 * memory, which has proxy_xdr_size() bytes for it. Pure.
 */
#ifndef REMORA_HOOKS_PROXY_XDR_H
#define REMORA_HOOKS_PROXY_XDR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* libvirt's own limit on a string and on opaque data (REMOTE_STRING_MAX). */
#define PROXY_XDR_STRING_MAX (4u * 1024u * 1024u)

struct proxy_xdr {
    const uint8_t *bytes;
    size_t len;
    size_t at; /* what is read next */
    bool bad;
};

/* Where a string is in what is read: its bytes, without length and padding. */
struct proxy_text {
    size_t at;
    size_t len;
};

void proxy_xdr_begin(struct proxy_xdr *xdr, const void *bytes, size_t len);
/* Nothing was wrong so far. */
bool proxy_xdr_good(const struct proxy_xdr *xdr);

uint32_t proxy_xdr_u32(struct proxy_xdr *xdr);
void proxy_xdr_skip(struct proxy_xdr *xdr, size_t len);
/* A string, or opaque data of variable length. What its padding holds does not
 * matter, as in libtirpc. */
struct proxy_text proxy_xdr_text(struct proxy_xdr *xdr);
/* One that may be absent: false, with an empty *ret_text. Any number but 0 says
 * that it is there, as in libtirpc. */
bool proxy_xdr_optional(struct proxy_xdr *xdr, struct proxy_text *ret_text);

/* A number as four bytes, the highest first, at any address. */
void proxy_xdr_put(void *bytes, uint32_t value);
uint32_t proxy_xdr_get(const void *bytes);
/* How many bytes a string of len takes: length, bytes, padding. */
size_t proxy_xdr_size(size_t len);
/* Writes that many bytes, and returns what follows them. */
uint8_t *proxy_xdr_write(uint8_t *to, const void *text, size_t len);

#endif
