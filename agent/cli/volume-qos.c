/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * agent/cli/volume-qos.c - remora volume qos: how fast a volume may be
 */
#include "config.h"

#include "agent/cli/progress.h"
#include "agent/cli/volume.h"
#include "conf/conf-units.h"

#include <stdio.h>
#include <string.h>

#define COMMAND "volume qos"

static gboolean as_json;

static const GOptionEntry options[] = {
    CMD_IMAGE_CLUSTER,
    {"json", 'j', 0, G_OPTION_ARG_NONE, &as_json, "Print JSON", NULL},
    {NULL, 0, 0, 0, NULL, NULL, NULL},
};

/* NULL: text, KEY=VALUE, is in qos; else what is wrong. */
static const char *
read_change(const char *text, StoreQos *qos)
{
    const char *equals = strchr(text, '=');
    g_autofree char *name =
        equals ? g_strndup(text, (gsize)(equals - text)) : NULL;
    guint key = name ? store_qos_find(name) : STORE_QOS_KEYS;

    if (key == STORE_QOS_KEYS)
        return "a change is KEY=VALUE, with a key that it has: see remora(1)";
    if (g_ascii_string_to_unsigned(equals + 1, 10, 0, G_MAXINT64,
                                   &qos->values[key], NULL))
        return NULL;
    return store_qos_is_bytes(key) &&
                   conf_size_parse(equals + 1, &qos->values[key])
               ? NULL
               : "a value is a number, or of bytes one with a unit, as in "
                 "'10 MiB'";
}

static void
print(const StoreQos *qos)
{
    const char *comma = "";

    if (as_json)
        putchar('{');
    for (guint key = 0; key < STORE_QOS_KEYS; key++) {
        if (as_json)
            printf("%s\"%s\": %" G_GUINT64_FORMAT, comma, store_qos_name(key),
                   qos->values[key]);
        else if (qos->values[key])
            printf("%-25s %" G_GUINT64_FORMAT "\n", store_qos_name(key),
                   qos->values[key]);
        comma = ", ";
    }
    if (as_json)
        puts("}");
}

static int
change(const CmdVolume *volume, char *const *changes)
{
    g_autoptr(GError) error = NULL;
    StoreQos qos = {0};

    if (!store_volume_qos(volume->store, volume->pool, volume->name, &qos,
                          &error))
        return cmd_image_fail(NULL, error);
    for (gsize i = 0; changes[i]; i++)
        (void)read_change(changes[i], &qos);
    if (changes[0] && !store_volume_qos_set(volume->store, volume->pool,
                                            volume->name, &qos, &error))
        return cmd_image_fail(NULL, error);
    print(&qos);
    return 0;
}

static int
run(const CmdGlobals *globals, char **rest)
{
    g_auto(CmdVolume) volume = {0};
    CmdProgress progress;
    StoreQos unused = {0};
    int status;

    if (!rest[0])
        return cmd_usage(COMMAND, "a volume is needed");
    for (gsize i = 1; rest[i]; i++) {
        const char *wrong = read_change(rest[i], &unused);

        if (wrong)
            return cmd_usage(COMMAND, wrong);
    }
    status = cmd_volume_find(globals, COMMAND, rest[0], &volume);
    if (status)
        return status;
    cmd_progress_begin(&progress);
    return change(&volume, rest + 1);
}

const CmdVerb cmd_volume_qos = {
    .name = COMMAND,
    .arguments = "VOLUME [KEY=VALUE...]",
    .summary = "Shows or sets how much a volume's clients may do",
    .options = options,
    .run = run,
};
