/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * tests/fuzz/fuzz-conf.c - any bytes as a configuration file
 *
 * It is refused with a reason in one line, or its dump is the same
 * configuration.
 */
#include "config.h"

#include "conf/conf.h"

#include "tests/fuzz/fuzz.h"

#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

const char *const fuzz_corpora[] = {"tests/fuzz/corpus/conf", NULL};
const unsigned fuzz_pieces = 100;

/* libconfig's scanner forgets the string in which a syntax error is. It has no
 * frame pointers, so its library's name has to do. */
const char *__lsan_default_suppressions(void);
const char *
__lsan_default_suppressions(void)
{
    return "leak:libconfig\n";
}

static Conf *
load(const void *bytes, size_t size, GError **error)
{
    int fd = memfd_create("remora.conf", MFD_CLOEXEC);
    g_autofree char *path = g_strdup_printf("/proc/self/fd/%d", fd);
    Conf *conf;

    fuzz_must(fd >= 0 && write(fd, bytes, size) == (ssize_t)size,
              "the file is written");
    conf = conf_load(path, error);
    (void)close(fd);
    return conf;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(Conf) conf = load(data, size, &error);
    g_autoptr(Conf) again = NULL;
    g_autofree char *dump = NULL;
    g_autofree char *same = NULL;

    fuzz_must((conf == NULL) == (error != NULL), "one of the two");
    if (!conf) {
        fuzz_must(strchr(error->message, '\n') == NULL, "the reason is a line");
        return 0;
    }
    dump = conf_dump(conf);
    again = load(dump, strlen(dump), NULL);
    fuzz_must(again != NULL, "the dump is a configuration");
    same = conf_dump(again);
    fuzz_must(strcmp(dump, same) == 0, "the dump says the same");
    return 0;
}
