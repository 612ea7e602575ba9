/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * agent/rbd/conn/ini.c - the form of ceph.conf and of keyrings, line by line
 */
#include "config.h"

#include "agent/rbd/conn/ini.h"

#include <glib.h>
#include <string.h>

static char *
cut_line(char **rest)
{
    char *line = *rest;
    char *end = line;

    while (*end && *end != '\n') {
        if (end[0] == '\\' && end[1] == '\n') {
            end[0] = ' ';
            end[1] = ' ';
        }
        end++;
    }
    *rest = *end ? end + 1 : end;
    *end = '\0';
    return line;
}

/* Quotes protect what a comment begins with: caps hold anything. */
static char *
cut_comment(char *line)
{
    char quote = '\0';

    for (char *at = line; *at; at++) {
        if (quote) {
            quote = *at == quote ? '\0' : quote;
        } else if (*at == '"' || *at == '\'') {
            quote = *at;
        } else if (*at == '#' || *at == ';') {
            *at = '\0';
            break;
        }
    }
    return g_strstrip(line);
}

/* NULL: it does not end. */
static const char *
section_of(char *line)
{
    gsize len = strlen(line);

    if (line[len - 1] != ']')
        return NULL;
    line[len - 1] = '\0';
    return g_strstrip(line + 1);
}

/* 'mon addr' and 'mon_addr' are one. */
static const char *
key_of(char *text)
{
    char *to = g_strstrip(text);

    text = to;
    for (const char *from = text; *from; from++)
        if (!g_ascii_isspace(*from))
            *to++ = *from;
        else if (to[-1] != '_')
            *to++ = '_';
    *to = '\0';
    return text;
}

static const char *
value_of(char *text)
{
    gsize len = strlen(g_strstrip(text));

    if (len >= 2 && (text[0] == '"' || text[0] == '\'') &&
        text[len - 1] == text[0]) {
        text[len - 1] = '\0';
        text++;
    }
    return text;
}

bool
store_ini_next(StoreIni *ini)
{
    while (*ini->rest) {
        char *line = cut_comment(cut_line(&ini->rest));
        char *equals = strchr(line, '=');

        if (*line == '[') {
            ini->section = section_of(line);
        } else if (equals) {
            *equals = '\0';
            ini->key = key_of(line);
            ini->value = value_of(equals + 1);
            return true;
        }
    }
    return false;
}
