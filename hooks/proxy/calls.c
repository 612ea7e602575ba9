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
    enum front_kind kind;
    const char *arguments;
};

/* By number. What only names a device or a file that is there already
 * (DETACH_DEVICE, RESTORE) is not in it. */
static const struct procedure procedures[] = {
    {8, FRONT_ATTACH, "dx"},       {10, FRONT_DEFINE, "xu"},
    {11, FRONT_DEFINE, "x"},       {108, FRONT_MOVE, "nhnhx"},
    {148, FRONT_MOVE, "hnhx"},     {160, FRONT_ATTACH, "dxu"},
    {174, FRONT_UPDATE, "dxu"},    {213, FRONT_MOVE, "dXhnh"},
    {214, FRONT_MOVE, "cnhnhx"},   {215, FRONT_MOVE, "chnhx"},
    {216, FRONT_MOVE, "dXcnnhnh"}, {232, FRONT_MOVE, "dsXu"},
    {233, FRONT_MOVE, "sXu"},      {236, FRONT_MOVE, "sxu"},
    {302, FRONT_MOVE, "dpu"},      {303, FRONT_MOVE, "pcu"},
    {304, FRONT_MOVE, "pcu"},      {305, FRONT_MOVE, "dnpcu"},
    {309, FRONT_DEFINE, "xu"},     {345, FRONT_COPY, "dsxpu"},
    {350, FRONT_DEFINE, "xu"},     {389, FRONT_MOVE, "dXu"},
    {440, FRONT_MOVE, "dpu"},      {441, FRONT_MOVE, "pu"},
};

static const struct procedure *
find(uint32_t number)
{
    for (size_t i = 0; i < sizeof(procedures) / sizeof(procedures[0]); i++)
        if (procedures[i].number == number)
            return &procedures[i];
    return NULL;
}

enum front_kind
front_kind(uint32_t procedure)
{
    const struct procedure *found = find(procedure);

    return found ? found->kind : FRONT_PASS;
}

bool
front_header_read(const void *bytes, struct front_header *ret_header)
{
    struct front_xdr xdr;

    front_xdr_begin(&xdr, bytes, FRONT_HEADER);
    ret_header->len = front_xdr_u32(&xdr);
    ret_header->program = front_xdr_u32(&xdr);
    ret_header->version = front_xdr_u32(&xdr);
    ret_header->procedure = front_xdr_u32(&xdr);
    ret_header->type = front_xdr_u32(&xdr);
    ret_header->serial = front_xdr_u32(&xdr);
    ret_header->status = front_xdr_u32(&xdr);
    return ret_header->len >= FRONT_HEADER &&
           ret_header->len <= FRONT_PACKET_MAX;
}

void
front_header_write(void *bytes, const struct front_header *header)
{
    uint8_t *at = bytes;

    front_xdr_put(at, header->len);
    front_xdr_put(at + 4, header->program);
    front_xdr_put(at + 8, header->version);
    front_xdr_put(at + 12, header->procedure);
    front_xdr_put(at + 16, header->type);
    front_xdr_put(at + 20, header->serial);
    front_xdr_put(at + 24, header->status);
}

/* ---- arguments ------------------------------------------------------------- */

static void
add_text(struct front_call *call, struct front_xdr *xdr, struct front_text text)
{
    if (call->n_texts >= FRONT_TEXTS_MAX) {
        xdr->bad = true;
        return;
    }
    call->texts[call->n_texts++] = text;
}

static void
read_domain(struct front_call *call, struct front_xdr *xdr)
{
    call->name = front_xdr_text(xdr);
    if (!front_xdr_good(xdr) || xdr->len - xdr->at < sizeof(call->uuid)) {
        xdr->bad = true;
        return;
    }
    memcpy(call->uuid, xdr->bytes + xdr->at, sizeof(call->uuid));
    front_xdr_skip(xdr, sizeof(call->uuid) + 4);
    call->has_domain = true;
}

/* Those of virDomainMigrate3, virDomainSaveParams and virDomainRestoreParams
 * that are a domain's XML. */
static bool
is_xml_parameter(const struct front_xdr *xdr, struct front_text name)
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
read_parameter(struct front_call *call, struct front_xdr *xdr)
{
    enum { INT = 1, UINT, LLONG, ULLONG, DOUBLE, BOOLEAN, STRING };
    struct front_text name = front_xdr_text(xdr);
    struct front_text value;

    switch (front_xdr_u32(xdr)) {
    case INT:
    case UINT:
    case BOOLEAN:
        front_xdr_skip(xdr, 4);
        return;
    case LLONG:
    case ULLONG:
    case DOUBLE:
        front_xdr_skip(xdr, 8);
        return;
    case STRING:
        value = front_xdr_text(xdr);
        if (front_xdr_good(xdr) && is_xml_parameter(xdr, name))
            add_text(call, xdr, value);
        return;
    default:
        xdr->bad = true;
    }
}

static void
read_parameters(struct front_call *call, struct front_xdr *xdr)
{
    uint32_t n = front_xdr_u32(xdr);

    for (uint32_t i = 0; i < n && front_xdr_good(xdr); i++)
        read_parameter(call, xdr);
}

static void
read_argument(struct front_call *call, struct front_xdr *xdr, char letter)
{
    struct front_text text;

    switch (letter) {
    case 'd':
        read_domain(call, xdr);
        return;
    case 'x':
        add_text(call, xdr, front_xdr_text(xdr));
        return;
    case 'X':
        if (front_xdr_optional(xdr, &text))
            add_text(call, xdr, text);
        return;
    case 'n':
        (void)front_xdr_optional(xdr, &text);
        return;
    case 's':
    case 'c':
        (void)front_xdr_text(xdr);
        return;
    case 'h':
        front_xdr_skip(xdr, 8);
        return;
    case 'u':
        call->flags = front_xdr_u32(xdr);
        return;
    case 'p':
        read_parameters(call, xdr);
        return;
    default:
        xdr->bad = true;
    }
}

bool
front_call_read(uint32_t procedure,
                const void *payload,
                size_t len,
                struct front_call *ret_call)
{
    const struct procedure *found = find(procedure);
    struct front_xdr xdr;

    *ret_call = (struct front_call){.kind = FRONT_PASS};
    if (!found)
        return false;
    ret_call->kind = found->kind;
    front_xdr_begin(&xdr, payload, len);
    for (const char *letter = found->arguments; *letter; letter++)
        read_argument(ret_call, &xdr, *letter);
    return front_xdr_good(&xdr);
}

/* ---- other texts ----------------------------------------------------------- */

static size_t
length_with(const struct front_call *call,
            size_t len,
            const char *const *news,
            const size_t *lens)
{
    for (size_t i = 0; i < call->n_texts; i++)
        if (news[i])
            len += front_xdr_room(lens[i]) - front_xdr_room(call->texts[i].len);
    return len;
}

uint8_t *
front_call_replace(const struct front_call *call,
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
        if (news[i] && lens[i] > FRONT_XDR_STRING_MAX)
            return NULL;
    *ret_len = length_with(call, len, news, lens);
    if (*ret_len > FRONT_PACKET_MAX - FRONT_HEADER)
        return NULL;
    whole = to = malloc(*ret_len + 1);
    for (size_t i = 0; whole && i < call->n_texts; i++) {
        struct front_text text = call->texts[i];
        size_t begin = text.at - 4;

        if (!news[i])
            continue;
        memcpy(to, from + done, begin - done);
        to = front_xdr_write(to + (begin - done), news[i], lens[i]);
        done = begin + front_xdr_room(text.len);
    }
    if (whole)
        memcpy(to, from + done, len - done);
    return whole;
}

bool
front_open_is_rw(const void *payload, size_t len)
{
    enum { READ_ONLY = 1 };
    struct front_xdr xdr;
    struct front_text name;
    uint32_t flags;

    front_xdr_begin(&xdr, payload, len);
    (void)front_xdr_optional(&xdr, &name);
    flags = front_xdr_u32(&xdr);
    return front_xdr_good(&xdr) && !(flags & READ_ONLY);
}

/* ---- an error -------------------------------------------------------------- */

/* virterror.h: the hooks' VIR_ERR_HOOK_SCRIPT_FAILED, the RPC code's
 * VIR_ERR_SYSTEM_ERROR; both are errors, not warnings. */
static const struct {
    uint32_t code;
    uint32_t domain;
} errors[] = {
    [FRONT_ERROR_HOOK] = {70, 34},
    [FRONT_ERROR_RPC] = {38, 7},
};
#define ERROR_LEVEL 2u

uint8_t *
front_error_reply(const struct front_header *call,
                  enum front_error error,
                  const char *message,
                  size_t *ret_len)
{
    size_t len = strlen(message);
    /* Code, domain, message, level; then absent: a domain, three strings; two
     * numbers; and an absent network. */
    size_t whole =
        FRONT_HEADER + 8 + 4 + front_xdr_room(len) + 4 + 4 + 3 * 4 + 2 * 4 + 4;
    struct front_header header = *call;
    uint8_t *bytes = calloc(1, whole);
    uint8_t *at;

    if (!bytes)
        return NULL;
    header.len = (uint32_t)whole;
    header.type = FRONT_REPLY;
    header.status = FRONT_ERROR;
    front_header_write(bytes, &header);
    at = bytes + FRONT_HEADER;
    front_xdr_put(at, errors[error].code);
    front_xdr_put(at + 4, errors[error].domain);
    front_xdr_put(at + 8, 1);
    at = front_xdr_write(at + 12, message, len);
    front_xdr_put(at, ERROR_LEVEL);
    *ret_len = whole;
    return bytes;
}
