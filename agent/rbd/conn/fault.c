/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * agent/rbd/conn/fault.c - what happens at a fault point
 *
 * Only compiled for --enable-faults; conn/fault.h says what there is.
 */
#include "config.h"

#include "agent/rbd/conn/fault.h"

#include <glib.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define FAULTS_MAX   16u
#define HOLD_LOOK_US 20000

typedef enum {
    ACTION_KILL,
    ACTION_HOLD,
    ACTION_DELAY,
    ACTION_ERROR,
    ACTION_TIMER,
} Action;

typedef struct {
    char *point;
    Action action;
    gulong number;
    int nth; /* 0: each time */
    gint passed;
} Fault;

static Fault faults[FAULTS_MAX];
static gsize n_faults;

static const char *const points[] = {
    "parent-found",
    "looked",
    "claim-noted",
    "claim-created",
    "taken-over",
    "arriving",
    "fenced",
    "trashed",
    "removed",
    "adopted",
    "trash-noted",
    "reclaiming",
    "cloning",
    "grown",
    "marked",
    "clone-returned",
    "enlarged",
    "creating",
    "created",
    "building-marked",
    "filled",
    "handing",
    "handed",
    "answering",
    "answer-sent",
    "no-claims",
    "claim-dropping",
    "claim-dropped",
    "image-created",
    "image-marked",
    "image-filled",
    "image-snapped",
    "image-protected",
    "image-unprotected",
    "image-unsnapped",
    "capture-frozen",
    "capture-snapped",
    "capture-cloned",
    "capture-flattened",
    "capture-unsnapped",
    "clone-listed",
    "clone-named",
    "clone-headed",
    "filling",
    "sealing",
    "sealed",
    "flatten-progress",
    "map-noted",
    "map-off",
    "map-on",
    "map-rebuilt",
    "purge-queueing",
    "purge-queued",
    "purging",
    "purge-progress",
    "purged",
    NULL,
};

static const char *const volume_points[] = {
    "volume-created",     "volume-cloned",
    "volume-grown",       "volume-flattening",
    "volume-flattened",   "volume-renaming",
    "volume-renamed",     "volume-qos",
    "volume-sparsifying", "volume-moving",
    "volume-moved",       "volume-sealed",
    "volume-snapped",     "volume-protected",
    "volume-unprotected", "volume-unsnapped",
    "volume-resizing",    "volume-resized",
    "volume-rolling",     "volume-rolled",
    "group-snapping",     "group-snapped",
    "group-protected",    "volume-marked",
    "volume-encrypted",   "volume-fitted",
    "volume-exporting",   NULL,
};

static const struct {
    const char *word;
    Action action;
} actions[] = {
    {"kill", ACTION_KILL},    {"hold", ACTION_HOLD},
    {"delay:", ACTION_DELAY}, {"error:", ACTION_ERROR},
    {"timer:", ACTION_TIMER},
};

static void
make_no_sense(const char *text)
{
    fprintf(stderr, "REMORA_FAULT: '%s' is no POINT=ACTION[@N]\n", text);
    _exit(2);
}

/* All of text is a decimal number. */
static bool
read_number(const char *text, gulong *ret_number)
{
    guint64 number;

    if (!g_ascii_string_to_unsigned(text, 10, 0, 1000000000, &number, NULL))
        return false;
    *ret_number = (gulong)number;
    return true;
}

static bool
read_action(const char *text, Fault *fault)
{
    for (gsize i = 0; i < G_N_ELEMENTS(actions); i++) {
        const char *word = actions[i].word;

        if (!g_str_has_prefix(text, word))
            continue;
        fault->action = actions[i].action;
        if (fault->action == ACTION_KILL || fault->action == ACTION_HOLD)
            return strcmp(text, word) == 0;
        return read_number(text + strlen(word), &fault->number);
    }
    return false;
}

static bool
is_point(const char *word)
{
    return g_strv_contains(points, word) ||
           g_strv_contains(volume_points, word);
}

static bool
read_fault(const char *text, Fault *fault)
{
    g_auto(GStrv) words = g_strsplit(text, "=", 2);
    gulong nth = 0;
    char *at;

    if (g_strv_length(words) != 2 || !is_point(words[0]))
        return false;
    at = strchr(words[1], '@');
    if (at) {
        *at = '\0';
        if (!read_number(at + 1, &nth) || nth == 0)
            return false;
    }
    fault->nth = (int)nth;
    fault->point = g_strdup(words[0]);
    return read_action(words[1], fault);
}

static gpointer
read_faults(gpointer unused)
{
    g_auto(GStrv) texts = g_strsplit(g_getenv("REMORA_FAULT"), ",", -1);

    (void)unused;
    for (gsize i = 0; texts[i]; i++) {
        if (i == FAULTS_MAX || !read_fault(texts[i], &faults[i]))
            make_no_sense(texts[i]);
        n_faults = i + 1;
    }
    return NULL;
}

static void
die(void)
{
    (void)kill(getpid(), SIGKILL);
    for (;;)
        (void)pause();
}

static void
hold(void)
{
    const char *file = g_getenv("REMORA_FAULT_HOLD");

    while (file && g_file_test(file, G_FILE_TEST_EXISTS))
        g_usleep(HOLD_LOOK_US);
}

static gpointer
die_later(gpointer data)
{
    const Fault *fault = data;

    g_usleep(fault->number);
    die();
    return NULL;
}

static int
act(Fault *fault)
{
    if (fault->nth && g_atomic_int_add(&fault->passed, 1) + 1 != fault->nth)
        return 0;
    fprintf(stderr, "REMORA_FAULT: at %s\n", fault->point);
    switch (fault->action) {
    case ACTION_KILL:
        die();
        break;
    case ACTION_HOLD:
        hold();
        break;
    case ACTION_DELAY:
        g_usleep(fault->number * 1000);
        break;
    case ACTION_TIMER:
        g_thread_unref(g_thread_new("die-later", die_later, fault));
        break;
    case ACTION_ERROR:
        return -(int)fault->number;
    }
    return 0;
}

int
store_fault(const char *point)
{
    static GOnce once = G_ONCE_INIT;
    int r = 0;

    if (!g_getenv("REMORA_FAULT"))
        return 0;
    (void)g_once(&once, read_faults, NULL);
    for (gsize i = 0; i < n_faults && r == 0; i++)
        if (strcmp(faults[i].point, point) == 0)
            r = act(&faults[i]);
    return r;
}
