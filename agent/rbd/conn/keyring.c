/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * agent/rbd/conn/keyring.c - one user's key out of a keyring's text
 *
 * The format is that of ceph.conf: sections, 'key = value', comments from '#'
 * or ';', lines that end in a backslash go on. The text is parsed in place
 * and nothing of it is copied but the key, so that the caller can wipe all
 * other users' secrets with the one buffer.
 */
#include "config.h"

#include "agent/rbd/conn/keyring.h"

#include <glib.h>
#include <string.h>

/* What a key is, in base64: type (16 bits), time (64 bits), length (16 bits),
 * secret; little endian. */
#define KEY_HEAD 12u

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

static bool
is_section_of(char *line, const char *user)
{
    gsize len = strlen(line);

    if (line[len - 1] != ']')
        return false;
    line[len - 1] = '\0';
    line = g_strstrip(line + 1);
    return g_str_has_prefix(line, "client.") &&
           strcmp(line + strlen("client."), user) == 0;
}

/* The value of a line 'key = value', or NULL. */
static const char *
key_value(char *line)
{
    char *equals = strchr(line, '=');
    gsize len;

    if (!equals)
        return NULL;
    *equals = '\0';
    if (strcmp(g_strstrip(line), "key") != 0)
        return NULL;
    line = g_strstrip(equals + 1);
    len = strlen(line);
    if (len >= 2 && (line[0] == '"' || line[0] == '\'') &&
        line[len - 1] == line[0]) {
        line[len - 1] = '\0';
        line++;
    }
    return line;
}

bool
store_key_is_valid(const char *key)
{
    gsize len = 0;
    g_autofree guint8 *raw = g_base64_decode(key, &len);
    g_autofree char *again = g_base64_encode(raw, len);
    bool valid = strcmp(again, key) == 0 && len > KEY_HEAD &&
                 len == KEY_HEAD + raw[10] + ((gsize)raw[11] << 8);

    explicit_bzero(raw, len);
    explicit_bzero(again, strlen(again));
    return valid;
}

const char *
store_keyring_find(char *text, const char *user)
{
    const char *found = NULL;
    bool ours = false;

    while (*text) {
        char *line = cut_comment(cut_line(&text));
        const char *value;

        if (*line == '[') {
            ours = is_section_of(line, user);
            continue;
        }
        value = ours ? key_value(line) : NULL;
        if (value)
            found = value;
    }
    return found;
}
