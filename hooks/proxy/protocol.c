/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * hooks/proxy/protocol.c - libvirt's packets: headers, procedures, errors
 */
#include "config.h"

#include "hooks/proxy/protocol.h"

#include "hooks/proxy/xdr.h"

#include <stdlib.h>
#include <string.h>

bool
proxy_header_read(const void *bytes, struct proxy_header *ret_header)
{
    struct proxy_xdr xdr;

    proxy_xdr_begin(&xdr, bytes, PROXY_HEADER_LEN);
    ret_header->len = proxy_xdr_u32(&xdr);
    ret_header->program = proxy_xdr_u32(&xdr);
    ret_header->version = proxy_xdr_u32(&xdr);
    ret_header->procedure = proxy_xdr_u32(&xdr);
    ret_header->type = proxy_xdr_u32(&xdr);
    ret_header->serial = proxy_xdr_u32(&xdr);
    ret_header->status = proxy_xdr_u32(&xdr);
    return ret_header->len >= PROXY_HEADER_LEN &&
           ret_header->len <= PROXY_PACKET_MAX;
}

void
proxy_header_write(void *bytes, const struct proxy_header *header)
{
    uint8_t *at = bytes;

    proxy_xdr_put(at, header->len);
    proxy_xdr_put(at + 4, header->program);
    proxy_xdr_put(at + 8, header->version);
    proxy_xdr_put(at + 12, header->procedure);
    proxy_xdr_put(at + 16, header->type);
    proxy_xdr_put(at + 20, header->serial);
    proxy_xdr_put(at + 24, header->status);
}

/* In virterror.h these begin with VIR_. */
enum {
    FROM_RPC = 7,
    FROM_HOOK = 34,
    ERR_SYSTEM_ERROR = 38,
    ERR_HOOK_SCRIPT_FAILED = 70,
    LEVEL_ERROR = 2, /* not a warning */
};

static const struct {
    uint32_t code;
    uint32_t domain;
} errors[] = {
    [PROXY_ERROR_HOOK] = {ERR_HOOK_SCRIPT_FAILED, FROM_HOOK},
    [PROXY_ERROR_RPC] = {ERR_SYSTEM_ERROR, FROM_RPC},
};

uint8_t *
proxy_error_reply(const struct proxy_header *call,
                  enum proxy_error error,
                  const char *message,
                  size_t *ret_len)
{
    size_t len = strlen(message);
    /* Code, domain, message, level; then absent: a domain, three strings; two
     * numbers; and an absent network. */
    size_t whole = PROXY_HEADER_LEN + 8 + 4 + proxy_xdr_size(len) + 4 + 4 +
                   3 * 4 + 2 * 4 + 4;
    struct proxy_header header = *call;
    uint8_t *bytes = calloc(1, whole);
    uint8_t *at;

    if (!bytes)
        return NULL;
    header.len = (uint32_t)whole;
    header.type = PROXY_REPLY;
    header.status = PROXY_ERROR;
    proxy_header_write(bytes, &header);
    at = bytes + PROXY_HEADER_LEN;
    proxy_xdr_put(at, errors[error].code);
    proxy_xdr_put(at + 4, errors[error].domain);
    proxy_xdr_put(at + 8, 1);
    at = proxy_xdr_write(at + 12, message, len);
    proxy_xdr_put(at, LEVEL_ERROR);
    *ret_len = whole;
    return bytes;
}
