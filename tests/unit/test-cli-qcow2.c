/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * tests/unit/test-cli-qcow2.c - where a file of qcow2 has what
 *
 * That QEMU reads it, and finds nothing wrong, is for tests/integration.
 */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "agent/cli/qcow2.h"
#include "agent/rbd/store.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define CLUSTER 65536u
/* What one second table is for. */
#define TABLE (G_GUINT64_CONSTANT(8192) * CLUSTER)

typedef struct {
    int fd;
    CmdQcow2 *file;
} Made;

static Made
make(guint64 size)
{
    char name[] = "/tmp/test-cli-qcow2.XXXXXX";
    Made made = {.fd = mkstemp(name)};

    assert_true(made.fd >= 0);
    assert_int_equal(unlink(name), 0);
    made.file = cmd_qcow2_new(made.fd, size, NULL);
    assert_non_null(made.file);
    return made;
}

static void
put(const Made *made, guint64 offset, const char *text)
{
    assert_true(cmd_qcow2_put(made->file, offset, (const guint8 *)text,
                              strlen(text), NULL));
}

static void
end(Made *made)
{
    assert_true(cmd_qcow2_end(made->file, NULL));
    cmd_qcow2_free(made->file);
}

static guint64
number(int fd, guint64 at)
{
    guint64 value = 0;

    assert_int_equal(pread(fd, &value, sizeof(value), (off_t)at), 8);
    return GUINT64_FROM_BE(value);
}

/* What the disk has there, by the tables; "": nothing. */
static void
assert_text(int fd, guint64 offset, const char *expected)
{
    guint64 mask = (G_GUINT64_CONSTANT(1) << 56) - CLUSTER;
    guint64 first = number(fd, CLUSTER + offset / TABLE * 8);
    guint64 second =
        first ? number(fd, (first & mask) + offset % TABLE / CLUSTER * 8) : 0;
    char text[64] = "";

    if (!second) {
        assert_string_equal("", expected);
        return;
    }
    assert_int_equal(second >> 63, 1);
    assert_true(pread(fd, text, strlen(expected),
                      (off_t)((second & mask) + offset % CLUSTER)) >= 0);
    assert_string_equal(text, expected);
}

static bool
read_bytes(gpointer data, guint64 offset, guint8 *buffer, gsize len)
{
    memset(buffer, 0, len);
    return pread(*(int *)data, buffer, len, (off_t)offset) >= 0;
}

/* By what checks those of others. */
static void
assert_header(int fd, guint64 size)
{
    guint8 head[8];
    StoreHeader header = {0};

    assert_int_equal(pread(fd, head, sizeof(head), 0), sizeof(head));
    assert_string_equal(store_format_sniff(head, sizeof(head)), "qcow2");
    assert_true(store_header_check("qcow2", read_bytes, &fd, &header));
    assert_null(header.unfit);
    assert_int_equal(header.size, size);
}

/* Each cluster of the file has one reference, and no more are counted. */
static void
assert_counts(int fd)
{
    guint64 table = number(fd, 48);
    guint64 block = number(fd, table);
    struct stat info;
    guint16 count;

    assert_int_equal(fstat(fd, &info), 0);
    assert_int_equal(info.st_size % CLUSTER, 0);
    for (guint64 i = 0; i < CLUSTER / 2; i++) {
        bool there = i < (guint64)info.st_size / CLUSTER;

        assert_int_equal(pread(fd, &count, 2, (off_t)(block + i * 2)), 2);
        assert_int_equal(GUINT16_FROM_BE(count), there ? 1 : 0);
    }
}

static void
test_empty(void **state)
{
    Made made = make(1000);

    (void)state;
    end(&made);
    assert_header(made.fd, 1024);
    assert_text(made.fd, 0, "");
    assert_counts(made.fd);
    (void)close(made.fd);
}

static void
test_data(void **state)
{
    Made made = make(3 * TABLE);

    (void)state;
    put(&made, 0, "first");
    put(&made, 5, " and more");
    /* Over the end of a cluster. */
    put(&made, 3 * CLUSTER - 2, "abcd");
    put(&made, 2 * TABLE + 7, "far");
    put(&made, 3 * TABLE - 4, "last");
    end(&made);
    assert_header(made.fd, 3 * TABLE);
    assert_text(made.fd, 0, "first and more");
    assert_text(made.fd, CLUSTER, "");
    assert_text(made.fd, 3 * CLUSTER - 2, "ab");
    assert_text(made.fd, 3 * CLUSTER, "cd");
    assert_text(made.fd, TABLE, "");
    assert_text(made.fd, 2 * TABLE + 7, "far");
    assert_text(made.fd, 3 * TABLE - 4, "last");
    assert_counts(made.fd);
    (void)close(made.fd);
}

/* Until its end it is nothing that could be taken for one. */
static void
test_not_ended(void **state)
{
    Made made = make(TABLE);

    (void)state;
    put(&made, 0, "some");
    assert_int_equal(number(made.fd, 0), 0);
    cmd_qcow2_free(made.file);
    (void)close(made.fd);
}

static void
test_no_space(void **state)
{
    g_autoptr(CmdQcow2) file = cmd_qcow2_new(-1, TABLE, NULL);
    g_autoptr(GError) error = NULL;

    (void)state;
    assert_non_null(file);
    assert_false(cmd_qcow2_put(file, 0, (const guint8 *)"x", 1, &error));
    assert_string_equal(error->message, "cannot write it: Bad file descriptor");
}

/* QEMU opens no file with a first table of more than 32 MiB. */
static void
test_too_large(void **state)
{
    const guint64 most = TABLE * 4194304;
    g_autoptr(CmdQcow2) largest = cmd_qcow2_new(-1, most, NULL);
    g_autoptr(GError) error = NULL;

    (void)state;
    assert_non_null(largest);
    assert_null(cmd_qcow2_new(-1, most + 1, &error));
    assert_non_null(
        strstr(error->message, "more than a file of qcow2 can have"));
    g_clear_error(&error);
    assert_null(cmd_qcow2_new(-1, G_MAXUINT64, &error));
    assert_non_null(error);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_empty),     cmocka_unit_test(test_data),
        cmocka_unit_test(test_not_ended), cmocka_unit_test(test_no_space),
        cmocka_unit_test(test_too_large),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
