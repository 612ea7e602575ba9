/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * tests/unit/test-agent-process.c - whether a QEMU of a domain is left
 */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "agent/process.h"

#include <glib/gstdio.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#define UUID  "c79257ca-3d12-495b-bb39-58a0b93654cb"
#define OTHER "719e6c6e-f7c2-497c-9696-51d171f75136"

#define ARGUMENTS(text) (text), sizeof(text) /* with the last NUL */

/* ---- a directory that looks like /proc ------------------------------------------ */

typedef struct {
    char *dir;
    GPtrArray *made; /* in the order of their making */
} Proc;

static char *
keep(Proc *proc, char *path)
{
    g_ptr_array_add(proc->made, path);
    return path;
}

static void
put(Proc *proc, const char *pid, const char *name, const char *text, gsize len)
{
    char *path = keep(proc, g_build_filename(proc->dir, pid, name, NULL));

    assert_true(g_file_set_contents(path, text, (gssize)len, NULL));
}

/* The kernel writes no arguments of a zombie and of its own threads. */
static void
add(Proc *proc, const char *pid, const char *text, gsize len, const char *stat)
{
    char *path = keep(proc, g_build_filename(proc->dir, pid, NULL));

    assert_int_equal(g_mkdir(path, 0700), 0);
    put(proc, pid, "cmdline", text, len);
    if (stat)
        put(proc, pid, "stat", stat, strlen(stat));
}

static int
set_up(void **state)
{
    Proc *proc = g_new0(Proc, 1);

    proc->dir = g_dir_make_tmp("remora-proc-XXXXXX", NULL);
    proc->made = g_ptr_array_new_with_free_func(g_free);
    *state = proc;
    return 0;
}

static int
tear_down(void **state)
{
    Proc *proc = *state;

    for (guint i = proc->made->len; i-- > 0;)
        (void)g_remove(g_ptr_array_index(proc->made, i));
    (void)g_rmdir(proc->dir);
    g_ptr_array_unref(proc->made);
    g_free(proc->dir);
    g_free(proc);
    return 0;
}

static void
add_init(Proc *proc)
{
    add(proc, "1", ARGUMENTS("/sbin/init\0splash"), NULL);
}

static void
test_none(void **state)
{
    Proc *proc = *state;

    add_init(proc);
    add(proc, "2", "", 0,
        "2 (kthreadd) S 0 0 0 0 -1 2129984 0 0 0 0 0 0 0 0 "
        "20 0 1 0 26 0 0");
    add(proc, "70", ARGUMENTS("qemu\0-name\0web\0-uuid\0" OTHER "\0-S"), NULL);
    add(proc, "71", ARGUMENTS("vi\0" UUID), NULL);
    add(proc, "72", ARGUMENTS("x\0-uuid=" UUID "\0-uuid"), NULL);
    add(proc, "73", ARGUMENTS("x\0-uuid\0" UUID "0"), NULL);
    put(proc, "", "uptime", "1", 1);
    assert_true(process_none_in(proc->dir, UUID));
}

static void
test_one(void **state)
{
    static const struct {
        const char *text;
        gsize len;
    } all[] = {
        {ARGUMENTS("qemu\0-uuid\0" UUID "\0-S")},
        {ARGUMENTS("sh\0/usr/bin/wrapper\0-uuid\0" UUID)},
        {ARGUMENTS("x\0-uuid\0-uuid\0" UUID)},
        /* libvirt writes small letters, and takes others. */
        {ARGUMENTS("q\0-uuid\0C79257CA-3D12-495B-BB39-58A0B93654CB")},
        /* A process may write to its own arguments. */
        {"q\0-uuid\0" UUID, sizeof("q\0-uuid\0" UUID) - 1},
        {ARGUMENTS("q\0\0\0-uuid\0" UUID "\0")},
    };
    Proc *proc = *state;

    add_init(proc);
    for (gsize i = 0; i < G_N_ELEMENTS(all); i++) {
        g_autofree char *pid = g_strdup_printf("%zu", 100 + i);

        assert_true(process_none_in(proc->dir, UUID));
        add(proc, pid, all[i].text, all[i].len, NULL);
        assert_false(process_none_in(proc->dir, UUID));
        assert_true(process_none_in(proc->dir, OTHER));
        put(proc, pid, "cmdline", "gone", 4);
    }
}

static void
add_dir(Proc *proc, const char *pid, const char *name)
{
    char *path = keep(proc, g_build_filename(proc->dir, pid, name, NULL));

    assert_int_equal(g_mkdir(path, 0700), 0);
}

/* What one thread after another says of a process whose first has ended. */
static void
test_half_dead(void **state)
{
#define STAT(name, letter, threads)                                            \
    "9 (" name ") " letter " 1 1 1 0 -1 0 0 0 0 0 0 0 0 0 20 0 " threads       \
    " 0 5 0 0 1 1 0\n"
#define QEMU(uuid) ARGUMENTS("qemu\0-uuid\0" uuid)
    static const struct {
        const char *stat;
        const char *text;
        gsize len;
        bool none;
    } all[] = {
        {STAT("qemu", "Z", "2"), QEMU(UUID), false},
        {STAT("qemu", "Z", "14"), QEMU(UUID), false},
        {STAT("a) S 1 (b", "Z", "2"), QEMU(UUID), false},
        /* It is ending, and is no zombie yet. */
        {STAT("qemu", "R", "2"), QEMU(UUID), false},
        /* Another program, or another domain's. */
        {STAT("rbd", "Z", "14"), ARGUMENTS("rbd\0ls"), true},
        {STAT("qemu", "Z", "14"), QEMU(OTHER), true},
        /* No thread has any memory left. */
        {STAT("qemu", "Z", "14"), "", 0, true},
        /* Nobody else is left, so nobody is asked. */
        {STAT("qemu", "Z", "1"), QEMU(UUID), true},
        {STAT("a) Z 2 (b", "S", "1"), QEMU(UUID), true},
        {STAT("kworker/0:1", "I", "1"), QEMU(UUID), true},
        {"", QEMU(UUID), true},
        {"9 (qemu)", QEMU(UUID), true},
        {"9 (qemu) Z 1 1", QEMU(UUID), true},
    };
    Proc *proc = *state;

    add_init(proc);
    add(proc, "9", "", 0, "");
    add_dir(proc, "9", "task");
    add(proc, "9/task/9", "", 0, NULL);
    add(proc, "9/task/12", "", 0, NULL);
    for (gsize i = 0; i < G_N_ELEMENTS(all); i++) {
        put(proc, "9", "stat", all[i].stat, strlen(all[i].stat));
        put(proc, "9/task/12", "cmdline", all[i].text, all[i].len);
        if (process_none_in(proc->dir, UUID) != all[i].none)
            fail_msg("%s", all[i].stat);
    }
#undef QEMU
#undef STAT
}

/* Of threads that cannot be looked at, nothing is known. */
static void
test_hidden_threads(void **state)
{
    Proc *proc = *state;

    add_init(proc);
    add(proc, "9", "", 0, "9 (q) Z 1 1 1 0 -1 0 0 0 0 0 0 0 0 0 20 0 2 0 5\n");
    assert_false(process_none_in(proc->dir, UUID));
    add_dir(proc, "9", "task");
    assert_true(process_none_in(proc->dir, UUID));
    add_dir(proc, "9", "task/12");
    assert_false(process_none_in(proc->dir, UUID));
}

/* Where not even the first process can be seen, nothing is known. */
static void
test_hidden(void **state)
{
    Proc *proc = *state;

    assert_false(process_none_in(proc->dir, UUID));
    add(proc, "12", ARGUMENTS("sh"), NULL);
    assert_false(process_none_in(proc->dir, UUID));
    add(proc, "10", ARGUMENTS("sh"), NULL);
    assert_false(process_none_in(proc->dir, UUID));
    add_init(proc);
    assert_true(process_none_in(proc->dir, UUID));
    assert_false(process_none_in("/nowhere", UUID));
}

/* As where /proc is mounted with hidepid=1, or a policy forbids it: whose process
 * that is, is not known. */
static void
test_unreadable(void **state)
{
    Proc *proc = *state;
    char *path = keep(proc, g_build_filename(proc->dir, "30", NULL));

    add_init(proc);
    assert_true(process_none_in(proc->dir, UUID));
    assert_int_equal(g_mkdir(path, 0700), 0);
    assert_false(process_none_in(proc->dir, UUID));
    path = keep(proc, g_build_filename(proc->dir, "30", "cmdline", NULL));
    assert_int_equal(g_mkdir(path, 0700), 0);
    assert_false(process_none_in(proc->dir, UUID));
}

/* ---- real processes ---------------------------------------------------------------- */

static void *
stay(void *unused)
{
    for (;;)
        (void)pause();
    return unused;
}

/* Runs what shows its arguments; its first thread ends, another one stays. */
static int
be_headless(void)
{
    pthread_t thread;

    if (pthread_create(&thread, NULL, stay, NULL) != 0)
        return 1;
    pthread_exit(NULL);
}

static pid_t
run_child(const char *how, const char *uuid)
{
    pid_t pid = fork();

    assert_true(pid >= 0);
    if (pid > 0)
        return pid;
    (void)execl("/proc/self/exe", how, "-uuid", uuid, (char *)NULL);
    _exit(127);
}

static void
wait_for(const char *uuid, pid_t pid, const char *letter)
{
    g_autofree char *path = g_strdup_printf("/proc/%d/stat", (int)pid);
    g_autofree char *line = g_strdup_printf("/proc/%d/cmdline", (int)pid);
    g_autofree char *text = NULL;
    g_autofree char *arguments = NULL;
    gsize len = 0;

    for (int i = 0; i < 3000; i++) {
        g_clear_pointer(&text, g_free);
        g_clear_pointer(&arguments, g_free);
        assert_true(g_file_get_contents(path, &text, NULL, NULL));
        assert_true(g_file_get_contents(line, &arguments, &len, NULL));
        if (strstr(text, letter) &&
            (letter[2] == 'Z' || memmem(arguments, len, uuid, strlen(uuid))))
            return;
        g_usleep(10000);
    }
    fail_msg("the child does not get there: %s", text);
}

static void
end_child(pid_t pid)
{
    assert_int_equal(kill(pid, SIGKILL), 0);
    assert_int_equal(waitpid(pid, NULL, 0), pid);
}

static void
test_real(void **state)
{
    g_autofree char *uuid = g_uuid_string_random();
    pid_t pid;

    (void)state;
    if (!process_none_of(uuid))
        skip(); /* one of the machine's own may be ending */
    pid = run_child("stay", uuid);
    wait_for(uuid, pid, ") S ");
    assert_false(process_none_of(uuid));
    end_child(pid);
    assert_true(process_none_of(uuid));
}

static void
test_real_headless(void **state)
{
    g_autofree char *uuid = g_uuid_string_random();
    pid_t pid;

    (void)state;
    if (!process_none_of(uuid))
        skip();
    pid = run_child("headless", uuid);
    wait_for(uuid, pid, ") Z ");
    assert_false(process_none_of(uuid));
    end_child(pid);
    assert_true(process_none_of(uuid));
}

/* A listener that can be seen proves that /proc is its world's, too. */
static void
test_view(void **state)
{
    g_autofree char *uuid = g_uuid_string_random();
    g_autofree char *dir = g_dir_make_tmp("remora-view-XXXXXX", NULL);
    g_autofree char *path = g_build_filename(dir, "sock", NULL);
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

    (void)state;
    if (!process_none_of(uuid))
        skip();
    process_check_view(path); /* nobody is there */
    assert_true(process_none_of(uuid));
    (void)g_strlcpy(address.sun_path, path, sizeof(address.sun_path));
    assert_int_equal(
        bind(fd, (const struct sockaddr *)&address, sizeof(address)), 0);
    assert_int_equal(listen(fd, 1), 0);
    process_check_view(path);
    assert_true(process_none_of(uuid));
    (void)close(fd);
    (void)g_unlink(path);
    (void)g_rmdir(dir);
}

int
main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_none, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_one, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_half_dead, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_hidden_threads, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_hidden, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_unreadable, set_up, tear_down),
        cmocka_unit_test(test_real),
        cmocka_unit_test(test_real_headless),
        cmocka_unit_test(test_view),
    };

    if (argc > 1 && strcmp(argv[0], "headless") == 0)
        return be_headless();
    if (argc > 1)
        (void)stay(NULL);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
