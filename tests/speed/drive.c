/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * tests/speed/drive.c - two ways to do a thing, timed in turns
 *
 *     drive PAIRS THREADS EACH A B
 *
 * Each line of stdout is one pair: the microseconds that A took and those
 * that B took, right after each other, every second pair in the other order,
 * so that what else the machine does meets both. THREADS threads do the thing
 * EACH times. Some pairs come before the first that is counted. The ways:
 *
 *     hook     hook 'prepare' for a disk that is not there yet
 *     before   the same, of another remora that is installed beside it
 *     alone    the same as hook while nobody listens: remorad --one-shot
 *     bare     bare.c's clone of one
 *     cloned   the same, as rbd_clone3() leaves it
 *     command  rbd clone and rbd resize
 *     prepare  hook 'prepare' for a disk that is ready
 *     again    the same while nobody listens
 *     start    hook 'prepare', 'start' and 'started' for it
 *     look     bare.c's look at it
 *     other    hook 'prepare', 'start' and 'started' for another's domain
 *     round    these, 'stopped' and 'release' for another's domain
 *     true3    /bin/true, three times
 *     true5    /bin/true, five times
 *
 * A hook's time is from before its spawn to after its exit. What a turn
 * leaves behind is taken away outside of the timed part, and the next turn begins
 * when nobody asks the OSD for anything any more: what the agent does for one
 * turn's claims is no part of another. With DRIVE_COUNTS a turn is not timed, but
 * the operations are counted that it asks the OSD for, until that rest.
 *
 * Reads: DRIVE_HOOK      the program
 *        DRIVE_SOCKET    the agent's, which is out of the way while nobody is
 *                        to listen
 *        DRIVE_OURS      domain XML with NO_ID for its name and UUID
 *        DRIVE_BEFORE_HOOK and DRIVE_BEFORE_OURS, the same for 'before'
 *        DRIVE_OTHERS    domain XML that asks for nothing
 *        DRIVE_BARE      bare with its arguments, for a shell
 *        DRIVE_PARENT    POOL/IMAGE@SNAP, and
 *        DRIVE_MIB       the disk's size, for 'command'
 *        DRIVE_ASOK      the OSD's admin socket
 *        DRIVE_COUNTS    'yes': operations instead of microseconds
 *        DRIVE_BARE_THREADS   bare's threads, if not as many as ours
 */
#include "config.h"

#include "tests/speed/asok.h"
#include "tests/speed/spawn.h"

#include <errno.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define NO_ID       "00000000-0000-4000-8000-000000000000"
#define ID_SIZE     sizeof(NO_ID)
#define XML_MAX     32768
#define DISKS_MAX   512
#define THREADS_MAX 256
#define WARM_UP     3
/* Who has asked the OSD for nothing for so long is at rest, but for what comes
 * every few seconds: the agent looks at once at what the hook told it. */
#define REST_US    40000
#define REST_TIMES 500

struct disk {
    char id[ID_SIZE];
    char name[ID_SIZE + 8]; /* of the image in pool vms */
    char xml[XML_MAX];
};

enum whose { FRESH, READY, OTHERS };

struct way {
    const char *name;
    enum whose whose;
    /* Timed: for each disk, in the threads, or for all of them at once. */
    void (*one)(const struct way *way, const struct disk *disk);
    void (*all)(void);
    int runs;    /* of the hook, in the order of a domain's life, or of true */
    bool holds;  /* has a claim afterwards */
    bool alone;  /* without the agent */
    bool before; /* by the other remora */
};

static struct disk disks[DISKS_MAX];
static struct disk ready;
static struct disk others;
static FILE *bare;
static int n_threads;
static int n_each;

/* One turn's. */
static const struct way *way_now;
static const struct disk *first;
static int n_disks;

static int64_t
now_us(void)
{
    struct timespec now;

    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

/* ---- disks ----------------------------------------------------------------- */

static void
read_text(const char *path, char *text, size_t size)
{
    FILE *file = fopen(path, "re");
    size_t len;

    if (!file)
        spawn_die("cannot read '%s': %s", path, strerror(errno));
    len = fread(text, 1, size, file);
    if (len == size)
        spawn_die("'%s' is longer than %zu bytes", path, size - 1);
    text[len] = '\0';
    (void)fclose(file);
}

/* The variable name, or before for a way of the other remora. */
static const char *
setting_of(const char *name, const char *before)
{
    return spawn_setting(way_now && way_now->before ? before : name);
}

static void
new_disk(struct disk *disk)
{
    char line[ID_SIZE + 8];

    read_text("/proc/sys/kernel/random/uuid", line, sizeof(line));
    (void)snprintf(disk->id, sizeof(disk->id), "%.36s", line);
    (void)snprintf(disk->name, sizeof(disk->name), "%s_disk", disk->id);
    read_text(setting_of("DRIVE_OURS", "DRIVE_BEFORE_OURS"), disk->xml,
              sizeof(disk->xml));
    for (char *at = disk->xml; (at = strstr(at, NO_ID)) != NULL;)
        memcpy(at, disk->id, ID_SIZE - 1);
}

/* The command, for this turn's disks. */
static void
tell_bare(const char *command, bool threads)
{
    const char *number = getenv("DRIVE_BARE_THREADS");

    fputs(command, bare);
    if (threads)
        fprintf(bare, " %d", number ? atoi(number) : n_threads);
    for (int i = 0; i < n_disks; i++)
        fprintf(bare, " %s", first[i].name);
    spawn_bare_go();
}

/* ---- the ways -------------------------------------------------------------- */

static void
run_hook(const struct disk *disk, const char *operation, const char *part)
{
    const char *const args[] = {setting_of("DRIVE_HOOK", "DRIVE_BEFORE_HOOK"),
                                disk->id,
                                operation,
                                part,
                                "-",
                                NULL};

    spawn_run(args, disk->xml);
}

static void
hook_one(const struct way *way, const struct disk *disk)
{
    static const char *const life[][2] = {
        {"prepare", "begin"}, {"start", "begin"}, {"started", "begin"},
        {"stopped", "end"},   {"release", "end"},
    };

    for (int i = 0; i < way->runs; i++)
        run_hook(disk, life[i][0], life[i][1]);
}

static void
true_one(const struct way *way, const struct disk *disk)
{
    const char *const args[] = {"/bin/true", NULL};

    for (int i = 0; i < way->runs; i++)
        spawn_run(args, disk->xml);
}

static void
command_one(const struct way *way, const struct disk *disk)
{
    char image[sizeof(disk->name) + 8];
    const char *const clone[] = {"/usr/bin/rbd",
                                 "clone",
                                 "--id=remora",
                                 "--rbd-default-clone-format=2",
                                 spawn_setting("DRIVE_PARENT"),
                                 image,
                                 NULL};
    const char *const resize[] = {"/usr/bin/rbd", "resize",
                                  "--id=remora",  "--no-progress",
                                  "--size",       spawn_setting("DRIVE_MIB"),
                                  image,          NULL};

    (void)way;
    (void)snprintf(image, sizeof(image), "vms/%s", disk->name);
    spawn_run(clone, "");
    spawn_run(resize, "");
}

static void
bare_all(void)
{
    tell_bare("clone", true);
}

static void
cloned_all(void)
{
    tell_bare("cloned", true);
}

static void
look_all(void)
{
    tell_bare("look", false);
}

static const struct way ways[] = {
    {.name = "hook", .one = hook_one, .runs = 1, .holds = true},
    {.name = "before",
     .one = hook_one,
     .runs = 1,
     .holds = true,
     .before = true},
    {.name = "alone", .one = hook_one, .runs = 1, .holds = true, .alone = true},
    {.name = "bare", .all = bare_all},
    {.name = "cloned", .all = cloned_all},
    {.name = "command", .one = command_one},
    {.name = "prepare",
     .whose = READY,
     .one = hook_one,
     .runs = 1,
     .holds = true},
    {.name = "again",
     .whose = READY,
     .one = hook_one,
     .runs = 1,
     .holds = true,
     .alone = true},
    {.name = "start", .whose = READY, .one = hook_one, .runs = 3},
    {.name = "look", .whose = READY, .all = look_all},
    {.name = "other", .whose = OTHERS, .one = hook_one, .runs = 3},
    {.name = "round", .whose = OTHERS, .one = hook_one, .runs = 5},
    {.name = "true3", .whose = OTHERS, .one = true_one, .runs = 3},
    {.name = "true5", .whose = OTHERS, .one = true_one, .runs = 5},
};

static const struct way *
find_way(const char *name)
{
    for (size_t i = 0; i < sizeof(ways) / sizeof(ways[0]); i++)
        if (strcmp(ways[i].name, name) == 0)
            return &ways[i];
    spawn_die("there is no way '%s'", name);
}

/* ---- turns ----------------------------------------------------------------- */

static void
choose_disks(void)
{
    n_disks = way_now->whose == FRESH ? n_threads * n_each : 1;
    first = way_now->whose == FRESH   ? disks
            : way_now->whose == READY ? &ready
                                      : &others;
    for (int i = 0; way_now->whose == FRESH && i < n_disks; i++)
        new_disk(&disks[i]);
}

static void *
do_share(void *opaque)
{
    for (int i = *(const int *)opaque; i < n_disks; i += n_threads)
        way_now->one(way_now, &first[i]);
    return NULL;
}

static void
do_it(void)
{
    static int numbers[THREADS_MAX];
    pthread_t ids[THREADS_MAX];

    if (way_now->all) {
        way_now->all();
        return;
    }
    for (int i = 0; i < n_threads; i++)
        numbers[i] = i;
    for (int i = 1; i < n_threads; i++)
        if (pthread_create(&ids[i], NULL, do_share, &numbers[i]) != 0)
            spawn_die("cannot start a thread");
    (void)do_share(&numbers[0]);
    for (int i = 1; i < n_threads; i++)
        (void)pthread_join(ids[i], NULL);
}

/* What the hook finds then is what it finds when no agent runs; and the agent
 * still hears of what the turn leaves. */
static void
hide_agent(bool hide)
{
    const char *socket = spawn_setting("DRIVE_SOCKET");
    char hidden[256];

    (void)snprintf(hidden, sizeof(hidden), "%s.hidden", socket);
    if (rename(hide ? socket : hidden, hide ? hidden : socket) != 0)
        spawn_die("cannot rename '%s': %s", socket, strerror(errno));
}

static void
wait_for_rest(void)
{
    const char *asok = spawn_setting("DRIVE_ASOK");
    int64_t before = asok_operations(asok);

    for (int i = 0; i < REST_TIMES; i++) {
        int64_t now;

        (void)usleep(REST_US);
        now = asok_operations(asok);
        if (now == before)
            return;
        before = now;
    }
    spawn_die("the OSD does not come to rest");
}

static void
clean_up(void)
{
    for (int i = 0; way_now->holds && i < n_disks; i++)
        run_hook(&first[i], "release", "end");
    if (way_now->whose == FRESH)
        tell_bare("remove", true);
    wait_for_rest();
}

static int64_t
counted(void)
{
    const char *asok = spawn_setting("DRIVE_ASOK");
    int64_t before = asok_operations(asok);

    do_it();
    wait_for_rest();
    return asok_operations(asok) - before;
}

static int64_t
timed(void)
{
    int64_t start = now_us();

    do_it();
    return now_us() - start;
}

static int64_t
turn(const struct way *way)
{
    int64_t took;

    way_now = way;
    choose_disks();
    if (way->alone)
        hide_agent(true);
    took = getenv("DRIVE_COUNTS") ? counted() : timed();
    if (way->alone)
        hide_agent(false);
    clean_up();
    return took;
}

static void
pair(const struct way *a, const struct way *b, int number)
{
    bool swapped = number % 2;
    int64_t before = turn(swapped ? b : a);
    int64_t after = turn(swapped ? a : b);

    if (number >= WARM_UP)
        printf("%lld %lld\n", (long long)(swapped ? after : before),
               (long long)(swapped ? before : after));
}

static int
number_from(const char *text, int max)
{
    char *end;
    long value = strtol(text, &end, 10);

    if (*end || value < 1 || value > max)
        spawn_die("'%s' is not a number from 1 to %d", text, max);
    return (int)value;
}

int
main(int argc, char **argv)
{
    const struct way *a;
    const struct way *b;
    int pairs;

    if (argc != 6)
        spawn_die("usage: drive PAIRS THREADS EACH A B");
    pairs = number_from(argv[1], 100000);
    n_threads = number_from(argv[2], THREADS_MAX);
    n_each = number_from(argv[3], DISKS_MAX / n_threads);
    a = find_way(argv[4]);
    b = find_way(argv[5]);

    bare = spawn_bare(spawn_setting("DRIVE_BARE"));
    read_text(spawn_setting("DRIVE_OTHERS"), others.xml, sizeof(others.xml));
    (void)snprintf(others.id, sizeof(others.id), "others");
    new_disk(&ready);
    /* Neither is it made in the timed part, nor claimed by then. */
    run_hook(&ready, "prepare", "begin");
    run_hook(&ready, "release", "end");

    for (int i = 0; i < pairs + WARM_UP; i++)
        pair(a, b, i);
    first = &ready;
    n_disks = 1;
    tell_bare("remove", true);
    spawn_bare_end();
    return EXIT_SUCCESS;
}
