/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * hooks/proxy/calls.c - libvirt's calls that carry a domain or a disk
 */
#include "config.h"

#include "hooks/proxy/calls.h"

#include "hooks/proxy/protocol.h"

#include <stdlib.h>
#include <string.h>

/*
 * Arguments, a letter each:
 *     d  domain: name, UUID, id     x  XML             X  XML or nothing
 *     s  string                     n  string or nothing
 *     c  opaque data                h  hyper           u  flags
 *     p  typed parameters, some of which are XML       f  flags as a hyper
 */
struct procedure {
    uint32_t number;
    enum proxy_kind kind;
    const char *arguments;
};

/* By number. What only names a device or a file that is there already
 * (DETACH_DEVICE, RESTORE) is not in it. */
static const struct procedure procedures[] = {
    {PROXY_PROC_DOMAIN_ATTACH_DEVICE, PROXY_ATTACH, "dx"},
    {PROXY_PROC_DOMAIN_CREATE_XML, PROXY_DEFINE, "xu"},
    {PROXY_PROC_DOMAIN_DEFINE_XML, PROXY_DEFINE, "x"},
    {PROXY_PROC_DOMAIN_MIGRATE_PERFORM, PROXY_LEAVE, "dcsfnh"},
    {PROXY_PROC_DOMAIN_MIGRATE_PREPARE2, PROXY_MOVE, "nhnhx"},
    {PROXY_PROC_DOMAIN_MIGRATE_PREPARE_TUNNEL, PROXY_MOVE, "hnhx"},
    {PROXY_PROC_DOMAIN_ATTACH_DEVICE_FLAGS, PROXY_ATTACH, "dxu"},
    {PROXY_PROC_DOMAIN_UPDATE_DEVICE_FLAGS, PROXY_UPDATE, "dxu"},
    {PROXY_PROC_DOMAIN_MIGRATE_BEGIN3, PROXY_LEAVE, "dXfnh"},
    {PROXY_PROC_DOMAIN_MIGRATE_PREPARE3, PROXY_MOVE, "cnhnhx"},
    {PROXY_PROC_DOMAIN_MIGRATE_PREPARE_TUNNEL3, PROXY_MOVE, "chnhx"},
    {PROXY_PROC_DOMAIN_MIGRATE_PERFORM3, PROXY_LEAVE, "dXcnnfnh"},
    {PROXY_PROC_DOMAIN_SAVE_FLAGS, PROXY_MOVE, "dsXu"},
    {PROXY_PROC_DOMAIN_RESTORE_FLAGS, PROXY_MOVE, "sXu"},
    {PROXY_PROC_DOMAIN_SAVE_IMAGE_DEFINE_XML, PROXY_MOVE, "sxu"},
    {PROXY_PROC_DOMAIN_MIGRATE_BEGIN3_PARAMS, PROXY_LEAVE, "dpu"},
    {PROXY_PROC_DOMAIN_MIGRATE_PREPARE3_PARAMS, PROXY_MOVE, "pcu"},
    {PROXY_PROC_DOMAIN_MIGRATE_PREPARE_TUNNEL3_PARAMS, PROXY_MOVE, "pcu"},
    {PROXY_PROC_DOMAIN_MIGRATE_PERFORM3_PARAMS, PROXY_LEAVE, "dnpcu"},
    {PROXY_PROC_DOMAIN_CREATE_XML_WITH_FILES, PROXY_DEFINE, "xu"},
    {PROXY_PROC_DOMAIN_BLOCK_COPY, PROXY_COPY, "dsxpu"},
    {PROXY_PROC_DOMAIN_DEFINE_XML_FLAGS, PROXY_DEFINE, "xu"},
    {PROXY_PROC_DOMAIN_MANAGED_SAVE_DEFINE_XML, PROXY_MOVE, "dXu"},
    {PROXY_PROC_DOMAIN_SAVE_PARAMS, PROXY_MOVE, "dpu"},
    {PROXY_PROC_DOMAIN_RESTORE_PARAMS, PROXY_MOVE, "pu"},
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
    (void)proxy_xdr_text(xdr);
    if (!proxy_xdr_good(xdr) || xdr->len - xdr->at < sizeof(call->uuid)) {
        xdr->bad = true;
        return;
    }
    memcpy(call->uuid, xdr->bytes + xdr->at, sizeof(call->uuid));
    proxy_xdr_skip(xdr, sizeof(call->uuid) + 4);
    call->has_domain = true;
}

static bool
is_named(const struct proxy_xdr *xdr, struct proxy_text name, const char *what)
{
    return name.len == strlen(what) &&
           memcmp(xdr->bytes + name.at, what, name.len) == 0;
}

static void
add_disk(struct proxy_call *call, struct proxy_xdr *xdr, struct proxy_text disk)
{
    if (call->n_disks >= PROXY_DISKS_MAX) {
        xdr->bad = true;
        return;
    }
    call->disks[call->n_disks++] = disk;
}

/* Those of virDomainMigrate3, virDomainSaveParams and virDomainRestoreParams
 * that are a domain's XML; and what else of a migration matters. */
static void
read_string(struct proxy_call *call,
            struct proxy_xdr *xdr,
            struct proxy_text name,
            struct proxy_text value)
{
    if (is_named(xdr, name, "destination_xml") ||
        is_named(xdr, name, "persistent_xml") || is_named(xdr, name, "dxml"))
        add_text(call, xdr, value);
    else if (is_named(xdr, name, "migrate_disks"))
        add_disk(call, xdr, value);
    if (is_named(xdr, name, "destination_xml"))
        call->there = call->n_texts;
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
        if (proxy_xdr_good(xdr))
            read_string(call, xdr, name, value);
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
        if (proxy_xdr_optional(xdr, &text)) {
            add_text(call, xdr, text);
            call->there = call->n_texts;
        }
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
    case 'f':
        (void)proxy_xdr_u32(xdr);
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
    if (*ret_len > PROXY_PACKET_MAX - PROXY_HEADER_LEN)
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
