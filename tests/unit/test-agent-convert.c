/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * tests/unit/test-agent-convert.c - a disk for one tool, over a socket
 *
 * With qemu-img as the tool where there is one, and with others that break the
 * rules.
 */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "agent/convert-copy.h"
#include "agent/convert-tool.h"
#include "agent/rbd/store.h"
#include "agent/tool.h"

#include <glib/gstdio.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define MIB (1024u * 1024u)

/* A disk in memory. */
typedef struct {
    guint8 *bytes;
    gsize len;
    bool broken;
    gint writes; /* atomic */
} Memory;

static gboolean
read_memory(
    gpointer data, guint64 offset, gpointer buffer, gsize len, GError **error)
{
    const Memory *memory = data;
    gsize there = offset < memory->len ? memory->len - (gsize)offset : 0;

    if (memory->broken)
        return tool_fail(error, "the disk is broken");
    memset(buffer, 0, len);
    memcpy(buffer, memory->bytes + offset, MIN(len, there));
    return TRUE;
}

static gboolean
write_memory(
    gpointer data, guint64 offset, gpointer buffer, gsize len, GError **error)
{
    Memory *memory = data;

    assert_true(offset + len <= memory->len);
    (void)g_atomic_int_add(&memory->writes, 1);
    if (memory->broken)
        return tool_fail(error, "the disk is broken");
    memcpy(memory->bytes + offset, buffer, len);
    return TRUE;
}

/* One side in a thread. */
typedef struct {
    NbdDisk disk;
    int ours;
    int theirs;
    GThread *thread;
    gboolean good;
    GError *error;
} Side;

static gpointer
run_side(gpointer data)
{
    Side *side = data;

    side->good = nbd_serve(side->ours, &side->disk, &side->error);
    return NULL;
}

static void
begin(Side *side, Memory *memory, bool writes)
{
    int ends[2];

    *side = (Side){.disk = {.size = memory->len,
                            .read = writes ? NULL : read_memory,
                            .write = writes ? write_memory : NULL,
                            .data = memory}};
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends),
                     0);
    side->ours = ends[0];
    side->theirs = ends[1];
    side->thread = g_thread_new("side", run_side, side);
}

static void
join(Side *side)
{
    if (side->thread)
        (void)g_thread_join(side->thread);
    side->thread = NULL;
}

static void
end(Side *side)
{
    (void)shutdown(side->ours, SHUT_RDWR);
    join(side);
    (void)close(side->ours);
    (void)close(side->theirs);
    g_clear_error(&side->error);
}

/* ---- with qemu-img ------------------------------------------------------------ */

static char *dir;

static void
run(const char *command)
{
    g_autoptr(GError) error = NULL;
    int status = -1;

    if (!g_spawn_command_line_sync(command, NULL, NULL, &status, &error) ||
        status != 0)
        fail_msg("%s: %d", command, status);
}

typedef struct {
    int from;
    int to;
} Ends;

static void
place(gpointer data)
{
    const Ends *ends = data;

    (void)dup2(ends->from, 3);
    (void)dup2(ends->to, 4);
}

/* Whether it came to its end well. */
static bool
convert(const char *format, Memory *from, Memory *to)
{
    const char *args[CONVERT_ARGS_MAX + 1] = {"qemu-img"};
    Side source;
    Side target;
    Ends ends;
    int status = -1;

    convert_tool_args(format, args + 1);
    begin(&source, from, false);
    begin(&target, to, true);
    ends = (Ends){source.theirs, target.theirs};
    assert_true(g_spawn_sync(NULL, (char **)args, NULL,
                             G_SPAWN_SEARCH_PATH |
                                 G_SPAWN_LEAVE_DESCRIPTORS_OPEN |
                                 (to->broken ? G_SPAWN_STDERR_TO_DEV_NULL : 0),
                             place, &ends, NULL, NULL, &status, NULL));
    end(&source);
    end(&target);
    assert_true(source.good);
    assert_int_equal(target.good, !to->broken);
    return status == 0;
}

static bool
read_bytes(gpointer data, guint64 offset, guint8 *buffer, gsize len)
{
    return read_memory(data, offset, buffer, len, NULL);
}

/* The raw disk: data at its begin, in its middle and at its end. */
static Memory
sample(void)
{
    Memory memory = {g_malloc0(33 * MIB), 33 * MIB, false, 0};
    GRand *random = g_rand_new_with_seed(1);

    for (gsize i = 0; i < 5 * MIB; i++)
        memory.bytes[i] = memory.bytes[20 * MIB + i] =
            (guint8)g_rand_int(random);
    memory.bytes[memory.len - 1] = 7;
    g_rand_free(random);
    return memory;
}

/* What qemu-img makes of it, as what, with which options. */
static void
assert_converts(const char *format, const char *as, const char *options)
{
    Memory raw = sample();
    Memory to = {g_malloc0(raw.len), raw.len, false, 0};
    Memory from = {0};
    StoreHeader header;
    g_autofree char *plain = g_build_filename(dir, "plain", NULL);
    g_autofree char *made = g_build_filename(dir, "made", NULL);
    g_autofree char *command = g_strdup_printf(
        "qemu-img convert -q -f raw -O %s %s %s %s", as, options, plain, made);

    assert_true(
        g_file_set_contents(plain, (char *)raw.bytes, (gssize)raw.len, NULL));
    run(command);
    assert_true(
        g_file_get_contents(made, (char **)&from.bytes, &from.len, NULL));
    assert_string_equal(store_format_sniff(from.bytes, STORE_HEAD_BYTES),
                        format);
    assert_true(store_header_check(format, read_bytes, &from, &header));
    if (header.unfit)
        fail_msg("%s %s: %s", format, options, header.unfit);
    assert_int_equal(header.size, raw.len);
    /* Of whole sectors, as convert_tool_run() has it. */
    from.bytes = g_realloc(from.bytes, from.len + 511);
    memset(from.bytes + from.len, 0, 511);
    from.len = (from.len + 511) / 512 * 512;
    assert_true(convert(format, &from, &to));
    assert_memory_equal(raw.bytes, to.bytes, raw.len);
    to.broken = true;
    assert_false(convert(format, &from, &to));
    g_free(raw.bytes);
    g_free(from.bytes);
    g_free(to.bytes);
    (void)g_unlink(plain);
    (void)g_unlink(made);
}

static void
test_qemu_img(void **state)
{
    g_autofree char *tool = g_find_program_in_path("qemu-img");

    (void)state;
    if (!tool) {
        print_message("no qemu-img: not tried with it\n");
        return;
    }
    assert_converts("qcow2", "qcow2", "");
    assert_converts("qcow2", "qcow2", "-o compat=0.10");
    assert_converts("qcow2", "qcow2", "-c");
    assert_converts("qcow2", "qcow2", "-c -o compression_type=zstd");
    assert_converts("qcow2", "qcow2", "-o extended_l2=on,cluster_size=128k");
    assert_converts("vmdk", "vmdk", "");
    assert_converts("vmdk", "vmdk", "-o subformat=streamOptimized");
    assert_converts("vhd", "vpc", "-o force_size=on");
    assert_converts("vhdx", "vhdx", "");
}

/* ---- with what breaks the rules ------------------------------------------------- */

static const guint8 greeting[] = {0, 0, 0, 3};
static const guint8 go[] = {'I', 'H', 'A', 'V', 'E', 'O', 'P', 'T', 0, 0, 0,
                            7,   0,   0,   0,   6,   0,   0,   0,   0, 0, 0};

static guint8 *
request(guint8 type, guint64 offset, guint32 len)
{
    static guint8 bytes[28];
    guint64 at = GUINT64_TO_BE(offset);

    memset(bytes, 0, sizeof(bytes));
    memcpy(bytes, "\x25\x60\x95\x13", 4);
    bytes[7] = type;
    memcpy(bytes + 16, &at, 8);
    len = GUINT32_TO_BE(len);
    memcpy(bytes + 24, &len, 4);
    return bytes;
}

static void
say(const Side *side, gconstpointer bytes, gsize len)
{
    assert_int_equal(send(side->theirs, bytes, len, MSG_NOSIGNAL), len);
}

static void
hear(const Side *side, guint8 *bytes, gsize len)
{
    assert_int_equal(recv(side->theirs, bytes, len, MSG_WAITALL), len);
}

/* Up to where requests are taken. */
static void
shake_hands(const Side *side)
{
    guint8 heard[18 + 20 + 12 + 20 + 14 + 20];

    say(side, greeting, sizeof(greeting));
    say(side, go, sizeof(go));
    hear(side, heard, sizeof(heard));
}

static guint32
ask(const Side *side, guint8 type, guint64 offset, guint32 len)
{
    guint8 answer[16];

    say(side, request(type, offset, len), 28);
    hear(side, answer, sizeof(answer));
    return answer[7];
}

static void
test_requests(void **state)
{
    Memory memory = {g_malloc0(MIB), MIB, false, 0};
    guint8 bytes[512];
    Side side;

    (void)state;
    begin(&side, &memory, false);
    shake_hands(&side);
    assert_int_equal(ask(&side, 0, MIB - 512, 512), 0);
    hear(&side, bytes, sizeof(bytes));
    assert_int_equal(ask(&side, 3, 0, 0), 0);
    /* Trim, zeroes, nonsense. */
    assert_int_equal(ask(&side, 4, 0, 512), 22);
    assert_int_equal(ask(&side, 6, 0, 512), 22);
    assert_int_equal(ask(&side, 99, 0, 512), 22);
    /* It may not be written to. */
    say(&side, request(1, 0, 512), 28);
    say(&side, bytes, sizeof(bytes));
    hear(&side, bytes, 16);
    assert_int_equal(bytes[7], 22);
    memory.broken = true;
    assert_int_equal(ask(&side, 0, 0, 512), 5);
    say(&side, request(2, 0, 0), 28);
    join(&side);
    assert_false(side.good);
    assert_string_equal(side.error->message, "the disk is broken");
    end(&side);
    g_free(memory.bytes);
}

/* What it sends in place of a request ends it, and nothing is read or written. */
static void
assert_breaks(bool writes, const guint8 *bytes)
{
    Memory memory = {g_malloc0(MIB), MIB, false, 0};
    Side side;
    guint8 byte;

    begin(&side, &memory, writes);
    shake_hands(&side);
    say(&side, bytes, 28);
    assert_int_equal(recv(side.theirs, &byte, 1, 0), 0);
    join(&side);
    assert_false(side.good);
    assert_non_null(side.error);
    assert_int_equal(memory.writes, 0);
    g_clear_error(&side.error);
    end(&side);
    g_free(memory.bytes);
}

static void
test_breaks(void **state)
{
    guint8 *other;

    (void)state;
    for (int writes = 0; writes < 2; writes++) {
        guint8 type = (guint8)writes;

        assert_breaks(writes, request(type, MIB, 1));
        assert_breaks(writes, request(type, MIB - 1, 2));
        assert_breaks(writes, request(type, G_MAXUINT64, 512));
        assert_breaks(writes, request(type, 512, G_MAXUINT32));
        assert_breaks(writes, request(type, 0, NBD_PIECE_MAX + 1));
        other = request(type, 0, 512);
        other[0] = 0;
        assert_breaks(writes, other);
    }
}

/* Instead of the handshake: it ends, and that is all. */
static void
assert_no_handshake(const void *bytes, gsize len)
{
    Memory memory = {g_malloc0(MIB), MIB, false, 0};
    Side side;
    guint8 heard[18];

    begin(&side, &memory, true);
    hear(&side, heard, sizeof(heard));
    say(&side, bytes, len);
    (void)shutdown(side.theirs, SHUT_WR);
    join(&side);
    assert_true(side.good);
    assert_int_equal(memory.writes, 0);
    end(&side);
    g_free(memory.bytes);
}

static void
test_handshake(void **state)
{
    static const guint8 long_option[] = "\0\0\0\3IHAVEOPT\0\0\0\7\xff\xff\xff";
    static const guint8 no_option[] = "\0\0\0\3IHAVEOPS\0\0\0\7\0\0\0";
    static const guint8 leaves[] = "\0\0\0\3IHAVEOPT\0\0\0\2\0\0\0";
    g_autoptr(GByteArray) many = g_byte_array_new();

    (void)state;
    assert_no_handshake("", 0);
    assert_no_handshake("\0\0\0\1", 4);
    assert_no_handshake(long_option, sizeof(long_option));
    assert_no_handshake(no_option, sizeof(no_option));
    assert_no_handshake(leaves, sizeof(leaves));
    g_byte_array_append(many, greeting, sizeof(greeting));
    for (int i = 0; i < 100; i++)
        g_byte_array_append(many, (const guint8 *)"IHAVEOPT\0\0\0\5\0\0\0\0",
                            16);
    assert_no_handshake(many->data, many->len);
}

/* ---- a copy without a tool -------------------------------------------------- */

typedef struct {
    Memory from;
    Memory to;
} Copied;

static gboolean
copy_from(gpointer data, guint64 offset, gpointer to, gsize len, GError **error)
{
    Copied *copied = data;

    return read_memory(&copied->from, offset, to, len, error);
}

static gboolean
copy_to(gpointer data, guint64 offset, gpointer from, gsize len, GError **error)
{
    Copied *copied = data;
    const guint8 *bytes = from;
    bool zero = true;

    for (gsize i = 0; i < len; i++)
        zero &= bytes[i] == 0;
    assert_false(zero);
    return write_memory(&copied->to, offset, from, len, error);
}

static gboolean
copy(Copied *copied, GError **error)
{
    const StoreExtent some[] = {{0, 9 * MIB + 17}, {12 * MIB, 8 * MIB - 3}};
    g_autoptr(GArray) extents = g_array_new(FALSE, FALSE, sizeof(StoreExtent));
    const ConvertCopy how = {extents, copy_from, copy_to, copied};

    g_array_append_vals(extents, some, G_N_ELEMENTS(some));
    return convert_copy_run(&how, error);
}

/* What is in the extents arrives, and no run of zeroes with it. */
static void
test_copy(void **state)
{
    gsize len = 20 * MIB;
    g_autofree guint8 *from = g_malloc0(len);
    g_autofree guint8 *to = g_malloc0(len);
    Copied copied = {{from, len, false, 0}, {to, len, false, 0}};
    g_autoptr(GError) error = NULL;

    (void)state;
    from[0] = from[MIB] = from[5 * MIB + 1] = from[9 * MIB + 16] = 1;
    from[13 * MIB] = from[len - 4] = 2;
    memset(from + 14 * MIB, 7, 3 * MIB);
    assert_true(copy(&copied, &error));
    assert_memory_equal(to, from, len);
    /* What is said to hold nothing is not read. */
    from[10 * MIB] = 3;
    assert_true(copy(&copied, &error));
    assert_int_equal(to[10 * MIB], 0);
}

static void
test_copy_fails(void **state)
{
    gsize len = 20 * MIB;
    g_autofree guint8 *from = g_malloc0(len);
    g_autofree guint8 *to = g_malloc0(len);

    (void)state;
    memset(from, 1, len);
    for (int i = 0; i < 2; i++) {
        Copied copied = {{from, len, i == 0, 0}, {to, len, i == 1, 0}};
        g_autoptr(GError) error = NULL;

        assert_false(copy(&copied, &error));
        assert_string_equal(error->message, "the disk is broken");
        assert_true(copied.to.writes <= CONVERT_COPIERS);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_handshake), cmocka_unit_test(test_requests),
        cmocka_unit_test(test_breaks),    cmocka_unit_test(test_qemu_img),
        cmocka_unit_test(test_copy),      cmocka_unit_test(test_copy_fails),
    };
    int failed;

    (void)signal(SIGPIPE, SIG_IGN);
    dir = g_dir_make_tmp("remora-convert-XXXXXX", NULL);
    failed = cmocka_run_group_tests(tests, NULL, NULL);
    (void)g_rmdir(dir);
    g_free(dir);
    return failed;
}
