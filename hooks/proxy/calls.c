/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * hooks/proxy/calls.c - libvirt's calls that carry a domain or a disk
 */
#include "config.h"

#include "hooks/proxy/calls.h"

#include <stdlib.h>
#include <string.h>

/*
 * Arguments, a letter each:
 *     d  domain: name, UUID, id     x  XML             X  XML or nothing
 *     s  string                     n  string or nothing
 *     c  opaque data                h  hyper           u  number
 *     p  typed parameters, some of which are XML
 */
struct procedure {
    uint32_t number;
    enum proxy_kind kind;
    const char *arguments;
};

/* By number. What only names a device or a file that is there already
 * (DETACH_DEVICE, RESTORE) is not in it. */
static const struct procedure procedures[] = {
    {8, PROXY_ATTACH, "dx"},       {10, PROXY_DEFINE, "xu"},
    {11, PROXY_DEFINE, "x"},       {108, PROXY_MOVE, "nhnhx"},
    {148, PROXY_MOVE, "hnhx"},     {160, PROXY_ATTACH, "dxu"},
    {174, PROXY_UPDATE, "dxu"},    {213, PROXY_MOVE, "dXhnh"},
    {214, PROXY_MOVE, "cnhnhx"},   {215, PROXY_MOVE, "chnhx"},
    {216, PROXY_MOVE, "dXcnnhnh"}, {232, PROXY_MOVE, "dsXu"},
    {233, PROXY_MOVE, "sXu"},      {236, PROXY_MOVE, "sxu"},
    {302, PROXY_MOVE, "dpu"},      {303, PROXY_MOVE, "pcu"},
    {304, PROXY_MOVE, "pcu"},      {305, PROXY_MOVE, "dnpcu"},
    {309, PROXY_DEFINE, "xu"},     {345, PROXY_COPY, "dsxpu"},
    {350, PROXY_DEFINE, "xu"},     {389, PROXY_MOVE, "dXu"},
    {440, PROXY_MOVE, "dpu"},      {441, PROXY_MOVE, "pu"},
};

static const struct procedure *
find(uint32_t number)
{
    for (size_t i = 0; i < sizeof(procedures) / sizeof(procedures[0]); i++)
        if (procedures[i].number == number)
            return &procedures[i];
    return NULL;
}

enum proxy_kind
proxy_kind(uint32_t procedure)
{
    const struct procedure *found = find(procedure);

    return found ? found->kind : PROXY_PASS;
}

bool
proxy_header_read(const void *bytes, struct proxy_header *ret_header)
{
    struct proxy_xdr xdr;

    proxy_xdr_begin(&xdr, bytes, PROXY_HEADER);
    ret_header->len = proxy_xdr_u32(&xdr);
    ret_header->program = proxy_xdr_u32(&xdr);
    ret_header->version = proxy_xdr_u32(&xdr);
    ret_header->procedure = proxy_xdr_u32(&xdr);
    ret_header->type = proxy_xdr_u32(&xdr);
    ret_header->serial = proxy_xdr_u32(&xdr);
    ret_header->status = proxy_xdr_u32(&xdr);
    return ret_header->len >= PROXY_HEADER &&
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

/* ---- arguments ------------------------------------------------------------- */

static void
add_text(struct proxy_call *call, struct proxy_xdr *xdr, struct proxy_text text)
{
    if (call->n_texts >= PROXY_TEXTS_MAX) {
        xdr->bad = true;
        return;
    }
    call->texts[call->n_texts++] = text;
}

static void
read_domain(struct proxy_call *call, struct proxy_xdr *xdr)
{
    call->name = proxy_xdr_text(xdr);
    if (!proxy_xdr_good(xdr) || xdr->len - xdr->at < sizeof(call->uuid)) {
        xdr->bad = true;
        return;
    }
    memcpy(call->uuid, xdr->bytes + xdr->at, sizeof(call->uuid));
    proxy_xdr_skip(xdr, sizeof(call->uuid) + 4);
    call->has_domain = true;
}

/* Those of virDomainMigrate3, virDomainSaveParams and virDomainRestoreParams
 * that are a domain's XML. */
static bool
is_xml_parameter(const struct proxy_xdr *xdr, struct proxy_text name)
{
    static const char *const names[] = {
        "destination_xml",
        "persistent_xml",
        "dxml",
    };

    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        if (name.len == strlen(names[i]) &&
            memcmp(xdr->bytes + name.at, names[i], name.len) == 0)
            return true;
    return false;
}

static void
read_parameter(struct proxy_call *call, struct proxy_xdr *xdr)
{
    enum { INT = 1, UINT, LLONG, ULLONG, DOUBLE, BOOLEAN, STRING };
    struct proxy_text name = proxy_xdr_text(xdr);
    struct proxy_text value;

    switch (proxy_xdr_u32(xdr)) {
    case INT:
    case UINT:
    case BOOLEAN:
        proxy_xdr_skip(xdr, 4);
        return;
    case LLONG:
    case ULLONG:
    case DOUBLE:
        proxy_xdr_skip(xdr, 8);
        return;
    case STRING:
        value = proxy_xdr_text(xdr);
        if (proxy_xdr_good(xdr) && is_xml_parameter(xdr, name))
            add_text(call, xdr, value);
        return;
    default:
        xdr->bad = true;
    }
}

static void
read_parameters(struct proxy_call *call, struct proxy_xdr *xdr)
{
    uint32_t n = proxy_xdr_u32(xdr);

    for (uint32_t i = 0; i < n && proxy_xdr_good(xdr); i++)
        read_parameter(call, xdr);
}

static void
read_argument(struct proxy_call *call, struct proxy_xdr *xdr, char letter)
{
    struct proxy_text text;

    switch (letter) {
    case 'd':
        read_domain(call, xdr);
        return;
    case 'x':
        add_text(call, xdr, proxy_xdr_text(xdr));
        return;
    case 'X':
        if (proxy_xdr_optional(xdr, &text))
            add_text(call, xdr, text);
        return;
    case 'n':
        (void)proxy_xdr_optional(xdr, &text);
        return;
    case 's':
    case 'c':
        (void)proxy_xdr_text(xdr);
        return;
    case 'h':
        proxy_xdr_skip(xdr, 8);
        return;
    case 'u':
        call->flags = proxy_xdr_u32(xdr);
        return;
    case 'p':
        read_parameters(call, xdr);
        return;
    default:
        xdr->bad = true;
    }
}

bool
proxy_call_read(uint32_t procedure,
                const void *payload,
                size_t len,
                struct proxy_call *ret_call)
{
    const struct procedure *found = find(procedure);
    struct proxy_xdr xdr;

    *ret_call = (struct proxy_call){.kind = PROXY_PASS};
    if (!found)
        return false;
    ret_call->kind = found->kind;
    proxy_xdr_begin(&xdr, payload, len);
    for (const char *letter = found->arguments; *letter; letter++)
        read_argument(ret_call, &xdr, *letter);
    return proxy_xdr_good(&xdr);
}

/* ---- other texts ----------------------------------------------------------- */

static size_t
length_with(const struct proxy_call *call,
            size_t len,
            const char *const *news,
            const size_t *lens)
{
    for (size_t i = 0; i < call->n_texts; i++)
        if (news[i])
            len += proxy_xdr_size(lens[i]) - proxy_xdr_size(call->texts[i].len);
    return len;
}

uint8_t *
proxy_call_replace(const struct proxy_call *call,
                   const void *payload,
                   size_t len,
                   const char *const *news,
                   const size_t *lens,
                   size_t *ret_len)
{
    const uint8_t *from = payload;
    size_t done = 0;
    uint8_t *whole;
    uint8_t *to;

    for (size_t i = 0; i < call->n_texts; i++)
        if (news[i] && lens[i] > PROXY_XDR_STRING_MAX)
            return NULL;
    *ret_len = length_with(call, len, news, lens);
    if (*ret_len > PROXY_PACKET_MAX - PROXY_HEADER)
        return NULL;
    whole = to = malloc(*ret_len + 1);
    for (size_t i = 0; whole && i < call->n_texts; i++) {
        struct proxy_text text = call->texts[i];
        size_t begin = text.at - 4;

        if (!news[i])
            continue;
        memcpy(to, from + done, begin - done);
        to = proxy_xdr_write(to + (begin - done), news[i], lens[i]);
        done = begin + proxy_xdr_size(text.len);
    }
    if (whole)
        memcpy(to, from + done, len - done);
    return whole;
}

bool
proxy_open_is_rw(const void *payload, size_t len)
{
    enum { READ_ONLY = 1 };
    struct proxy_xdr xdr;
    struct proxy_text name;
    uint32_t flags;

    proxy_xdr_begin(&xdr, payload, len);
    (void)proxy_xdr_optional(&xdr, &name);
    flags = proxy_xdr_u32(&xdr);
    return proxy_xdr_good(&xdr) && !(flags & READ_ONLY);
}

/* ---- an error -------------------------------------------------------------- */

/* virterror.h: the hooks' VIR_ERR_HOOK_SCRIPT_FAILED, the RPC code's
 * VIR_ERR_SYSTEM_ERROR; both are errors, not warnings. */
static const struct {
    uint32_t code;
    uint32_t domain;
} errors[] = {
    [PROXY_ERROR_HOOK] = {70, 34},
    [PROXY_ERROR_RPC] = {38, 7},
};
#define ERROR_LEVEL 2u

uint8_t *
proxy_error_reply(const struct proxy_header *call,
                  enum proxy_error error,
                  const char *message,
                  size_t *ret_len)
{
    size_t len = strlen(message);
    /* Code, domain, message, level; then absent: a domain, three strings; two
     * numbers; and an absent network. */
    size_t whole =
        PROXY_HEADER + 8 + 4 + proxy_xdr_size(len) + 4 + 4 + 3 * 4 + 2 * 4 + 4;
    struct proxy_header header = *call;
    uint8_t *bytes = calloc(1, whole);
    uint8_t *at;

    if (!bytes)
        return NULL;
    header.len = (uint32_t)whole;
    header.type = PROXY_REPLY;
    header.status = PROXY_ERROR;
    proxy_header_write(bytes, &header);
    at = bytes + PROXY_HEADER;
    proxy_xdr_put(at, errors[error].code);
    proxy_xdr_put(at + 4, errors[error].domain);
    proxy_xdr_put(at + 8, 1);
    at = proxy_xdr_write(at + 12, message, len);
    proxy_xdr_put(at, ERROR_LEVEL);
    *ret_len = whole;
    return bytes;
}
