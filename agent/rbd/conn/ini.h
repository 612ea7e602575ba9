/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * agent/rbd/conn/ini.h - the form of ceph.conf and of keyrings, line by line
 *
 * Sections, 'key = value', comments from '#' or ';', lines that end in a
 * backslash go on. The text is parsed in place and nothing of it is copied, so
 * that whoever has secrets in it can wipe them with the one buffer.
 *
 *     StoreIni ini = {.rest = text};
 *
 *     while (store_ini_next(&ini))
 *         ... ini.section, ini.key, ini.value
 *
 * Threads: any. Pure.
 */
#ifndef REMORA_AGENT_RBD_CONN_INI_H
#define REMORA_AGENT_RBD_CONN_INI_H

#include <stdbool.h>

typedef struct {
    char *rest;          /* what is still to be read */
    const char *section; /* without brackets; NULL: none yet, or none at all */
    const char *key;     /* its words with one '_' between them */
    const char *value;   /* without quotes around it */
} StoreIni;

/* The next key; false: there is none. */
bool store_ini_next(StoreIni *ini);

#endif
