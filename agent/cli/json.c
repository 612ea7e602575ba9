/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * agent/cli/json.c - JSON on standard output
 */
#include "config.h"

#include "agent/cli/json.h"

#include <glib.h>
#include <stdio.h>
#include <stdlib.h>

void
cmd_json_print(const json_t *root)
{
    char *text = json_dumps(root, JSON_INDENT(2));

    puts(text);
    free(text);
}

json_t *
cmd_json_text(const char *text)
{
    g_autofree char *valid = text ? g_utf8_make_valid(text, -1) : NULL;

    return valid ? json_string(valid) : json_null();
}

json_t *
cmd_json_texts(char *const *texts)
{
    json_t *list = json_array();

    for (; texts && *texts; texts++)
        json_array_append_new(list, cmd_json_text(*texts));
    return list;
}
