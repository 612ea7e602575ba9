/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * tests/unit/test-wire-headers.c - every header at its limits and one past them
 */
#include "config.h"

#include "hooks/wire/wire.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

/* Not assert_string_equal(): it reads past the NULL that means 'good'. */
static void
assert_reason(const char *reason, const char *expected)
{
    if (!reason)
        fail_msg("passed, expected '%s'", expected);
    assert_string_equal(reason, expected);
}

static void
assert_good(const char *reason)
{
    if (reason)
        fail_msg("refused: '%s'", reason);
}

static const char *
request_of(unsigned op, uint32_t name_len, uint32_t body_len)
{
    struct wire_request request;

    wire_request_init(&request, WIRE_PREPARE, 0, 0);
    request.op = op;
    request.name_len = name_len;
    request.body_len = body_len;
    return wire_request_check(&request);
}

/* What is on the wire, byte for byte: a field that moves needs a new version.
 * No field follows a gap, so nothing uninitialised is sent. */
static void
test_layout(void **state)
{
    struct wire_greeting greeting;
    struct wire_request request;
    struct wire_answer answer;
    struct wire_client client;
    const uint32_t greeted[] = {WIRE_MAGIC, 1, 30000, 0};
    const uint32_t requested[] = {WIRE_MAGIC, 1, 2, 4, 100, 0};
    const uint32_t answered[] = {WIRE_MAGIC, 1, 1, 7, 9, 0};
    const uint32_t asking[] = {WIRE_MAGIC, 1, 1000, 1001, 4711, 0};

    (void)state;
    wire_greeting_init(&greeting, 30000);
    wire_request_init(&request, WIRE_MIGRATE, 4, 100);
    wire_answer_init(&answer, WIRE_REFUSE, 7, 9);
    wire_client_init(&client, 1000, 1001, 4711);
    assert_int_equal(sizeof(greeting), sizeof(greeted));
    assert_int_equal(sizeof(request), sizeof(requested));
    assert_int_equal(sizeof(answer), sizeof(answered));
    assert_memory_equal(&greeting, greeted, sizeof(greeted));
    assert_memory_equal(&request, requested, sizeof(requested));
    assert_memory_equal(&answer, answered, sizeof(answered));
    assert_int_equal(sizeof(client), sizeof(asking));
    assert_memory_equal(&client, asking, sizeof(asking));
}

/* The three ways in which no header may begin or end. */
static void
test_foreign(void **state)
{
    struct wire_greeting greeting;
    struct wire_request request;
    struct wire_answer answer;
    struct wire_client client;

    (void)state;
#define FOREIGN(header, check, field, value, reason)                           \
    do {                                                                       \
        uint32_t kept = (header).field;                                        \
                                                                               \
        assert_good(check(&(header)));                                         \
        (header).field = (value);                                              \
        assert_reason(check(&(header)), reason);                               \
        (header).field = kept;                                                 \
    } while (0)
#define FOREIGN_ALL(header, check)                                             \
    do {                                                                       \
        FOREIGN(header, check, magic, WIRE_MAGIC ^ 1,                          \
                "it is not of remora's protocol");                             \
        FOREIGN(header, check, version, WIRE_VERSION + 1,                      \
                "it is of another version of remora");                         \
        FOREIGN(header, check, version, 0,                                     \
                "it is of another version of remora");                         \
        FOREIGN(header, check, reserved, 1, "its reserved field is not 0");    \
    } while (0)
    wire_greeting_init(&greeting, 1);
    FOREIGN_ALL(greeting, wire_greeting_check);
    wire_request_init(&request, WIRE_PREPARE, 1, 1);
    FOREIGN_ALL(request, wire_request_check);
    wire_answer_init(&answer, WIRE_ALLOW, 0, 0);
    FOREIGN_ALL(answer, wire_answer_check);
    wire_client_init(&client, 0, 0, 0);
    FOREIGN_ALL(client, wire_client_check);
    wire_client_init(&client, UINT32_MAX, UINT32_MAX, UINT32_MAX);
    FOREIGN_ALL(client, wire_client_check);
}

static void
test_greeting(void **state)
{
    struct wire_greeting greeting;

    (void)state;
    wire_greeting_init(&greeting, 0);
    assert_reason(wire_greeting_check(&greeting),
                  "it leaves no time for an answer");
    wire_greeting_init(&greeting, 1);
    assert_good(wire_greeting_check(&greeting));
    /* The hook caps it; a configuration may ask for more. */
    wire_greeting_init(&greeting, UINT32_MAX);
    assert_good(wire_greeting_check(&greeting));
}

static void
test_exchanges(void **state)
{
    const unsigned ops[] = {WIRE_PREPARE, WIRE_MIGRATE, WIRE_RESTORE};

    (void)state;
    for (size_t i = 0; i < sizeof(ops) / sizeof(ops[0]); i++) {
        assert_good(request_of(ops[i], 1, 1));
        assert_good(request_of(ops[i], WIRE_NAME_MAX, WIRE_BODY_MAX));
        assert_reason(request_of(ops[i], 0, 1), "it names no domain");
        assert_reason(request_of(ops[i], 1, 0), "it has no XML");
        assert_reason(request_of(ops[i], WIRE_NAME_MAX + 1, 1),
                      "the name is too long");
        assert_reason(request_of(ops[i], 1, WIRE_BODY_MAX + 1),
                      "the XML is too long");
        assert_reason(request_of(ops[i], UINT32_MAX, UINT32_MAX),
                      "the name is too long");
    }
}

static void
test_datagrams(void **state)
{
    const unsigned ops[] = {WIRE_STARTED, WIRE_STOPPED, WIRE_RELEASE};
    const uint32_t max = WIRE_DATAGRAM_MAX - sizeof(struct wire_request);

    (void)state;
    for (size_t i = 0; i < sizeof(ops) / sizeof(ops[0]); i++) {
        assert_good(request_of(ops[i], 1, 0));
        assert_good(request_of(ops[i], 4, max - 4));
        assert_reason(request_of(ops[i], 4, max - 3),
                      "it is too long for a datagram");
        assert_reason(request_of(ops[i], 0, 0), "it names no domain");
        assert_reason(request_of(ops[i], WIRE_NAME_MAX + 1, 0),
                      "the name is too long");
        assert_reason(request_of(ops[i], 1, UINT32_MAX), "the XML is too long");
    }
}

static void
test_proxy(void **state)
{
    const unsigned whole[] = {WIRE_PROXY_DEFINE, WIRE_PROXY_MOVE};
    const unsigned device[] = {WIRE_PROXY_ATTACH_LIVE, WIRE_PROXY_DEVICE,
                               WIRE_PROXY_UPDATE, WIRE_PROXY_COPY,
                               WIRE_PROXY_MOVE_DISKS};

    (void)state;
    for (size_t i = 0; i < sizeof(whole) / sizeof(whole[0]); i++) {
        assert_good(request_of(whole[i], 0, 1));
        assert_good(request_of(whole[i], 0, WIRE_BODY_MAX));
        assert_reason(request_of(whole[i], 0, 0), "it has no XML");
        assert_reason(request_of(whole[i], 1, 1), "it names a domain");
        assert_reason(request_of(whole[i], 0, WIRE_BODY_MAX + 1),
                      "the XML is too long");
    }
    for (size_t i = 0; i < sizeof(device) / sizeof(device[0]); i++) {
        assert_good(request_of(device[i], 1, 1));
        assert_good(request_of(device[i], WIRE_NAME_MAX, WIRE_BODY_MAX));
        assert_reason(request_of(device[i], 0, 1), "it names no domain");
        assert_reason(request_of(device[i], 1, 0), "it has no XML");
        assert_reason(request_of(device[i], WIRE_NAME_MAX + 1, 1),
                      "the name is too long");
        assert_reason(request_of(device[i], 1, UINT32_MAX),
                      "the XML is too long");
    }
    assert_good(request_of(WIRE_PROXY_CALL_ENDED, 36, 0));
    assert_good(request_of(WIRE_PROXY_CALL_ENDED, 36, WIRE_BODY_MAX));
    assert_reason(request_of(WIRE_PROXY_CALL_ENDED, 0, 0),
                  "it names no domain");
    assert_reason(request_of(WIRE_PROXY_CALL_ENDED, WIRE_NAME_MAX + 1, 0),
                  "the name is too long");
}

static void
test_whose(void **state)
{
    (void)state;
    for (unsigned op = 0; op < 32; op++)
        assert_int_equal(wire_op_is_proxy((enum wire_op)op),
                         op >= WIRE_PROXY_DEFINE &&
                             op <= WIRE_PROXY_MOVE_DISKS);
}

static void
test_status_and_unknown(void **state)
{
    const char *bare = "a request for the status has neither name nor body";
    const char *unknown = "its operation is unknown";

    (void)state;
    assert_good(request_of(WIRE_STATUS, 0, 0));
    assert_reason(request_of(WIRE_STATUS, 1, 0), bare);
    assert_reason(request_of(WIRE_STATUS, 0, 1), bare);
    assert_reason(request_of(0, 1, 1), unknown);
    assert_reason(request_of(WIRE_STATUS + 1, 1, 1), unknown);
    assert_reason(request_of(WIRE_PROXY_DEFINE - 1, 1, 1), unknown);
    assert_reason(request_of(WIRE_PROXY_MOVE_DISKS + 1, 1, 1), unknown);
    assert_reason(request_of(UINT32_MAX, 1, 1), unknown);
}

static void
test_answers(void **state)
{
    struct wire_answer answer;

    (void)state;
    wire_answer_init(&answer, WIRE_ALLOW, WIRE_MESSAGE_MAX, WIRE_OUTPUT_MAX);
    assert_good(wire_answer_check(&answer));
    answer.verdict = WIRE_REFUSE;
    assert_good(wire_answer_check(&answer));
    answer.verdict = WIRE_BUSY;
    assert_good(wire_answer_check(&answer));
    answer.verdict = WIRE_BUSY + 1;
    assert_reason(wire_answer_check(&answer), "its verdict is unknown");
    answer.verdict = WIRE_ALLOW;
    answer.message_len = WIRE_MESSAGE_MAX + 1;
    assert_reason(wire_answer_check(&answer), "its message is too long");
    answer.message_len = 0;
    answer.output_len = WIRE_OUTPUT_MAX + 1;
    assert_reason(wire_answer_check(&answer), "its output is too long");
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_layout),
        cmocka_unit_test(test_foreign),
        cmocka_unit_test(test_greeting),
        cmocka_unit_test(test_exchanges),
        cmocka_unit_test(test_datagrams),
        cmocka_unit_test(test_proxy),
        cmocka_unit_test(test_whose),
        cmocka_unit_test(test_status_and_unknown),
        cmocka_unit_test(test_answers),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
