/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * hooks/proxy/xdr.c - as much of XDR as libvirt's calls need here
 */
#include "config.h"

#include "hooks/proxy/xdr.h"

#include <string.h>

void
proxy_xdr_begin(struct proxy_xdr *xdr, const void *bytes, size_t len)
{
    *xdr = (struct proxy_xdr){.bytes = bytes, .len = len};
}

bool
proxy_xdr_good(const struct proxy_xdr *xdr)
{
    return !xdr->bad;
}

/* Where the next len bytes are, or NULL where there are not so many. */
static const uint8_t *
take(struct proxy_xdr *xdr, size_t len)
{
    const uint8_t *taken = xdr->bytes + xdr->at;

    if (xdr->bad || len > xdr->len - xdr->at) {
        xdr->bad = true;
        return NULL;
    }
    xdr->at += len;
    return taken;
}

uint32_t
proxy_xdr_u32(struct proxy_xdr *xdr)
{
    const uint8_t *taken = take(xdr, 4);

    return taken ? proxy_xdr_get(taken) : 0;
}

void
proxy_xdr_skip(struct proxy_xdr *xdr, size_t len)
{
    (void)take(xdr, len);
}

static size_t
padding_of(size_t len)
{
    return (4 - len % 4) % 4;
}

struct proxy_text
proxy_xdr_text(struct proxy_xdr *xdr)
{
    size_t len = proxy_xdr_u32(xdr);
    struct proxy_text text = {.at = xdr->at, .len = len};

    if (len > PROXY_XDR_STRING_MAX)
        xdr->bad = true;
    (void)take(xdr, len);
    (void)take(xdr, padding_of(len));
    return xdr->bad ? (struct proxy_text){0} : text;
}

bool
proxy_xdr_optional(struct proxy_xdr *xdr, struct proxy_text *ret_text)
{
    uint32_t there = proxy_xdr_u32(xdr);

    *ret_text = (struct proxy_text){0};
    if (there != 0)
        *ret_text = proxy_xdr_text(xdr);
    return there != 0 && !xdr->bad;
}

void
proxy_xdr_put(void *bytes, uint32_t value)
{
    uint8_t *at = bytes;

    at[0] = (uint8_t)(value >> 24);
    at[1] = (uint8_t)(value >> 16);
    at[2] = (uint8_t)(value >> 8);
    at[3] = (uint8_t)value;
}

uint32_t
proxy_xdr_get(const void *bytes)
{
    const uint8_t *at = bytes;

    return (uint32_t)at[0] << 24 | (uint32_t)at[1] << 16 |
           (uint32_t)at[2] << 8 | (uint32_t)at[3];
}

size_t
proxy_xdr_size(size_t len)
{
    return 4 + len + padding_of(len);
}

uint8_t *
proxy_xdr_write(uint8_t *to, const void *text, size_t len)
{
    proxy_xdr_put(to, (uint32_t)len);
    if (len > 0)
        memcpy(to + 4, text, len);
    memset(to + 4 + len, 0, padding_of(len));
    return to + proxy_xdr_size(len);
}
