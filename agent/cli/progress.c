/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * agent/cli/progress.c - how far a long piece of work is, on standard error
 */
#include "config.h"

#include "agent/cli/progress.h"

#include "agent/cli/cmd.h"

#include <signal.h>
#include <stdio.h>
#include <unistd.h>

#define BAR_WIDTH 30
#define BAR_US    (G_USEC_PER_SEC / 10)
#define LINE_US   (10 * G_USEC_PER_SEC)
/* A rate from less says nothing. */
#define RATE_US (G_USEC_PER_SEC)

static volatile sig_atomic_t interrupted;

static void
on_interrupt(int number)
{
    (void)number;
    interrupted = 1;
}

void
cmd_progress_begin(CmdProgress *progress)
{
    static const int numbers[] = {SIGINT, SIGTERM, SIGHUP};
    struct sigaction action = {.sa_handler = on_interrupt};

    struct sigaction before;

    for (gsize i = 0; i < G_N_ELEMENTS(numbers); i++)
        /* Started by nohup it goes on. */
        if (numbers[i] != SIGHUP || sigaction(SIGHUP, NULL, &before) != 0 ||
            before.sa_handler != SIG_IGN)
            (void)sigaction(numbers[i], &action, NULL);
    progress->terminal = isatty(STDERR_FILENO) == 1;
    progress->drawn = false;
    progress->since_us = progress->shown_us = g_get_monotonic_time();
}

bool
cmd_progress_interrupted(void)
{
    return interrupted != 0;
}

static void
append_left(GString *text, guint64 seconds)
{
    if (seconds >= 3600)
        g_string_append_printf(text, ", %u h %02u min left",
                               (guint)(seconds / 3600),
                               (guint)(seconds / 60 % 60));
    else if (seconds >= 60)
        g_string_append_printf(text, ", %u min %02u s left",
                               (guint)(seconds / 60), (guint)(seconds % 60));
    else
        g_string_append_printf(text, ", %u s left", (guint)seconds);
}

char *
cmd_progress_text(guint64 done, guint64 total, gint64 elapsed_us)
{
    GString *text = g_string_new(NULL);
    g_autofree char *now = cmd_size(done);
    double rate =
        elapsed_us > 0 ? (double)done * G_USEC_PER_SEC / (double)elapsed_us : 0;
    g_autofree char *speed = cmd_size((guint64)rate);

    g_string_append(text, now);
    if (total > 0) {
        g_autofree char *all = cmd_size(total);

        g_string_append_printf(text, " of %s (%u %%)", all,
                               (guint)((double)done * 100 / (double)total));
    }
    if (elapsed_us >= RATE_US) {
        g_string_append_printf(text, ", %s/s", speed);
        if (total > done && rate >= 1)
            append_left(text, (guint64)((double)(total - done) / rate) + 1);
    }
    return g_string_free(text, FALSE);
}

static void
draw(guint64 done, guint64 total, const char *text)
{
    int filled =
        total ? (int)((double)done * BAR_WIDTH / (double)total) : BAR_WIDTH;

    if (total)
        fprintf(stderr, "\r[%.*s%*s] ", filled,
                "##############################", BAR_WIDTH - filled, "");
    else
        fputc('\r', stderr);
    fprintf(stderr, "%s\033[K", text);
}

gboolean
cmd_progress_show(guint64 done, guint64 total, gpointer data)
{
    CmdProgress *progress = data;
    gint64 now = g_get_monotonic_time();
    gint64 pause = progress->terminal ? BAR_US : LINE_US;
    bool last = progress->terminal && done == total;

    if (!last && now - progress->shown_us < pause)
        return !interrupted;
    g_autofree char *text =
        cmd_progress_text(done, total, now - progress->since_us);
    progress->shown_us = now;
    progress->drawn = progress->terminal;
    if (progress->terminal)
        draw(done, total, text);
    else
        fprintf(stderr, "remora: %s\n", text);
    return !interrupted;
}

void
cmd_progress_end(CmdProgress *progress)
{
    if (progress->drawn)
        fputc('\n', stderr);
}
