/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * tests/unit/test-wire-sieve.c - what is let through to the agent
 */
#include "config.h"

#include "hooks/wire/sieve.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static const char *const ours[] = {
    "'rbd'",      "\"rbd\"",     "'volume'",
    "\"volume\"", "urn:remora:", "http://openstack.org/xmlns/libvirt/nova/",
    "<!DOCTYPE",
};

/* Exactly len bytes of memory, so that the sanitizer sees a read past it. */
static bool
sieve(const char *text, size_t len)
{
    char *bytes = malloc(len ? len : 1);
    bool found;

    assert_non_null(bytes);
    memcpy(bytes, text, len);
    found = wire_sieve(bytes, len);
    free(bytes);
    return found;
}

/* In a document, since what is none is let through. */
static bool
sieve_in(const char *text, size_t len)
{
    char bytes[256] = "<a>";

    memcpy(bytes + 3, text, len);
    return sieve(bytes, 3 + len);
}

static void
assert_foreign(const char *text)
{
    if (sieve(text, strlen(text)))
        fail_msg("'%s' was taken for ours", text);
}

/* At the beginning, in the middle, at the end, behind a NUL. */
static void
test_places(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(ours) / sizeof(ours[0]); i++) {
        char text[256] = {0};
        size_t len = strlen(ours[i]);

        assert_true(sieve(ours[i], len));
        memset(text, '<', sizeof(text));
        for (size_t at = 0; at + len <= sizeof(text); at++) {
            memset(text, '<', sizeof(text));
            memcpy(text + at, ours[i], len);
            assert_true(sieve(text, sizeof(text)));
        }
        memset(text, 0, sizeof(text));
        memcpy(text + 100, ours[i], len);
        assert_true(sieve(text, sizeof(text)));
    }
}

/* One byte short at either end, one byte wrong, cut in two. */
static void
test_near_misses(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(ours) / sizeof(ours[0]); i++) {
        size_t len = strlen(ours[i]);
        char text[128];

        assert_false(sieve_in(ours[i], len - 1));
        assert_false(sieve_in(ours[i] + 1, len - 1));
        for (size_t at = 0; at < len; at++) {
            memcpy(text, ours[i], len);
            text[at] ^= 0x20;
            assert_false(sieve_in(text, len));
        }
        for (size_t at = 1; at < len; at++) {
            memcpy(text, ours[i], at);
            text[at] = '\n';
            memcpy(text + at + 1, ours[i] + at, len - at);
            assert_false(sieve_in(text, len + 1));
        }
    }
}

static void
test_foreign(void **state)
{
    (void)state;
    assert_foreign("");
    assert_foreign("<domain type='kvm'><name>rbd volume remora</name>"
                   "<devices><disk type='file'><source file='/rbd'/></disk>"
                   "</devices></domain>");
    assert_foreign("<source protocol='rbd\"/>");
    assert_foreign("<source protocol='rbd2'/>");
    assert_foreign("<source protocol=rbd/>");
    assert_foreign("<source protocol='sheepdog'/>");
    assert_foreign("<disk type='volumes'>");
    assert_foreign("<a xmlns:a='urn:remora'/>");
    assert_foreign(
        "<a xmlns:a='http://openstack.org/xmlns/libvirt/neutron/'/>");
}

/* What spells a letter otherwise, or is in another encoding. */
static void
test_hidden(void **state)
{
    static const struct {
        const char *text;
        size_t len; /* 0: up to its end */
    } hidden[] = {
        {"<source protocol='r&#98;d'/>", 0},
        {"<source protocol='r&#x62;d'/>", 0},
        {"<source protocol='&#0000000000000000000114;bd'/>", 0},
        {"<disk type='v&#111;lume'/>", 0},
        {"<a xmlns:a='urn&#58;remora:1'/>", 0},
        {"<a xmlns:a='http:/&#47;openstack.org'/>", 0},
        {"<a>&#233;&#x72;", 0},
        {"<!DOCTYPE domain [<!ENTITY p 'rb'>]><a b='&p;d'/>", 0},
        {"<?xml version='1.0' encoding='UTF-7'?><a/>", 0},
        {"<?xml version='1.0' encoding=\"ISO-8859-15\"?><a/>", 0},
        {"<?xml version='1.0' encoding = 'UTF-16'?><a/>", 0},
        {"<?xml version='1.0' encoding='UTF-8' encoding='x'?><a/>", 0},
        {"<?xml version='1.0' encoding?><a/>", 0},
        {"<?xml version='1.0' encoding='UTF-8", 0},
        {"\xef\xbb\xbf<?xml version='1.0' encoding='IBM037'?><a/>", 0},
        {"\xff\xfe<\0a\0/\0>\0", 10},
        {"<\0a\0/\0>\0", 8},
        {"<a>\0</a>", 8},
        {"\x4c\x6f\xa7\x94", 0},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(hidden) / sizeof(hidden[0]); i++) {
        size_t len = hidden[i].len ? hidden[i].len : strlen(hidden[i].text);

        if (!sieve(hidden[i].text, len))
            fail_msg("%zu is taken for foreign", i);
    }
}

/* Much of it is in what libvirt, Nova and people write. */
static void
test_plain(void **state)
{
    (void)state;
    assert_foreign(" \n");
    assert_foreign("\xef\xbb\xbf<a/>");
    assert_foreign("\xef\xbb\xbf");
    assert_foreign("<?xml version='1.0'?><a encoding='x'/>");
    assert_foreign("<?xml version='1.0' encoding='UTF-8'?><a/>");
    assert_foreign("<?xml version=\"1.0\" encoding = \"utf8\" ?><a/>");
    assert_foreign("<?xml version='1.0' encoding='us-ascii'?><a/>");
    assert_foreign("\n<!-- encoding -->\n<a>\xc3\xa9 &amp;#98; &lt;</a>");
    assert_foreign("<a b='&#39;&#xe9;&#10;&#x1F600;&#34;&#'>&#x</a>");
    assert_foreign("<a>&#99999999999999999999998;&#x100000062;</a>");
}

/* A whole disk as libvirt writes it, and as another hook script might. */
static void
test_disks(void **state)
{
    const char *network =
        "<disk type='network' device='disk'>\n"
        "  <source protocol='rbd' name='vms/a' index='1'>\n  </source>";
    const char *quoted = "<source name=\"vms/a\" protocol=\"rbd\"/>";
    const char *spaced = "<source protocol = \"rbd\"\n name = 'vms/a'/>";
    const char *volume = "<disk type='volume' device='disk'>";
    const char *metadata =
        "<remora:domain xmlns:remora=\"urn:remora:domain:1\">";
    const char *nova =
        "<nova:instance xmlns:nova=\"http://openstack.org/xmlns/libvirt/nova/"
        "1.1\">";

    (void)state;
    assert_true(sieve(network, strlen(network)));
    assert_true(sieve(quoted, strlen(quoted)));
    assert_true(sieve(spaced, strlen(spaced)));
    assert_true(sieve(volume, strlen(volume)));
    assert_true(sieve(metadata, strlen(metadata)));
    assert_true(sieve(nova, strlen(nova)));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_places),  cmocka_unit_test(test_near_misses),
        cmocka_unit_test(test_foreign), cmocka_unit_test(test_hidden),
        cmocka_unit_test(test_plain),   cmocka_unit_test(test_disks),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
