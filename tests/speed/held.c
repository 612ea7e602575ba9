/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * tests/speed/held.c - says how much a program has allocated when it is asked
 *
 * To be preloaded. At SIGRTMIN+9 the number of bytes goes to a new file
 * HELD_FILE. Resident memory would be that and what the C library keeps.
 */
#include <fcntl.h>
#include <malloc.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static sigset_t asked;

static void
say(const char *path)
{
    struct mallinfo2 info = mallinfo2();
    char next[1024];
    FILE *file;

    (void)snprintf(next, sizeof(next), "%s.new", path);
    file = fopen(next, "we");
    if (!file)
        return;
    (void)fprintf(file, "%zu\n", info.uordblks + info.hblkhd);
    if (fclose(file) == 0)
        (void)rename(next, path);
}

static void *
answer(void *path)
{
    int number;

    while (sigwait(&asked, &number) == 0)
        say(path);
    return NULL;
}

/* Before the program has threads, so that none of them gets the signal. */
__attribute__((constructor)) static void
begin(void)
{
    char *path = getenv("HELD_FILE");
    pthread_t thread;

    if (!path)
        return;
    (void)sigemptyset(&asked);
    (void)sigaddset(&asked, SIGRTMIN + 9);
    (void)pthread_sigmask(SIG_BLOCK, &asked, NULL);
    if (pthread_create(&thread, NULL, answer, path) == 0)
        (void)pthread_detach(thread);
}
