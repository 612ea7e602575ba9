/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * tests/unit/test-proxy-calls.c - each procedure's arguments, made by hand
 *
 * They are written here as remote_protocol.x has them, and not from the table
 * that is tested.
 */
#include "config.h"

#include "hooks/proxy/calls.h"
#include "hooks/proxy/xdr.h"

#include "tests/unit/proxy-packets.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>

#define XML   "<domain>one</domain>"
#define OTHER "<domain>another one</domain>"

/* ---- arguments ------------------------------------------------------------- */

static void
device(struct packet *packet)
{
    packet_domain(packet);
    packet_text(packet, XML);
}

static void
device_flags(struct packet *packet)
{
    device(packet);
    packet_u32(packet, 3);
}

static void
define(struct packet *packet)
{
    packet_text(packet, XML);
}

static void
define_flags(struct packet *packet)
{
    packet_text(packet, XML);
    packet_u32(packet, 1);
}

static void
rest_of_prepare(struct packet *packet)
{
    packet_hyper(packet, 1);
    packet_optional(packet, "new name");
    packet_hyper(packet, 0);
    packet_text(packet, XML);
}

static void
prepare2(struct packet *packet)
{
    packet_optional(packet, NULL);
    rest_of_prepare(packet);
}

static void
prepare3(struct packet *packet)
{
    packet_opaque(packet, "cookie", 6);
    packet_optional(packet, "tcp://there");
    rest_of_prepare(packet);
}

static void
prepare_tunnel3(struct packet *packet)
{
    packet_opaque(packet, "", 0);
    rest_of_prepare(packet);
}

static void
begin3(struct packet *packet)
{
    packet_domain(packet);
    packet_optional(packet, XML);
    packet_hyper(packet, 1);
    packet_optional(packet, NULL);
    packet_hyper(packet, 0);
}

static void
perform3(struct packet *packet)
{
    packet_domain(packet);
    packet_optional(packet, XML);
    packet_opaque(packet, "cookie", 6);
    packet_optional(packet, "qemu+ssh://there/system");
    packet_optional(packet, NULL);
    packet_hyper(packet, 1);
    packet_optional(packet, NULL);
    packet_hyper(packet, 0);
}

static void
save_flags(struct packet *packet)
{
    packet_domain(packet);
    packet_text(packet, "/to");
    packet_optional(packet, XML);
    packet_u32(packet, 1);
}

static void
restore_flags(struct packet *packet)
{
    packet_text(packet, "/from");
    packet_optional(packet, XML);
    packet_u32(packet, 1);
}

static void
image_define(struct packet *packet)
{
    packet_text(packet, "/file");
    packet_text(packet, XML);
    packet_u32(packet, 1);
}

static void
managed_define(struct packet *packet)
{
    packet_domain(packet);
    packet_optional(packet, XML);
    packet_u32(packet, 1);
}

/* One of each type, and a string that is no XML. */
static void
parameters(struct packet *packet, const char *name)
{
    packet_u32(packet, 8);
    for (uint32_t type = 1; type <= 6; type++) {
        packet_text(packet, "number");
        packet_u32(packet, type);
        if (type >= 3 && type <= 5)
            packet_hyper(packet, 5);
        else
            packet_u32(packet, 5);
    }
    packet_text(packet, "bandwidth");
    packet_u32(packet, 7);
    packet_text(packet, OTHER);
    packet_text(packet, name);
    packet_u32(packet, 7);
    packet_text(packet, XML);
}

static void
begin3_params(struct packet *packet)
{
    packet_domain(packet);
    parameters(packet, "destination_xml");
    packet_u32(packet, 1);
}

static void
prepare3_params(struct packet *packet)
{
    parameters(packet, "persistent_xml");
    packet_opaque(packet, "cookie", 6);
    packet_u32(packet, 1);
}

static void
perform3_params(struct packet *packet)
{
    packet_domain(packet);
    packet_optional(packet, "qemu+ssh://there/system");
    parameters(packet, "destination_xml");
    packet_opaque(packet, "cookie", 6);
    packet_u32(packet, 1);
}

static void
block_copy(struct packet *packet)
{
    packet_domain(packet);
    packet_text(packet, "vda");
    packet_text(packet, XML);
    packet_u32(packet, 0);
    packet_u32(packet, 1);
}

static void
save_params(struct packet *packet)
{
    packet_domain(packet);
    parameters(packet, "dxml");
    packet_u32(packet, 1);
}

static void
restore_params(struct packet *packet)
{
    parameters(packet, "dxml");
    packet_u32(packet, 1);
}

static const struct {
    uint32_t number;
    enum proxy_kind kind;
    void (*write)(struct packet *packet);
    uint32_t flags;
} procedures[] = {
    {8, PROXY_ATTACH, device, 0},
    {10, PROXY_DEFINE, define_flags, 1},
    {11, PROXY_DEFINE, define, 0},
    {108, PROXY_MOVE, prepare2, 0},
    {148, PROXY_MOVE, rest_of_prepare, 0},
    {160, PROXY_ATTACH, device_flags, 3},
    {174, PROXY_UPDATE, device_flags, 3},
    {213, PROXY_LEAVE, begin3, 1},
    {214, PROXY_MOVE, prepare3, 0},
    {215, PROXY_MOVE, prepare_tunnel3, 0},
    {216, PROXY_LEAVE, perform3, 1},
    {232, PROXY_MOVE, save_flags, 1},
    {233, PROXY_MOVE, restore_flags, 1},
    {236, PROXY_MOVE, image_define, 1},
    {302, PROXY_LEAVE, begin3_params, 1},
    {303, PROXY_MOVE, prepare3_params, 1},
    {304, PROXY_MOVE, prepare3_params, 1},
    {305, PROXY_LEAVE, perform3_params, 1},
    {309, PROXY_DEFINE, define_flags, 1},
    {345, PROXY_COPY, block_copy, 1},
    {350, PROXY_DEFINE, define_flags, 1},
    {389, PROXY_MOVE, managed_define, 1},
    {440, PROXY_MOVE, save_params, 1},
    {441, PROXY_MOVE, restore_params, 1},
};

#define EACH(i)                                                                \
    (size_t i = 0; i < sizeof(procedures) / sizeof(procedures[0]); i++)

static void
test_each(void **state)
{
    (void)state;
    for
        EACH(i)
        {
            struct packet packet = {.len = 0};
            struct proxy_call call;

            procedures[i].write(&packet);
            assert_int_equal(proxy_kind(procedures[i].number),
                             procedures[i].kind);
            assert_true(proxy_call_read(procedures[i].number, packet.bytes,
                                        packet.len, &call));
            assert_int_equal(call.kind, procedures[i].kind);
            assert_int_equal(call.flags, procedures[i].flags);
            assert_int_equal(call.n_texts, 1);
            assert_int_equal(call.texts[0].len, strlen(XML));
            assert_memory_equal(packet.bytes + call.texts[0].at, XML,
                                strlen(XML));
            if (!call.has_domain)
                continue;
            assert_int_equal(call.uuid[15], 15);
        }
}

/* All others pass, and there are as many as above. */
static void
test_no_other(void **state)
{
    size_t n = 0;

    (void)state;
    for (uint32_t number = 0; number < 1000; number++)
        n += proxy_kind(number) != PROXY_PASS;
    /* And one whose arguments have no XML. */
    assert_int_equal(n, sizeof(procedures) / sizeof(procedures[0]) + 1);
    assert_int_equal(proxy_kind(0xffffffff), PROXY_PASS);
}

/* In memory that ends there, so that a sanitizer sees one byte more. */
static void
test_truncated(void **state)
{
    (void)state;
    for
        EACH(i)
        {
            struct packet packet = {.len = 0};
            struct proxy_call call;

            procedures[i].write(&packet);
            for (size_t len = 0; len < packet.len; len++) {
                uint8_t *copy = malloc(len + 1);

                memcpy(copy + 1, packet.bytes, len);
                assert_false(proxy_call_read(procedures[i].number, copy + 1,
                                             len, &call));
                free(copy);
            }
        }
}

/* Any word may be any number. */
static void
test_lies(void **state)
{
    static const uint32_t lies[] = {
        1, 2, 8, 0x00400000, 0x7fffffff, 0xfffffffd, 0xffffffff};

    (void)state;
    for
        EACH(i)
        {
            struct packet packet = {.len = 0};

            procedures[i].write(&packet);
            for (size_t at = 0; at + 4 <= packet.len; at += 4)
                for (size_t j = 0; j < sizeof(lies) / sizeof(lies[0]); j++) {
                    struct packet lying = packet;
                    struct proxy_call call;

                    proxy_xdr_put(lying.bytes + at, lies[j]);
                    if (!proxy_call_read(procedures[i].number, lying.bytes,
                                         lying.len, &call))
                        continue;
                    for (size_t k = 0; k < call.n_texts; k++)
                        assert_true(call.texts[k].at + call.texts[k].len <=
                                    lying.len);
                }
        }
}

/* virDomainMigratePerform, whose arguments have no XML. */
static void
write_perform(struct packet *packet)
{
    packet_domain(packet);
    packet_opaque(packet, "cookie", 6);
    packet_text(packet, "tcp://there");
    packet_hyper(packet, 64);
    packet_optional(packet, NULL);
    packet_hyper(packet, 0);
}

static void
test_perform(void **state)
{
    struct packet packet = {.len = 0};
    struct proxy_call call;

    (void)state;
    write_perform(&packet);
    assert_int_equal(proxy_kind(62), PROXY_LEAVE);
    assert_true(proxy_call_read(62, packet.bytes, packet.len, &call));
    assert_int_equal(call.n_texts, 0);
    assert_int_equal(call.flags, 64);
    assert_true(call.has_domain);
    assert_int_equal(call.there, 0);
}

/* What the domain is to be there, and the disks that are named. */
static void
test_leaves(void **state)
{
    struct packet packet = {.len = 0};
    struct proxy_call call;

    (void)state;
    packet_domain(&packet);
    packet_u32(&packet, 4);
    for (unsigned i = 0; i < 4; i++) {
        packet_text(&packet, i == 0   ? "persistent_xml"
                             : i == 2 ? "destination_xml"
                                      : "migrate_disks");
        packet_u32(&packet, 7);
        packet_text(&packet, i == 0 ? XML : i == 2 ? OTHER : "vda");
    }
    packet_u32(&packet, 128);
    assert_true(proxy_call_read(302, packet.bytes, packet.len, &call));
    assert_int_equal(call.flags, 128);
    assert_int_equal(call.n_texts, 2);
    assert_int_equal(call.there, 2);
    assert_int_equal(call.n_disks, 2);
    assert_memory_equal(packet.bytes + call.disks[1].at, "vda", 3);
    packet.len = 0;
    perform3(&packet);
    assert_true(proxy_call_read(216, packet.bytes, packet.len, &call));
    assert_int_equal(call.there, 1);
    assert_int_equal(call.n_disks, 0);
}

/* More than libvirt takes; it says so itself. */
static void
test_too_many_disks(void **state)
{
    struct proxy_call call;

    (void)state;
    for (uint32_t n = PROXY_DISKS_MAX; n <= PROXY_DISKS_MAX + 1; n++) {
        static uint8_t bytes[PACKET_MAX + 32 * (PROXY_DISKS_MAX + 1)];
        struct packet packet = {.len = 0};
        size_t len;

        packet_domain(&packet);
        packet_u32(&packet, n);
        memcpy(bytes, packet.bytes, len = packet.len);
        packet.len = 0;
        packet_text(&packet, "migrate_disks");
        packet_u32(&packet, 7);
        packet_text(&packet, "a");
        for (uint32_t i = 0; i < n; i++, len += packet.len)
            memcpy(bytes + len, packet.bytes, packet.len);
        proxy_xdr_put(bytes + len, 64);
        assert_int_equal(proxy_call_read(302, bytes, len + 4, &call),
                         n <= PROXY_DISKS_MAX);
    }
}

static void
test_too_many_texts(void **state)
{
    struct packet packet = {.len = 0};
    struct proxy_call call;

    (void)state;
    packet_u32(&packet, PROXY_TEXTS_MAX + 1);
    for (unsigned i = 0; i <= PROXY_TEXTS_MAX; i++) {
        packet_text(&packet, "dxml");
        packet_u32(&packet, 7);
        packet_text(&packet, XML);
    }
    packet_u32(&packet, 0);
    assert_false(proxy_call_read(441, packet.bytes, packet.len, &call));
    assert_int_equal(call.n_texts, PROXY_TEXTS_MAX);
}

/* ---- other texts ----------------------------------------------------------- */

/* Of any length: read again it is there, and all else is as it was. */
static void
test_replace(void **state)
{
    (void)state;
    for
        EACH(i)
    for (size_t len = 0; len < 50; len++) {
        static const char letters[] =
            "0123456789012345678901234567890123456789012345678901234567890";
        const char *news[] = {letters};
        struct packet packet = {.len = 0};
        struct proxy_call call;
        struct proxy_call again;
        size_t new_len;
        size_t behind;
        uint8_t *bytes;

        procedures[i].write(&packet);
        assert_true(proxy_call_read(procedures[i].number, packet.bytes,
                                    packet.len, &call));
        bytes = proxy_call_replace(&call, packet.bytes, packet.len, news, &len,
                                   &new_len);
        assert_non_null(bytes);
        assert_true(
            proxy_call_read(procedures[i].number, bytes, new_len, &again));
        assert_int_equal(again.texts[0].at, call.texts[0].at);
        assert_int_equal(again.texts[0].len, len);
        assert_memory_equal(bytes + again.texts[0].at, letters, len);
        assert_memory_equal(bytes, packet.bytes, call.texts[0].at - 4);
        behind = call.texts[0].at - 4 + proxy_xdr_size(strlen(XML));
        assert_int_equal(new_len - (packet.len - behind),
                         call.texts[0].at - 4 + proxy_xdr_size(len));
        assert_memory_equal(bytes + new_len - (packet.len - behind),
                            packet.bytes + behind, packet.len - behind);
        free(bytes);
    }
}

static void
test_replace_some(void **state)
{
    const char *news[] = {NULL, OTHER};
    const size_t lens[] = {0, strlen(OTHER)};
    struct packet packet = {.len = 0};
    struct proxy_call call;
    size_t len;
    uint8_t *bytes;

    (void)state;
    packet_u32(&packet, 2);
    for (unsigned i = 0; i < 2; i++) {
        packet_text(&packet, i ? "persistent_xml" : "destination_xml");
        packet_u32(&packet, 7);
        packet_text(&packet, XML);
    }
    packet_opaque(&packet, "", 0);
    packet_u32(&packet, 0);
    assert_true(proxy_call_read(303, packet.bytes, packet.len, &call));
    assert_int_equal(call.n_texts, 2);
    bytes =
        proxy_call_replace(&call, packet.bytes, packet.len, news, lens, &len);
    assert_true(proxy_call_read(303, bytes, len, &call));
    assert_memory_equal(bytes + call.texts[0].at, XML, strlen(XML));
    assert_int_equal(call.texts[1].len, strlen(OTHER));
    assert_memory_equal(bytes + call.texts[1].at, OTHER, strlen(OTHER));
    free(bytes);
}

static void
test_replace_limit(void **state)
{
    struct packet packet = {.len = 0};
    struct proxy_call call;
    size_t len = PROXY_XDR_STRING_MAX;
    char *text = calloc(1, len + 1);
    const char *news[] = {text};
    size_t new_len;
    uint8_t *bytes;

    (void)state;
    define(&packet);
    assert_true(proxy_call_read(11, packet.bytes, packet.len, &call));
    bytes = proxy_call_replace(&call, packet.bytes, packet.len, news, &len,
                               &new_len);
    assert_non_null(bytes);
    assert_int_equal(new_len, len + 4);
    free(bytes);
    len++;
    assert_null(proxy_call_replace(&call, packet.bytes, packet.len, news, &len,
                                   &new_len));
    free(text);
}

/* ---- header, opening, error ------------------------------------------------ */

static void
test_header(void **state)
{
    static const struct {
        uint32_t len;
        bool good;
    } lens[] = {
        {0, false},       {27, false},       {28, true},
        {33554436, true}, {33554437, false}, {0xffffffff, false},
    };
    struct proxy_header header = {1, 2, 3, 4, 5, 6, 7};
    struct proxy_header again;
    uint8_t bytes[PROXY_HEADER_LEN];

    (void)state;
    for (size_t i = 0; i < sizeof(lens) / sizeof(lens[0]); i++) {
        header.len = lens[i].len;
        proxy_header_write(bytes, &header);
        assert_int_equal(proxy_header_read(bytes, &again), lens[i].good);
        assert_memory_equal(&header, &again, sizeof(header));
    }
}

static void
test_open(void **state)
{
    struct packet packet = {.len = 0};

    (void)state;
    packet_optional(&packet, NULL);
    packet_u32(&packet, 0);
    assert_true(proxy_open_is_rw(packet.bytes, packet.len));
    assert_false(proxy_open_is_rw(packet.bytes, packet.len - 1));
    proxy_xdr_put(packet.bytes + 4, 1);
    assert_false(proxy_open_is_rw(packet.bytes, packet.len));
    proxy_xdr_put(packet.bytes + 4, 2); /* NO_ALIASES */
    assert_true(proxy_open_is_rw(packet.bytes, packet.len));
}

/* As virNetMessageError is decoded. */
static void
test_error(void **state)
{
    const struct proxy_header call = {99, PROXY_PROGRAM_REMOTE, 1, 11, 0, 42,
                                      0};
    struct proxy_header header;
    struct proxy_text text;
    struct proxy_xdr xdr;
    size_t len;
    uint8_t *bytes =
        proxy_error_reply(&call, PROXY_ERROR_HOOK, "it is so", &len);

    (void)state;
    assert_true(proxy_header_read(bytes, &header));
    assert_int_equal(header.len, len);
    assert_int_equal(header.procedure, 11);
    assert_int_equal(header.serial, 42);
    assert_int_equal(header.type, PROXY_REPLY);
    assert_int_equal(header.status, PROXY_ERROR);
    proxy_xdr_begin(&xdr, bytes, len);
    proxy_xdr_skip(&xdr, PROXY_HEADER_LEN);
    assert_int_equal(proxy_xdr_u32(&xdr), 70);
    assert_int_equal(proxy_xdr_u32(&xdr), 34);
    assert_true(proxy_xdr_optional(&xdr, &text));
    assert_memory_equal(bytes + text.at, "it is so", 8);
    assert_int_equal(proxy_xdr_u32(&xdr), 2);
    for (unsigned i = 0; i < 4; i++) /* domain, three strings */
        assert_false(proxy_xdr_optional(&xdr, &text));
    proxy_xdr_skip(&xdr, 8);
    assert_false(proxy_xdr_optional(&xdr, &text)); /* network */
    assert_true(proxy_xdr_good(&xdr));
    assert_int_equal(xdr.at, len);
    free(bytes);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_each),
        cmocka_unit_test(test_no_other),
        cmocka_unit_test(test_truncated),
        cmocka_unit_test(test_lies),
        cmocka_unit_test(test_perform),
        cmocka_unit_test(test_leaves),
        cmocka_unit_test(test_too_many_disks),
        cmocka_unit_test(test_too_many_texts),
        cmocka_unit_test(test_replace),
        cmocka_unit_test(test_replace_some),
        cmocka_unit_test(test_replace_limit),
        cmocka_unit_test(test_header),
        cmocka_unit_test(test_open),
        cmocka_unit_test(test_error),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
