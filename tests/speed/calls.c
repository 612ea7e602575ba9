/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * tests/speed/calls.c - libvirt's calls through the proxy and without it,
 * timed in turns
 *
 *     calls PAIRS WAY [ARGUMENT]...
 *
 * Each line of stdout is one pair: the microseconds that a call took through
 * the proxy and those that it took without, right after each other, every
 * second pair in the other order, so that what else the machine does meets
 * both. Either way has one connection, open from the beginning to the end. Some
 * pairs come before the first that is counted. The ways:
 *
 *     version                    virConnectGetLibVersion
 *     define PROXIED DIRECT      virDomainDefineXML, with files for the two
 *     undefine PROXIED DIRECT    virDomainUndefine of what they define
 *     upload VOLUME MIB          a stream to the volume at a path
 *     download VOLUME MIB        a stream from it
 *
 * What a turn leaves behind is taken away outside of the timed part.
 *
 * Reads: CALLS_PROXY, CALLS_DIRECT   libvirt's URIs
 */
#include "config.h"

#include <errno.h>
#include <libvirt/libvirt.h>
#include <libvirt/virterror.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define XML_MAX      65536
#define PAIRS_MAX    1000000
#define MIB_MAX      4096
#define WARM_UP      3
#define WARM_UP_MANY 500
/* For what libvirtd and the agent do when the call is over. */
#define SETTLE_US 20000

struct side {
    virConnectPtr conn;
    const char *argument;
    char xml[XML_MAX];
};

struct way {
    const char *name;
    int n_arguments;
    int warm_up;
    /* In nanoseconds. */
    int64_t (*turn)(const struct side *side);
};

static struct side proxied;
static struct side direct;
static uint64_t stream_size;

/* ---- small words ----------------------------------------------------------- */

static void __attribute__((noreturn)) die(const char *what, const char *why)
{
    fprintf(stderr, "calls: %s: %s\n", what, why);
    exit(EXIT_FAILURE);
}

static void
need(bool good, const char *what)
{
    if (!good)
        die(what, virGetLastErrorMessage());
}

static void
quiet(void *opaque, virErrorPtr error)
{
    (void)opaque;
    (void)error;
}

static int64_t
now_ns(void)
{
    struct timespec now;

    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

static void
settle(void)
{
    (void)usleep(SETTLE_US);
}

static void
read_xml(struct side *side)
{
    FILE *file = fopen(side->argument, "re");
    size_t len;

    if (!file)
        die(side->argument, strerror(errno));
    len = fread(side->xml, 1, sizeof(side->xml), file);
    if (len == sizeof(side->xml))
        die(side->argument, "too long");
    side->xml[len] = '\0';
    (void)fclose(file);
}

static void
open_side(struct side *side, const char *setting)
{
    const char *uri = getenv(setting);

    if (!uri)
        die(setting, "not set");
    side->conn = virConnectOpen(uri);
    need(side->conn != NULL, uri);
}

/* ---- calls ----------------------------------------------------------------- */

static int64_t
version_turn(const struct side *side)
{
    int64_t start = now_ns();
    unsigned long version;

    need(virConnectGetLibVersion(side->conn, &version) == 0, "version");
    return now_ns() - start;
}

/* Returns how long the first or the second took. */
static int64_t
define_and_undefine(const struct side *side, bool timed_is_first)
{
    int64_t defining = now_ns();
    int64_t undefining;
    virDomainPtr domain;

    domain = virDomainDefineXML(side->conn, side->xml);
    defining = now_ns() - defining;
    need(domain != NULL, "define");
    settle();
    undefining = now_ns();
    need(virDomainUndefine(domain) == 0, "undefine");
    undefining = now_ns() - undefining;
    (void)virDomainFree(domain);
    settle();
    return timed_is_first ? defining : undefining;
}

static int64_t
define_turn(const struct side *side)
{
    return define_and_undefine(side, true);
}

static int64_t
undefine_turn(const struct side *side)
{
    return define_and_undefine(side, false);
}

/* ---- streams --------------------------------------------------------------- */

/* The client does as little as it can, so that its own work hides nothing. What
 * is given are the zeros of the library's buffer. */

static int
give(virStreamPtr stream, char *bytes, size_t len, void *opaque)
{
    uint64_t *left = opaque;

    (void)stream;
    (void)bytes;
    if (len > *left)
        len = (size_t)*left;
    *left -= len;
    return (int)len;
}

static int
take(virStreamPtr stream, const char *bytes, size_t len, void *opaque)
{
    uint64_t *left = opaque;

    (void)stream;
    (void)bytes;
    *left -= len;
    return (int)len;
}

static void
upload(virStorageVolPtr volume, virStreamPtr stream)
{
    uint64_t left = stream_size;

    need(virStorageVolUpload(volume, stream, 0, stream_size, 0) == 0, "upload");
    need(virStreamSendAll(stream, give, &left) == 0, "upload");
}

static void
download(virStorageVolPtr volume, virStreamPtr stream)
{
    uint64_t left = stream_size;

    need(virStorageVolDownload(volume, stream, 0, stream_size, 0) == 0,
         "download");
    need(virStreamRecvAll(stream, take, &left) == 0, "download");
    if (left != 0)
        die("download", "not all of it came");
}

static int64_t
stream_turn(const struct side *side,
            void (*func)(virStorageVolPtr volume, virStreamPtr stream))
{
    virStorageVolPtr volume =
        virStorageVolLookupByPath(side->conn, side->argument);
    virStreamPtr stream = virStreamNew(side->conn, 0);
    int64_t start;

    need(volume && stream, side->argument);
    start = now_ns();
    func(volume, stream);
    need(virStreamFinish(stream) == 0, "end of stream");
    start = now_ns() - start;
    (void)virStreamFree(stream);
    (void)virStorageVolFree(volume);
    settle();
    return start;
}

static int64_t
upload_turn(const struct side *side)
{
    return stream_turn(side, upload);
}

static int64_t
download_turn(const struct side *side)
{
    return stream_turn(side, download);
}

/* ---- turns ----------------------------------------------------------------- */

static const struct way ways[] = {
    {"version", 0, WARM_UP_MANY, version_turn},
    {"define", 2, WARM_UP, define_turn},
    {"undefine", 2, WARM_UP, undefine_turn},
    {"upload", 2, WARM_UP, upload_turn},
    {"download", 2, WARM_UP, download_turn},
};

static const struct way *
find_way(const char *name)
{
    for (size_t i = 0; i < sizeof(ways) / sizeof(ways[0]); i++)
        if (strcmp(ways[i].name, name) == 0)
            return &ways[i];
    die(name, "no such way");
}

static long
number_from(const char *text, long max)
{
    char *end;
    long value = strtol(text, &end, 10);

    if (*end || value < 1 || value > max)
        die(text, "no number, or out of range");
    return value;
}

static void
read_arguments(const struct way *way, char **arguments)
{
    if (way->n_arguments == 0)
        return;
    proxied.argument = direct.argument = arguments[0];
    if (way->turn == upload_turn || way->turn == download_turn) {
        stream_size = (uint64_t)number_from(arguments[1], MIB_MAX) << 20;
        return;
    }
    direct.argument = arguments[1];
    read_xml(&proxied);
    read_xml(&direct);
}

static void
pair(const struct way *way, long number)
{
    bool swapped = number % 2;
    int64_t before = way->turn(swapped ? &direct : &proxied);
    int64_t after = way->turn(swapped ? &proxied : &direct);

    if (number >= way->warm_up)
        printf("%.1f %.1f\n", (double)(swapped ? after : before) / 1000,
               (double)(swapped ? before : after) / 1000);
}

int
main(int argc, char **argv)
{
    const struct way *way;
    long pairs;

    if (argc < 3)
        die("usage", "calls PAIRS WAY [ARGUMENT]...");
    pairs = number_from(argv[1], PAIRS_MAX);
    way = find_way(argv[2]);
    if (argc != 3 + way->n_arguments)
        die(argv[2], "other arguments");
    /* Its handler would print what need() says. */
    virSetErrorFunc(NULL, quiet);
    read_arguments(way, argv + 3);
    open_side(&proxied, "CALLS_PROXY");
    open_side(&direct, "CALLS_DIRECT");

    for (long i = 0; i < pairs + way->warm_up; i++)
        pair(way, i);
    (void)virConnectClose(proxied.conn);
    (void)virConnectClose(direct.conn);
    return EXIT_SUCCESS;
}
