/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * tests/fuzz/replay.c - a target without a fuzzer: what the tree has, replayed
 *
 * Each file whole, cut short at many places, and with wrong bits. Files as
 * arguments are replayed whole instead, as libFuzzer does it.
 */
#include "config.h"

#include "tests/fuzz/fuzz.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

/* Not each target has it. */
__attribute__((weak)) unsigned fuzz_more(void);

void
fuzz_run(const uint8_t *bytes, size_t size, size_t flip)
{
    uint8_t *copy = malloc(size + 1);

    fuzz_must(copy != NULL, "there is memory");
    memcpy(copy + 1, bytes, size);
    if (size > 0 && flip != 0)
        copy[1 + flip / 8 % size] ^= (uint8_t)(1u << flip % 8);
    (void)LLVMFuzzerTestOneInput(copy + 1, size);
    free(copy);
}

static uint8_t *
read_file(const char *path, size_t *ret_size)
{
    FILE *file = fopen(path, "rb");
    struct stat info;
    uint8_t *bytes;

    fuzz_must(file && fstat(fileno(file), &info) == 0, path);
    *ret_size = (size_t)info.st_size;
    bytes = malloc(*ret_size + 1);
    fuzz_must(bytes != NULL, "there is memory");
    fuzz_must(fread(bytes, 1, *ret_size, file) == *ret_size, path);
    (void)fclose(file);
    return bytes;
}

static void
replay_whole(const char *path)
{
    size_t size;
    uint8_t *bytes = read_file(path, &size);

    fuzz_run(bytes, size, 0);
    free(bytes);
}

static void
replay(const char *path)
{
    size_t size;
    uint8_t *bytes = read_file(path, &size);
    size_t step = size / fuzz_pieces + 1;

    fuzz_run(bytes, size, 0);
    for (size_t end = size % step; end < size; end += step)
        fuzz_run(bytes, end, 0);
    step = 8 * size / fuzz_pieces + 1;
    for (size_t flip = 1; flip < 8 * size; flip += step)
        fuzz_run(bytes, size, flip);
    free(bytes);
}

/* Of tests/xml/ the definitions only. */
static bool
is_input(const char *name)
{
    size_t len = strlen(name);

    return name[0] != '.' && (len < 4 || strcmp(name + len - 4, ".err") != 0);
}

static unsigned
replay_all(const char *srcdir, const char *corpus)
{
    char path[2048];
    struct dirent *entry;
    unsigned n = 0;
    DIR *dir;

    (void)snprintf(path, sizeof(path), "%s/%s", srcdir, corpus);
    dir = opendir(path);
    fuzz_must(dir != NULL, path);
    while ((entry = readdir(dir))) {
        if (!is_input(entry->d_name))
            continue;
        (void)snprintf(path, sizeof(path), "%s/%s/%s", srcdir, corpus,
                       entry->d_name);
        replay(path);
        n++;
    }
    (void)closedir(dir);
    fuzz_must(n > 0, corpus);
    return n;
}

/* The number of inputs does not count those that are cut short. */
int
main(int argc, char **argv)
{
    const char *srcdir = getenv("srcdir");
    unsigned n = 0;

    for (int i = 1; i < argc; i++, n++)
        replay_whole(argv[i]);
    for (size_t i = 0; argc == 1 && fuzz_corpora[i]; i++)
        n += replay_all(srcdir ? srcdir : ".", fuzz_corpora[i]);
    if (argc == 1 && fuzz_more)
        n += fuzz_more();
    (void)printf("%u replayed\n", n);
    return EXIT_SUCCESS;
}
